"""Commits: how often, of what, and what a failure leaves to the next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from bridge_of_parts import Broker, Committer
from campaigns import LENIENT, change, stamp
from virtual_time import now, run, turns

from bridge.checkpoints import AGAIN, SLOWEST, Checkpoints
from bridge.core.gate import Gate
from bridge.core.groups import MOST_UNSAVED, GroupTable
from bridge.core.intake import Intake
from bridge.core.ledger import Ledger
from bridge.core.outcome import Commit, Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.core.record import Partition, Record, names
from bridge.core.saved import MAX_BYTES, load
from bridge.core.share import Share
from bridge.core.tally import Tally
from bridge.core.vocabulary import GroupState

FAILED = [Commit.RETRIABLE, Commit.TIMEOUT, Commit.LOST, Commit.REFUSED]


class One:
    """Checkpoints of two partitions, with the committer's `results` one after the other, then done for ever."""

    def __init__(self, *results: Commit, seconds: float = 0.0, always: bool = False) -> None:
        self.broker, self.results = Broker(), list(results)
        self.committer = Committer(self.broker)
        self.committer.answer = self.answer
        self.seconds = seconds
        self.offsets = 0
        self.times: list[float] = []
        self.tally, self.gate = Tally(), Gate(max_unconfirmed=1000)
        self.table = GroupTable(saved=True)
        self.checkpoints = Checkpoints(self.committer, self.tally, self.gate, self.table, always=always)
        partitions = [Partition("events", number) for number in (0, 1)]
        self.intakes = {partition: Intake(partition, Ledger(0), Share(10, 1000)) for partition in partitions}
        self.one, self.other = self.intakes.values()

    async def answer(self) -> tuple[Commit, bool]:
        self.times.append(now())
        await asyncio.sleep(self.seconds)
        result = self.results.pop(0) if self.results else Commit.DONE
        return result, result is Commit.DONE

    def asked(self) -> list[dict[int, int]]:
        """Offsets by partition number, of each commit so far."""
        return [{p.number: c.offset for p, c in asked.items()} for asked in self.committer.asked]

    def work(self, intake: Intake) -> None:
        """A record comes and is done."""
        offset = intake.ledger.end
        intake.offer([Record(intake.partition, offset, 0, None, None)])
        assert intake.take() is not None
        intake.settle(offset)

    def hear(self, key: str, queue: str, number: int = 0) -> None:
        """An event of a group is merged."""
        self.offsets += 1
        event = change(self.offsets, state=GroupState.NotLoaded, queue_name=queue)
        self.table.merge(key, event, stamp(self.offsets, self.offsets, number), LENIENT)

    def states(self) -> dict[int, dict[str, str | None]]:
        """Queue names of the groups that the broker has, by number and key."""
        return {
            number: {key.decode(): load(key, value, number).names[-1] for key, value in states.items()}
            for number, states in self.broker.states.items()
        }

    @asynccontextmanager
    async def kept(self, seconds: float) -> AsyncIterator[None]:
        task = asyncio.create_task(self.checkpoints.keep(self.intakes, seconds))
        try:
            yield
        finally:
            task.cancel()


def test_only_what_has_changed_is_committed() -> None:
    async def scenario() -> None:
        one = One()
        await one.checkpoints.commit([one.one, one.other])
        one.work(one.other)
        await one.checkpoints.commit([one.one, one.other])
        assert await one.checkpoints.commit([one.one, one.other]) is Commit.DONE
        assert one.asked() == [{0: 0, 1: 0}, {1: 1}]

    run(scenario())


@pytest.mark.parametrize("result", FAILED)
def test_after_a_failure_all_of_it_goes_into_the_next_and_what_came_since(result: Commit) -> None:
    async def scenario() -> None:
        one = One(Commit.DONE, result)
        await one.checkpoints.commit([one.one, one.other])
        one.work(one.one)
        assert await one.checkpoints.commit([one.one, one.other]) is result
        one.work(one.other)
        assert await one.checkpoints.commit([one.one, one.other]) is Commit.DONE
        assert one.asked()[1:] == [{0: 1}, {0: 1, 1: 1}]
        assert one.tally.commits == {Commit.DONE: 2, result: 1}

    run(scenario())


def test_what_is_done_while_a_commit_is_under_way_is_for_the_next() -> None:
    async def scenario() -> None:
        one = One(seconds=1)
        first = asyncio.create_task(one.checkpoints.commit([one.one]))
        await turns()
        one.work(one.one)
        second = asyncio.create_task(one.checkpoints.commit([one.one]))  # waits its turn: one at a time
        one.work(one.one)
        await asyncio.gather(first, second)
        assert one.asked() == [{0: 0}, {0: 2}]

    run(scenario())


def test_a_static_member_commits_also_where_nothing_changed() -> None:
    async def scenario() -> None:
        one = One(always=True)
        for _ in range(2):
            await one.checkpoints.commit([one.one, one.other])
        assert one.asked() == [{0: 0, 1: 0}] * 2

    run(scenario())


def test_a_partition_that_is_another_s_by_now_is_not_named() -> None:
    async def scenario() -> None:
        one = One(seconds=1)
        first = asyncio.create_task(one.checkpoints.commit([one.one]))
        await turns()
        waiting = asyncio.create_task(one.checkpoints.commit([one.one, one.other]))
        await turns()
        one.other.gone = True
        one.work(one.one)
        await asyncio.gather(first, waiting)
        assert one.asked() == [{0: 0}, {0: 1}]

    run(scenario())


def test_partitions_that_leave_are_left_to_their_last_commit() -> None:
    async def scenario() -> None:
        one = One()
        async with one.kept(1):
            await asyncio.sleep(1.5)
            for intake in (one.one, one.other):
                one.work(intake)
            one.one.leaving = True
            await asyncio.sleep(1)
            await one.checkpoints.last([one.one], 10)
        assert one.asked() == [{0: 0, 1: 0}, {1: 1}, {0: 1}]

    run(scenario())


def test_a_partition_that_came_since_is_committed_with_the_others() -> None:
    async def scenario() -> None:
        one = One()
        kept = one.intakes.pop(one.other.partition)
        async with one.kept(1):
            await asyncio.sleep(1.5)
            one.intakes[kept.partition] = kept
            await asyncio.sleep(1)
        assert one.asked() == [{0: 0}, {1: 0}]

    run(scenario())


@pytest.mark.parametrize(
    ("seconds", "gaps"),
    [
        pytest.param(1, [2, 4, 8, SLOWEST, SLOWEST, 1, 1], id="a-second"),
        pytest.param(0.01, [0.02, 0.04, 0.08, 0.16, 0.32, 0.01, 0.01], id="often"),
        pytest.param(60, [60] * 7, id="seldom"),
    ],
)
def test_while_commits_fail_they_are_made_less_often_and_as_often_as_before_after_one_that_is_good(
    seconds: float, gaps: list[float]
) -> None:
    async def scenario() -> None:
        one = One(*(FAILED * 2)[:5])
        async with one.kept(seconds):
            began = now()
            while len(one.times) < 8:
                await asyncio.sleep(seconds / 4)
                one.work(one.one)
        times = [began, *one.times]
        assert [round(b - a, 6) for a, b in pairwise(times)] == [seconds, *gaps]

    run(scenario())


def posts(one: One, number: int) -> None:
    """So many POSTs end."""
    for _ in range(number):
        one.gate.posted(Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.01, 204), now())


def test_a_good_checkpoint_confirms_the_posts_that_had_ended_when_it_began_and_no_later_ones() -> None:
    async def scenario() -> None:
        one = One(Commit.TIMEOUT, seconds=0.5)
        posts(one, 5)
        async with one.kept(1):
            await asyncio.sleep(1.6)
            assert one.gate.unconfirmed == 5, "it failed"
            await asyncio.sleep(2)  # the next is under way
            posts(one, 1)
            assert len(one.times) == 2
            await asyncio.sleep(0.5)
            assert one.gate.unconfirmed == 1
            await asyncio.sleep(1)  # nothing has changed: that is as good as a commit
            assert one.gate.unconfirmed == 0

    run(scenario())


def test_where_posts_would_wait_for_the_next_checkpoint_it_comes_sooner_and_wakes_them() -> None:
    async def scenario() -> None:
        one, woken, three_quarters = One(seconds=0.5), list[float](), 750
        keeping = asyncio.create_task(one.checkpoints.keep(one.intakes, 10, lambda: woken.append(now())))
        began = now()
        await asyncio.sleep(1)
        posts(one, three_quarters)
        await asyncio.sleep(0.1)
        one.work(one.one)
        posts(one, three_quarters)  # while that one is under way: the next follows at once
        await asyncio.sleep(20)
        keeping.cancel()
        assert [round(at - began, 6) for at in one.times] == [1, 1.5]
        assert [round(at - began, 6) for at in woken] == [1.5, 2, 12]

    run(scenario())


def test_where_many_groups_have_changed_the_next_checkpoint_comes_sooner() -> None:
    async def scenario() -> None:
        one = One(seconds=0.5)
        began = now()
        async with one.kept(10):
            await asyncio.sleep(1)
            for number in range(MOST_UNSAVED):
                one.hear(f"group {number}", "q")
            await asyncio.sleep(0.1)
            for number in range(MOST_UNSAVED):  # while that one is under way
                one.hear(f"group {number}", "again")
            await asyncio.sleep(15)
        assert [round(at - began, 6) for at in one.times] == [1, 1.5]
        assert set(one.states()[0].values()) == {"again"}

    run(scenario())


def test_many_changed_groups_of_a_number_that_leaves_do_not_bring_one_checkpoint_after_the_other() -> None:
    async def scenario() -> None:
        one = One()
        began = now()
        async with one.kept(10):
            await asyncio.sleep(1)
            one.work(one.other)
            one.one.leaving = True  # its last checkpoint takes them
            for number in range(2 * MOST_UNSAVED):
                one.hear(f"group {number}", "q")
            await asyncio.sleep(1)
            one.work(one.other)
            await asyncio.sleep(20)
        assert [round(at - began, 6) for at in one.times] == [1, 11]

    run(scenario())


def test_while_commits_fail_a_window_that_fills_brings_none_sooner() -> None:
    async def scenario() -> None:
        one = One(Commit.TIMEOUT, Commit.TIMEOUT)
        began = now()
        async with one.kept(1):
            await asyncio.sleep(1.5)
            posts(one, 1000)
            await asyncio.sleep(9)
        assert [round(at - began, 6) for at in one.times] == [1, 3, 7]

    run(scenario())


def test_the_last_commit_is_tried_again_until_it_is_good() -> None:
    async def scenario() -> None:
        one = One(Commit.RETRIABLE, Commit.TIMEOUT, Commit.LOST, Commit.RETRIABLE)
        began = now()
        await one.checkpoints.last([one.one], 60)
        assert one.asked() == [{0: 0}] * 5
        assert now() == pytest.approx(began + 4 * AGAIN)
        assert one.tally.commits[Commit.DONE] == 1

    run(scenario())


@pytest.mark.parametrize(
    ("results", "times"),
    [
        pytest.param([Commit.REFUSED], 1, id="refused"),
        pytest.param([Commit.LOST, Commit.LOST], 2, id="lost-with-the-new-generation-too"),
    ],
)
def test_the_last_commit_is_not_tried_again_where_that_would_be_in_vain(results: list[Commit], times: int) -> None:
    async def scenario() -> None:
        one = One(*results)
        await one.checkpoints.last([one.one], 60)
        assert len(one.times) == times
        assert one.broker.commits == {}

    run(scenario())


@pytest.mark.parametrize("blocked", [False, True], ids=["fails", "does-not-answer"])
def test_the_last_commit_takes_no_longer_than_it_may(blocked: bool) -> None:
    async def scenario() -> None:
        one = One(*[Commit.RETRIABLE] * 1000, seconds=3600 if blocked else 0)
        began = now()
        await one.checkpoints.last([one.one], 5)
        assert now() == began + 5
        one.seconds, one.results = 0, []
        assert await one.checkpoints.commit([one.one]) is Commit.DONE, "and the next one has its turn"

    run(scenario())


def test_what_a_log_line_says_of_partitions_is_in_order() -> None:
    assert names([Partition("b", 2), Partition("b", 0), Partition("a", 7)]) == ["a-7", "b-0", "b-2"]


# States of campaign groups


def test_states_go_with_the_offset_of_their_partition_though_that_has_not_changed() -> None:
    async def scenario() -> None:
        one = One()
        await one.checkpoints.commit([one.one, one.other])
        one.hear("a", "q", number=1)
        await one.checkpoints.commit([one.one, one.other])
        await one.checkpoints.commit([one.one, one.other])
        assert one.asked() == [{0: 0, 1: 0}, {1: 0}], "and once"
        assert one.states() == {0: {}, 1: {"a": "q"}}
        assert one.tally.states_saved == 1

    run(scenario())


@pytest.mark.parametrize("result", FAILED)
def test_states_that_were_not_confirmed_are_in_the_next_as_they_are_by_then(result: Commit) -> None:
    async def scenario() -> None:
        one = One(Commit.DONE, result)
        for key in "abc":
            one.hear(key, "old")
        await one.checkpoints.commit([one.one])
        assert one.states()[0] == dict.fromkeys("abc", "old")
        one.hear("a", "new")
        one.hear("b", "new")
        assert await one.checkpoints.commit([one.one]) is result
        assert one.tally.states_saved == 3
        one.table.expire(9, 1, "ab")
        one.hear("b", "newest")
        await one.checkpoints.commit([one.one])
        assert one.states()[0] == {"a": "new", "b": "newest"}
        assert one.tally.states_saved == 3 + 3

    run(scenario())


def test_what_changes_while_a_commit_is_under_way_is_for_the_next_and_only_that() -> None:
    async def scenario() -> None:
        one = One(seconds=1)
        one.hear("a", "1")
        first = asyncio.create_task(one.checkpoints.commit([one.one]))
        await turns()
        one.hear("a", "2")
        await first
        assert one.states()[0] == {"a": "1"}
        await one.checkpoints.commit([one.one])
        assert one.states()[0] == {"a": "2"}
        assert len(one.asked()) == 2

    run(scenario())


def test_states_of_a_partition_that_was_lost_meanwhile_are_not_tried_again() -> None:
    async def scenario() -> None:
        one = One(Commit.LOST, seconds=1)
        one.hear("a", "q")
        one.hear("b", "q", number=1)
        first = asyncio.create_task(one.checkpoints.commit([one.one, one.other]))
        await turns()
        one.one.gone = True
        one.table.drop(0)
        await first
        assert one.table.unsaved(0) == {}
        assert set(one.table.unsaved(1)) == {"b"}

    run(scenario())


def test_states_of_a_number_that_leaves_are_left_to_its_last_commit_also_after_it_had_no_answer() -> None:
    async def scenario() -> None:
        one = One(seconds=3600)
        one.hear("a", "q")
        one.one.leaving = True
        assert await one.checkpoints.commit([one.one]) is Commit.DONE
        assert one.asked() == []
        await one.checkpoints.last([one.one], 5)
        assert one.states()[0] == {}
        one.seconds = 0
        await one.checkpoints.last([one.one], 5)
        assert one.states()[0] == {"a": "q"}

    run(scenario())


def test_states_of_a_number_whose_other_topic_stays_go_with_that_topic_s_offset() -> None:
    async def scenario() -> None:
        one = One()
        more = Intake(Partition("more", 0), Ledger(7), Share(10, 1000))
        one.one.leaving = True
        one.hear("a", "q")
        await one.checkpoints.commit([one.one, more])
        assert [{p.topic: c.offset for p, c in asked.items()} for asked in one.committer.asked] == [{"more": 7}]
        assert one.states()[0] == {"a": "q"}

    run(scenario())


def test_a_state_that_kafka_would_refuse_holds_up_no_other() -> None:
    async def scenario() -> None:
        one = One()
        one.hear("large", "x" * MAX_BYTES)
        one.hear("fits", "y" * (MAX_BYTES - 1000))
        one.hear("small", "q")
        assert await one.checkpoints.commit([one.one]) is Commit.DONE
        stored = one.broker.states[0]
        assert set(stored) == {b"fits", b"small"}
        assert len(stored[b"fits"]) > MAX_BYTES - 1000
        assert one.tally.states_saved == 2

    run(scenario())


def test_a_commit_that_may_have_been_made_is_told_again_though_it_says_the_same_as_the_last_good_one() -> None:
    async def scenario() -> None:
        one = One(Commit.DONE, Commit.TIMEOUT)
        intake = one.intakes[one.one.partition] = Intake(one.one.partition, Ledger(0, max_covered=1), Share(10, 1000))
        intake.offer([Record(intake.partition, 0, 0, None, None)])
        assert intake.take() is not None
        await one.checkpoints.commit([intake])
        intake.ledger.cover(0)
        await one.checkpoints.commit([intake])
        intake.ledger.uncover(0)
        assert await one.checkpoints.commit([intake]) is Commit.DONE
        first, covered, last = (asked[intake.partition] for asked in one.committer.asked)
        assert first == last != covered

    run(scenario())
