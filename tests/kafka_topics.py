"""What tests do to a topic and a group besides running the bridge: make, write with a foreign client, read, ask."""

import itertools
import os
from collections.abc import Iterable, Mapping
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic
from kafka.structs import OffsetAndMetadata
from loopback import wait_until
from support.foreign_clients import Librdkafka

_counter = itertools.count(1)
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "0")


def fresh_name(stem: str) -> str:
    """A name for a topic or a group that no other test of this run has."""
    return f"{stem}-{_WORKER}-{next(_counter)}"


def make_topic(bootstrap: str, name: str, partitions: int = 3, **configs: str) -> str:
    """Make the topic `name`; returns the name. `configs` with _ for dots: cleanup_policy="compact"."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        dotted = {key.replace("_", "."): value for key, value in configs.items()}
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dotted)])
        # The controller has it; the broker learns of it a little later.
        wait_until(lambda: _led_partitions(admin, name) == partitions, timeout=60, what=f"topic {name} has its leaders")
    finally:
        admin.close()
    return name


def _led_partitions(admin: Any, topic: str) -> int:
    [described] = admin.describe_topics([topic])
    return sum(partition["leader_id"] >= 0 for partition in described.get("partitions", ()))


def produce(
    bootstrap: str,
    topic: str,
    records: Iterable[tuple[str, str]],
    *,
    partition: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Write (key, value) records with librdkafka, a client that is not ours. Without `partition`: by key."""
    encoded = [(key.encode(), value.encode()) for key, value in records]
    Librdkafka().produce(bootstrap, topic, encoded, partition=partition, headers=headers)


def read_all(bootstrap: str, topic: str, **options: Any) -> list[Any]:
    """Every record of a topic from its beginning to its end now, ordered by partition and offset.

    `options` go to KafkaConsumer; `isolation_level="read_committed"` hides aborted records.
    """
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **options)
    try:
        partitions = _partitions(consumer, topic)
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(timeout_ms=200).values():
                records += batch
        return sorted(records, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()


def committed(bootstrap: str, group: str, topic: str) -> dict[int, OffsetAndMetadata]:
    """The group's committed offset and metadata by partition number; absent where it never committed."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        offsets = admin.list_group_offsets({group: None})[group]
        return {p.partition: offset for p, offset in offsets.items() if p.topic == topic and offset.offset >= 0}
    finally:
        admin.close()


def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """The next offset to be written, by partition number."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
    try:
        return {p.partition: end for p, end in consumer.end_offsets(_partitions(consumer, topic)).items()}
    finally:
        consumer.close()


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    numbers = consumer.partitions_for_topic(topic)
    assert numbers, f"topic {topic} is not there"
    return [TopicPartition(topic, number) for number in sorted(numbers)]
