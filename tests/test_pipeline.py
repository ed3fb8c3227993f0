"""From records to POSTs: order per group, what begins when, and the identities after every turn of the loop."""

import asyncio
import json
import random
from itertools import pairwise

import pytest
from bridge_of_parts import CUT, DELIVERED, Broker, Parts, bridge, partition
from campaigns import STRICT
from group_events import change
from virtual_time import now, run, turns

from bridge.core.outcome import Commit, Invalid, Reason, Result, Return, Skip
from bridge.core.post_outcome import Outcome
from bridge.pipeline import TURN

REFUSED_BY_RECEIVER = Outcome(Result.REJECTED, Reason.STATUS_5XX, 0.01, 500)


def offsets(broker: Broker, group: str) -> list[int]:
    return [offset for _, offset in broker.order[group]]


async def at_once() -> Outcome:
    return DELIVERED


async def end(parts: Parts, group: str, outcome: Outcome = DELIVERED) -> None:
    parts.poster.out[group].set_result(outcome)
    await turns()


def statistics(group: str) -> str:
    return json.dumps({**json.loads(change(group, 0)), "kind": "statistics", "statistics": {"hit_ratio": 0.5}})


def test_one_post_of_a_group_is_out_at_a_time_and_no_group_waits_for_another() -> None:
    async def scenario() -> None:
        broker = Broker()
        for group in ("slow", "slow", "quick", "slow", "quick"):
            broker.write(0, group)
        async with bridge(broker, 0, senders=2) as parts:
            parts.poll(10)
            await turns()
            assert sorted(parts.poster.out) == ["quick", "slow"]
            await end(parts, "quick")
            await end(parts, "quick", REFUSED_BY_RECEIVER)
            assert (offsets(broker, "slow"), offsets(broker, "quick")) == ([0], [2, 4])
            for _ in range(3):
                await end(parts, "slow", CUT)
            assert offsets(broker, "slow") == [0, 1, 3], "each once, whatever became of it"
            assert parts.ownership.intakes[partition(0)].ledger.watermark == 5

    run(scenario())


def test_no_more_posts_are_out_than_there_are_senders_and_the_rest_follow_in_turn() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(5):
            broker.write(0, f"G{n}")
        async with bridge(broker, 0, senders=2) as parts:
            parts.poll(10)
            await turns()
            for expected in (["G0", "G1"], ["G1", "G2"], ["G2", "G3"], ["G3", "G4"]):
                assert sorted(parts.poster.out) == expected
                assert len(parts.pipeline.flights) == 2
                await end(parts, expected[0])

    run(scenario())


def test_what_makes_no_post_is_settled_on_the_way_and_others_get_their_turn() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(3 * TURN):
            broker.write(0, f"G{n % 7}", statistics(f"G{n % 7}"))
        broker.write(0, "G1")
        async with bridge(broker, 0, senders=1, records=10_000) as parts:
            parts.poster.end = at_once
            parts.poll(10_000)
            seen = set()
            for _ in range(10):
                await asyncio.sleep(0)
                seen.add(parts.pipeline.tally.absorbed)
            assert seen - {0} == {TURN, 2 * TURN, 3 * TURN}
            assert offsets(broker, "G1") == [3 * TURN]

    run(scenario())


def test_each_record_ends_in_exactly_one_way() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        broker.write(0, value="no event")
        broker.write(0, "G1")
        broker.write(0, "G1", statistics("G1"))
        broker.write(0, "G1", age=100)
        broker.write(0, value="null")
        async with bridge(broker, 0, max_age=50) as parts:
            parts.poster.end = at_once
            parts.poll(10)
            await turns()
            tally = parts.pipeline.tally
            assert (tally.posted, tally.absorbed, dict(tally.skipped)) == (1, 1, {Skip.TOO_OLD: 1})
            assert tally.quarantined == {Invalid.BAD_JSON: 1, Invalid.NOT_AN_OBJECT: 1}
            assert parts.ownership.held == 0

    run(scenario())


def test_reports_without_news_are_absorbed_and_counted() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        for state in ("Running", "Running", "Running", "off", "stopping"):
            broker.write(0, "G1", change("G1", 1, kind="report", state=state))
        async with bridge(broker, 0) as parts:
            parts.poster.end = at_once
            parts.poll(10)
            await turns()
            tally = parts.pipeline.tally
            assert (tally.posted, tally.absorbed, parts.pipeline.table.unchanged) == (2, 3, 3)
            assert offsets(broker, "G1") == [0, 3]
            assert parts.ownership.held == 0

    run(scenario())


@pytest.mark.parametrize(("age", "posted"), [(49.9, True), (50.1, False)])
def test_an_event_older_than_max_age_is_merged_and_not_posted(age: float, posted: bool) -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1", age=age)
        async with bridge(broker, 0, max_age=50) as parts:
            parts.poster.end = at_once
            parts.poll()
            await turns()
            assert bool(broker.posted) is posted
            assert parts.pipeline.tally.skipped[Skip.TOO_OLD] == (not posted)
            assert len(parts.pipeline.table) == 1

    run(scenario())


def test_the_age_counts_when_the_turn_of_an_event_comes() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        broker.write(0, "G1")
        async with bridge(broker, 0, max_age=50) as parts:
            parts.poll()
            await asyncio.sleep(60)
            await end(parts, "G1")
            assert offsets(broker, "G1") == [0]
            assert parts.pipeline.tally.skipped[Skip.TOO_OLD] == 1

    run(scenario())


def test_a_record_without_a_timestamp_has_no_age() -> None:
    async def scenario() -> None:
        broker = Broker()
        unstamped = broker.write(0, "G1", change("G1", 0, time=1_772_355_600))
        broker.logs[partition(0)] = [type(unstamped)(partition(0), 0, -1, None, unstamped.value)]
        async with bridge(broker, 0, max_age=50) as parts:
            parts.poster.end = at_once
            parts.poll()
            await turns()
            assert offsets(broker, "G1") == [0]

    run(scenario())


def test_with_notifications_disabled_everything_is_merged_and_nothing_posted_nor_covered() -> None:
    async def scenario() -> None:
        broker = Broker()
        for _ in range(3):
            broker.write(0, "G1")
        async with bridge(broker, 0, enabled=False, covered=1) as parts:
            parts.poll(10)
            await turns()
            assert parts.pipeline.tally.skipped[Skip.DISABLED] == 3
            assert parts.committer.asked == []
            assert len(parts.pipeline.table) == 1

    run(scenario())


def test_an_event_that_is_found_invalid_at_its_lane_s_head_is_quarantined_and_its_group_goes_on() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1", change("G1", 0, campaign_name=None))
        broker.write(0, "G1")
        async with bridge(broker, 0, policy=STRICT) as parts:
            parts.quarantine.slow = True
            parts.poll()
            await turns()
            assert [record.offset for record in parts.quarantine.kept] == [0]
            assert offsets(broker, "G1") == [1]
            await end(parts, "G1")
            assert parts.ownership.held == 1, "not done before it is kept"
            assert parts.ownership.intakes[partition(0)].ledger.watermark == 0
            parts.quarantine.waiting.popleft()()
            assert parts.pipeline.tally.quarantined == {Invalid.MISSING_FIELD: 1}
            assert parts.ownership.intakes[partition(0)].ledger.watermark == 2

    run(scenario())


def test_a_lease_refused_at_the_write_leaves_the_record_to_be_posted_later_by_the_living_owner() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        broker.write(0, "G1")
        connected = asyncio.Event()

        async def connect() -> None:
            await connected.wait()

        async with bridge(broker, 0) as parts:
            parts.poster.connect, parts.poster.end = connect, at_once
            parts.poll()
            await turns()
            assert len(parts.pipeline.flights) == 1
            parts.owned = False  # while the connection is made
            connected.set()
            await turns()
            assert broker.posted == []
            assert parts.pipeline.tally.dropped == {Reason.LEASE: 1}
            assert (parts.ownership.held, parts.pipeline.tally.posted, parts.gate.unconfirmed) == (2, 0, 0)
            assert len(parts.pipeline.flights) == 0
            parts.owned = True
            parts.pipeline.nudge()
            await turns()
            assert offsets(broker, "G1") == [0, 1]
            assert parts.pipeline.tally.rendered["change"] == 3

    run(scenario())


@pytest.mark.parametrize("covered", [0, 10], ids=["at_least_once", "at_most_once"])
def test_a_lease_refused_while_the_partition_leaves_hands_the_record_back(covered: int) -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        broker.write(0, "G1")
        connected = asyncio.Event()

        async def connect() -> None:
            await connected.wait()

        async with bridge(broker, 0, covered=covered) as parts:
            parts.poster.connect, parts.poster.end = connect, at_once
            parts.poll()
            await turns()
            revoke = asyncio.create_task(parts.revoke(0))
            await turns()
            parts.owned = False
            connected.set()
            await revoke
            parts.owned = True
            parts.pipeline.nudge()
            await turns()
            assert broker.posted == []
            assert parts.pipeline.tally.returned == {Return.REVOKED: 1, Return.LEASE: 1}
            assert (parts.pipeline.lanes.queued, parts.pipeline.lanes.out) == (0, 0)

        async with bridge(broker, 0, covered=covered) as successor:  # at once: nothing is left covered
            successor.poster.end = at_once
            successor.poll()
            await turns()
            assert offsets(broker, "G1") == [0, 1]

    run(scenario())


def test_nothing_begins_while_the_gate_is_closed_and_a_nudge_after_it_opened_is_enough() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(6):
            broker.write(0, f"G{n}")
        async with bridge(broker, 0, senders=3) as parts:
            parts.owned = False
            parts.poll(10)
            await turns()
            assert parts.pipeline.tally.rendered["change"] == 0
            parts.owned = True
            parts.pipeline.nudge()
            await turns()
            assert len(parts.poster.out) == 3
            parts.pipeline.nudge()  # all senders are at work
            await turns()
            assert len(parts.poster.out) == 3

    run(scenario())


def test_max_unconfirmed_stops_posting_until_a_checkpoint_is_good() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(10):
            broker.write(0, f"G{n}")
        good, at_good_ones = False, [0]

        async def answer() -> tuple[Commit, bool]:
            if good:
                at_good_ones.append(len(broker.posted))
            return (Commit.DONE, True) if good else (Commit.TIMEOUT, False)

        async with bridge(broker, 0, senders=2, max_unconfirmed=4) as parts:
            parts.poster.end, parts.committer.answer = at_once, answer
            keeping = asyncio.create_task(parts.ownership.keep_checkpoints(1))
            parts.poll(10)
            await asyncio.sleep(10)
            parts.pipeline.nudge()
            await turns()
            assert len(broker.posted) == 4
            assert parts.gate.why_closed(now()) == "unconfirmed"
            good = True
            await asyncio.sleep(10)  # the next attempt; those after it need not be waited for
            assert len(broker.posted) == 10
            assert at_good_ones[1] == 4
            assert all(after - before <= 4 for before, after in pairwise(at_good_ones))
            keeping.cancel()

    run(scenario())


def test_items_of_a_revoked_partition_are_handed_back_and_those_of_others_stay() -> None:
    async def scenario() -> None:
        broker = Broker()
        for number in (0, 1):
            for _ in range(3):
                broker.write(number, f"P{number}")
        async with bridge(broker, 0, 1, records=2) as parts:
            parts.poll(10)
            await turns()
            assert sorted(parts.poster.out) == ["P0", "P1"]
            revoke = asyncio.create_task(parts.revoke(0))
            await turns()
            assert parts.pipeline.tally.returned == {Return.REVOKED: 2}, "one from its lane, one that had no room yet"
            await end(parts, "P0")
            await revoke
            assert broker.commits[partition(0)].offset == 1
            for _ in range(3):
                await end(parts, "P1")
            assert (offsets(broker, "P0"), offsets(broker, "P1")) == ([0], [0, 1, 2])

    run(scenario())


def test_a_post_that_does_not_end_within_the_drain_is_cut_and_done() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        broker.write(1, "G2")
        async with bridge(broker, 0, 1, drain=5) as parts:
            parts.poll()
            await turns()
            began = now()
            await parts.revoke(0)
            assert now() == began + 5
            assert parts.pipeline.tally.outcomes == {("change", Result.AMBIGUOUS, Reason.CUT): 1}
            assert broker.commits[partition(0)].offset == 1
            assert list(parts.poster.out) == ["G2"]
            await end(parts, "G2")
            parts.poster.end = at_once
            broker.write(1, "G2")
            parts.poll()
            await turns()
            assert offsets(broker, "G2") == [0, 1], "with the sender that was cut as good as ever"
            assert not any(task.done() for task in parts.tasks)

    run(scenario())


@pytest.mark.parametrize("covered", [0, 10], ids=["at_least_once", "at_most_once"])
def test_a_post_that_is_cut_and_does_not_say_so_is_handed_back_and_nobody_waits_for_it(covered: int) -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        async with bridge(broker, 0, covered=covered, drain=5) as parts:
            parts.poster.hangs = True
            parts.poll()
            await turns()
            await asyncio.wait_for(parts.revoke(0), 15)
            assert parts.pipeline.tally.returned == {Return.REVOKED: 1}
            assert broker.commits[partition(0)].offset == 0
            parts.poster.hangs = False
            await asyncio.sleep(2)
            assert parts.pipeline.tally.posted == 0, "what ends now is no longer ours to count"
            assert parts.ownership.held == 0

        async with bridge(broker, 0, covered=covered) as successor:
            successor.poll()
            await turns()
            assert successor.pipeline.tally.skipped[Skip.UNKNOWN] == (1 if covered else 0)
            assert len(successor.poster.out) == (0 if covered else 1)

    run(scenario())


def test_a_drain_waits_for_what_is_on_its_way_to_quarantine_and_no_longer() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, value="no event")
        async with bridge(broker, 0, drain=60) as parts:
            parts.quarantine.slow = True
            parts.poll()
            began = now()
            revoke = asyncio.create_task(parts.revoke(0))
            await asyncio.sleep(3)
            parts.quarantine.waiting.popleft()()
            await revoke
            assert now() == began + 3
            assert broker.commits[partition(0)].offset == 1

    run(scenario())


def test_what_was_quarantined_before_a_restart_is_not_quarantined_again() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G0")
        broker.write(0, value="no event")
        broker.write(0, "G1", change("G1", 0, campaign_name=None))  # found out at its lane's head
        async with bridge(broker, 0, policy=STRICT) as parts:
            parts.poll(10)
            await turns()
            assert [record.offset for record in parts.quarantine.kept] == [1, 2]
            await parts.ownership.checkpoint()

        async with bridge(broker, 0, policy=STRICT) as successor:
            successor.poll(10)
            await turns()
            assert successor.quarantine.kept == []
            assert successor.pipeline.tally.skipped[Skip.ALREADY_DONE] == 2
            assert list(successor.poster.out) == ["G0"]

    run(scenario())


def test_a_record_not_kept_in_quarantine_within_the_drain_is_handed_back() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, value="no event")
        async with bridge(broker, 0) as parts:
            parts.quarantine.slow = True
            parts.poll()
            await parts.revoke(0)
            assert parts.pipeline.tally.returned == {Return.REVOKED: 1}
            parts.quarantine.waiting.popleft()()
            assert parts.pipeline.tally.quarantined.total() == 0

    run(scenario())


def test_of_a_lost_partition_nothing_is_posted_committed_or_counted_any_more() -> None:
    async def scenario() -> None:
        broker = Broker()
        for _ in range(3):
            broker.write(0, "G1")
        broker.write(0, value="no event")
        async with bridge(broker, 0, records=3) as parts:
            parts.quarantine.slow = True
            parts.poll(10)
            await turns()
            parts.ownership.lost(frozenset({partition(0)}))
            assert parts.pipeline.tally.returned == {Return.LOST: 4}
            await end(parts, "G1")
            assert offsets(broker, "G1") == [0]
            assert parts.pipeline.tally.posted == 0
            assert sum(parts.pipeline.tally.outcomes.values()) == 1
            await parts.ownership.checkpoint()
            assert broker.commits == {}

    run(scenario())


def test_a_partition_lost_while_it_is_drained_and_ours_again_by_then_is_kept() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        async with bridge(broker, 0, drain=5) as parts:
            parts.poll()
            await turns()
            revoke = asyncio.create_task(parts.revoke(0))
            await turns()
            parts.ownership.lost_all()
            parts.assign(0)
            await turns()
            assert partition(0) in parts.ownership.intakes
            await end(parts, "G1")
            parts.poster.end = at_once
            await revoke
            assert partition(0) in parts.ownership.intakes
            parts.source.begin(partition(0), 0, "")
            parts.poll()
            await turns()
            assert offsets(broker, "G1") == [0, 0], "its first POST was another owner's"

    run(scenario())


def test_what_was_done_or_open_before_a_restart_is_merged_and_not_posted() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(4):
            broker.write(0, f"G{n}")
        broker.write(0, value="no event")
        async with bridge(broker, 0, covered=10) as parts:
            parts.poll(10)
            await turns()
            for group in ("G1", "G3"):
                await end(parts, group)
            await parts.ownership.checkpoint()

        async with bridge(broker, 0, covered=10) as successor:
            successor.poster.end = at_once
            successor.poll(10)
            await turns()
            tally = successor.pipeline.tally
            assert tally.skipped == {Skip.UNKNOWN: 2, Skip.ALREADY_DONE: 3}
            assert successor.report.unknowns == [(partition(0), 0), (partition(0), 2)]
            assert successor.quarantine.kept == []
            assert len(successor.pipeline.table) == 4
            assert broker.posted == [(partition(0), n) for n in range(4)]

    run(scenario())


@pytest.mark.parametrize("seed", range(60))
def test_random_schedules_keep_order_and_the_identities_and_leave_nothing_behind(seed: int) -> None:
    """What is posted, refused, cut, invalid, paused, revoked and lost, with few or many senders."""

    async def scenario() -> None:
        rng = random.Random(seed)
        broker = Broker()

        async def outcome() -> Outcome:
            await asyncio.sleep(rng.choice([0, 0.01, 1, 20]))
            return rng.choice([DELIVERED, REFUSED_BY_RECEIVER])

        async def connect() -> None:
            await asyncio.sleep(rng.choice([0, 0.01, 0.5]))

        options = {"senders": rng.choice([1, 3, 20]), "records": rng.choice([1, 5, 100]), "max_age": 50.0}
        async with bridge(broker, 0, 1, drain=2, **options) as parts:
            parts.poster.end, parts.poster.connect = outcome, connect
            for _ in range(60):
                for _ in range(rng.randrange(4)):
                    number = rng.randrange(2)
                    group = f"P{number}G{rng.randrange(3)}"
                    value = rng.choice([None, None, None, "no event", statistics(group)])
                    broker.write(number, group, value, age=rng.choice([-1000, -1000, 100]))
                parts.poll(rng.choice([1, 5, 50]))
                parts.owned = rng.random() < 0.8
                parts.pipeline.nudge()
                await asyncio.sleep(rng.choice([0, 0.01, 0.1, 3]))
                if rng.random() < 0.05:
                    await parts.revoke(0)
                    parts.assign(0)
                if rng.random() < 0.05:
                    parts.ownership.lost_all()
                    parts.assign(0, 1)
            parts.owned = True
            ends = {p: len(log) for p, log in broker.logs.items()}
            while {p: intake.ledger.watermark for p, intake in parts.ownership.intakes.items()} != ends:
                parts.poll(50)
                parts.pipeline.nudge()
                await asyncio.sleep(1)
            assert (parts.pipeline.lanes.queued, parts.pipeline.lanes.out) == (0, 0)
            assert len(parts.pipeline.flights) == 0
            for found in broker.order.values():
                first = list(dict.fromkeys(offset for _, offset in found))
                assert first == sorted(first)

    run(scenario())
