"""Records that are no campaign group events, on a real broker: where they go, and that nothing waits for them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from edge import scripts
from edge.receivers import Receiver
from group_events import bodies, change, numbers
from kafka import KafkaProducer
from kafka_broker import KafkaBroker
from kafka_topics import committed, end_offsets, fresh_name, make_topic, read_all

#: reason -> (key, value) of a record that is refused for it.
INVALID = {
    "bad_json": (b"G1", b'{"kind": '),
    "bad_utf8": (b"G1", b'\xff{"kind": "change"}'),
    "not_an_object": (None, b"[1, 2]"),
    "unknown_word": (b"\x00\xff", change("G1", 1, state="Dancing").encode()),
    "missing_field": (b"", b'{"kind": "change", "state": "Running"}'),
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(scripts.answer(204)) as started:
        yield started


def settings_for(broker: KafkaBroker, receiver: Receiver, topic: str, quarantine: str | None) -> dict[str, Any]:
    return {
        "kafka": {"bootstrap_servers": broker.bootstrap, "topics": topic, "group_id": fresh_name("group")},
        "notifications": {"url": receiver.url},
        "mapping": {"quarantine_topic": quarantine},
    }


def write(broker: KafkaBroker, topic: str, records: list[tuple[bytes | None, bytes | None]]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for key, value in records:
        producer.send(topic, key=key, value=value, headers=[("origin", b"dialler\x00")])
    producer.close()


def assert_all_is_done(broker: KafkaBroker, settings: dict[str, Any]) -> None:
    kafka = settings["kafka"]
    done = {n: o.offset for n, o in committed(broker.bootstrap, kafka["group_id"], kafka["topics"]).items()}
    assert done == end_offsets(broker.bootstrap, kafka["topics"])


def test_invalid_records_go_to_the_quarantine_topic_as_they_were_with_headers_that_say_why(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=1)
    quarantine = make_topic(broker.bootstrap, fresh_name("quarantine"), partitions=1)
    good = (b"G1", change("G1", 7).encode())
    write(broker, topic, [*INVALID.values(), (b"G1", None), good])
    settings = settings_for(broker, receiver, topic, quarantine)

    with BridgeProcess(tmp_path, settings) as bridge:
        bridge.wait_metric("records_posted_total", 1)
        metrics = bridge.wait_metric("records_quarantined_total", len(INVALID))
        assert bridge.stop() == 0

    kept = read_all(broker.bootstrap, quarantine)
    assert [(r.key, r.value) for r in kept] == list(INVALID.values())
    for offset, (record, reason) in enumerate(zip(kept, INVALID, strict=True)):
        headers = dict(record.headers)
        assert record.headers[0] == ("origin", b"dialler\x00")
        assert headers["ocs-bridge-reason"].decode() == reason
        place = [headers[f"ocs-bridge-{name}"].decode() for name in ("topic", "partition", "offset")]
        assert place == [topic, "0", str(offset)]
        assert metrics("records_quarantined_total", reason=reason) == 1
    assert dict(kept[3].headers)["ocs-bridge-field"] == b"state"
    assert metrics("records_skipped_total", reason="tombstone") == 1
    assert numbers(bodies(receiver)) == {"G1": [7]}
    assert_all_is_done(broker, settings)


def test_without_a_quarantine_topic_the_log_says_where_invalid_records_are_and_never_what_is_in_them(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=1)
    write(broker, topic, [(b"G1", b'{"a secret": '), (b"G1", change("G1", 1).encode())])
    settings = settings_for(broker, receiver, topic, None)

    with BridgeProcess(tmp_path, settings) as bridge:
        metrics = bridge.wait_metric("records_posted_total", 1)
        assert bridge.stop() == 0

    told = bridge.told("record_invalid", reason="bad_json", topic=topic, partition=0, offset=0)
    assert len(told) == 1
    assert "secret" not in json.dumps(bridge.log)
    assert metrics("records_quarantined_total", reason="bad_json") == 1
    assert_all_is_done(broker, settings)


@pytest.mark.parametrize("value", [b"no JSON", None], ids=["invalid", "skipped"])
def test_a_thousand_records_in_a_row_that_make_no_notification_cost_nothing(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path, value: bytes | None
) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=1)
    write(broker, topic, [*[(b"G1", value)] * 1000, (b"G1", change("G1", 1).encode())])
    settings = settings_for(broker, receiver, topic, None)

    with BridgeProcess(tmp_path, settings) as bridge:
        metrics = bridge.wait_metric("records_posted_total", 1)
        assert bridge.stop() == 0

    assert metrics("records_quarantined_total") + metrics("records_skipped_total") == 1000
    assert not bridge.told("library", logger="asyncio")
    assert_all_is_done(broker, settings)


def test_a_quarantine_topic_that_is_missing_is_told_and_counted_and_holds_nothing_up(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=1)
    write(broker, topic, [*[(b"G1", b"no JSON")] * 50, (b"G1", change("G1", 1).encode())])
    settings = settings_for(broker, receiver, topic, "nowhere")

    with BridgeProcess(tmp_path, settings) as bridge:
        began = time.monotonic()
        metrics = bridge.wait_metric("quarantine_failures_total", 50, timeout=60)
        assert time.monotonic() - began < 15  # kafka-python looks 5 s for the topic, for each record
        assert bridge.metrics()("records_posted_total") == 1
        assert bridge.stop() == 0

    assert metrics("records_quarantined_total", reason="bad_json") == 50
    assert bridge.told("quarantine_failed", setting="mapping.quarantine_topic")
    assert [line["offset"] for line in bridge.told("record_invalid")] == list(range(50))
    assert_all_is_done(broker, settings)
