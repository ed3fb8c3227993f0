"""One record of the input, asked for afterwards: itself, what its consumer group has committed, and its fates.

Everything here blocks. No group is joined and nothing is committed, so a running bridge does not notice.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2

from bridge.connections import KafkaSettings
from bridge.core.fate import Fate
from bridge.core.outcome import Unavailable
from bridge.core.record import Partition, Record
from bridge.core.runs import Checkpoint
from bridge.core.start import Log
from bridge.edge.consumer import decoded, standalone_consumer
from bridge.edge.kafka_options import consumer_properties

LOOKUP_MS = 10_000
POLL_MS = 500
READ = 20.0  # seconds for one record
BATCH = 5_000  # records between looks at the clock

_decode = msgspec.json.Decoder(Fate).decode


class Lookup:
    """A connection, for a `with`. Unreachable when it is made, Unavailable from each method."""

    def __init__(self, kafka: KafkaSettings) -> None:
        own = {**consumer_properties(kafka), "max_poll_records": BATCH}
        self._consumer = standalone_consumer(kafka, own, group_id=kafka.group_id)

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has; 0: there is none that may be read."""
        with _translated(topic):
            return len(self._consumer.partitions_for_topic(topic))

    def log(self, partition: Partition) -> Log:
        """What exists of a partition that is there."""
        with _translated(partition.topic):
            where = TopicPartition(*partition)
            earliest = self._consumer.beginning_offsets([where], timeout_ms=LOOKUP_MS)[where]
            return Log(earliest, self._consumer.end_offsets([where], timeout_ms=LOOKUP_MS)[where])

    def commit(self, partition: Partition) -> Checkpoint | None:
        """What the consumer group has committed; None: nothing."""
        with _translated("the commits of kafka.group_id"):
            found = self._consumer.committed(TopicPartition(*partition), metadata=True, timeout_ms=LOOKUP_MS)
        return None if found is None or found.offset < 0 else Checkpoint(found.offset, found.metadata or "")

    def record(self, partition: Partition, offset: int) -> Record | None:
        """The record at an offset within the log; None: there is none (compacted, or a transaction's marker)."""
        where = TopicPartition(*partition)
        deadline = time.monotonic() + READ
        with _translated(partition.topic):
            self._consumer.assign([where])
            self._consumer.seek(where, offset)
            while self._consumer.position(where, timeout_ms=LOOKUP_MS) <= offset:
                for record in self._consumer.poll(POLL_MS, max_records=1).get(where, ()):
                    if record.offset == offset:
                        return decoded(partition, record)
                if time.monotonic() > deadline:
                    raise Unavailable(f"{partition.topic}-{partition.number}: offset {offset} did not come")
        return None

    def fates(self, topic: str, numbers: Collection[int], since_ms: int) -> Iterator[list[Fate]]:
        """All that partitions of the outcome topic have from `since_ms` on to their ends now, in batches.

        A batch may be empty: the caller watches the time.
        """
        with _translated(topic):
            ends = self._begin([TopicPartition(topic, number) for number in numbers], since_ms)
            while ends:
                polled = self._consumer.poll(POLL_MS)
                yield [fate for records in polled.values() for record in records if (fate := _fate(record))]
                for partition in [p for p, end in ends.items() if self._position(p) >= end]:
                    del ends[partition]
                    self._consumer.pause(partition)

    def _begin(self, partitions: list[TopicPartition], since_ms: int) -> dict[TopicPartition, int]:
        """Go to the first records from then on; the ends of partitions that have any."""
        consumer = self._consumer
        ends = consumer.end_offsets(partitions, timeout_ms=LOOKUP_MS)
        starts = consumer.offsets_for_times(dict.fromkeys(partitions, since_ms), timeout_ms=LOOKUP_MS)
        found = {p: start.offset for p, start in starts.items() if start is not None and start.offset < ends[p]}
        consumer.assign(list(found))
        for partition, offset in found.items():
            consumer.seek(partition, offset)
        return {partition: ends[partition] for partition in found}

    def _position(self, partition: TopicPartition) -> int:
        at: int = self._consumer.position(partition, timeout_ms=LOOKUP_MS)
        return at

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close(autocommit=False)


def partition_of(key: bytes, partitions: int) -> int:
    """Where a record with this key is written, as by any of Kafka's own producers."""
    number: int = (murmur2(key) & 0x7FFFFFFF) % partitions
    return number


def _fate(record: Any) -> Fate | None:
    """None: not a fate of ours."""
    try:
        return _decode(record.value or b"")
    except msgspec.DecodeError:
        return None


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, RuntimeError) as error:
        raise Unavailable(f"{what}: {type(error).__name__}: {error}") from error
