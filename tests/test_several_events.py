"""Records that hold several events: each is posted once, in order per group, and the record is done when all of them are."""

import asyncio
import json
from typing import Any

import pytest
from bridge_of_parts import DELIVERED, Broker, Parts, bridge, partition
from virtual_time import run, turns

from bridge.core.outcome import Invalid, Return, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.profile import compile_profile

PROFILE = compile_profile(
    """
key: campaign_group_guid
each: groups
events:
  - {when: {left: null}, kind: change}
  - {kind: statistics}
fields:
  time: at
  campaign_group_guid: id
  state: state
  hit_ratio: left
""",
    "mine.yaml",
)


def write(broker: Broker, *items: Any) -> None:
    broker.write(0, value=json.dumps({"groups": list(items)}))


def on(name: str, state: object = 5) -> dict[str, object]:
    return {"id": name, "state": state}


async def at_once() -> Outcome:
    return DELIVERED


async def end(parts: Parts, group: str) -> None:
    parts.poster.out[group].set_result(DELIVERED)
    await turns()


def watermark(parts: Parts) -> int:
    return parts.ownership.intakes[partition(0)].ledger.watermark


def test_a_record_is_done_once_all_its_events_are_and_is_counted_once() -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, on("A"), on("B"), on("A", 4), {"id": "C", "left": 0.5})
        async with bridge(broker, 0, profile=PROFILE) as parts:
            parts.poll()
            await turns()
            assert sorted(parts.poster.out) == ["A", "B"]
            await end(parts, "A")
            await end(parts, "B")
            assert (watermark(parts), sorted(parts.poster.out)) == (0, ["A"])
            await end(parts, "A")
            assert (watermark(parts), parts.pipeline.tally.posted, parts.pipeline.tally.absorbed) == (1, 1, 0)
            group = parts.pipeline.table.get("A")
            assert group is not None
            assert (group.state, parts.ids) == (4, [f"c/events/0/0/1772355600000/{n}" for n in (0, 1, 2)])

    run(scenario())


def test_the_second_event_of_a_group_in_a_record_follows_the_first() -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, on("A"), on("A", 4), on("A", 0))
        async with bridge(broker, 0, profile=PROFILE) as parts:
            parts.poster.end = at_once
            parts.poll()
            await turns()
            assert [body["GSW_CAMPAIGN_GROUP_ACTION"] for body in parts.bodies] == [9, 10, 8]
            assert parts.pipeline.table.late == 0

    run(scenario())


@pytest.mark.parametrize(
    ("items", "posted", "fate"),
    [
        ([on("A"), on("B", "odd"), 7, on("C")], 2, Invalid.UNKNOWN_WORD),
        ([on("B", "odd")], 0, Invalid.UNKNOWN_WORD),
        ([{"id": "A", "left": 1}, {"id": "A", "left": 1}], 0, "absorbed"),
        ([], 0, Skip.NOT_SELECTED),
    ],
)
def test_what_is_no_event_in_a_record_puts_it_aside_once_and_the_others_go_on(
    items: list[Any], posted: int, fate: object
) -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, *items)
        async with bridge(broker, 0, profile=PROFILE) as parts:
            parts.poster.end = at_once
            parts.quarantine.slow = True
            parts.poll()
            await turns()
            assert len(parts.bodies) == posted
            for done in parts.quarantine.waiting:
                done()
            await turns()
            tally = parts.pipeline.tally
            assert watermark(parts) == 1
            assert len(parts.quarantine.kept) == isinstance(fate, Invalid)
            assert [*tally.quarantined, *tally.skipped, *["absorbed"] * tally.absorbed] == [fate]
            assert (tally.posted, tally.finished()) == (0, 1)

    run(scenario())


def test_a_record_that_is_half_posted_is_finished_before_its_partition_is_given_up_and_posted_once() -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, on("A"), on("B"), on("A", 4))
        write(broker, on("D"), on("E"))
        async with bridge(broker, 0, profile=PROFILE, senders=1) as parts:
            parts.poll()
            await turns()
            leaving = asyncio.create_task(parts.revoke(0))
            await turns()
            for group in ("A", "B", "A"):
                assert list(parts.poster.out) == [group]
                await end(parts, group)
            await leaving
            assert (broker.commits[partition(0)].offset, parts.pipeline.tally.returned[Return.REVOKED]) == (1, 1)
        async with bridge(broker, 0, profile=PROFILE) as parts:
            parts.poster.end = at_once
            parts.poll()
            await turns()
        assert [offset for _, offset in broker.posted] == [0, 0, 0, 1, 1]

    run(scenario())


def test_what_cannot_be_finished_in_time_is_handed_back() -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, on("A"), on("B"))
        async with bridge(broker, 0, profile=PROFILE, senders=1, drain=1.0) as parts:
            parts.poll()
            await turns()
            await parts.revoke(0)
            assert (parts.poster.out, len(parts.pipeline.flights)) == ({}, 0)
            assert parts.pipeline.tally.returned[Return.REVOKED] == 1
            assert broker.commits == {} or broker.commits[partition(0)].offset == 0
            assert not parts.pipeline.lanes.queued

    run(scenario())


def test_at_most_once_covers_a_record_once_and_posts_what_it_covers() -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, on("A"), on("B"), on("A", 4))
        async with bridge(broker, 0, profile=PROFILE, covered=10, senders=1) as parts:
            parts.poll()
            await turns()
            leaving = asyncio.create_task(parts.revoke(0))
            await turns()
            for group in ("A", "B", "A"):
                await end(parts, group)
            await leaving
            assert broker.commits[partition(0)].offset == 1
        assert [offset for _, offset in broker.posted] == [0, 0, 0]

    run(scenario())


def test_a_lease_that_ran_out_before_a_write_hands_the_whole_record_back() -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, on("A"), on("B"))
        async with bridge(broker, 0, profile=PROFILE, senders=1) as parts:
            gate = asyncio.Event()
            parts.poster.connect = gate.wait  # type: ignore[assignment]
            parts.poll()
            await turns()
            leaving = asyncio.create_task(parts.revoke(0))
            await turns()
            parts.owned = False
            gate.set()
            await leaving
            assert (broker.posted, parts.pipeline.lanes.queued) == ([], 0)
            assert parts.pipeline.tally.returned[Return.LEASE] == 1

    run(scenario())


def test_events_of_a_record_done_before_a_restart_are_learnt_in_order() -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, on("B"))
        write(broker, on("A"), on("A", 4))
        async with bridge(broker, 0, profile=PROFILE) as parts:
            parts.poll()
            await turns()
            await end(parts, "A")
            await end(parts, "A")
            await parts.ownership.checkpoint()
        broker.states[0].clear()
        async with bridge(broker, 0, profile=PROFILE) as parts:
            parts.poll()
            await turns()
            group = parts.pipeline.table.get("A")
            assert group is not None
            assert group.state == 4
            assert list(parts.poster.out) == ["B"]

    run(scenario())


def test_values_left_out_are_counted_by_field_and_reason_and_reported() -> None:
    async def scenario() -> None:
        broker = Broker()
        write(broker, on("A") | {"at": 0}, on("B") | {"at": "x"})
        async with bridge(broker, 0, profile=PROFILE) as parts:
            parts.poster.end = at_once
            parts.poll()
            await turns()
            assert parts.pipeline.tally.ignored == {("time", Invalid.BAD_TIME): 2}
            assert parts.report.left_out == [(0, "time", "bad_time")] * 2
            assert parts.pipeline.tally.posted == 1

    run(scenario())


NAMED = compile_profile(
    "key: campaign_group_guid\nevents: [{kind: change}]\nfields: {campaign_group_guid: id, state: state, event_id: e}\n",
    "named.yaml",
)


def test_an_events_own_id_goes_with_its_notification_and_repeats_are_dropped_only_where_a_setting_says_so() -> None:
    async def scenario(*, dropped: bool) -> list[str]:
        broker = Broker()
        for state, name in ((5, "e-1"), (4, "e-1"), (0, "ü 2"), (4, None), (5, None), (4, "e-1")):
            broker.write(0, value=json.dumps({"id": "A", "state": state, "e": name}))
        async with bridge(broker, 0, profile=NAMED, drop_repeats=dropped) as parts:
            parts.poster.end = at_once
            parts.poll(10)
            await turns()
            skipped = parts.pipeline.tally.skipped[Skip.REPEATED]
            assert skipped == (2 if dropped else 0)
            assert watermark(parts) == 6
            return parts.ids

    def ids(*, dropped: bool) -> list[str]:
        found: list[str] = []

        async def once() -> None:
            found.extend(await scenario(dropped=dropped))

        run(once())
        return found

    own = ["c/events/0/3/1772355600000", "c/events/0/4/1772355600000"]
    assert ids(dropped=False) == ["e-1", "e-1", "%C3%BC%202", *own, "e-1"]
    assert ids(dropped=True) == ["e-1", "%C3%BC%202", *own]


def test_repeats_are_known_after_a_restart_and_forgotten_after_sixteen_others() -> None:
    async def scenario() -> None:
        broker = Broker()
        names = [f"e-{n}" for n in range(17)]
        for number, name in enumerate(names):
            broker.write(0, value=json.dumps({"id": "A", "state": 5 - number % 2, "e": name}))
        async with bridge(broker, 0, profile=NAMED, drop_repeats=True) as parts:
            parts.poster.end = at_once
            parts.poll(100)
            await turns()
            await parts.ownership.checkpoint()
        for name in (names[16], names[1], names[0]):
            broker.write(0, value=json.dumps({"id": "A", "state": 4, "e": name}))
        async with bridge(broker, 0, profile=NAMED, drop_repeats=True) as parts:
            parts.poster.end = at_once
            parts.poll(100)
            await turns()
            assert parts.ids == ["e-0"]

    run(scenario())


def test_an_event_that_was_not_posted_after_all_is_no_repeat() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, value=json.dumps({"id": "A", "state": 5, "e": "e-1"}))
        async with bridge(broker, 0, profile=NAMED, drop_repeats=True) as parts:

            async def lost() -> None:
                parts.owned = False

            parts.poster.connect = lost
            parts.poster.end = at_once
            parts.poll()
            await turns()
            assert broker.posted == []
            parts.poster.connect = None
            parts.owned = True
            parts.pipeline.nudge()
            await turns()
            assert [offset for _, offset in broker.posted] == [0]

    run(scenario())
