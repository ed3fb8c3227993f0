"""What happened to this event? Asked of a real broker, a bridge process and its outcome topic."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from bridge_process import BridgeProcess
from edge import scripts
from edge.receivers import Line, Receiver
from group_events import change
from kafka_broker import CLUSTER_ID, KafkaBroker
from kafka_topics import committed, fresh_name, make_topic, produce, read_all
from loopback import wait_until
from support import processes

from bridge.core.runs import read

Settings = dict[str, Any]


def explain(folder: Path, settings: Settings, offset: int, *options: str) -> subprocess.CompletedProcess[str]:
    """The command, for partition 0 of the settings' topic."""
    config = folder / "explain.yaml"
    config.write_text(yaml.safe_dump(settings))
    place = [settings["kafka"]["topics"], "0", str(offset)]
    command = [sys.executable, "-m", "bridge", "explain", "-c", str(config), *place, *options]
    return processes.run(command, capture_output=True, text=True, timeout=60, check=False)


def answered(folder: Path, settings: Settings, offset: int) -> str:
    done = explain(folder, settings, offset)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def refuse_group_b(line: Line) -> None:
    """503 for group B, nothing at all for group C, 204 for others."""
    while True:
        body = json.loads(line.request().body)
        group = body["GSW_CAMPAIGN_GROUP_GUID"]
        if group == "C":
            line.wait(60)
        line.send(scripts.http(503 if group == "B" else 204))


@pytest.fixture
def outcome_topic(broker: KafkaBroker) -> str:
    return make_topic(broker.bootstrap, fresh_name("outcomes"), partitions=5)


def with_outcomes(settings: Settings, topic: str, **delivery: object) -> Settings:
    """Every record in partition 0; a POST may take 40 s, so that one under way can be asked about."""
    settings["kafka"] |= {"session_timeout": 60, "max_poll_interval": 120}
    settings["http"] = {"timeout": 40}
    settings["delivery"] = {"outcome_topic": topic, "checkpoint_interval": 0.2, "drain_timeout": 45, **delivery}
    return settings


def commit_reaches(broker: KafkaBroker, settings: Settings, offset: int) -> bool:
    """And says that the record after that offset is done."""
    kafka = settings["kafka"]
    commit = committed(broker.bootstrap, kafka["group_id"], kafka["topics"]).get(0)
    return (
        commit is not None
        and commit.offset == offset
        and read(commit.metadata, offset)[0] == ((offset + 1, offset + 2),)
    )


def write(broker: KafkaBroker, settings: Settings, *records: tuple[str, str]) -> None:
    produce(broker.bootstrap, settings["kafka"]["topics"], records, partition=0)


@pytest.mark.long
def test_every_record_of_a_partition_can_be_explained(
    broker: KafkaBroker,
    settings_of: Callable[..., Settings],
    outcome_topic: str,
    tmp_path: Path,
) -> None:
    with Receiver(refuse_group_b) as receiver:
        settings = with_outcomes(settings_of(receiver.url, partitions=1), outcome_topic)
        statistics = change("A", 3, kind="statistics", statistics={"hit_ratio": 0.5})
        write(broker, settings, ("A", change("A", 0)), ("B", change("B", 1)), ("A", "no JSON"), ("A", statistics))
        write(broker, settings, ("C", change("C", 4)), ("A", change("A", 5)))
        with BridgeProcess(tmp_path / "bridge", settings) as bridge:
            wait_until(lambda: len(receiver.ids) >= 4, timeout=60, what="four POSTs, the third without an answer")
            bridge.wait_metric("outcomes_written_total", 4, timeout=60)
            bridge.wait(lambda: commit_reaches(broker, settings, 4), timeout=60, what="a checkpoint")
            hangs = answered(tmp_path, settings, 4)
            beyond = answered(tmp_path, settings, 5)
            scrape = bridge.metrics()
        delivered, refused = answered(tmp_path, settings, 0), answered(tmp_path, settings, 1)
        bad, merged = answered(tmp_path, settings, 2), answered(tmp_path, settings, 3)

    assert hangs.startswith(f"not done yet: consumer group {settings['kafka']['group_id']} has committed offset 4\n")
    assert "change of campaign group C\n" in hangs
    assert beyond.startswith("delivered 204 after ")
    assert "done out of order" in beyond
    assert delivered.startswith("delivered 204 after ")
    assert " ms by ocs-bridge on " in delivered
    assert f"event id  {CLUSTER_ID}/{settings['kafka']['topics']}/0/0/" in delivered
    assert refused.startswith("rejected 503 after ")
    assert bad.startswith("quarantined: bad_json: ")
    assert merged.startswith("merged: statistics")
    assert (scrape("outcomes_lost_total"), scrape("outcomes_written_total")) == (0, 4)
    assert "GSW" not in delivered + bad  # no payload


def test_the_outcome_topic_has_one_json_object_for_each_fate_keyed_by_the_campaign_group(
    broker: KafkaBroker,
    receiver: Receiver,
    settings_of: Callable[..., Settings],
    outcome_topic: str,
    tmp_path: Path,
) -> None:
    settings = with_outcomes(settings_of(receiver.url, partitions=1), outcome_topic)
    settings["kafka"]["client_id"] = "north"
    write(broker, settings, ("k", change("A", 0)), ("k2", "no JSON"))
    with BridgeProcess(tmp_path / "bridge", settings) as bridge:
        bridge.wait_metric("records_posted_total", 1)
        bridge.wait_metric("records_quarantined_total", 1)
        assert bridge.stop() == 0  # which writes what waits

    found = {record.key: json.loads(record.value) for record in read_all(broker.bootstrap, outcome_topic)}
    topic = settings["kafka"]["topics"]
    posted, bad = found[b"A"], found[b"k2"]
    assert posted["event_id"] == receiver.ids[0]
    assert posted["event_id"].startswith(f"{CLUSTER_ID}/{topic}/0/0/")
    place = ("topic", "partition", "offset", "slot")
    assert [posted[name] for name in place] == [topic, 0, 0, None]
    said = ("kind", "campaign_group", "outcome", "reason", "status")
    assert [posted[name] for name in said] == ["change", "A", "delivered", "2xx", 204]
    assert [bad[name] for name in said] == [None, None, "quarantined", "bad_json", None]
    assert 0 < posted["seconds"] < 40
    assert posted["bridge"]["client_id"] == "north"
    assert posted["time"].endswith("Z")
    assert posted.keys() == bad.keys()

    as_json = json.loads(explain(tmp_path, settings, 0, "--json").stdout)
    assert as_json["search"]["fates"] == [posted]
    assert (as_json["standing"], as_json["committed"]) == ("done", 2)
    assert as_json["mapped"]["campaign_group"] == "A"


def test_without_an_outcome_topic_the_commit_is_all_that_is_known(
    broker: KafkaBroker, receiver: Receiver, settings_of: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = settings_of(receiver.url, partitions=1)
    write(broker, settings, ("A", change("A", 0)), ("A", change("A", 1)))
    nothing = answered(tmp_path, settings, 1)
    with BridgeProcess(tmp_path / "bridge", settings) as bridge:
        bridge.wait_metric("records_posted_total", 2)
        assert bridge.stop() == 0
    done = answered(tmp_path, settings, 1)
    later = explain(tmp_path, settings, 2)

    assert nothing.startswith("not done yet: ")
    assert "has committed nothing of this partition" in nothing
    assert done.startswith("done, but no record of how: delivery.outcome_topic is not set\n")
    assert (later.returncode, later.stdout) == (1, "")
    assert "2 is not written yet" in later.stderr


def test_a_post_that_a_crash_left_open_in_at_most_once_is_explained_as_unknown(
    broker: KafkaBroker,
    settings_of: Callable[..., Settings],
    outcome_topic: str,
    tmp_path: Path,
) -> None:
    with Receiver(refuse_group_b) as receiver:
        settings = with_outcomes(settings_of(receiver.url, partitions=1), outcome_topic, mode="at_most_once")
        settings["kafka"]["session_timeout"] = 8
        settings["http"]["timeout"] = 4
        write(broker, settings, ("C", change("C", 0)))
        with BridgeProcess(tmp_path / "one", settings):
            wait_until(lambda: len(receiver.ids) == 1, timeout=60, what="the POST has begun")
        covered = answered(tmp_path, settings, 0)
        with BridgeProcess(tmp_path / "two", settings) as bridge:
            bridge.wait_metric("outcomes_written_total", 1, timeout=60)
            assert bridge.stop() == 0
        unknown = answered(tmp_path, settings, 0)

    assert covered.startswith("not done yet: its POST may have begun")
    assert unknown.startswith("unknown: a crash left open whether it was posted")
    assert len(receiver.ids) == 1


def test_an_outcome_topic_that_is_missing_is_told_and_counted_and_holds_nothing_up(
    broker: KafkaBroker, receiver: Receiver, settings_of: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = with_outcomes(settings_of(receiver.url, partitions=1), "no-such-topic")
    write(broker, settings, *[("A", change("A", n)) for n in range(50)])
    with BridgeProcess(tmp_path / "bridge", settings) as bridge:
        wait_until(lambda: len(receiver.ids) == 50, timeout=60, what="all posted")
        scrape = bridge.wait_metric("outcomes_lost_total", 50, timeout=60)
        bridge.wait_for_line("outcomes_lost", setting="delivery.outcome_topic")
        began = time.monotonic()
        assert bridge.stop() == 0
        assert time.monotonic() - began < 15
    said = answered(tmp_path, settings, 0)

    assert scrape("posts_sent_total") == 50
    assert len(bridge.told("outcomes_lost")) <= 3
    assert sum(line["count"] for line in bridge.told("outcomes_lost")) == 50
    assert said.startswith("done, but no record of how: there is no topic no-such-topic")
