"""What the bridge needs of a broker's offsets: one suite, for a real broker and for the demo's embedded one.

So the embedded broker can't pretend to what a real one does not do. What only the real one has is in the other files.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest
import uvloop
from group_events import change
from kafka import KafkaProducer
from kafka_topics import fresh_name, make_topic
from support.programs import BROKER, demand

from bridge.connections import KafkaSettings
from bridge.core.ledger import Ledger, restore
from bridge.core.outcome import Commit, Unavailable
from bridge.core.record import Partition, Record
from bridge.core.runs import Checkpoint
from bridge.core.start import Commits, Log
from bridge.edge.fetched import Fetched
from bridge.edge.kafka import Input
from bridge.edge.lease import Lease


class Broker:
    """One of both brokers, as the suite sees it."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.embedded = request.param == "embedded"
        broker: Any = request.getfixturevalue("embedded_broker" if self.embedded else "broker")
        self.bootstrap: str = broker.bootstrap
        self.version = {"api_version": (2, 3)} if self.embedded else {}
        self.topic, self.group = fresh_name("contract"), fresh_name("group")
        self.linger = 0.05
        if not self.embedded:
            make_topic(self.bootstrap, self.topic, partitions=4)

    def write(self, records: dict[int, list[str]]) -> None:
        """Values by partition number, each partition's in order."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, **self.version)
        for number, values in records.items():
            for value in values:
                producer.send(self.topic, key=b"k", value=value.encode(), headers=[("h", b"1")], partition=number)
        producer.close()

    def settings(self) -> KafkaSettings:
        return KafkaSettings(
            bootstrap_servers=[self.bootstrap],
            topics=[self.topic],
            group_id=self.group,
            session_timeout=6,
            heartbeat_interval=0.5,
            poll_linger=self.linger,
            properties={"api_version": "2.3"} if self.embedded else {},
        )


@pytest.fixture(params=["real", "embedded"])
def any_broker(request: pytest.FixtureRequest) -> Broker:
    if request.param == "real":
        demand(*BROKER)
    return Broker(request)


class Member:
    """Takes what the input gives, and begins each partition at `starts`, else at its beginning."""

    def __init__(self, settings: KafkaSettings, starts: dict[int, int]) -> None:
        self.input = Input(settings, Lease(3), asyncio.get_running_loop())
        self.starts = starts
        self.owned: set[Partition] = set()
        self.gone: set[Partition] = set()
        self.taken: list[Record] = []
        self.batches = 0
        self.changed = asyncio.Event()
        self.topic_id = ""  # with which partitions begin
        self.losing = False  # whether it may lose all
        self.losses = 0

    def counted(self, counts: Mapping[str, int]) -> None:
        """It does not care."""

    def assigned(self, partitions: frozenset[Partition]) -> None:
        self.owned |= partitions
        for partition in partitions:
            self.input.begin(partition, self.starts.get(partition.number, 0), self.topic_id)
        self.changed.set()

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        self.gone |= partitions

    def lost(self, partitions: frozenset[Partition]) -> None:
        raise AssertionError(partitions)

    def lost_all(self) -> None:
        assert self.losing
        self.losses += 1
        self.changed.set()

    def records(self, batch: dict[Partition, list[Record]]) -> None:
        self.batches += 1
        self.taken += [record for records in batch.values() for record in records]
        self.changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():
                self.changed.clear()
                await self.changed.wait()


def as_member(broker: Broker, scenario: Callable[[Member], Coroutine[Any, Any, None]], **starts: int) -> Member:
    """Run a scenario as the group's only member, and leave."""

    async def run() -> Member:
        member = Member(broker.settings(), {int(name[1:]): offset for name, offset in starts.items()})
        member.input.start(member)
        try:
            await member.until(lambda: len(member.owned) == 4)
            await scenario(member)
        finally:
            await member.input.close(5)
        assert not member.input.failed.done()
        return member

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def test_records_come_whole_and_in_order_from_where_each_partition_begins(any_broker: Broker) -> None:
    values = [change("G1", n) for n in range(5)]
    any_broker.write({0: values, 2: values})

    async def scenario(member: Member) -> None:
        await member.until(lambda: len(member.taken) == 7)

    member = as_member(any_broker, scenario, p2=3)

    found = {n: [r for r in member.taken if r.partition == Partition(any_broker.topic, n)] for n in (0, 2)}
    assert [record.offset for record in found[0]] == [0, 1, 2, 3, 4]
    assert [record.offset for record in found[2]] == [3, 4]
    assert [record.value for record in found[0]] == [value.encode() for value in values]
    assert {(record.key, record.headers) for record in member.taken} == {(b"k", (("h", b"1"),))}
    assert all(record.timestamp_ms > 1_700_000_000_000 for record in member.taken)
    assert member.gone == member.owned


def test_what_is_done_beyond_the_watermark_is_known_to_the_next_member(any_broker: Broker) -> None:
    any_broker.write({0: [change("G1", n) for n in range(6)]})
    ledger = Ledger(0, born=4)
    for offset in range(6):
        ledger.see(offset)
    for done in (0, 1, 3, 4):
        ledger.settle(done)
    checkpoint = ledger.checkpoint()
    assert checkpoint is not None

    async def commit(member: Member) -> None:
        found = await member.input.offsets.commit({Partition(any_broker.topic, 0): checkpoint})
        assert found == (Commit.DONE, "")

    as_member(any_broker, commit)
    read: list[Commits] = []

    async def look(member: Member) -> None:
        read.append(await member.input.offsets.committed(any_broker.topic))

    as_member(any_broker, look)
    [found] = read
    committed = found.found
    assert found.count == 4
    assert committed == {0: checkpoint}
    assert (committed[0].offset, restore(committed[0])) == (2, (((3, 5),), 4))


@pytest.mark.parametrize("any_broker", ["real"], indirect=True)
def test_where_a_topic_has_another_id_than_its_partitions_began_with_a_new_consumer_reads_it(
    any_broker: Broker,
) -> None:
    async def scenario(member: Member) -> None:
        identity = (await member.input.offsets.committed(any_broker.topic)).topic_id
        assert len(identity) == 22
        first, member.losing, member.topic_id = member.input.consumer, True, "A" * 22
        member.assigned(frozenset(member.owned))
        await member.until(lambda: member.losses == 1)
        member.topic_id = identity
        any_broker.write({0: [change("G1", 0)]})
        await member.until(lambda: len(member.taken) == 1)
        assert (member.losses, member.input.consumer is first) == (1, False)

    as_member(any_broker, scenario)


@pytest.mark.parametrize("any_broker", ["real"], indirect=True)
def test_a_consumer_whose_records_cannot_be_believed_is_replaced(any_broker: Broker) -> None:
    any_broker.write({0: [change("G1", 0)]})

    async def scenario(member: Member) -> None:
        await member.until(lambda: len(member.taken) == 1)
        first, member.losing = member.input.consumer, True
        member.input.renew("its log was cut")
        await member.until(lambda: len(member.taken) == 2)
        assert member.losses == 1
        assert member.input.consumer is not first

    as_member(any_broker, scenario)


@pytest.mark.parametrize("linger", [0.0, 0.5])
@pytest.mark.parametrize("any_broker", ["real"], indirect=True)
def test_few_records_come_one_by_one_or_together_as_poll_linger_says(
    any_broker: Broker, linger: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_broker.linger = linger
    read_later: list[object] = []  # than by the first look at an answer
    stock = Fetched._unpack_records

    def counted(*what: Any) -> Any:
        read_later.append(what)
        return stock(*what)

    monkeypatch.setattr(Fetched, "_unpack_records", counted)

    async def scenario(member: Member) -> None:
        producer = KafkaProducer(bootstrap_servers=any_broker.bootstrap)
        began = time.monotonic()
        for number in range(30):
            producer.send(any_broker.topic, value=change("G1", number).encode(), partition=0)
            await asyncio.sleep(0.05)
        producer.close()
        await member.until(lambda: len(member.taken) == 30)
        if linger:
            assert member.batches <= (time.monotonic() - began) / linger + 2
        else:
            assert member.batches > 10

    member = as_member(any_broker, scenario)
    assert [record.offset for record in member.taken] == list(range(30))
    if not linger:
        assert len(read_later) < member.batches / 3


def test_paused_partitions_give_nothing_until_they_are_resumed(any_broker: Broker) -> None:
    one, other = Partition(any_broker.topic, 0), Partition(any_broker.topic, 1)
    any_broker.write({0: [change("G1", 0)], 1: [change("G1", 0)]})

    async def scenario(member: Member) -> None:
        await member.until(lambda: len(member.taken) == 2)
        member.input.pause([one])
        any_broker.write({0: [change("G1", 1)], 1: [change("G1", 1)]})
        await member.until(lambda: len(member.taken) == 3)
        any_broker.write({1: [change("G1", 2)]})
        await member.until(lambda: len(member.taken) == 4)
        assert [record.partition for record in member.taken[2:]] == [other, other]
        member.input.resume([one])
        await member.until(lambda: len(member.taken) == 5)
        assert member.taken[4].partition == one

    as_member(any_broker, scenario)


def test_the_ends_of_the_log_are_told(any_broker: Broker) -> None:
    any_broker.write({3: [change("G1", n) for n in range(3)]})
    last = Partition(any_broker.topic, 3)

    async def scenario(member: Member) -> None:
        await member.until(lambda: len(member.taken) == 3)
        logs = await member.input.offsets.logs([last, Partition(any_broker.topic, 0)])
        assert logs == {last: Log(0, 3), Partition(any_broker.topic, 0): Log(0, 0)}
        assert member.input.offsets.highwater(last) == 3
        assert member.input.offsets.highwater(Partition("elsewhere", 0)) is None

    as_member(any_broker, scenario)


def test_without_a_consumer_offsets_are_unavailable_and_commits_are_to_be_tried_again(any_broker: Broker) -> None:
    async def scenario() -> None:
        idle = Input(any_broker.settings(), Lease(3), asyncio.get_running_loop())
        with pytest.raises(Unavailable):
            await idle.offsets.committed(any_broker.topic)
        result, _ = await idle.offsets.commit({Partition(any_broker.topic, 0): Checkpoint(0, "")})
        assert result in (Commit.RETRIABLE, Commit.REFUSED)

    asyncio.run(scenario())


def test_what_stands_before_an_offset_is_handed_over_before_that_is_told_also_where_no_record_is_the_last(
    any_broker: Broker,
) -> None:
    values = [change("G1", n) for n in range(5)]
    if any_broker.embedded:
        any_broker.write({0: values})
        end = 5
    else:  # the marker of the transaction is the last
        writer = KafkaProducer(bootstrap_servers=any_broker.bootstrap, transactional_id=any_broker.group)
        writer.init_transactions()
        writer.begin_transaction()
        for value in values:
            writer.send(any_broker.topic, value=value.encode(), partition=0)
        writer.commit_transaction()
        writer.close()
        end = 6
    read: list[int] = []

    def told() -> None:
        read.append(len(member_of[0].taken))
        member_of[0].changed.set()

    member_of: list[Member] = []

    async def scenario(member: Member) -> None:
        member_of.append(member)
        first = Partition(any_broker.topic, 0)
        member.input.once_read(first, end + 1, told)
        member.input.once_read(first, end, told)
        member.input.once_read(Partition(any_broker.topic, 99), 0, told)  # not assigned
        await member.until(lambda: len(read) == 1)
        any_broker.write({0: [change("G1", 5)]})
        await member.until(lambda: len(read) == 2)

    as_member(any_broker, scenario)
    assert read == [5, 6]
