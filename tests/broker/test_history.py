"""The input's history on a real broker: from a moment up to an offset, whatever lies there instead of records."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka_broker import KafkaBroker
from kafka_topics import end_offsets, fresh_name, make_topic
from loopback import free_port, wait_until

from bridge.connections import KafkaSettings
from bridge.core.outcome import Unavailable
from bridge.core.record import Partition, Record
from bridge.edge.history import InputHistory

DAY = 1_790_000_000_000  # when the first record was written
READER = "a-reader"


class Topic:
    """A topic of two partitions, and what wrote to it. The n-th record of a partition says n, a second after the last."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.bootstrap = broker.bootstrap
        self.name = make_topic(broker.bootstrap, fresh_name("events"), partitions=2)
        self.settings = KafkaSettings(bootstrap_servers=[broker.bootstrap], client_id=READER, max_poll_records=7)

    def write(self, numbers: Iterable[int], partition: int = 0) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap)
        try:
            self._send(producer, numbers, partition)
        finally:
            producer.close()

    def write_in_transaction(self, numbers: Iterable[int], end: Callable[[KafkaProducer], None]) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=fresh_name("writer"))
        try:
            producer.init_transactions()
            producer.begin_transaction()
            self._send(producer, numbers, 0)
            end(producer)
        finally:
            producer.close()

    def _send(self, producer: KafkaProducer, numbers: Iterable[int], partition: int) -> None:
        sent = [producer.send(self.name, str(n).encode(), None, None, partition, DAY + n * 1000) for n in numbers]
        producer.flush()
        assert all(future.succeeded() for future in sent)

    def expire(self, offset: int) -> None:
        """What is before `offset` goes, as by retention."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.delete_records({TopicPartition(self.name, 0): offset})
        finally:
            admin.close()

    def read(self, ends: Mapping[int, int], since_ms: int = DAY) -> dict[int, list[int]]:
        """What each partition's records say, in the order in which they were taken."""
        found: dict[int, list[int]] = {number: [] for number in ends}

        def take(records: list[Record]) -> None:
            assert threading.current_thread() is threading.main_thread()
            for record in records:
                found[record.partition.number].append(int(record.value or b""))

        count = asyncio.run(bounded(InputHistory(self.settings).read(self.at(ends), since_ms, take)))

        assert count == sum(map(len, found.values()))
        wait_until(lambda: not threads(), timeout=60, what="the reader's threads have ended")
        return found

    def at(self, ends: Mapping[int, int]) -> dict[Partition, int]:
        return {Partition(self.name, number): end for number, end in ends.items()}


async def bounded(work: Any) -> Any:
    async with asyncio.timeout(20):
        return await work


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if READER in thread.name]


@pytest.fixture
def topic(broker: KafkaBroker) -> Topic:
    return Topic(broker)


def test_each_partition_is_read_from_the_moment_up_to_its_own_end(topic: Topic) -> None:
    topic.write(range(100), 0)
    topic.write(range(40, 60), 1)

    assert topic.read({0: 80, 1: 10}, DAY + 45_000) == {0: list(range(45, 80)), 1: list(range(45, 50))}


def test_of_a_partition_without_anything_that_new_nothing_is_read(topic: Topic) -> None:
    topic.write(range(5), 0)

    assert topic.read({0: 5, 1: 0}, DAY + 60_000) == {0: [], 1: []}
    assert topic.read({0: 5, 1: 0}) == {0: [0, 1, 2, 3, 4], 1: []}


def test_an_end_behind_the_markers_of_transactions_is_reached(topic: Topic) -> None:
    topic.write_in_transaction(range(3), KafkaProducer.commit_transaction)
    topic.write_in_transaction(range(10, 13), KafkaProducer.abort_transaction)
    end = end_offsets(topic.bootstrap, topic.name)[0]

    assert end == 8  # six records, two markers
    assert topic.read({0: end}) == {0: [0, 1, 2]}


@pytest.mark.parametrize("end", [3, 4, 5, 6, 7])
def test_an_end_amid_an_aborted_transaction_is_reached(topic: Topic, end: int) -> None:
    topic.write(range(3))
    topic.write_in_transaction(range(10, 13), KafkaProducer.abort_transaction)
    topic.write([20])

    assert topic.read({0: end}) == {0: [0, 1, 2]}


def test_what_an_open_transaction_hides_is_not_waited_for(topic: Topic) -> None:
    topic.write(range(3))

    def end(producer: KafkaProducer) -> None:
        topic.write(range(20, 23))
        assert topic.read({0: 9}) == {0: [0, 1, 2]}
        producer.abort_transaction()

    topic.write_in_transaction(range(10, 13), end)


def test_what_has_expired_is_passed_over(topic: Topic) -> None:
    topic.write(range(10))
    topic.expire(6)

    assert topic.read({0: 9}) == {0: [6, 7, 8]}
    assert topic.read({0: 4}) == {0: []}
    topic.expire(10)
    assert topic.read({0: 10}) == {0: []}


def test_an_end_of_a_log_that_was_longer_once_is_not_waited_for(topic: Topic) -> None:
    topic.write(range(4))

    assert topic.read({0: 1_000_000}) == {0: [0, 1, 2, 3]}


def test_cancelled_it_takes_nothing_more_and_closes_its_connection(topic: Topic) -> None:
    topic.write(range(100))
    taken: list[int] = []

    async def scenario() -> None:
        begun = asyncio.Event()

        def take(records: list[Record]) -> None:
            taken.append(len(records))
            begun.set()

        reading = asyncio.create_task(InputHistory(topic.settings).read(topic.at({0: 100}), DAY, take))
        await begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(bounded(scenario()))
    assert sum(taken) < 100
    wait_until(lambda: not threads(), timeout=60, what="the reader's threads have ended")


def test_cancelled_while_it_connects_it_leaves_no_connection(topic: Topic) -> None:
    async def scenario() -> None:
        reading = asyncio.create_task(InputHistory(topic.settings).read(topic.at({0: 100}), DAY, list.clear))
        await asyncio.to_thread(wait_until, lambda: bool(threads()), timeout=60, what="it has a thread")
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(bounded(scenario()))
    wait_until(lambda: not threads(), timeout=60, what="the reader's threads have ended")


def test_a_defect_of_the_taker_is_no_fault_of_kafkas(topic: Topic) -> None:
    topic.write(range(3))

    def take(records: list[Record]) -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        asyncio.run(bounded(InputHistory(topic.settings).read(topic.at({0: 3}), DAY, take)))


def test_brokers_that_do_not_answer_are_told_as_such() -> None:
    nowhere = KafkaSettings(bootstrap_servers=[f"127.0.0.1:{free_port()}"], properties={"bootstrap_timeout_ms": 1000})

    async def scenario() -> None:
        with pytest.raises(Unavailable, match="REFUSED"):
            await InputHistory(nowhere).read({Partition("t", 0): 1}, DAY, list.clear)

    asyncio.run(bounded(scenario()))
