"""A plain producer: for what is written besides the checkpoint (quarantine, the simulator's traffic).

Not idempotent on purpose: kafka-python 3.0.12's idempotent producer is silent for ever after an outage longer than its
delivery timeout, and dead after one refused record. One request in flight keeps the order without it.
"""

from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from bridge.connections import KafkaSettings
from bridge.edge.kafka_options import connecting, connection_options

#: Times in milliseconds. A record not acknowledged by then has failed; the caller is told through its future.
DEFAULTS: dict[str, object] = {
    "acks": "all",
    "enable_idempotence": False,
    "max_in_flight_requests_per_connection": 1,
    "delivery_timeout_ms": 10_000,
    "request_timeout_ms": 5_000,
    "max_block_ms": 5_000,
}


class Producer:
    """`extra`: more options of kafka-python's producer, which win over the defaults above.

    Raises `Unreachable` if no broker answers. Any thread may call it.
    """

    def __init__(self, kafka: KafkaSettings, **extra: object) -> None:
        with connecting(kafka):
            self.kafka = KafkaProducer(**{**connection_options(kafka), **DEFAULTS, **extra})

    def partitions(self, topic: str) -> set[int]:
        """The topic's partition numbers; a broker that makes topics on demand makes it now.

        Blocks up to `max_block_ms`, then raises kafka's `KafkaTimeoutError`.
        """
        return set(self.kafka.partitions_for(topic))

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> Any:
        """Hand one record to the sending thread; the returned kafka future has its fate.

        Not both of key and value may be None (`ValueError`). Blocks up to `max_block_ms` while the topic is not known
        yet, then raises kafka's `KafkaTimeoutError`.
        """
        return self.kafka.send(topic, value=value, key=key, headers=list(headers), partition=partition)

    def flush(self, timeout: float) -> None:
        """Send what waits at once, and wait until the fate of each record is known.

        Raises kafka's `KafkaTimeoutError` where an answer takes longer than `timeout` seconds.
        """
        self.kafka.flush(timeout)

    def close(self, timeout: float) -> None:
        """Send what waits, at most `timeout` seconds long, and give the rest up: its futures fail."""
        close(self.kafka, timeout)


def close(producer: KafkaProducer, timeout: float) -> None:
    """End kafka-python's producer, also where records wait for a broker that is away: its own method (3.0.12) raises
    then, and closes nothing.
    """
    try:
        producer.close(timeout=timeout)
    except KafkaTimeoutError:
        abandon(producer)


def abandon(producer: KafkaProducer) -> None:
    """End its thread, which nothing public does then (tests/edge/test_producer.py shows it)."""
    sender = producer._sender  # noqa: SLF001
    sender.force_close()
    sender.join(1.0)
    producer.close(timeout=0)
