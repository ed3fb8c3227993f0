"""CPU of restoring a partition with 100,000 campaign groups, beside what kafka-python takes to poll the same records; and
of writing them in checkpoints. Printed, with no mark to pass; wrong results fail. `make bench-parts ARGS=-k restore`.
"""

import asyncio
import time
from statistics import median

import pytest
from bench.bench_saved import made
from broker.committing import Group
from broker.group_member import Member
from kafka import KafkaConsumer, TopicPartition
from kafka_broker import KafkaBroker

from bridge.core.outcome import Commit
from bridge.core.saved import StateRecord, save
from bridge.edge.consumer import standalone_consumer
from bridge.edge.restore import BATCH, POLL_MS
from bridge.edge.state_topic import StateTopic

GROUPS = 100_000
ROUNDS = 5


class Cost:
    """CPU of this process, and time, from here on."""

    def __init__(self) -> None:
        self._began = time.process_time(), time.perf_counter()

    def told(self, records: int) -> tuple[float, float]:
        """Microseconds of CPU a record, and seconds for all."""
        cpu, wall = time.process_time() - self._began[0], time.perf_counter() - self._began[1]
        return cpu / records * 1e6, wall


async def write(group: Group, consumer: KafkaConsumer, records: list[StateRecord], size: int) -> None:
    """As the bridge does, `size` states in a checkpoint."""
    async with group.transactions(consumer) as made:
        assert await made.commit(group.at(1)) == (Commit.DONE, "")  # with the making of the producer
        cost = Cost()
        for first in range(0, len(records), size):
            assert await made.commit(group.at(first), records[first : first + size]) == (Commit.DONE, "")
        cpu, seconds = cost.told(len(records))
    each = seconds / len(records) * size * 1000
    print(f"written, {size:6} a checkpoint: {cpu:4.1f} us CPU each, {each:5.0f} ms a checkpoint")


def polled(group: Group) -> tuple[int, float, float]:
    """What kafka-python alone takes for partition 0: records, microseconds of CPU each, seconds.

    Configured as the bridge's own reader, so all that a poll does is in it: CRC, decompression, records made.
    """
    cost = Cost()  # with the connection, as a restore makes its own
    consumer = standalone_consumer(group.settings, {"metadata_max_age_ms": 30_000, "max_poll_records": BATCH})
    partition = TopicPartition(group.state_topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning()
    end = consumer.end_offsets([partition])[partition]
    records = 0
    while consumer.position(partition) < end:
        records += sum(len(batch) for batch in consumer.poll(POLL_MS).values())
    cpu, seconds = cost.told(records)
    consumer.close()
    return records, cpu, seconds


def restored(group: Group) -> tuple[float, float]:
    """What a restore of partition 0 takes."""

    async def restore() -> tuple[float, float]:  # returns no groups, as asyncio.run makes a text of what is returned
        cost = Cost()
        found = await StateTopic(group.settings, group.state_topic, -1).restore(0)
        assert (found.records, len(found.groups), found.bad) == (GROUPS, GROUPS, 0)
        return cost.told(GROUPS)

    return asyncio.run(restore())


@pytest.mark.parametrize("lists", [0, 5])
def test_restoring_beside_polling(broker: KafkaBroker, lists: int) -> None:
    group = Group(broker)
    groups = [made(number, lists=lists) for number in range(GROUPS)]
    records = [StateRecord(0, known.key.encode(), save(known)) for known in groups]
    size = sum(len(record.key) + len(record.value or b"") for record in records) / GROUPS
    print(f"\n{GROUPS} groups, {lists} calling lists each, {size:.0f} bytes")
    with Member(group.settings) as member:
        asyncio.run(write(group, member.consumer, [r._replace(number=1) for r in records[:20_000]], 500))
        asyncio.run(write(group, member.consumer, records, 10_000))
        asyncio.run(write(group, member.consumer, [r._replace(number=2) for r in records[:50_000]], 50_000))
    del groups, records
    ratios = []
    restored(group)  # memory that is had once costs less the next time, for whoever is first
    for _ in range(ROUNDS):
        count, alone, seconds_alone = polled(group)
        both, seconds = restored(group)
        assert count == GROUPS
        ratios.append(both / alone)
        print(f"polled: {alone:4.1f} us CPU each, {seconds_alone:.2f} s; restored: {both:4.1f} us, {seconds:.2f} s")
    print(f"ratio: {median(ratios):.2f}")
