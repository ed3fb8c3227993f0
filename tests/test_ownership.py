"""Partitions that come and go while their start, or what is known of their groups, is still looked up."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from bridge_of_parts import DELIVERED, EPOCH, Broker, Parts, bridge, partition
from group_events import change
from virtual_time import run, turns

from bridge.core.campaign_group import CampaignGroup
from bridge.core.ledger import restore_told
from bridge.core.outcome import Drop
from bridge.core.record import Partition
from bridge.core.runs import Checkpoint, write
from bridge.core.saved import Restored, save
from bridge.core.start import Commits, Log
from bridge.core.vocabulary import GroupState
from bridge.starting import Known


def test_a_start_looked_up_before_a_revoke_is_not_taken_for_the_one_after_it() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        for _ in range(600):
            broker.write(0)
        asked: list[asyncio.Future[int]] = []

        async def slowly(topic: str) -> Commits:
            asked.append(asyncio.get_running_loop().create_future())
            return Commits({0: Checkpoint(await asked[-1], "")}, 1)

        broker.committed = slowly  # type: ignore[method-assign]
        async with bridge(broker) as parts:
            parts.assign(0)
            await turns()
            await parts.revoke(0)
            parts.assign(0)  # another member has posted up to 500 meanwhile
            await turns()
            old, new = asked
            old.set_result(100)
            await turns()
            assert parts.source.position == {}
            new.set_result(500)
            await turns()
            assert parts.source.position == {partition(0): 500}
            assert parts.ownership.intakes[partition(0)].ledger.watermark == 500

    run(scenario())


def slow_restore(broker: Broker) -> dict[int, asyncio.Event]:
    """Each partition number is restored when its event is set."""
    may = {number: asyncio.Event() for number in range(broker.partitions)}
    restore = broker.restore

    async def slowly(number: int) -> Restored:
        await may[number].wait()
        return await restore(number)

    broker.restore = slowly  # type: ignore[method-assign]
    return may


def test_a_partition_whose_restore_takes_long_does_not_hold_up_the_others() -> None:
    async def scenario() -> None:
        broker = Broker(2)
        may = slow_restore(broker)
        async with bridge(broker) as parts:
            parts.assign(0, 1)
            may[1].set()
            await turns()
            assert set(parts.source.position) == {partition(1)}
            assert set(parts.ownership.starting) == {partition(0)}
            may[0].set()
            await turns()
            assert set(parts.source.position) == {partition(0), partition(1)}

    run(scenario())


def test_what_is_restored_after_the_partition_was_revoked_is_forgotten() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        await known_before(broker)
        may = slow_restore(broker)
        async with bridge(broker) as parts:
            parts.assign(0)
            await turns()
            await parts.revoke(0)
            may[0].set()
            await turns()
            assert len(parts.pipeline.table) == 0
            assert parts.source.position == {}

    run(scenario())


async def known_before(broker: Broker, **options: Any) -> None:
    """A first owner posts a change of one group and stops."""
    broker.write(0, "G1")
    async with bridge(broker, 0, **options) as parts:
        await posted(parts)
        await parts.ownership.stop()


async def posted(parts: Parts) -> None:
    """Everything that is in the log, with receivers that answer at once."""
    for _ in range(3):
        parts.poll(100)
        await turns()
        for group in list(parts.poster.out):
            parts.poster.out[group].set_result(DELIVERED)
        await turns()


def test_what_a_group_was_told_last_is_known_to_the_next_owner() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        await known_before(broker)
        async with bridge(broker, 0) as parts:
            (group,) = parts.pipeline.table
            assert (group.key, group.state, group.dormant) == ("G1", 5, False)
            assert group.shown[2] is not None

    run(scenario())


def test_two_topics_of_a_number_that_are_assigned_one_after_the_other_restore_its_groups_once() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        await known_before(broker)
        more = Partition("more", 0)
        broker.logs[more] = []
        may = slow_restore(broker)
        async with bridge(broker) as parts:
            parts.assign(0)
            parts.ownership.assigned(frozenset({more}))
            await turns()
            may[0].set()
            await turns()
            assert set(parts.source.position) == {partition(0), more}
            assert len(parts.pipeline.table) == 1
            assert parts.pipeline.table.split == 0

    run(scenario())


def test_the_growth_of_the_input_holds_for_groups_of_partitions_that_stay() -> None:
    async def scenario() -> None:
        broker = Broker(2)
        broker.write(0, "G1")
        async with bridge(broker, 0, interval=10.0) as parts:
            await posted(parts)
            (group,) = parts.pipeline.table
            assert parts.pipeline.ticks.periods(group).next_ms is not None
            parts.ownership.counted({"events": 3})
            assert (group.dormant, parts.pipeline.ticks.periods(group).next_ms) == (True, None)
            broker.write(0, "G1")
            await posted(parts)
            assert (group.dormant, group.count) == (False, 3)
            assert parts.pipeline.ticks.periods(group).next_ms is not None

    run(scenario())


def test_metadata_that_is_older_than_the_growth_does_not_turn_it_back() -> None:
    async def scenario() -> None:
        broker = Broker(2)
        await known_before(broker)
        async with bridge(broker) as parts:
            parts.ownership.counted({"events": 3})
            parts.assign(0)
            await turns()
            (group,) = parts.pipeline.table
            assert (parts.pipeline.table.count, group.dormant) == (3, True)

    run(scenario())


@pytest.mark.parametrize(("minutes", "stood_still"), [(0.5, False), (30.0, True)])
def test_the_time_to_live_stands_still_while_nobody_had_the_partition_but_for_a_takeover(
    minutes: float, stood_still: bool
) -> None:
    async def scenario() -> None:
        broker = Broker(1)
        broker.write(0, "G1", value=change("G1", 0, state="NotLoaded", action="UnloadCampaign"))
        async with bridge(broker, 0, ttl=3600.0) as parts:
            await posted(parts)
            (group,) = parts.pipeline.table
            seen = group.seen_ms
            await parts.ownership.stop()
        await asyncio.sleep(minutes * 60)
        async with bridge(broker, 0, ttl=3600.0) as parts:
            (group,) = parts.pipeline.table
            away = group.seen_ms - seen
            assert abs(away - minutes * 60_000) < 1000 if stood_still else away == 0

    run(scenario())


def test_of_a_group_that_two_numbers_have_the_one_heard_of_last_is_told_as_it_says() -> None:
    async def scenario() -> None:
        broker = Broker(2)
        broker.write(0, "G1", value=change("G1", 0, notification_interval=5))
        broker.write(1, "G1", value=change("G1", 1, notification_interval=50))
        for number in (0, 1):
            async with bridge(broker, number) as parts:
                await posted(parts)
                await parts.ownership.stop()
            await asyncio.sleep(5)
        for order in ((0, 1), (1, 0)):
            async with bridge(broker, interval=10.0) as parts:
                for number in order:
                    parts.assign(number)
                    await turns()
                (group,) = parts.pipeline.table
                plan = parts.pipeline.ticks.schedule._plans["G1"]
                assert (group.number, group.interval, plan.interval_ms) == (1, 50, 50_000)

    run(scenario())


def test_two_topics_of_a_number_that_begin_one_after_the_other_have_its_groups_once() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        await known_before(broker)
        may = slow_restore(broker)
        more = Partition("more", 0)
        broker.logs[more] = []
        async with bridge(broker, interval=10.0) as parts:
            parts.ownership.assigned(frozenset([partition(0)]))
            await turns()
            parts.ownership.assigned(frozenset([more]))
            await turns()
            may[0].set()
            await turns()
            assert set(parts.ownership.intakes) == {partition(0), more}
            assert (len(parts.pipeline.table), parts.pipeline.table.split) == (1, 0)

    run(scenario())


def told_at(broker: Broker, minutes: float) -> int:
    """The last owner committed that slots up to then were told; milliseconds."""
    told_ms = round((EPOCH + minutes * 60) * 1000)
    broker.commits[partition(0)] = Checkpoint(1, write(1, 1, (), (), told_ms))
    return told_ms


@pytest.mark.parametrize("seconds", [-30, 35])
def test_until_when_slots_were_told_is_handed_on_though_this_owner_told_none(seconds: int) -> None:
    async def scenario() -> None:
        broker = Broker(1)
        told_ms = told_at(broker, seconds / 60)
        async with bridge(broker, 0) as parts:
            await parts.ownership.checkpoint()
            assert restore_told(broker.commits[partition(0)]) == told_ms
            await parts.ownership.stop()
        assert restore_told(broker.commits[partition(0)]) == max(told_ms, round(EPOCH * 1000))

    run(scenario())


@pytest.mark.parametrize("minutes", [0, -30], ids=["not-known", "half-an-hour"])
def test_where_nobody_knows_since_when_the_partition_had_no_owner_the_time_to_live_goes_on(minutes: int) -> None:
    async def scenario() -> None:
        broker = Broker(1)
        seen_ms = round((EPOCH - 3000) * 1000)
        group = CampaignGroup(key="G1", number=0, state=GroupState.NotLoaded, seen_ms=seen_ms, count=1)
        broker.states[0][b"G1"] = save(group)
        if minutes:
            told_at(broker, minutes)
        async with bridge(broker, 0) as parts:
            (restored,) = parts.pipeline.table
            assert restored.seen_ms == seen_ms - minutes * 60_000

    run(scenario())


def test_what_was_learnt_from_the_history_is_saved_with_the_first_checkpoint() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        group = CampaignGroup(key="G1", number=0, state=GroupState.Running, count=1)
        async with bridge(broker) as parts:

            async def known(number: int, starts: object) -> Known:
                return Known([group], {group.key: group})

            parts.ownership._starter.known = known  # type: ignore[method-assign]
            parts.assign(0)
            await turns()
            assert parts.pipeline.table.get("G1") is group
            await parts.ownership.checkpoint()
        assert set(broker.states[0]) == {b"G1"}

    run(scenario())


@pytest.mark.parametrize("topics", [["events"], ["events", "more"], ["more", "events"]], ids=str)
def test_while_a_number_leaves_none_of_its_slots_comes_into_a_lane(topics: list[str]) -> None:
    async def scenario() -> None:
        broker = Broker(1)
        broker.logs[Partition("more", 0)] = []
        broker.write(0, "G1")
        both = frozenset(Partition(topic, 0) for topic in topics)
        async with bridge(broker, interval=1.0, drain=20.0) as parts:
            parts.ownership.assigned(both)
            await turns()
            parts.poll(100)
            await turns()
            assert "G1" in parts.poster.out
            leaving = asyncio.create_task(parts.ownership.revoked(both))
            due = parts.pipeline.tally.ticks_due
            await asyncio.sleep(10)
            assert parts.pipeline.tally.ticks_due - due == parts.pipeline.tally.ticks_dropped[Drop.REVOKED] > 5
            assert parts.pipeline.ticks.waiting == {}
            parts.poster.out["G1"].set_result(DELIVERED)
            await leaving

    run(scenario())


@pytest.mark.parametrize("how", ["revoked", "lost"])
def test_of_a_number_that_is_gone_nothing_is_due_any_more(how: str) -> None:
    async def scenario() -> None:
        broker = Broker(1)
        broker.write(0, "G1")
        async with bridge(broker, 0, interval=1.0) as parts:
            await posted(parts)
            if how == "lost":
                parts.ownership.lost_all()
            else:
                await parts.revoke(0)
            due = parts.pipeline.tally.ticks_due
            await asyncio.sleep(10)
            assert parts.pipeline.tally.ticks_due == due
            assert parts.pipeline.ticks._owners == {}

    run(scenario())


@pytest.mark.parametrize(("end", "why"), [("stop", Drop.STOPPED), ("revoke", Drop.REVOKED)])
def test_a_slot_that_waits_when_its_number_leaves_is_dropped_with_the_reason(end: str, why: Drop) -> None:
    async def scenario() -> None:
        broker = Broker(1)
        broker.write(0, "G1")
        async with bridge(broker, 0, interval=1.0, drain=2.0) as parts:
            parts.poll()
            await asyncio.sleep(2)
            assert list(parts.pipeline.ticks.waiting) == ["G1"], "behind the POST of the change"
            if end == "stop":
                await parts.ownership.stop()
            else:
                await parts.revoke(0)
            assert parts.pipeline.tally.ticks_dropped[why] >= 1
            assert not parts.pipeline.ticks.waiting

    run(scenario())


def test_slots_are_told_as_soon_as_the_input_says_that_a_log_is_read_that_ends_with_no_record() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        broker.write(0)
        end = Log(0, 2)  # after the record, the marker of a transaction

        async def logs_of(partitions: Collection[Partition]) -> dict[Partition, Log]:
            return dict.fromkeys(partitions, end)

        broker.logs_of = logs_of  # type: ignore[method-assign]
        async with bridge(broker, 0, interval=10.0) as parts:
            parts.poll()
            ((of, offset, call),) = parts.source.awaited
            assert (of, offset) == (partition(0), end.latest)
            await turns()
            call()
            await asyncio.sleep(11)
            assert parts.pipeline.tally.ticks_dropped[Drop.STARTING] == 0
            assert parts.pipeline.tally.ticks_due >= 1

    run(scenario())


def test_of_the_topics_of_a_number_the_one_that_was_told_of_last_says_until_when() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        more = Partition("more", 0)
        broker.logs[more] = []
        told_ms = told_at(broker, 0.5)
        for _ in range(2):
            broker.write(0, "G1")
        async with bridge(broker, interval=1.0) as parts:
            parts.ownership.assigned(frozenset([partition(0), more]))
            await turns()
            parts.poll()
            await turns()
            (group,) = parts.pipeline.table
            due_ms = parts.pipeline.ticks.periods(group).next_ms
            assert due_ms is not None
            assert told_ms < due_ms <= told_ms + 1000

    run(scenario())


def test_offsets_that_come_again_are_not_taken_and_the_partition_has_to_begin_anew() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        for _ in range(4):
            broker.write(0, "G1")
        async with bridge(broker, 0) as parts:
            await posted(parts)
            parts.source.position[partition(0)] = 2  # kafka-python went back: the log was cut there
            parts.poll()
            await turns()
            assert len(broker.posted) == 4
            (why,) = parts.source.renewals
            assert "events-0" in why
            parts.ownership.lost_all()

    run(scenario())
