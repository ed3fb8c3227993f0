"""Rules that no other test would miss: each was found by breaking the bridge on purpose (tests/faults/mutations)."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import pytest
from bridge_of_parts import DELIVERED, Broker, bridge, partition
from group_events import change
from loopback import free_port
from virtual_time import run, turns

from bridge.checkpoints import Checkpoints
from bridge.connections import KafkaSettings
from bridge.core.gate import Gate
from bridge.core.groups import GroupTable
from bridge.core.intake import Intake
from bridge.core.ledger import Ledger
from bridge.core.outcome import Commit, Reason, Result, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Record
from bridge.core.runs import Checkpoint
from bridge.core.schedule import Schedule
from bridge.core.share import Share
from bridge.core.tally import Tally
from bridge.edge.transactions import Transactions

OVERLOADED = Outcome(Result.REJECTED, Reason.STATUS_5XX, 0.01, 503, retry_after=3.0)


async def at_once() -> Outcome:
    return DELIVERED


async def failing() -> tuple[Commit, bool]:
    return Commit.TIMEOUT, False


async def failing_but_made() -> tuple[Commit, bool]:
    return Commit.TIMEOUT, True


@pytest.mark.parametrize("result", [Result.NOT_SENT, Result.AMBIGUOUS, Result.REJECTED])
def test_however_a_post_fails_its_event_is_done_with_it(result: Result) -> None:
    async def scenario() -> None:
        broker = Broker()
        for _ in range(2):
            broker.write(0, "G1")
        async with bridge(broker, 0) as parts:
            parts.poll()
            await turns()
            for _ in range(2):
                parts.poster.out["G1"].set_result(Outcome(result, Reason.CUT, 0.01))
                await turns()
            assert [offset for _, offset in broker.order["G1"]] == [0, 1]
            assert parts.pipeline.tally.posted == 2

    run(scenario())


def test_what_was_done_before_a_restart_is_known_again_though_no_state_was_kept() -> None:
    async def scenario() -> None:
        broker = Broker()
        for group in ("G0", "G1"):
            broker.write(0, group)
        async with bridge(broker, 0) as parts:
            parts.poll()
            await turns()
            parts.poster.out["G1"].set_result(DELIVERED)
            await turns()
            await parts.ownership.checkpoint()
        broker.states[0].clear()

        async with bridge(broker, 0) as successor:
            successor.poll()
            await turns()
            assert successor.pipeline.tally.skipped == {Skip.ALREADY_DONE: 1}
            assert {group.key for group in successor.pipeline.table} == {"G0", "G1"}

    run(scenario())


def test_what_the_restored_state_has_is_not_merged_again() -> None:
    """It would count as late, and its group as heard of only now."""

    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G0")
        for _ in range(2):
            broker.write(0, "G1")
        async with bridge(broker, 0) as parts:
            parts.poll(10)
            for _ in range(2):
                await turns()
                parts.poster.out["G1"].set_result(DELIVERED)
            await turns()
            await parts.ownership.checkpoint()

        async with bridge(broker, 0) as successor:
            await asyncio.sleep(60)
            before = successor.pipeline.table.get("G1")
            assert before is not None
            seen_ms = before.seen_ms
            successor.poll(10)
            await turns()
            assert successor.pipeline.tally.skipped == {Skip.ALREADY_DONE: 2}
            assert successor.pipeline.table.late == 0
            assert before.seen_ms == seen_ms

    run(scenario())


def test_states_of_a_checkpoint_that_failed_go_with_the_next() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        async with bridge(broker, 0) as parts:
            parts.poster.end, parts.committer.answer = at_once, failing
            parts.poll()
            await turns()
            assert await parts.ownership.checkpoint() is Commit.TIMEOUT
            parts.committer.answer = parts.committer.done
            assert await parts.ownership.checkpoint() is Commit.DONE
            assert list(broker.states[0]) == [b"G1"]

    run(scenario())


def test_a_state_goes_with_the_offset_of_its_partition_though_that_has_not_changed() -> None:
    async def scenario() -> None:
        broker = Broker()
        async with bridge(broker, 0) as parts:
            await parts.ownership.checkpoint()
            broker.write(0, "G1")
            parts.poll()
            await turns()
            assert list(parts.poster.out) == ["G1"], "merged, and not done"
            await parts.ownership.checkpoint()
            assert len(parts.committer.asked) == 2, "its state, but not its offset, was new"
            assert list(broker.states[0]) == [b"G1"]

    run(scenario())


def test_after_a_commit_that_may_have_been_made_what_was_committed_before_is_committed_again() -> None:
    async def scenario() -> None:
        async with bridge(Broker()) as parts:
            checkpoints = Checkpoints(parts.committer, Tally(), Gate(max_unconfirmed=10), GroupTable())
            intake = Intake(partition(0), Ledger(0, max_covered=5), Share(10, 1000))
            intake.offer([Record(partition(0), 0, 0, None, None)])
            intake.take()
            await checkpoints.commit([intake])
            intake.ledger.cover(0)
            parts.committer.answer = failing_but_made
            await checkpoints.commit([intake])
            intake.ledger.uncover(0)
            parts.committer.answer = parts.committer.done
            await checkpoints.commit([intake])
            assert len(parts.committer.asked) == 3
            assert parts.committer.asked[0] == parts.committer.asked[2]

    run(scenario())


def test_a_member_outside_its_group_commits_nothing_as_the_broker_would_fence_nothing() -> None:
    async def scenario() -> None:
        fenced: list[BaseException] = []
        outside: Any = SimpleNamespace(group_metadata=lambda: SimpleNamespace(generation_id=-1))
        kafka = KafkaSettings(bootstrap_servers=[f"127.0.0.1:{free_port()}"])
        committer = Transactions(kafka, "id", lambda: outside, fenced.append, "states", deadline=1.0)
        try:
            found = await committer.commit({partition(0): Checkpoint(1, "")})
            assert found == (Commit.RETRIABLE, "not a member of the group")
        finally:
            await committer.close()

    asyncio.run(scenario())


def test_a_slot_that_is_out_while_its_partition_leaves_is_no_record() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        async with bridge(broker, 0, interval=10.0) as parts:
            parts.poll()
            await turns()
            parts.poster.out["G1"].set_result(DELIVERED)
            await asyncio.sleep(11)
            assert list(parts.poster.out) == ["G1"], "its slot"
            revoke = asyncio.create_task(parts.revoke(0))
            await turns()
            parts.check()
            assert parts.ownership.held == 0, "records"
            parts.poster.out["G1"].set_result(DELIVERED)
            await revoke

    run(scenario())


def test_only_the_partition_over_its_share_is_paused() -> None:
    async def scenario() -> None:
        broker = Broker()
        for _ in range(5):
            broker.write(0, "G1")
        async with bridge(broker, 0, 1, records=2) as parts:
            parts.poll(10)
            assert parts.source.paused == {partition(0)}

    run(scenario())


def test_the_bytes_of_all_are_divided_among_the_partitions() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(5):
            broker.write(0, "G1", change("G1", n, padding="x" * 300_000))
        async with bridge(broker, 0, 1) as parts:  # of which all may hold 1,000,000
            parts.poll(10)
            taken = len(broker.logs[partition(0)]) - len(parts.ownership.intakes[partition(0)].backlog)
            assert taken == 2, "the second fills half a million"

    run(scenario())


def test_a_clock_that_is_set_back_does_not_prolong_a_pause_for_the_receiver() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(2):
            broker.write(0, f"G{n}")
        async with bridge(broker, 0, senders=1) as parts:
            gate = Gate(lambda: True, max_unconfirmed=10, cool_down=60.0)
            parts.pipeline.gate = gate
            parts.poll()
            await turns()
            parts.poster.out["G0"].set_result(OVERLOADED)
            await turns()
            parts.stepped = -3600.0
            await asyncio.sleep(2.9)
            parts.pipeline.nudge()
            await turns()
            assert list(parts.poster.out) == []
            await asyncio.sleep(0.2)
            parts.pipeline.nudge()
            await turns()
            assert list(parts.poster.out) == ["G1"]

    run(scenario())


def test_unloads_that_wait_in_the_log_at_a_takeover_come_before_any_slot() -> None:
    async def scenario() -> None:
        broker = Broker()
        groups = [f"G{n}" for n in range(40)]
        for group in groups:
            broker.write(0, group)
        async with bridge(broker, 0, interval=10.0) as parts:
            parts.poster.end = at_once
            parts.poll(100)
            await asyncio.sleep(11)
            await parts.ownership.stop()
        assert {group for group, _, _ in broker.ticks} == set(groups)
        broker.ticks.clear()
        for group in groups:
            broker.write(
                0, value=json.dumps({"kind": "change", "campaign_group_guid": group, "action": "UnloadCampaign"})
            )

        async with bridge(broker, 0, interval=10.0) as successor:
            successor.poster.end = at_once
            await asyncio.sleep(5)  # the slots of half of them; whoever reads is slow
            successor.poll(100)
            await asyncio.sleep(20)
            assert broker.ticks == []

    run(scenario())


def test_a_longer_interval_tells_no_slot_that_began_before_one_that_was_told() -> None:
    schedule, key = Schedule(), "G1"
    spread = crc32(key.encode()) % 60_000
    assert spread > 2_000, "so that a slot of a minute is due well after its beginning"
    began = 60_000 * 1_000  # of such a slot
    schedule.keep(key, 1_000, began)
    (told,) = schedule.due(began + 1_000)
    assert told.start_ms >= began
    schedule.keep(key, 60_000, began)
    assert schedule.due(began + spread) == [], "it began with, or before, the slot that was told"
    (following,) = schedule.due(began + 60_000 + spread)
    assert following.start_ms == began + 60_000
