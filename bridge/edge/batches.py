"""States written in whole batches that the bridge makes itself.

kafka-python's send() costs 20 us of CPU a record, and a kilobyte while it is on its way: a future, its callbacks, and two locks each.
With ten thousand campaign groups nearly every event changes one, so that was a fifth of what an event took (docs/decisions/0010).
From its accumulator on everything stays kafka-python's: sequence numbers, compression, checksums, retries, and the halves of a batch that
the topic finds too large (max.message.bytes).
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import IllegalStateError
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder

from bridge.core.saved import StateRecord
from bridge.edge.record_body import record_bodies

BATCH_BYTES = 64 * 1024  # of keys and values, before compression
AROUND = 20  # bytes around a key and a value, at most


class Futures:
    """Of the records of a batch, made when they are asked for: the first at once, all others where the batch is halved."""

    def __init__(self, batch: ProducerBatch, count: int) -> None:
        self._batch = batch
        self._count = count
        self._made: dict[int, Any] = {}
        self[0]  # that of all records, where the batch stays whole

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Any:
        if place not in self._made:
            self._made[place] = FutureRecordMetadata(self._batch.produce_future, place, None, None, -1, -1, -1)
        return self._made[place]

    def settled(self, seconds: float) -> None:
        """Wait for the fate of the batch, or of its halves; raise the first error."""
        for future in list(self._made.values()):
            future.get(seconds)


def begin_batches(producer: KafkaProducer, topic: str, states: Sequence[StateRecord]) -> list[Futures]:
    """Hand states over to be sent at the next flush.

    ValueError: a partition that is not known (yet). KafkaTimeoutError: nor the topic. MessageSizeTooLargeError: a state is.
    """
    known = producer.partitions_for(topic)
    if unknown := {state.number for state in states} - known:
        raise ValueError(f"Unrecognized partition {min(unknown)} for topic {topic}")
    producer._ensure_valid_record_size(max([_size(state.key, state.value) for state in states]))  # noqa: SLF001
    numbers: dict[int, list[StateRecord]] = {}
    for state in states:
        numbers.setdefault(state.number, []).append(state)
    return [
        _begin(producer, TopicPartition(topic, number), some)
        for number, its in numbers.items()
        for some in _pieces(its)
    ]


def _pieces(states: Sequence[StateRecord]) -> Iterator[list[tuple[bytes, bytes | None]]]:
    """What goes into one batch each: BATCH_BYTES, or a single larger one."""
    piece: list[tuple[bytes, bytes | None]] = []
    room = BATCH_BYTES
    for _, key, value in states:
        size = _size(key, value)
        if size > room and piece:
            yield piece
            piece, room = [], BATCH_BYTES
        piece.append((key, value))
        room -= size
    yield piece


def _size(key: bytes, value: bytes | None) -> int:
    return len(key) + AROUND if value is None else len(key) + len(value) + AROUND


def _begin(producer: KafkaProducer, tp: TopicPartition, records: list[tuple[bytes, bytes | None]]) -> Futures:
    """As the end of send() and RecordAccumulator.append() of kafka-python 3.0.12; there is no public way."""
    transactions, accumulator = producer._transaction_manager, producer._accumulator  # noqa: SLF001
    if transactions is not None and transactions.is_transactional():
        transactions.maybe_add_partition_to_transaction(tp)
    batch = ProducerBatch(tp, _filled(accumulator.config, records))
    batch._record_futures = futures = Futures(batch, len(records))  # noqa: SLF001
    accumulator._appends_in_progress.increment()  # noqa: SLF001 (an abort waits for these)
    try:
        with accumulator._tp_lock(tp):  # noqa: SLF001
            if accumulator._closed:  # noqa: SLF001
                raise IllegalStateError("RecordAccumulator is closed")
            accumulator._batches[tp].append(batch)  # noqa: SLF001
            accumulator._incomplete.add(batch)  # noqa: SLF001
    finally:
        accumulator._appends_in_progress.decrement()  # noqa: SLF001
    return futures


def _filled(config: dict[str, Any], records: list[tuple[bytes, bytes | None]]) -> MemoryRecordsBuilder:
    made = MemoryRecordsBuilder(config["message_version"], config["compression_attrs"], config["batch_size"])
    builder = made._builder  # noqa: SLF001
    builder._buffer += record_bodies(records)  # noqa: SLF001
    builder._first_timestamp = builder._max_timestamp = int(time.time() * 1000)  # noqa: SLF001
    builder._num_records = made._next_offset = len(records)  # noqa: SLF001
    builder._last_offset = len(records) - 1  # noqa: SLF001
    return made
