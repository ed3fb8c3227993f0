"""Campaign groups and their records in a state topic, for tests."""

import asyncio
from collections.abc import Iterable
from typing import Any

from kafka import KafkaProducer
from kafka_topics import fresh_name, make_topic, read_all

from bridge.connections import KafkaSettings
from bridge.core.campaign_group import CampaignGroup
from bridge.core.record import Partition
from bridge.core.saved import Restored, StateRecord, save
from bridge.core.stamp import Stamp
from bridge.core.vocabulary import GroupState
from bridge.edge.state_topic import StateTopic


def group(key: str, number: int = 0, said: int = 0) -> CampaignGroup:
    """A group that runs; `said` tells one state of it from another."""
    at = Stamp(1_790_000_000_000 + said, Partition("events", number), said)
    names = ("Environment", None, key, None, None, None, None, None, None)
    return CampaignGroup(key=key, number=number, names=names, shown=names, state=GroupState.Running, changed=at)


def state(key: str, number: int = 0, said: int = 0) -> StateRecord:
    """Its record."""
    return StateRecord(number, key.encode(), save(group(key, number, said)))


def tombstone(key: str, number: int = 0) -> StateRecord:
    """Forgets it."""
    return StateRecord(number, key.encode(), None)


def make_state_topic(bootstrap: str, partitions: int = 3, **configs: str) -> str:
    """A compacted topic of its own."""
    return make_topic(bootstrap, fresh_name("state"), partitions, cleanup_policy="compact", **configs)


def states(bootstrap: str, topic: str) -> list[StateRecord]:
    """All that was committed, in order within each partition."""
    found = read_all(bootstrap, topic, isolation_level="read_committed")
    return [StateRecord(record.partition, record.key, record.value) for record in found]


def write(producer: KafkaProducer, topic: str, records: Iterable[StateRecord]) -> None:
    """Write them with kafka-python, and wait until they are written."""
    written = [producer.send(topic, key=r.key, value=r.value, partition=r.number) for r in records]
    producer.flush(20)
    assert all(future.succeeded() for future in written)


def written(bootstrap: str, topic: str, records: Iterable[StateRecord], **options: Any) -> None:
    """Write them with a producer of its own."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", **options)
    write(producer, topic, records)
    producer.close()


def state_topic(bootstrap: str, topic: str, **properties: Any) -> StateTopic:
    """As the bridge has it."""
    return StateTopic(KafkaSettings(bootstrap_servers=[bootstrap], properties=properties), topic, -1)


async def restored(of: StateTopic, number: int = 0, seconds: float = 30.0) -> Restored:
    """What a partition has."""
    async with asyncio.timeout(seconds):
        return await of.restore(number)


def said(found: Restored) -> dict[str, int]:
    """What its groups said last, by key."""
    return {known.key: known.changed.offset if known.changed else -1 for known in found.groups}
