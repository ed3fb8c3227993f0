"""How kafka-python's consumer is configured, and what its records are to the bridge."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from bridge.connections import KafkaSettings
from bridge.core.record import Partition, Record
from bridge.edge.assignor import Assignor
from bridge.edge.kafka_options import connecting, connection_options, consumer_properties

#: What `kafka.properties` may name.
KAFKA_PROPERTIES = frozenset(KafkaConsumer.DEFAULT_CONFIG)


def consumer_options(kafka: KafkaSettings, assignor: Assignor) -> dict[str, object]:
    """The consumer's configuration: what the bridge's promises need, over what the user chose."""
    return {
        "metadata_max_age_ms": 30_000,
        "metrics_enabled": False,  # nobody reads kafka-python's own, which each fetch pays for
        # What is fetched lies in memory several times over (the answer, its records, what is made of them), and a fetch costs
        # as much as 50 records: these hold thousands. A larger record comes all the same, alone.
        "fetch_max_bytes": 2 * 1024 * 1024,
        "max_partition_fetch_bytes": 256 * 1024,
        **connection_options(kafka),
        **consumer_properties(kafka),
        "group_id": kafka.group_id,
        "group_instance_id": kafka.group_instance_id,
        # The bridge never lets kafka-python choose a start; this is for what retention takes away under way.
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
        "session_timeout_ms": round(kafka.session_timeout * 1000),
        "heartbeat_interval_ms": round(kafka.heartbeat_interval * 1000),
        "max_poll_interval_ms": round(kafka.max_poll_interval * 1000),
        "max_poll_records": kafka.max_poll_records,
        "partition_assignment_strategy": [assignor],
    }


def standalone_consumer(
    kafka: KafkaSettings, own: Mapping[str, object], *, isolation: str = "read_committed", group_id: str | None = None
) -> KafkaConsumer:
    """A consumer that is no member of a group and commits nothing. Unreachable.

    `own`: options of the caller. `group_id`: whose commits it may look up.
    """
    options: dict[str, object] = {
        **connection_options(kafka),
        **own,
        "group_id": group_id,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",  # what expires, or is cleaned away, under way is passed over
        "isolation_level": isolation,
        "allow_auto_create_topics": False,
    }
    with connecting(kafka):
        return KafkaConsumer(**options)


def decoded(partition: Partition, record: Any) -> Record:
    """A ConsumerRecord as the bridge's own."""
    key, value = record.key, record.value
    headers: tuple[tuple[str, bytes], ...] = ()
    size = len(key or b"") + len(value or b"")
    if record.headers:
        headers = tuple([(name, text or b"") for name, text in record.headers])
        size += sum([len(name) + len(text) for name, text in headers])
    timestamp_ms = -1 if record.timestamp is None else record.timestamp  # message format 0 has none
    return Record(partition, record.offset, timestamp_ms, key, value, headers, size)


def leave(consumer: KafkaConsumer, seconds: float) -> None:
    """Leave the group, if it can be done in time."""
    with suppress(KafkaError, RuntimeError):
        consumer.close(autocommit=False, timeout_ms=round(seconds * 1000))
