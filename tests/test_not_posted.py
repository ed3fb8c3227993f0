"""Whoever keeps the books is told, once, why a record is not posted; not of what the record itself says."""

import json

from bridge_of_parts import DELIVERED, Broker, Parts, bridge, partition
from campaigns import STRICT
from group_events import change
from virtual_time import run, turns

from bridge.core.post_outcome import Outcome


def statistics(group: str) -> str:
    return json.dumps({**json.loads(change(group, 0)), "kind": "statistics", "statistics": {"hit_ratio": 0.5}})


def nameless(group: str) -> str:
    return json.dumps({"kind": "change", "campaign_group_guid": group, "state": "Running", "action": "StartDialing"})


async def at_once() -> Outcome:
    return DELIVERED


def told(parts: Parts) -> list[tuple[int, str]]:
    assert {p for p, _, _ in parts.report.not_posted} <= {partition(0)}
    return [(offset, why) for _, offset, why in parts.report.not_posted]


def test_quarantined_and_too_old_records_are_told_and_what_is_posted_merged_or_a_tombstone_is_not() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        broker.write(0, value="no JSON")
        broker.write(0, "G1", age=100)
        broker.write(0, value=statistics("G1"))
        broker.write(0, value="")  # a tombstone
        broker.write(0, value=nameless("unheard of"))
        async with bridge(broker, 0, max_age=50, policy=STRICT) as parts:
            parts.poster.end = at_once
            parts.poll(10)
            await turns(50)
            assert sorted(told(parts)) == [(1, "bad_json"), (2, "too_old"), (5, "missing_field")]

    run(scenario())


def test_with_notifications_switched_off_each_change_is_told_as_disabled() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        broker.write(0, value=statistics("G1"))
        broker.write(0, "G2")
        async with bridge(broker, 0, enabled=False) as parts:
            parts.poll(10)
            await turns()
            assert sorted(told(parts)) == [(0, "disabled"), (2, "disabled")]

    run(scenario())


def test_a_quarantine_that_ends_after_the_partition_is_lost_is_the_next_owners_to_tell() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, value="no JSON")
        async with bridge(broker, 0) as parts:
            parts.quarantine.slow = True
            parts.poll(10)
            await turns()
            parts.ownership.lost(frozenset({partition(0)}))
            parts.quarantine.waiting.popleft()()
            assert told(parts) == []

    run(scenario())
