"""Where records go that are no campaign group event: a topic if one is set, else the log."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from kafka.errors import KafkaError

from bridge.config.files import FileError
from bridge.connections import KafkaSettings
from bridge.core.outcome import InvalidEvent
from bridge.core.record import Record
from bridge.edge.kafka_options import Unreachable
from bridge.edge.log import get_logger
from bridge.edge.producer import Producer

log = get_logger(__name__)

PREFIX = "ocs-bridge-"
AGAIN = 10.0  # seconds until the topic, or a broker, is looked for again: each look may block for as long


class LogQuarantine:
    """One line for each record: where it is, and why. Its content is never logged; it is still in the input."""

    failures = 0

    def put(self, record: Record, error: InvalidEvent, done: Callable[[], None]) -> None:
        """Log, then `done`."""
        _tell("record_invalid", record, error)
        done()

    async def close(self, seconds: float) -> None:
        """Nothing waits."""


class TopicQuarantine:
    """Original key, value and headers, and headers that say why and from where. `done` once the broker has it.

    What can't be written is told in the log instead, and counted in `failures`: the input does not stop for it.
    """

    def __init__(self, kafka: KafkaSettings, topic: str, loop: asyncio.AbstractEventLoop) -> None:
        self._kafka = kafka
        self._topic = topic
        self._loop = loop
        self._producer: Producer | None = None
        # kafka-python's send blocks while it looks for the topic: never on the loop.
        self._thread = ThreadPoolExecutor(1, "quarantine")
        self.failures = 0
        self._blocked_until = 0.0  # monotonic seconds
        self._missing: Exception | None = None  # why

    def put(self, record: Record, error: InvalidEvent, done: Callable[[], None]) -> None:
        """Write, then `done`."""
        self._thread.submit(self._send, record, error, done)

    def _send(self, record: Record, error: InvalidEvent, done: Callable[[], None]) -> None:
        if self._missing is not None and time.monotonic() < self._blocked_until:
            self._on_loop(self._ended, record, error, done, self._missing)
            return
        try:
            if self._producer is None:
                self._producer = Producer(self._kafka)
            future = self._producer.send(self._topic, record.key, record.value, (*record.headers, *_why(record, error)))
        except (KafkaError, Unreachable, OSError, FileError) as failure:
            self._missing, self._blocked_until = failure, time.monotonic() + AGAIN
            self._on_loop(self._ended, record, error, done, failure)
            return
        except ValueError as failure:  # this record's own fault
            self._on_loop(self._ended, record, error, done, failure)
            return
        future.add_both(lambda value: self._on_loop(self._ended, record, error, done, value))

    def _on_loop(self, call: Callable[..., None], *args: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the record was handed back
            self._loop.call_soon_threadsafe(call, *args)

    def _ended(self, record: Record, error: InvalidEvent, done: Callable[[], None], value: object) -> None:
        if isinstance(value, Exception):
            self.failures += 1
            log.warning(
                "quarantine_failed", reason=f"{type(value).__name__}: {value}", setting="mapping.quarantine_topic"
            )
            _tell("record_invalid", record, error)
        done()

    async def close(self, seconds: float) -> None:
        """Write what waits, for at most `seconds`."""
        if self._producer is not None:
            await asyncio.to_thread(self._producer.close, seconds)
        self._thread.shutdown(wait=False, cancel_futures=True)


def _why(record: Record, error: InvalidEvent) -> list[tuple[str, bytes]]:
    topic, number = record.partition
    told = {
        "reason": error.reason.value,
        "field": error.field,
        "detail": error.detail,
        "topic": topic,
        "partition": str(number),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp_ms),
    }
    return [(PREFIX + name, text.encode()) for name, text in told.items()]


def _tell(event: str, record: Record, error: InvalidEvent) -> None:
    topic, number = record.partition
    log.warning(
        event,
        reason=error.reason.value,
        field=error.field,
        detail=error.detail,
        topic=topic,
        partition=number,
        offset=record.offset,
    )
