"""Records of the input made straight from what was fetched.

kafka-python makes each record three times over (a DefaultRecord, a ConsumerRecord, and ours of that), all of it in
Python: 5.7 us of CPU a record, where this takes 0.7 (compiled). It is kafka-python's way with a fetched partition, but for the
records themselves, which record_batch.py reads. tests/edge/test_fetched.py compares both, so it shows when a newer kafka-python
does otherwise.
"""

from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel

from bridge.core.record import Partition, Record
from bridge.edge.consumer import decoded
from bridge.edge.record_batch import BatchRecords


def fetch_records(consumer: KafkaConsumer) -> None:
    """Let `poll` give Records. Private state, set before the first poll."""
    consumer._fetcher.PartitionRecords = Fetched  # noqa: SLF001 (there is no public way)


class Fetched(Fetcher.PartitionRecords):  # type: ignore[misc]
    """What was fetched of a partition."""

    def _unpack_records(self, tp: TopicPartition, records: Any, *_deserializers: object) -> Iterator[Record]:
        partition = Partition(tp.topic, tp.partition)
        last, begin, end = None, 0, 0
        while (batch := records.next_batch()) is not None:
            last, begin = batch, end
            end += batch.size_in_bytes
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(f"{partition}: the batch at offset {batch.base_offset} has another checksum")
            if self._passes_over(batch):
                self.next_fetch_offset = batch.next_offset
                continue
            for record in self._records(partition, batch, records._buffer, begin):  # noqa: SLF001 (no public way)
                self.records_read += 1
                self.bytes_read += record.size
                self.next_fetch_offset = record.offset + 1
                yield record
        if last is not None and last.magic == 2:
            # A compacted batch may end in offsets that are gone: the next fetch begins behind them.
            self.next_fetch_offset = last.next_offset
        self.drain()

    def _passes_over(self, batch: Any) -> bool:
        """Whether a batch is of a transaction that was given up, or marks the end of one."""
        if batch.magic != 2:
            return False
        self.leader_epoch = batch.leader_epoch
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return True
        return bool(batch.is_control_batch)

    def _records(self, partition: Partition, batch: Any, fetched: bytes, begin: int) -> Iterator[Record]:
        """Those of a batch, which begins so many bytes from the begin of what was fetched."""
        if batch.magic != 2:
            return self._older_records(partition, batch)
        append_time = bool(batch.timestamp_type)
        buffer, position, end = _uncompressed(batch, fetched, begin)
        return BatchRecords(
            partition,
            buffer,
            position,
            end,
            batch.records_count,
            base_offset=batch.base_offset,
            timestamp_ms=batch.max_timestamp if append_time else batch.first_timestamp,
            append_time=append_time,
        )

    def _older_records(self, partition: Partition, batch: Any) -> Iterator[Record]:
        """Of message formats 0 and 1, which brokers before 4.0 may still have in old segments."""
        for record in batch:
            if self.check_crcs and not record.validate_crc():
                raise CorruptRecordError(f"{partition}: the record at offset {record.offset} has another checksum")
            yield decoded(partition, record)


def _uncompressed(batch: Any, fetched: bytes, begin: int) -> tuple[bytes, int, int]:
    """Bytes with the records of a batch, from where to where: of those that were fetched if they can be, as one may take 1 MB."""
    end = begin + batch.size_in_bytes
    if batch.compression_type:
        iter(batch)  # takes the compression off
        fetched, begin = bytes(batch._buffer), 0  # noqa: SLF001 (there is no public way)
        end = len(fetched)
    batch._buffer = b""  # noqa: SLF001 (kafka-python's copy, which lives as long as the batch)
    return fetched, begin + batch._pos, end  # noqa: SLF001
