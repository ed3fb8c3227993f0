"""The input's history, read once: what a first start learns its campaign groups from (`state.seed_from`).

1. Each partition is read from a moment up to, not including, the offset at which its owner begins.
2. Positions decide when that is reached, not records: what was aborted, compacted or has expired leaves no record at
   the end. An offset that does not exist yet is never waited for.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from bridge.connections import KafkaSettings
from bridge.core.record import Partition, Record, names
from bridge.edge.consumer import decoded, standalone_consumer
from bridge.edge.kafka_options import consumer_properties, unavailable
from bridge.edge.log import get_logger

log = get_logger(__name__)

AT_ONCE = 2  # readings; each has a connection, and a thread while it polls
LOOKUP_MS = 10_000
POLL_MS = 500
TOLD = 5.0  # seconds between log lines


class InputHistory:
    """Reads what the input held before. Nothing is committed, and no group is joined."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def read(self, ends: Mapping[Partition, int], since_ms: int, take: Callable[[list[Record]], None]) -> int:
        """Hand the records of partitions from `since_ms` on, up to an offset of each, to `take`; how many there were.

        `take` is called on the loop, with one partition's records in order. Unavailable: some may have been taken.
        """
        async with self._slots:
            reading = _Reading(self._kafka, ends, since_ms)
            told = time.monotonic()
            try:
                while (records := await reading.some()) is not None:
                    for batch in records:
                        take(batch)
                    if time.monotonic() - told > TOLD:
                        told = time.monotonic()
                        log.info("history_reading", partitions=names(ends), done=reading.done, of=reading.of)
            finally:
                reading.close_soon()
        if reading.count:
            log.info("history_read", partitions=names(ends), records=reading.count)
        return reading.count


class _Reading:
    """`done` and `of`: offsets passed, and to pass. `count`: records so far."""

    def __init__(self, kafka: KafkaSettings, ends: Mapping[Partition, int], since_ms: int) -> None:
        self.done = self.of = self.count = 0
        self._kafka = kafka
        self._ends = {TopicPartition(*partition): end for partition, end in ends.items()}
        self._starts: dict[TopicPartition, int] = {}
        self._since_ms = max(0, since_ms)
        self._consumer: KafkaConsumer | None = None
        self._lock = threading.Lock()
        self._closed = False

    async def some(self) -> list[list[Record]] | None:
        """The next records by partition, perhaps none; None: that was all. Unavailable."""
        with unavailable():
            return await asyncio.to_thread(self._some)

    def close_soon(self) -> None:
        """Close the connection, once what is under way in a thread is over."""
        self._closed = True
        asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        with self._lock, suppress(KafkaError, RuntimeError, OSError):
            if self._consumer is not None:
                self._consumer.close(autocommit=False)

    def _some(self) -> list[list[Record]] | None:
        with self._lock:
            if self._closed:
                return None
            if self._consumer is None:
                self._consumer = _consumer(self._kafka)
                self._look_up(self._consumer)
            if not self._starts:
                return None
            return self._polled(self._consumer)

    def _look_up(self, consumer: KafkaConsumer) -> None:
        """Where to begin, and where to end."""
        found = consumer.offsets_for_times(dict.fromkeys(self._ends, self._since_ms), timeout_ms=LOOKUP_MS)
        readable = consumer.end_offsets(list(self._ends), timeout_ms=LOOKUP_MS)
        for partition, first in found.items():
            self._ends[partition] = end = min(self._ends[partition], readable[partition])
            if first is not None and first.offset < end:
                self._starts[partition] = first.offset
        consumer.assign(list(self._starts))
        for partition, start in self._starts.items():
            consumer.seek(partition, start)
        self.of = sum(self._ends[partition] - start for partition, start in self._starts.items())

    def _polled(self, consumer: KafkaConsumer) -> list[list[Record]]:
        found = []
        for partition, polled in consumer.poll(POLL_MS).items():
            end = self._ends[partition]
            where = Partition(partition.topic, partition.partition)
            found.append([decoded(where, record) for record in polled if record.offset < end])
        for partition, start in list(self._starts.items()):
            end, at = self._ends[partition], consumer.position(partition, timeout_ms=LOOKUP_MS)
            self.done += min(at, end) - start
            self._starts[partition] = at
            if at >= end:
                del self._starts[partition]
                consumer.pause(partition)
        self.count += sum(map(len, found))
        return [batch for batch in found if batch]


def _consumer(kafka: KafkaSettings) -> KafkaConsumer:
    """With the user's options, as the input is read. `max_poll_records`: what the loop takes at a time."""
    own = {"fetch_max_bytes": 8 * 1024 * 1024, **consumer_properties(kafka), "max_poll_records": kafka.max_poll_records}
    return standalone_consumer(kafka, own)
