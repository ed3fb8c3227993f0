"""A plain member of a consumer group, kept in it by a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from loopback import wait_until

from bridge.connections import KafkaSettings

HEARTBEAT = 0.5  # seconds
SESSION = 6.0  # seconds


def settings_for(bootstrap: str, topic: str, group: str) -> KafkaSettings:
    """For a member that learns soon of whatever happens."""
    return KafkaSettings(
        bootstrap_servers=[bootstrap],
        topics=[topic],
        group_id=group,
        session_timeout=SESSION,
        heartbeat_interval=HEARTBEAT,
    )


@contextmanager
def polling(consumer: KafkaConsumer) -> Iterator[None]:
    """Keep a subscribed consumer in its group meanwhile; what comes is thrown away."""
    stop = threading.Event()

    def poll() -> None:
        while not stop.is_set():
            try:
                consumer.poll(timeout_ms=1000)  # shorter polls can make kafka-python forget a join
            except (KafkaError, KeyError):  # an outage, as in bridge/edge/kafka.py
                stop.wait(0.2)

    thread = threading.Thread(target=poll, name="member", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)


class Member:
    """Polls and throws away what comes."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.consumer = KafkaConsumer(
            *kafka.topics,
            bootstrap_servers=kafka.bootstrap_servers,
            group_id=kafka.group_id,
            enable_auto_commit=False,
            session_timeout_ms=round(kafka.session_timeout * 1000),
            heartbeat_interval_ms=round(kafka.heartbeat_interval * 1000),
        )
        self._polling = ExitStack()

    def __enter__(self) -> Self:
        self.consumer.topics()  # as before the first poll in bridge/edge/kafka.py
        self._polling.enter_context(polling(self.consumer))
        wait_until(lambda: bool(self.consumer.assignment()), timeout=60, what="the member has partitions")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._polling.close()
        self.consumer.close(autocommit=False, timeout_ms=2000)
