"""How kafka-python's consumer is configured, and what its records are to the bridge."""

from typing import Any

from kafka import KafkaConsumer, TopicPartition

from bridge.core.record import Partition, Record
from bridge.edge.group import Assignor
from bridge.edge.kafka_options import connection_options, consumer_properties
from bridge.settings import KafkaSettings

#: What `kafka.properties` may name.
KAFKA_PROPERTIES = frozenset(KafkaConsumer.DEFAULT_CONFIG)


def consumer_options(kafka: KafkaSettings, assignor: Assignor) -> dict[str, object]:
    """The consumer's configuration: what the bridge's promises need, over what the user chose."""
    return {
        "metadata_max_age_ms": 30_000,
        "fetch_max_bytes": 8 * 1024 * 1024,  # a quarter of delivery.max_buffered_bytes' default
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


def decoded(partition: TopicPartition, record: Any) -> Record:
    """A ConsumerRecord as the bridge's own."""
    size = len(record.key or b"") + len(record.value or b"") + sum(len(k) + len(v or b"") for k, v in record.headers)
    return Record(
        Partition(partition.topic, partition.partition),
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        tuple((k, v or b"") for k, v in record.headers),
        size,
    )
