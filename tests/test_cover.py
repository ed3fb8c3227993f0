"""at_most_once: nothing is posted before a checkpoint covers it, and everything is posted or known to be open."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from bridge_of_parts import DELIVERED, Broker, Parts, bridge, partition
from virtual_time import run, turns, until

from bridge.core.ledger import restore, restore_covered
from bridge.core.outcome import Commit, Reason, Result, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.runs import Checkpoint, write
from bridge.cover import AGAIN, AHEAD

Answer = Callable[[], Awaitable[tuple[Commit, bool]]]


class Switch:
    """A committer's answers, each when the test gives it."""

    def __init__(self, parts: Parts) -> None:
        self.waiting: asyncio.Future[tuple[Commit, bool]] | None = None
        parts.committer.answer = self

    async def __call__(self) -> tuple[Commit, bool]:
        self.waiting = asyncio.get_running_loop().create_future()
        return await self.waiting

    async def give(self, result: Commit, *, made: bool | None = None) -> None:
        assert self.waiting is not None
        self.waiting.set_result((result, result is Commit.DONE if made is None else made))
        self.waiting = None
        await turns()


async def at_once() -> Outcome:
    return DELIVERED


def covered(broker: Broker, number: int = 0) -> list[int]:
    """Offsets that the broker's commit covers."""
    return [n for first, after in restore_covered(broker.commits[partition(number)]) for n in range(first, after)]


def posted(broker: Broker, number: int = 0) -> list[int]:
    return [offset for where, offset in broker.posted if where.number == number]


def test_a_post_begins_only_when_the_checkpoint_that_covers_it_is_confirmed() -> None:
    async def scenario() -> None:
        broker = Broker()
        for group in ("G1", "G2", "G1"):
            broker.write(0, group)
        async with bridge(broker, 0, covered=100) as parts:
            switch = Switch(parts)
            parts.poll(10)
            await turns()
            assert broker.posted == []
            await switch.give(Commit.DONE)
            assert sorted(parts.poster.out) == ["G1", "G2"]
            assert covered(broker) == [0, 1, 2], "and what is next in a lane is covered with its head"
            parts.poster.out["G1"].set_result(DELIVERED)
            await turns()
            assert broker.posted == [(partition(0), 0), (partition(0), 1), (partition(0), 2)]
            assert switch.waiting is None, "with no further checkpoint"

    run(scenario())


@pytest.mark.parametrize("result", [Commit.RETRIABLE, Commit.TIMEOUT, Commit.REFUSED, Commit.LOST])
@pytest.mark.parametrize("made", [True, False], ids=["made", "not-made"])
def test_after_a_checkpoint_that_failed_nothing_is_posted_and_it_is_tried_again(result: Commit, made: bool) -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        async with bridge(broker, 0, covered=100) as parts:
            assert parts.cover is not None
            switch = Switch(parts)
            parts.poll()
            await turns()
            for _ in range(3):
                await switch.give(result, made=made)
                assert broker.posted == []
                assert parts.cover.failing
                await asyncio.sleep(AGAIN)
                await turns()
            await switch.give(Commit.DONE)
            assert not parts.cover.failing
            assert posted(broker) == [0]

    run(scenario())


def test_a_failed_checkpoint_is_tried_again_also_when_it_covered_as_many_as_may_be() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(5):
            broker.write(0, f"G{n}")
        async with bridge(broker, 0, covered=3) as parts:
            parts.poster.end = at_once
            switch = Switch(parts)
            parts.poll(10)
            await turns()
            await switch.give(Commit.TIMEOUT, made=False)
            parts.committer.answer = parts.committer.done
            await asyncio.sleep(AGAIN)
            await turns(50)
            assert posted(broker) == [0, 1, 2, 3, 4]

    run(scenario())


def test_what_is_handed_back_is_uncovered_although_the_commit_that_covered_it_was_not_confirmed() -> None:
    """Else the next owner would never post it: nothing in the bridge differs from the last confirmed commit."""

    async def scenario() -> None:
        broker = Broker()
        async with bridge(broker, 0, covered=100) as parts:
            await parts.ownership.checkpoint()
            broker.write(0)
            switch = Switch(parts)
            parts.poll()
            await turns()
            await switch.give(Commit.TIMEOUT, made=True)
            assert covered(broker) == [0]
            parts.committer.answer = parts.committer.done
            await parts.revoke(0)
            assert covered(broker) == []
            assert broker.posted == []

    run(scenario())


def test_a_commit_that_is_cut_short_leaves_nothing_believed() -> None:
    async def scenario() -> None:
        broker = Broker()
        async with bridge(broker, 0, covered=100) as parts:
            await parts.ownership.checkpoint()
            broker.write(0)
            Switch(parts)
            parts.poll()
            await turns()
            parts.tasks[-1].cancel()  # with the commit under way, as at a stop
            await turns()
            broker.commits.update(parts.committer.asked[-1])
            assert covered(broker) == [0]
            parts.committer.answer = parts.committer.done
            await parts.ownership.stop()
            assert covered(broker) == []

    run(scenario())


def test_a_stop_leaves_nothing_covered_but_what_was_handed_to_the_transport() -> None:
    async def scenario() -> None:
        broker = Broker()
        for _ in range(3):
            broker.write(0, "G1")
        async with bridge(broker, 0, covered=100) as parts:
            parts.poll(10)
            await turns()
            assert posted(broker) == [0]
            assert covered(broker) == [0, 1, 2]
            stop = asyncio.create_task(parts.ownership.stop())
            await turns()
            parts.poster.out["G1"].set_result(DELIVERED)
            await stop
            assert covered(broker) == []
            assert broker.commits[partition(0)].offset == 1
            assert posted(broker) == [0]

    run(scenario())


def test_records_that_were_covered_and_made_no_post_make_room_for_others() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(6):
            broker.write(0, f"G{n}", age=100)
        for n in range(6, 9):
            broker.write(0, f"G{n}")
        async with bridge(broker, 0, covered=2, max_age=50) as parts:
            parts.poster.end = at_once
            parts.poll(10)
            await turns(100)
            assert parts.pipeline.tally.skipped[Skip.TOO_OLD] == 6
            assert posted(broker) == [6, 7, 8]

    run(scenario())


def test_room_that_is_made_during_a_checkpoint_is_used_after_it() -> None:
    """Also where the checkpoint's own records are handed back, so that no POST of theirs ends."""

    async def scenario() -> None:
        broker = Broker()
        for n in range(2):
            broker.write(0, f"G{n}")
        async with bridge(broker, 0, 1, covered=1) as parts:
            switch = Switch(parts)
            parts.poll()
            await turns()
            await switch.give(Commit.DONE)
            assert posted(broker) == [0]
            broker.write(1, "other")
            parts.poll()
            await turns()
            assert switch.waiting is not None  # for partition 1; partition 0 has no room
            parts.poster.out["G0"].set_result(DELIVERED)
            await turns()
            lost = asyncio.create_task(parts.revoke(1))
            await turns()
            await switch.give(Commit.DONE)
            parts.committer.answer = parts.committer.done
            if switch.waiting is not None:
                await switch.give(Commit.DONE)
            await lost
            await turns()
            assert posted(broker) == [0, 1]

    run(scenario())


def done_beyond(broker: Broker, number: int, offset: int, done: tuple[int, int]) -> None:
    """A commit from before a restart."""
    broker.commits[partition(number)] = Checkpoint(offset, write(2, offset, (done,)))


def test_what_was_done_before_a_restart_takes_no_room_of_what_was_not() -> None:
    """Nobody would ever make it free again."""

    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "X")
        broker.write(1, "Y")
        broker.write(1, "X")
        done_beyond(broker, 1, 0, (1, 2))
        async with bridge(broker, 0, 1, covered=1) as parts:
            parts.poster.end = at_once
            parts.poll(10)
            await turns(50)
            assert sorted(broker.posted) == [(partition(0), 0), (partition(1), 0)]
            assert parts.pipeline.tally.skipped[Skip.ALREADY_DONE] == 1

    run(scenario())


def test_a_lane_goes_on_where_all_that_had_to_be_covered_is_handed_back_meanwhile() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "X")
        broker.write(1, "Y")
        broker.write(1, "X")
        done_beyond(broker, 1, 0, (1, 2))
        async with bridge(broker, 0, 1, covered=10) as parts:
            parts.poster.end = at_once
            switch = Switch(parts)
            parts.poll(10)
            await turns()
            parts.committer.answer = parts.committer.done
            revoke = asyncio.create_task(parts.revoke(0))
            await turns()
            await switch.give(Commit.DONE)
            await revoke
            await turns()
            assert posted(broker, 0) == []
            assert posted(broker, 1) == [0]
            assert (parts.pipeline.lanes.queued, parts.pipeline.lanes.out) == (0, 0)

    run(scenario())


def test_a_lane_without_room_is_passed_over_by_no_later_one() -> None:
    """64 busy groups ask again and again, some of them while a checkpoint is under way; one group has a single event."""

    async def scenario() -> None:
        broker = Broker()
        rng = random.Random(5)
        for n in range(64 * 40):
            if n == 300:
                broker.write(0, "patient")
            broker.write(0, f"G{n % 64}")
        async with bridge(broker, 0, covered=16, senders=64, records=10_000) as parts:

            async def slowly() -> Outcome:
                await asyncio.sleep(rng.uniform(0.001, 0.02))
                return DELIVERED

            async def checkpoint() -> tuple[Commit, bool]:
                await asyncio.sleep(0.012)
                return Commit.DONE, True

            parts.poster.end = slowly
            parts.committer.answer = checkpoint
            parts.poll(10_000)
            await until(lambda: (partition(0), 300) in broker.posted, every=0.01)
            # When it asked, 64 lanes were before it, each with up to AHEAD events a turn.
            assert len(broker.posted) <= 65 * AHEAD

    run(scenario())


class Chance:
    """A random life: what is written, committed, posted, revoked and crashes, all from one seed."""

    def __init__(self, seed: int, mode: str) -> None:
        self.rng = random.Random(seed)
        self.limit = self.rng.choice([1, 2, 5, 256]) if mode == "at_most_once" else 0
        self.broker = Broker()
        self.written = 0
        self.good = self.rng.random() < 0.5  # no process dies, and the last commits of partitions that leave are made
        self.leaving = False

    def write(self, count: int) -> None:
        for _ in range(count):
            number = self.rng.randrange(2)
            group = f"P{number}G{self.rng.randrange(5)}"
            kind = self.rng.random()
            if kind < 0.1:
                self.broker.write(number, group, "no event")
            else:
                self.broker.write(number, group, age=10_000 if kind < 0.2 else 0)
        self.written += count

    async def answer(self) -> tuple[Commit, bool]:
        await asyncio.sleep(self.rng.choice([0, 0.001, 0.02, 0.3]))
        if self.rng.random() < 0.7 or (self.good and self.leaving):
            return Commit.DONE, True
        return self.rng.choice([Commit.TIMEOUT, Commit.RETRIABLE, Commit.LOST]), self.rng.random() < 0.5

    async def connect(self) -> None:
        await asyncio.sleep(self.rng.choice([0, 0, 0.001, 0.05]))

    async def outcome(self) -> Outcome:
        await asyncio.sleep(self.rng.choice([0, 0.001, 0.01, 0.2, 4]))
        return self.rng.choice([DELIVERED, Outcome(Result.REJECTED, Reason.STATUS_5XX, 0.1, 500)])

    def parts(self) -> dict[str, object]:
        few = self.rng.choice([1, 2, 8])
        share = self.rng.choice([1, 3, 100])
        return {"covered": self.limit, "senders": few, "records": share, "max_age": 5_000, "drain": 2.0}

    def wire(self, parts: Parts) -> list[asyncio.Task[None]]:
        parts.committer.answer = self.answer
        parts.poster.connect, parts.poster.end = self.connect, self.outcome
        parts.quarantine.slow = self.rng.random() < 0.5
        return [asyncio.create_task(work) for work in (self.poll(parts), self.flip(parts), self.keep(parts))]

    async def poll(self, parts: Parts) -> None:
        while True:
            parts.poll(self.rng.choice([1, 2, 10]))
            while parts.quarantine.waiting and self.rng.random() < 0.8:
                parts.quarantine.waiting.popleft()()
            await asyncio.sleep(self.rng.choice([0, 0.01, 0.1]))

    async def flip(self, parts: Parts) -> None:
        while True:
            await asyncio.sleep(self.rng.uniform(0, 0.5))
            parts.owned = self.rng.random() < 0.7
            parts.pipeline.nudge()

    async def keep(self, parts: Parts) -> None:
        await parts.ownership.keep_checkpoints(0.1)

    async def live(self, *, end: str) -> list[tuple[int, int]]:
        """One bridge's life with both partitions; how it ends. What a crash had left open."""
        async with bridge(self.broker, 0, 1, **self.parts()) as parts:
            tasks = self.wire(parts)
            await asyncio.sleep(self.rng.uniform(0, 3))
            if self.rng.random() < 0.3:
                self.leaving = True
                await parts.revoke(0)
                self.leaving = False
                await asyncio.sleep(0.5)
                parts.assign(0)
                await asyncio.sleep(self.rng.uniform(0, 1))
            if end == "all":
                await self.until_done(parts)
            if end == "stop":
                self.leaving = True
                await parts.ownership.stop()
                self.leaving = False
            for task in tasks:
                task.cancel()
            return [(where.number, offset) for where, offset in parts.report.unknowns]

    async def until_done(self, parts: Parts) -> None:
        async with asyncio.timeout(3000):
            await until(lambda: self.done() == self.written)

    def done(self) -> int:
        return sum(commit.offset for commit in self.broker.commits.values())

    def posts_expected(self) -> set[tuple[int, int]]:
        """All that is written but what is no event, or too old."""
        fresh = [r for log in self.broker.logs.values() for r in log if r.value != b"no event"]
        newest = max(r.timestamp_ms for r in fresh)
        return {(r.partition.number, r.offset) for r in fresh if r.timestamp_ms > newest - 5_000_000}


def in_order(broker: Broker) -> bool:
    """Whether each group's first arrivals are in order."""
    return all(
        (first := list(dict.fromkeys(found))) == sorted(first, key=lambda post: post[1])
        for found in broker.order.values()
    )


@pytest.mark.parametrize("seed", range(150))
def test_at_most_once_whatever_happens_nothing_is_posted_twice_and_nothing_is_forgotten(seed: int) -> None:
    async def scenario() -> None:
        life = Chance(seed, "at_most_once")
        open_posts: set[tuple[int, int]] = set()
        for _ in range(life.rng.randrange(3)):
            life.write(life.rng.randrange(30))
            open_posts |= set(await life.live(end="stop" if life.good else life.rng.choice(["crash", "stop"])))
            if life.good:
                for number, commit in life.broker.commits.items():
                    assert restore_covered(commit) == (), number
        life.write(20)
        open_posts |= set(await life.live(end="all"))

        posts = [(where.number, offset) for where, offset in life.broker.posted]
        assert len(posts) == len(set(posts)), "posted twice"
        assert not (life.good and open_posts), "nothing died, and yet something is open"
        assert set(posts) | open_posts >= life.posts_expected(), "neither posted nor said to be open"
        assert in_order(life.broker)
        for commit in life.broker.commits.values():
            assert (restore(commit)[0], restore_covered(commit)) == ((), ())

    run(scenario())


@pytest.mark.parametrize("seed", range(100))
def test_at_least_once_whatever_happens_everything_is_posted_and_a_living_owner_repeats_nothing(seed: int) -> None:
    async def scenario() -> None:
        life = Chance(seed, "at_least_once")
        for _ in range(life.rng.randrange(3)):
            life.write(life.rng.randrange(30))
            assert await life.live(end="stop" if life.good else life.rng.choice(["crash", "stop"])) == []
        life.write(20)
        await life.live(end="all")
        posts = life.broker.posted
        assert len(posts) == len(set(posts)) or not life.good, "repeated, and nothing died"
        assert {(where.number, offset) for where, offset in life.broker.posted} >= life.posts_expected()
        assert in_order(life.broker)

    run(scenario())
