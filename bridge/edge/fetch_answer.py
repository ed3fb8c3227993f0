"""What an answer to a fetch holds, read from its bytes, where all of it is as it nearly always is.

The format: Fetch v12 of https://kafka.apache.org/protocol.html, the highest that kafka-python 3.0.12 asks for. Errors, throttling,
transactions, compression, older batches, whatever comes in part: of an answer with one of these, nothing is taken from here.
"""

import struct
from struct import Struct
from typing import Final, NamedTuple

from crc32c import crc32c
from kafka.errors import CorruptRecordError

from bridge.core.record import Partition, Record
from bridge.edge.record_batch import BatchRecords, unsigned

VERSION: Final = 12
PREFIX: Final = 4  # bytes before an answer, which say how long it is
#: Bytes behind the records: of the partition, the topic, and the answer each the number of its tags, of which none is needed.
TAIL: Final = 3
_HEAD: Final = Struct(">iiBihi")  # that length, correlation id, (no) tags, throttle time, error, session
_EMPTY: Final = Struct(">iiBihiBB")  # the same, then an array of no topics, and no tags
_PARTITION: Final = Struct(">ihqqq")  # number, error, high watermark, last stable offset, start of the log
_NO_TRANSACTIONS: Final = (0, 1)  # a compact array that is null, or empty
_NO_REPLICA: Final = b"\xff\xff\xff\xff"  # to fetch from in future
#: Base offset, length, leader epoch, magic, checksum, attributes, last offset's delta, first timestamp, largest timestamp, producer's
#: id, epoch and sequence, count of records: https://kafka.apache.org/documentation/#recordbatch
_BATCH: Final = Struct(">qiibIhiqqqhii")
_BATCH_LENGTH_FROM: Final = 12  # bytes of a batch before those that its length counts …
_BATCH_CHECKED_FROM: Final = 21  # … and that its checksum is of
_APPEND_TIME: Final = 0x08  # among the attributes


class Piece(NamedTuple):
    """All records that came of a partition, from offset `begin` to the one before `end`, with none missing in between."""

    partition: Partition
    begin: int
    end: int
    leader_epoch: int  # of the last
    highwater: int
    records: list[Record]


def empty(correlation: int, session: int) -> bytes:
    """An answer that goes on with this fetch session, in which nothing came of any partition."""
    return _EMPTY.pack(_EMPTY.size - PREFIX, correlation, 0, 0, 0, session, 1, 0)


class _Unusual(Exception):
    pass


def pieces_of(answer: bytes, correlation: int, session: int) -> list[Piece]:
    """Of an answer to this request, its length before it, that goes on with this fetch session; none: something is unusual."""
    try:
        return _pieces(answer, correlation, session)
    except (_Unusual, struct.error, IndexError, ValueError, CorruptRecordError):
        return []


def _pieces(answer: bytes, correlation: int, session: int) -> list[Piece]:
    length, *head = _HEAD.unpack_from(answer)
    if head != [correlation, 0, 0, 0, session] or length + PREFIX != len(answer):
        raise _Unusual
    pieces: list[Piece] = []
    topics, at = unsigned(answer, _HEAD.size)
    for _ in range(topics - 1):
        size, at = unsigned(answer, at)
        if size == 0:  # no name
            raise _Unusual
        end = at + size - 1
        topic = answer[at:end].decode()
        partitions, at = unsigned(answer, end)
        for _ in range(partitions - 1):
            at = _partition(answer, at, topic, pieces)
        at = _no_tags(answer, at)
    if _no_tags(answer, at) != len(answer):
        raise _Unusual
    return pieces


def _partition(answer: bytes, at: int, topic: str, pieces: list[Piece]) -> int:
    """Adds its piece; where it ends."""
    number, error, highwater, _, _ = _PARTITION.unpack_from(answer, at)
    at += _PARTITION.size
    begin = at + 1 + len(_NO_REPLICA)
    if error or answer[at] not in _NO_TRANSACTIONS or answer[at + 1 : begin] != _NO_REPLICA:
        raise _Unusual
    size, at = unsigned(answer, begin)
    end = at + size - 1
    if end <= at:  # only its high watermark moved
        raise _Unusual
    pieces.append(_piece(answer, at, end, Partition(topic, number), highwater))
    return _no_tags(answer, end)


def _piece(answer: bytes, at: int, end: int, partition: Partition, highwater: int) -> Piece:
    records: list[Record] = []
    begin = following = -1
    leader_epoch = -1
    while at < end:
        offset, length, leader_epoch, magic, crc, attributes, last, first_ms, largest_ms, _, _, _, count = (
            _BATCH.unpack_from(answer, at)
        )
        stop: int = at + _BATCH_LENGTH_FROM + length
        if magic != 2 or attributes & ~_APPEND_TIME or not 0 < count == last + 1 or following not in (-1, offset):
            raise _Unusual
        if not at + _BATCH.size <= stop <= end:
            raise _Unusual
        if crc32c(answer[at + _BATCH_CHECKED_FROM : stop]) != crc:
            raise _Unusual
        append_time = attributes == _APPEND_TIME
        records += BatchRecords(
            partition,
            answer,
            at + _BATCH.size,
            stop,
            count,
            base_offset=offset,
            timestamp_ms=largest_ms if append_time else first_ms,
            append_time=append_time,
        )
        begin = offset if begin < 0 else begin
        following = offset + count
        at = stop
    return Piece(partition, begin, following, leader_epoch, highwater, records)


def _no_tags(answer: bytes, at: int) -> int:
    if answer[at]:
        raise _Unusual
    return at + 1
