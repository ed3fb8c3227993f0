"""The state topic's records as they are, for tools beside the bridge: read them all, write them, see who is at work."""

import time
from collections.abc import Iterator, Sequence

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import GroupIdNotFoundError, KafkaError, RetriableError

from bridge.connections import KafkaSettings
from bridge.core.outcome import StateTopicError, Unavailable
from bridge.core.saved import StateRecord
from bridge.edge.consumer import standalone_consumer
from bridge.edge.kafka_options import connecting, connection_options
from bridge.edge.producer import Producer

LOOKUP_MS = 10_000
POLL_MS = 500
PATIENCE = 30.0  # seconds without anything new until a partition is given up
BATCHES: dict[str, object] = {"max_poll_records": 10_000}
AT_ONCE = 1000  # records on their way


def partitions(kafka: KafkaSettings, topic: str) -> int:
    """How many partitions the topic has; 0: there is none. Unreachable."""
    consumer = standalone_consumer(kafka, BATCHES)
    try:
        return len(consumer.partitions_for_topic(topic) or ())
    finally:
        consumer.close(autocommit=False)


def latest(kafka: KafkaSettings, topic: str) -> Iterator[StateRecord]:
    """The last value of each key, partition by partition; what has no key has an empty one.

    What a transaction has written that is still open is not among them. Unreachable, Unavailable; StateTopicError: there
    is no such topic.
    """
    consumer = standalone_consumer(kafka, BATCHES)
    try:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            wrong = "does not exist, or this user may not see it"
            raise StateTopicError(f"state topic {topic} {wrong}: see state.topic, whose default follows kafka.group_id")
        for number in sorted(numbers):
            for key, value in _last_values(consumer, TopicPartition(topic, number)).items():
                yield StateRecord(number, key, value)
    except KafkaError as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    finally:
        consumer.close(autocommit=False)


def _last_values(consumer: KafkaConsumer, partition: TopicPartition) -> dict[bytes, bytes]:
    """Positions decide where the end is: markers and compaction leave the last offsets empty."""
    first = consumer.beginning_offsets([partition], timeout_ms=LOOKUP_MS)[partition]
    end = consumer.end_offsets([partition], timeout_ms=LOOKUP_MS)[partition]
    consumer.assign([partition])
    consumer.seek(partition, first)
    values: dict[bytes, bytes] = {}
    at, moved = first, time.monotonic()
    while at < end:
        for record in consumer.poll(POLL_MS).get(partition, ()):
            values.pop(record.key or b"", None)
            if record.value is not None:
                values[record.key or b""] = record.value
        before, at = at, consumer.position(partition, timeout_ms=LOOKUP_MS)
        if at != before:
            moved = time.monotonic()
        elif time.monotonic() - moved > PATIENCE:
            raise Unavailable(f"{partition.topic}-{partition.partition}: nothing came after offset {at} of {end}")
    return values


def write(kafka: KafkaSettings, topic: str, records: Sequence[StateRecord]) -> None:
    """Write the records, each to its partition. Unreachable; Unavailable: some may have been written, in order."""
    producer = Producer(kafka, linger_ms=20, batch_size=256 * 1024)
    try:
        for begin in range(0, len(records), AT_ONCE):
            some = records[begin : begin + AT_ONCE]
            for future in [producer.send(topic, key, value, partition=number) for number, key, value in some]:
                future.get(timeout=PATIENCE)
    except (KafkaError, ValueError) as error:  # a partition that is not there is a ValueError
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    finally:
        producer.close(1.0)


def live_members(kafka: KafkaSettings) -> int:
    """How many members the consumer group has now. Unreachable, Unavailable."""
    with connecting(kafka):
        admin = KafkaAdminClient(**connection_options(kafka))
    try:
        return _members(admin, kafka.group_id)
    except KafkaError as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    finally:
        admin.close()


def _members(admin: KafkaAdminClient, group_id: str) -> int:
    deadline = time.monotonic() + LOOKUP_MS / 1000
    while True:
        try:
            found = admin.describe_groups([group_id])
        except GroupIdNotFoundError:
            return 0
        except RetriableError:  # a cluster that never had a group first makes the topic of their offsets
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return sum(len(group["members"]) for group in found.values())
