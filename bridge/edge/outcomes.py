"""The outcome topic: what became of each notification, for audits and `ocs-bridge explain`.

1. Nothing waits for it: no POST, no checkpoint, no stop beyond its few seconds. What can't be written is lost, counted
   and told.
2. At most `most` are on their way, in the queue and in kafka-python, which itself has no bound.
"""

import asyncio
import queue
import threading
import time

import msgspec
from kafka.errors import KafkaError

from bridge.config.files import FileError
from bridge.connections import KafkaSettings
from bridge.core.fate import Fate
from bridge.edge.kafka_options import Unreachable
from bridge.edge.log import get_logger
from bridge.edge.producer import Producer

log = get_logger(__name__)

MOST = 10_000  # as many as delivery.max_unconfirmed lets be posted while Kafka is away; some 10 MB
AGAIN = 10.0  # seconds until the topic, or a broker, is looked for again: each look may block for as long
TOLD = 10.0  # seconds between log lines about what is lost
OPTIONS: dict[str, object] = {
    # An outage of Kafka may last that long before something is lost.
    "delivery_timeout_ms": 120_000,
    # Nobody waits for a single one: a request for some hundred costs hardly more than one for one.
    "linger_ms": 50,
    "batch_size": 64 * 1024,
    "compression_type": "lz4",
}

_encode = msgspec.json.Encoder().encode


class Outcomes:
    """`write` is for the loop; a thread of its own, which may block, writes."""

    def __init__(self, kafka: KafkaSettings, topic: str, most: int = MOST, again: float = AGAIN) -> None:
        self._kafka = kafka
        self._topic = topic
        self._most = most
        self._again = again
        self._queue: queue.SimpleQueue[tuple[bytes | None, Fate] | None] = queue.SimpleQueue()
        self._producer: Producer | None = None
        self._blocked_until = 0.0  # monotonic seconds
        self._lock = threading.Lock()  # loop, thread and kafka-python's thread count
        self._taken = self._written = self._lost = 0
        self._reason = ""  # why the last was lost
        self._told, self._told_at = 0, float("-inf")
        self._thread = threading.Thread(target=self._serve, name="outcomes", daemon=True)  # it may block at the end
        self._thread.start()

    @property
    def written(self) -> int:
        """How many the brokers have."""
        return self._written

    @property
    def lost(self) -> int:
        """How many were given up."""
        return self._lost

    def write(self, key: bytes | None, fate: Fate) -> None:
        """Have it written. Never blocks."""
        with self._lock:
            self._taken += 1
            full = self._taken - self._written - self._lost > self._most
            if full:
                self._lost += 1
                self._reason = self._reason or f"more than {self._most} on their way"
        if not full:
            self._queue.put((key, fate))

    def tick(self, now: float) -> None:
        """To be called every second or so: tells what was lost. `now`: monotonic seconds."""
        if self._lost > self._told and now - self._told_at >= TOLD:
            self._tell()
            self._told_at = now

    def _tell(self) -> None:
        lost, reason = self._lost, self._reason
        log.warning("outcomes_lost", count=lost - self._told, reason=reason, setting="delivery.outcome_topic")
        self._told, self._reason = lost, ""

    def _serve(self) -> None:
        while (entry := self._queue.get()) is not None:
            self._send(*entry)

    def _send(self, key: bytes | None, fate: Fate) -> None:
        if time.monotonic() < self._blocked_until:
            self._lose()
            return
        try:
            if self._producer is None:
                self._producer = Producer(self._kafka, **OPTIONS)
            future = self._producer.send(self._topic, key, _encode(fate))
        except (KafkaError, Unreachable, OSError, FileError) as failure:
            self._blocked_until = time.monotonic() + self._again
            self._lose(failure)
        else:
            future.add_both(self._ended)

    def _ended(self, value: object) -> None:
        if isinstance(value, Exception):
            self._lose(value)
            return
        with self._lock:
            self._written += 1

    def _lose(self, failure: Exception | None = None) -> None:
        with self._lock:
            self._lost += 1
            if failure is not None:
                self._reason = f"{type(failure).__name__}: {failure}"

    async def close(self, seconds: float) -> None:
        """Write what waits, for at most `seconds`; the rest is lost."""
        await asyncio.to_thread(self._close, seconds)
        with self._lock:
            left = self._taken - self._written - self._lost
            self._lost += left
            self._reason = self._reason or ("not written in time for the stop" if left else "")
        if self._lost > self._told:
            self._tell()

    def _close(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._queue.put(None)
        self._thread.join(seconds)
        if self._producer is not None:
            self._producer.close(max(0.0, deadline - time.monotonic()))
