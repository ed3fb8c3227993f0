"""States and offsets on a real broker: together or not at all, and never from who may no longer write them."""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from broker.committing import Group, run, until_done
from broker.group_member import Member
from broker.states import make_state_topic, state, tombstone
from kafka_broker import KafkaBroker
from kafka_topics import end_offsets
from loopback import wait_until

from bridge.checkpoints import Committer
from bridge.core.outcome import Commit
from bridge.core.record import Partition
from bridge.core.runs import Checkpoint
from bridge.core.saved import StateRecord, load
from bridge.edge import plain as module
from bridge.edge import transactions
from bridge.edge.offsets import Offsets
from bridge.edge.plain import PlainCommits
from bridge.edge.state_topic import StateTopic
from bridge.edge.transactions import Transactions

pytestmark = pytest.mark.usefixtures("no_thread_stays")


@asynccontextmanager
async def plain(group: Group, consumer: Any) -> AsyncIterator[PlainCommits]:
    made = PlainCommits(group.settings, Offsets(lambda: consumer, 5), group.state_topic)
    try:
        yield made
    finally:
        await made.close()


def producer_of(committer: Committer) -> Any:
    """kafka-python's."""
    inside: Any = committer
    return inside._producer.kafka if isinstance(committer, PlainCommits) else inside._thread._producer


Making = Callable[[Group, Any], AbstractAsyncContextManager[Committer]]
both = pytest.mark.parametrize("making", [Group.transactions, plain], ids=["transactions", "plain"])


@both
def test_states_go_to_their_partitions_and_offsets_with_them(group: Group, making: Making) -> None:
    async def scenario() -> None:
        async with making(group, member.consumer) as made:
            assert await made.commit(group.at(5, 7), first) == (Commit.DONE, "")
            assert await made.commit(group.at(6), second) == (Commit.DONE, "")
            assert await made.commit(group.at(7)) == (Commit.DONE, ""), "nothing has changed but offsets"
            assert made.replaced == 0

    first = [state("a", 0, 1), state("b", 1, 1), state("c", 1, 1)]
    second = [tombstone("a", 0), state("b", 1, 2)]
    with Member(group.settings) as member:
        run(scenario)
        assert group.states() == [first[0], second[0], first[1], first[2], second[1]]
        group.keeps({0: 7, 1: 7})


@both
def test_thousands_of_states_go_in_few_batches(group: Group, making: Making) -> None:
    async def scenario() -> None:
        async with making(group, member.consumer) as made:
            assert await made.commit(group.at(1)) == (Commit.DONE, "")  # with the making of the producer
            assert await made.commit(group.at(2, 2, 2), many) == (Commit.DONE, "")
            told = producer_of(made).metrics()["producer-metrics"]
            assert told["records-per-request-avg"] > len(many) / 20
            assert told["compression-rate-avg"] < 0.5

    many = [state(f"group {n}", n % 3, n) for n in range(6_000)]
    with Member(group.settings) as member:
        run(scenario)
        group.keeps({0: 2, 1: 2, 2: 2})
        assert group.states() == sorted(many, key=lambda record: record.number)


@both
def test_a_topic_that_takes_only_small_batches_gets_them(group: Group, making: Making) -> None:
    async def scenario() -> None:
        async with making(group, member.consumer) as made:
            assert await made.commit(group.at(1), many) == (Commit.DONE, "")
            assert await made.commit(group.at(2), [state("a")]) == (Commit.DONE, "")

    noise = random.Random(1)
    many = [StateRecord(0, b"%d" % n, noise.randbytes(1_000)) for n in range(500)]
    group.state_topic = make_state_topic(group.bootstrap, max_message_bytes="50000")
    with Member(group.settings) as member:
        run(scenario)
        group.keeps({0: 2})
        assert group.states() == [*many, state("a")]


@both
def test_of_a_checkpoint_with_a_state_that_kafka_does_not_take_no_offset_is_kept(group: Group, making: Making) -> None:
    async def scenario() -> None:
        async with making(group, member.consumer) as made:
            for size in (100_000, 2_000_000):  # the topic's limit, which the broker tells, and the producer's own
                too_large = StateRecord(1, b"b", random.Random(1).randbytes(size))
                result, text = await made.commit(group.at(1, 1), [state("a"), too_large, state("c")])
                assert (result, "MessageSizeTooLarge" in text) == (Commit.REFUSED, True)
                assert group.kept() == {}
            assert await made.commit(group.at(2), [state("a", said=2)]) == (Commit.DONE, "")

    group.state_topic = make_state_topic(group.bootstrap, max_message_bytes="50000")
    with Member(group.settings) as member:
        run(scenario)
        group.keeps({0: 2})
        if making is not plain:
            assert group.states() == [state("a", said=2)]


@both
def test_a_partition_that_the_state_topic_has_not_yet_holds_up_the_checkpoint_until_it_is_there(
    group: Group, making: Making
) -> None:
    async def scenario() -> None:
        async with making(group, member.consumer) as made:
            assert await made.commit(group.at(1), [state("a", said=1)]) == (Commit.DONE, "")
            result, text = await made.commit(group.at(2), [state("a", said=2), state("b", 3)])
            assert (result, "Unrecognized partition 3" in text) == (Commit.RETRIABLE, True)
            assert group.kept() == {0: 1}
            await StateTopic(group.settings, group.state_topic, -1).ensure(4)
            assert await made.commit(group.at(3), [state("a", said=3), state("b", 3)]) == (Commit.DONE, "")

    with Member(group.settings) as member:
        run(scenario)
        group.keeps({0: 3})
        kept = [record for record in group.states() if making is not plain or record != state("a", said=2)]
        assert kept == [state("a", said=1), state("a", said=3), state("b", 3)]


def test_more_states_than_a_transaction_takes_are_divided_but_none_of_a_partition_number(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with group.transactions(member.consumer) as made:
            assert await made.commit(group.at(1, 1, 1), all_say(1)) == (Commit.DONE, "")
            group.keeps({0: 1, 1: 1, 2: 1})
            too_large = StateRecord(1, b"x", b"x" * 2_000_000)
            result, _ = await made.commit(group.at(2, 2, 2), [*all_say(2), too_large])
            assert result is Commit.REFUSED
            group.keeps({0: 2, 1: 1, 2: 1})
            assert group.states() == [*all_say(1)[:4], *all_say(2)[:4], *all_say(1)[4:]]
            assert await made.commit(group.at(3, 3, 3), all_say(3)) == (Commit.DONE, "")
            group.keeps({0: 3, 1: 3, 2: 3})

    def all_say(value: int) -> list[StateRecord]:
        return [state(f"{n}", number, value) for number in range(3) for n in range(4)]

    monkeypatch.setattr(transactions, "MOST", 6)
    with Member(group.settings) as member:
        run(scenario)


def test_of_a_generation_that_is_over_neither_state_nor_offset_is_kept(group: Group) -> None:
    async def scenario() -> None:
        now = member.consumer.group_metadata()
        told = now._replace(generation_id=now.generation_id - 1)
        consumer = SimpleNamespace(group_metadata=lambda: told)
        async with group.transactions(consumer) as made:
            result, text = await made.commit(group.at(1, 1), [state("a", said=1), tombstone("b", 1)])
            assert (result, "CommitFailed" in text) == (Commit.LOST, True)
            assert end_offsets(group.bootstrap, group.state_topic)[0] == 2, "the state was written, and aborted"
            told = now
            assert await made.commit(group.at(2), [state("a", said=2)]) == (Commit.DONE, "")

    with Member(group.settings) as member:
        run(scenario)
        group.keeps({0: 2})
        assert group.states() == [state("a", said=2)]


def test_a_zombie_whose_partitions_another_has_writes_neither_state_nor_offset(group: Group) -> None:
    async def scenario() -> None:
        membership: Any = None
        consumer = SimpleNamespace(group_metadata=lambda: membership)
        async with group.transactions(consumer) as zombie:
            with Member(group.settings) as gone:
                membership = gone.consumer.group_metadata()
                assert await zombie.commit(group.at(1), [state("a", said=1)]) == (Commit.DONE, "")
            with Member(group.settings) as member:
                async with group.transactions(member.consumer, identity="another") as made:
                    assert await made.commit(group.at(5), [state("a", said=5)]) == (Commit.DONE, "")
                    result, _ = await zombie.commit(group.at(2), [state("a", said=2)])
                    assert result is Commit.LOST
                    group.keeps({0: 5})

    run(scenario)
    assert group.states() == [state("a", said=1), state("a", said=5)]


def hold_back(made: Transactions) -> threading.Event:
    """Let its transactions wait until the event is set."""
    released = threading.Event()

    def wait(_: Any) -> None:
        released.wait(60)

    made._thread.run(wait)
    return released


def test_a_checkpoint_held_back_until_a_partition_was_given_up_writes_neither_state_nor_offset(group: Group) -> None:
    """Its member lives on, with other partitions and in the next generation."""

    async def scenario() -> None:
        second = Member(group.settings)
        mine, theirs = group.transactions(first.consumer, 30), group.transactions(second.consumer, identity="another")
        async with mine as made, theirs as other:
            assert await made.commit(group.at(1, 1, 1), all_say(1)) == (Commit.DONE, "")
            released = hold_back(made)
            held_back = asyncio.create_task(made.commit(group.at(2, 2, 2), all_say(2)))
            await asyncio.sleep(0)  # it has begun: it has read what it owns, and its generation
            with second:
                await asyncio.to_thread(
                    wait_until, lambda: len(owned(first)) in (1, 2), timeout=60, what="both have some"
                )
                given_up = owned(second)
                assert given_up == {0, 1, 2} - owned(first)
                for number in given_up:
                    assert await other.commit(at(number, 5), [state("a", number, 5)]) == (Commit.DONE, "")
                released.set()
                assert (await held_back)[0] is Commit.LOST
                for number in owned(first):
                    assert await made.commit(at(number, 3), [state("a", number, 3)]) == (Commit.DONE, "")
                expected = {number: 5 if number in given_up else 3 for number in range(3)}
                group.keeps(expected)
                assert group.states() == [state("a", n, said) for n in range(3) for said in (1, expected[n])]

    def all_say(value: int) -> list[StateRecord]:
        return [state("a", number, value) for number in range(3)]

    def at(number: int, offset: int) -> dict[Partition, Checkpoint]:
        return {Partition(group.topic, number): Checkpoint(offset, f"1;3;{offset}")}

    def owned(member: Member) -> set[int]:
        return {partition.partition for partition in member.consumer.assignment()}

    with Member(group.settings) as first:
        run(scenario)


@pytest.mark.parametrize("trouble", ["kill", "freeze"])
def test_after_an_outage_in_the_middle_states_and_offsets_agree(own_broker: KafkaBroker, trouble: str) -> None:
    async def scenario() -> None:
        async with group.transactions(member.consumer, deadline=1.5) as made:
            await until_done(made, group.at(1), 10, [state("a", said=1)])
            committing = asyncio.create_task(keep_committing(made))
            async with asyncio.timeout(20):
                await under_way.wait()
            await asyncio.sleep(0.05)
            if trouble == "kill":
                await asyncio.to_thread(own_broker.kill)
                await asyncio.sleep(2)
                await asyncio.to_thread(own_broker.start)
            else:
                with own_broker.frozen():
                    await asyncio.sleep(4)
            committing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await committing
            # A producer of the same id ends what is open, and writes nothing of this key or partition.
            await until_done(made, {Partition(group.topic, 2): Checkpoint(1, "1;3;1")}, 30, [state("b", 2)])
        assert wait_for_agreement() > 1

    async def keep_committing(made: Committer) -> None:
        for value in range(2, 1_000_000):
            if value == 11:
                under_way.set()
            await made.commit(group.at(value), [state("a", said=value), *(many if value > 10 else ())])

    def last_state() -> int:
        last = [record for record in group.states() if record.number == 0][-1]
        changed = load(last.key, last.value or b"", 0).changed
        assert changed is not None
        return changed.offset

    def wait_for_agreement() -> int:
        """Both anew each time: of a transaction that the broker still ends, either may be seen first."""
        wait_until(lambda: group.kept() == {0: last_state(), 2: 1}, timeout=60, what="states and offsets agree")
        return last_state()

    # So that the trouble begins within a transaction, and the one before it has its markers: a broker 4.4 that is killed between its
    # answer to a commit and these, and started, writes none (it knows no topics yet), and what was committed is never seen.
    many = [state(f"group {n}", 1) for n in range(10_000)]
    group = Group(own_broker)
    under_way = asyncio.Event()
    with Member(group.settings) as member:
        run(scenario)


def test_without_transactions_offsets_wait_for_states_and_what_was_late_overtakes_nothing(
    own_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with plain(group, member.consumer) as made:
            assert await made.commit(group.at(1), [state("a", said=1)]) == (Commit.DONE, "")
            with own_broker.frozen():
                began = time.monotonic()
                assert (await made.commit(group.at(2), [state("a", said=2)]))[0] is Commit.TIMEOUT
                assert time.monotonic() - began < module.ANSWER, "the deadline ends it, not the answer"
            await until_done(made, group.at(3), 30, [state("a", said=3)])

    monkeypatch.setattr(module, "DEADLINE", 2.0)
    group = Group(own_broker)
    with Member(group.settings) as member:
        run(scenario)
        group.keeps({0: 3})
    said = {state("a", said=number): number for number in (1, 2, 3)}
    written = [said[record] for record in group.states()]
    assert written == sorted(written), "what was late overtakes nothing"
    assert (written[0], written[-1]) == (1, 3)
    # The last may be there twice: it is repeated until its offsets are in.
    assert written.count(2) <= 1, "written, or given up"
