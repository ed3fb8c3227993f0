"""The outcome topic's writer on the embedded broker: nothing waits for it, and what is lost is counted."""

import asyncio
import gc
import json
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from loopback import wait_until

from bridge.connections import KafkaSettings
from bridge.core import fate
from bridge.core.fate import Author, Fate
from bridge.core.outcome import Invalid, InvalidEvent, Reason, Result, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Partition, Record
from bridge.core.schedule import Due
from bridge.demo.broker import API_VERSION, EmbeddedBroker
from bridge.edge import outcomes
from bridge.edge.audit import Audit
from bridge.edge.kafka_options import connection_options
from bridge.edge.metrics import Metrics
from bridge.edge.outcomes import Outcomes
from bridge.edge.report import Report

AUTHOR = Author("north", "pod-1", "1.2.3")
OK = Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.01, 204)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    made = EmbeddedBroker()
    yield made
    made.close()
    with warnings.catch_warnings():  # kafka-python leaves sockets of failed attempts to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def on(address: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=[address], properties={"api_version": API_VERSION})


def nowhere() -> KafkaSettings:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    return KafkaSettings(bootstrap_servers=[address], properties={"bootstrap_timeout_ms": 300})


def record(offset: int, key: bytes | None = b"k") -> Record:
    return Record(Partition("in", 1), offset, 1_772_355_600_000, key, b"{}")


def a_fate(offset: int = 0) -> Fate:
    return fate.posted(record(offset), "change", "G", "id", OK, time.time(), AUTHOR)


def read(broker: EmbeddedBroker, count: int) -> list[tuple[bytes | None, dict[str, Any]]]:
    """Key and value of `count` records of the topic `t`, whatever partition they are in."""
    consumer = KafkaConsumer(auto_offset_reset="earliest", **connection_options(on(broker.address)))
    consumer.assign([TopicPartition("t", number) for number in range(4)])
    found: list[Any] = []
    deadline = time.monotonic() + 10
    while len(found) < count and time.monotonic() < deadline:
        found += [one for batch in consumer.poll(200).values() for one in batch]
    consumer.close()
    return [(one.key, json.loads(one.value)) for one in found]


def close(writer: Outcomes, seconds: float = 5) -> None:
    asyncio.run(writer.close(seconds))


def test_what_the_report_is_told_is_written_with_the_groups_key_or_else_the_records_own(broker: EmbeddedBroker) -> None:
    writer = Outcomes(on(broker.address), "t")
    audit = Audit(writer, "north", lambda: "c", lambda: 1_772_355_601.0)
    report = Report("http://receiver/", Metrics(), time.monotonic, audit)
    report.sent(record(0), "change", "T/G", "c/in/1/0/1772355600000", OK, 1.0)
    report.sent(Due("T/G", 1_772_355_590_000, 1, 10_000), "periodic", "T/G", "c/T/G/1772355590000", OK, 1.0)
    report.skipped(record(1), "T/G", Skip.TOO_OLD)
    report.quarantined(record(2, b"raw"), InvalidEvent(Invalid.BAD_JSON, detail="x"))
    report.quarantined(record(3, None), InvalidEvent(Invalid.BAD_JSON, detail="x"))
    report.unknown(record(4, b"raw"))
    close(writer)
    found = sorted(
        (one["offset"] if one["offset"] is not None else 99, key, one["outcome"], one["event_id"])
        for key, one in read(broker, 6)
    )
    assert found == [
        (0, b"T/G", "delivered", "c/in/1/0/1772355600000"),
        (1, b"T/G", "skipped", "c/in/1/1/1772355600000"),
        (2, b"raw", "quarantined", "c/in/1/2/1772355600000"),
        (3, None, "quarantined", "c/in/1/3/1772355600000"),
        (4, b"raw", "unknown", "c/in/1/4/1772355600000"),
        (99, b"T/G", "delivered", "c/T/G/1772355590000"),
    ]
    assert (writer.written, writer.lost) == (6, 0)


def test_fates_of_a_campaign_group_keep_their_order_and_the_stop_writes_what_waits(broker: EmbeddedBroker) -> None:
    writer = Outcomes(on(broker.address), "t")
    for offset in range(2000):
        writer.write(b"G", a_fate(offset))
    close(writer)
    assert (writer.written, writer.lost) == (2000, 0)
    assert [one["offset"] for _, one in read(broker, 2000)] == list(range(2000))
    assert not [thread for thread in threading.enumerate() if thread.name == "outcomes"]


def test_more_than_may_be_on_their_way_are_lost_at_once_and_none_of_them_waits(broker: EmbeddedBroker) -> None:
    writer = Outcomes(on(broker.address), "t", most=5)
    writer.write(b"G", a_fate())
    wait_until(lambda: writer.written == 1, timeout=60, what="the topic is known")
    broker.close()
    begin = time.monotonic()
    for offset in range(1000):
        writer.write(b"G", a_fate(offset))
    assert time.monotonic() - begin < 1
    assert (writer.written, writer.lost) == (1, 995)
    begin = time.monotonic()
    close(writer, 0.5)
    assert time.monotonic() - begin < 4
    assert (writer.written, writer.lost) == (1, 1000)


def test_without_a_broker_fates_are_lost_until_it_is_looked_for_again(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Outcomes(nowhere(), "t", again=0.5)
    for _ in range(20):
        writer.write(b"G", a_fate())
    wait_until(lambda: writer.lost == 20, timeout=60, what="all are lost")
    monkeypatch.setattr(writer, "_kafka", on(broker.address))
    wait_until(lambda: _written_one(writer), timeout=60, what="it is found again")
    close(writer)


def _written_one(writer: Outcomes) -> bool:
    writer.write(b"G", a_fate())
    return writer.written > 0


def test_what_is_lost_is_told_once_in_a_while_with_its_number_and_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    writer = Outcomes(nowhere(), "t", again=100)
    writer.tick(1000.0)
    for _ in range(3):
        writer.write(b"G", a_fate())
    wait_until(lambda: writer.lost == 3, timeout=60, what="all are lost")
    writer.tick(1001.0)
    writer.write(b"G", a_fate())
    wait_until(lambda: writer.lost == 4, timeout=60, what="one more is lost")
    writer.tick(1002.0)
    first = told(capsys)
    writer.tick(1001.0 + outcomes.TOLD)
    second = told(capsys)
    writer.tick(1001.0 + 3 * outcomes.TOLD)
    close(writer)
    assert [line["count"] for line in first + second + told(capsys)] == [3, 1]
    assert [len(first), len(second)] == [1, 1]
    assert "no connection to Kafka" in first[0]["reason"]
    assert first[0]["setting"] == "delivery.outcome_topic"


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines about lost outcomes since the last time."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines() if "outcomes_lost" in line]
