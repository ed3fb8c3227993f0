"""Golden events of every preset, written by one foreign program and received as notifications by another."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from golden.cases import TIMESTAMP_MS, Step, by_lines, cases, steps
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic
from support.foreign_clients import Librdkafka
from support.foreign_receivers import ForeignReceiver

from bridge.profiles import preset_names

CASES_OF_A_PROFILE = 2
Case = tuple[str, Path]


def chosen() -> list[Case]:
    """Of each profile the cases that tell most, the longest first."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for profile, case in cases():
        notified = 0 if by_lines(case) else sum(step.notified for step in steps(case))
        if notified and all(step.record.value is not None for step in steps(case)):
            found.setdefault(profile, []).append((-notified, case))
    return [(profile, case) for profile, those in found.items() for _, case in sorted(those)[:CASES_OF_A_PROFILE]]


def rounds(left: list[Case]) -> Iterable[list[Case]]:
    """Cases whose campaign groups differ: what a bridge knows of a group shows in the group's next notification."""
    while left:
        this: dict[str, Case] = {}
        for profile, case in left:
            group = next(str(s.expected["GSW_CAMPAIGN_GROUP_GUID"]) for s in steps(case) if s.notified)
            this.setdefault(group, (profile, case))
        yield list(this.values())
        left = [case for case in left if case not in this.values()]


def write(broker: KafkaBroker, topic: str, case: Path) -> None:
    for step in steps(case):
        assert step.record.value is not None
        headers = {name: value.decode() for name, value in step.record.headers}
        Librdkafka().produce(
            broker.bootstrap, topic, [(step.record.key, step.record.value)], partition=0, headers=headers
        )


def assert_same(found: dict[str, Any], step: Step) -> None:
    """Field by field and in order; an event without a time has its record's, which is that of this test."""
    expected = dict(step.expected)
    if expected["GSW_DATE_TIME"] == f"{TIMESTAMP_MS / 1000:.3f}":
        assert abs(float(found["GSW_DATE_TIME"]) - time.time()) < 120
        expected["GSW_DATE_TIME"] = found["GSW_DATE_TIME"]
    assert json.dumps(found, indent=1) == json.dumps(expected, indent=1)


def play(broker: KafkaBroker, receiver: ForeignReceiver, folder: Path, these: list[Case], before: int) -> int:
    """Write and compare the cases, each on its topic; how many notifications came."""
    topics = {make_topic(broker.bootstrap, fresh_name("preset"), partitions=1): case for case in these}
    expected = {topic: [s for s in steps(case) if s.notified] for topic, (_, case) in topics.items()}
    for topic, (_, case) in topics.items():
        write(broker, topic, case)
    settings = {
        "kafka": {"bootstrap_servers": broker.bootstrap, "topics": list(topics), "group_id": fresh_name("group")},
        "notifications": {"url": receiver.url},
        "mapping": {"profiles": {topic: profile for topic, (profile, _) in topics.items()}},
    }
    count = sum(map(len, expected.values()))
    with BridgeProcess(folder, settings) as bridge:
        receiver.wait_for(before + count, timeout=20)
        bridge.wait_metric("posts_sent_total", count)
        assert bridge.stop() == 0
    told = [request["body"] for request in receiver.requests()[before:]]
    for topic, notified in expected.items():
        groups = {step.expected["GSW_CAMPAIGN_GROUP_GUID"] for step in notified}
        bodies = [body for body in map(json.loads, told) if body["GSW_CAMPAIGN_GROUP_GUID"] in groups]
        assert len(bodies) == len(notified), topics[topic]
        for body, step in zip(bodies, notified, strict=True):
            assert_same(body, step)
    assert len(told) == count
    return count


@pytest.mark.long
def test_events_of_every_preset_arrive_as_the_notifications_of_the_golden_files(
    broker: KafkaBroker, foreign_receiver: ForeignReceiver, tmp_path: Path
) -> None:
    assert {profile for profile, _ in chosen()} >= set(preset_names())
    came = 0
    for number, these in enumerate(rounds(chosen())):
        came += play(broker, foreign_receiver, tmp_path / str(number), these, came)
    assert came > 2 * len(preset_names())
