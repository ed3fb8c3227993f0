"""Commits in transactions on a real broker: what it keeps, whom it refuses, and what an outage leaves behind."""

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from broker.committing import Group, ours, run, until_done
from broker.group_member import Member
from kafka.errors import ProducerFencedError
from kafka_broker import KafkaBroker
from loopback import wait_until

from bridge.core.outcome import Commit
from bridge.core.runs import MAX_METADATA
from bridge.edge.transactions import _Thread, transactional_id

pytestmark = pytest.mark.usefixtures("no_thread_stays")


def test_what_is_committed_is_kept_with_its_metadata_up_to_the_longest(group: Group) -> None:
    async def scenario() -> None:
        async with group.transactions(member.consumer) as made:
            assert await made.commit(group.at(5, 7)) == (Commit.DONE, "")
            group.keeps({0: 5, 1: 7})
            for offset in range(8, 12):  # right after each other
                assert await made.commit(group.at(offset)) == (Commit.DONE, "")
            group.keeps({0: 11, 1: 7})
            longest = "x" * MAX_METADATA
            assert await made.commit(group.at(12, metadata=longest)) == (Commit.DONE, "")
            wait_until(lambda: group.metadata(0) == longest, timeout=60, what="the longest metadata are kept")
            assert made.replaced == 0

    with Member(group.settings) as member:
        run(scenario)


def test_a_commit_that_is_refused_is_told_and_nothing_of_it_goes_with_the_next(group: Group) -> None:
    async def scenario() -> None:
        async with group.transactions(member.consumer) as made:
            result, text = await made.commit(group.at(1, 1, 1, metadata="x" * (MAX_METADATA + 1)))
            assert (result, "Metadata" in text) == (Commit.REFUSED, True)
            assert await made.commit(group.at(5)) == (Commit.DONE, "")
            group.keeps({0: 5})

    with Member(group.settings) as member:
        run(scenario)


def test_a_generation_that_is_over_is_refused_and_nothing_of_it_goes_with_the_next(group: Group) -> None:
    async def scenario() -> None:
        now = member.consumer.group_metadata()
        old = now._replace(generation_id=now.generation_id - 1)
        told = now
        consumer = SimpleNamespace(group_metadata=lambda: told)
        async with group.transactions(consumer) as made:
            assert await made.commit(group.at(5)) == (Commit.DONE, "")
            told = old
            result, text = await made.commit(group.at(1, 1, 1))
            assert (result, "CommitFailed" in text) == (Commit.LOST, True)
            told = now
            assert await made.commit(group.at(6)) == (Commit.DONE, "")
            group.keeps({0: 6})
            assert group.fenced == []

    with Member(group.settings) as member:
        run(scenario)


def test_without_a_membership_nothing_is_sent_as_the_broker_would_fence_nothing(group: Group) -> None:
    async def scenario() -> None:
        outside = SimpleNamespace(group_metadata=lambda: SimpleNamespace(generation_id=-1))
        for consumer, expected in ((None, "not connected"), (outside, "not a member of the group")):
            async with group.transactions(consumer) as made:
                assert await made.commit(group.at(5)) == (Commit.RETRIABLE, expected)
        assert group.kept() == {}

    run(scenario)


def test_a_second_process_with_the_same_transactional_id_fences_the_first_which_is_told(group: Group) -> None:
    async def scenario() -> None:
        async with group.transactions(member.consumer) as first, group.transactions(member.consumer) as second:
            assert await first.commit(group.at(1)) == (Commit.DONE, "")
            assert await second.commit(group.at(2)) == (Commit.DONE, "")
            assert group.fenced == []
            result, _ = await first.commit(group.at(3))
            assert result is not Commit.DONE
            assert [type(error) for error in group.fenced] == [ProducerFencedError]
            assert await second.commit(group.at(4)) == (Commit.DONE, "")
            group.keeps({0: 4})

    with Member(group.settings) as member:
        run(scenario)


class SlowToMake:
    """A producer, and what was done to it."""

    def __init__(self) -> None:
        self.making, self.made = threading.Event(), threading.Event()
        self.done: list[str] = []

    def make(self) -> Any:
        self.making.set()
        self.made.wait(10)
        return self

    def init_transactions(self) -> None:
        self.done.append("init")

    def close(self, timeout: float) -> None:
        self.done.append("close")


def test_a_producer_given_up_while_it_was_made_does_nothing_any_more() -> None:
    """It would fence its successor, and commit what is old by then."""

    async def scenario() -> None:
        slow = SlowToMake()
        thread = _Thread(slow.make)

        def transaction(_: Any) -> None:
            slow.done.append("transaction")

        answer = thread.run(transaction)
        await asyncio.to_thread(slow.making.wait, 10)
        thread.end()
        slow.made.set()
        assert isinstance(await answer, RuntimeError)
        await asyncio.to_thread(thread.join, 10)
        assert slow.done == ["close"]

    run(scenario)


def test_ids_made_for_processes_differ() -> None:
    assert len({transactional_id("g") for _ in range(100)}) == 100
    assert transactional_id("g").startswith("g-")


def test_a_broker_that_does_not_answer_costs_no_more_than_the_deadline_and_leaves_nothing_behind(
    own_broker: KafkaBroker,
) -> None:
    async def scenario() -> None:
        async with group.transactions(member.consumer, deadline=1.0) as made:
            await until_done(made, group.at(1, 1), 10)
            before = made.replaced
            with own_broker.frozen():
                for _ in range(3):
                    began = time.monotonic()
                    result, text = await made.commit(group.at(2, 2))
                    assert (result, "given up after 1 s" in text) == (Commit.TIMEOUT, True)
                    assert time.monotonic() - began < 1.5
                assert made.replaced == before + 3
                cut = asyncio.create_task(made.commit(group.at(3, 3)))
                await asyncio.sleep(0.2)
                cut.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await cut
                assert made.replaced == before + 4, "it can't be told what becomes of it"
            await until_done(made, group.at(4), 20)
            for offset in range(5, 10):
                assert await made.commit(group.at(offset)) == (Commit.DONE, "")
            # Those that were given up end by themselves; none of them commits what is old, or fences its successor.
            wait_until(lambda: len(ours()) == 2, timeout=60, what="there is one thread, with one producer")
            assert await made.commit(group.at(10)) == (Commit.DONE, "")
            wait_until(lambda: group.kept()[0] == 10, timeout=60, what="the last commit is kept")
            assert group.kept()[1] in (1, 2, 3), "of an outage's commits it is not known which were made"
            assert group.fenced == []

    group = Group(own_broker)
    with Member(group.settings) as member:
        run(scenario)


def test_after_a_broker_was_killed_and_is_back_commits_go_on(own_broker: KafkaBroker) -> None:
    async def scenario() -> None:
        async with group.transactions(member.consumer, deadline=2.0) as made:
            await until_done(made, group.at(1), 10)
            await asyncio.to_thread(own_broker.kill)
            for _ in range(2):
                began = time.monotonic()
                result, _ = await made.commit(group.at(2))
                assert result in (Commit.TIMEOUT, Commit.RETRIABLE)
                assert time.monotonic() - began < 2.5
            await asyncio.to_thread(own_broker.start)
            await until_done(made, group.at(3), 30)
            wait_until(lambda: len(ours()) == 2, timeout=60, what="there is one thread, with one producer")
            assert await made.commit(group.at(4)) == (Commit.DONE, "")
            group.keeps({0: 4})
            assert group.fenced == []

    group = Group(own_broker)
    with Member(group.settings) as member:
        run(scenario)
