"""Records made straight from what was fetched, beside what kafka-python makes of the same bytes."""

import struct
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import calc_crc32c, encode_varint
from support.examples import examples

from bridge.core.record import Partition, Record
from bridge.edge.consumer import decoded
from bridge.edge.fetched import Fetched

EVENTS = TopicPartition("events", 3)
PARTITION = Partition("events", 3)
GZIP, SNAPPY, LZ4, ZSTD = range(1, 5)
COMMIT, ABORT = b"\0\0\0\1", b"\0\0\0\0"  # keys of control records: version, type
HEADERS_AT = 61  # bytes of a batch before its records
TIMESTAMP = 1_795_000_000_000

Entry = tuple[
    int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]
]  # offset, timestamp and what is in it


class Aborted(NamedTuple):
    """A transaction that was given up, as a broker tells of it."""

    producer_id: int
    first_offset: int


def batch(
    entries: Iterable[Entry], *, codec: int = 0, producer: int = -1, control: bool = False, base: int = 0
) -> bytes:
    """A batch from the offset `base` on."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=codec, is_transactional=producer >= 0,
        producer_id=producer, producer_epoch=0, base_sequence=0, batch_size=10**7,
    )  # fmt: skip
    for offset, timestamp, key, value, headers in entries:
        assert builder.append(offset, timestamp, key, value, headers)
    made = bytearray(builder.build())
    struct.pack_into(">q", made, 0, base)
    if control:
        made[22] |= 0x20
        sealed(made)
    return bytes(made)


def sealed(made: bytearray) -> bytearray:
    """With the checksum of what is in it now."""
    struct.pack_into(">I", made, 17, calc_crc32c(memoryview(made)[21:]))
    return made


def read(
    kind: Any, data: bytes, *, of: int = 0, at_once: int = 1000, aborted: Iterable[Aborted] = ()
) -> tuple[list[Any], Any]:
    """All records from the offset `of` on, and the fetched partition as they leave it."""
    fetched = kind(
        of,
        EVENTS,
        MemoryRecords(data),
        aborted_transactions=list(aborted),
        isolation_level=IsolationLevel.READ_COMMITTED,
    )
    found: list[Any] = []
    while fetched and (some := fetched.take(at_once)):
        found += some
    return found, fetched


def theirs(records: list[Any]) -> list[Record]:
    return [decoded(PARTITION, record) for record in records]


def end(fetched: Any) -> tuple[int, int, int, bool]:
    """What the fetcher goes on from."""
    return fetched.next_fetch_offset, fetched.leader_epoch, fetched.records_read, bool(fetched)


some_bytes = st.none() | st.binary(max_size=300)
headers = st.lists(st.tuples(st.text(max_size=10), some_bytes), max_size=3)
entries = st.lists(
    st.tuples(
        st.integers(0, 400), st.integers(-1, 2 * TIMESTAMP), some_bytes, some_bytes, headers
    ),
    min_size=1, max_size=20, unique_by=lambda entry: entry[0],
).map(sorted)  # fmt: skip


@settings(max_examples=examples(300))
@given(
    entries,
    st.sampled_from([0, GZIP, SNAPPY, LZ4, ZSTD]),
    st.integers(0, 2**40),
    st.integers(0, 300),
    st.integers(1, 7),
)
def test_the_same_records_as_kafka_pythons(some: list[Entry], codec: int, base: int, skip: int, at_once: int) -> None:
    """Of any batches, also when the fetch began in the midst of one; and the fetcher goes on from the same place."""
    data = batch(some, base=base) + batch(some, codec=codec, base=base + 500) + batch(some, base=base + 1000)
    wanted, stock = read(Fetcher.PartitionRecords, data, of=base + skip, at_once=at_once)
    found, own = read(Fetched, data, of=base + skip, at_once=at_once)

    assert found == theirs(wanted)
    assert end(own) == end(stock)


def test_offsets_are_known_after_each_part_that_is_taken() -> None:
    data = batch([(n, TIMESTAMP, None, b"v", []) for n in (0, 1, 5, 6)]) + batch(
        [(0, TIMESTAMP, None, b"w", [])], base=10
    )
    own = Fetched(0, EVENTS, MemoryRecords(data))

    assert [r.offset for r in own.take(3)] == [0, 1, 5]
    assert own.next_fetch_offset == 6
    assert [r.offset for r in own.take(3)] == [6, 10]
    assert own.next_fetch_offset == 11


def test_records_of_transactions_that_were_given_up_are_passed_over_as_markers_are() -> None:
    def one(offset: int, producer: int) -> bytes:
        return batch([(0, TIMESTAMP, None, b"%d" % offset, [])], producer=producer, base=offset)

    def marker(offset: int, producer: int, kind: bytes) -> bytes:
        return batch([(0, TIMESTAMP, kind, b"\0" * 6, [])], producer=producer, control=True, base=offset)

    data = b"".join(
        [
            one(0, 7), one(1, 8), one(2, 7), marker(3, 7, ABORT), one(4, 7), marker(5, 8, COMMIT),
            marker(6, 7, COMMIT), one(7, 8), marker(8, 8, ABORT),
        ]
    )  # fmt: skip
    aborted = [Aborted(7, 0), Aborted(8, 7)]
    wanted, stock = read(Fetcher.PartitionRecords, data, aborted=aborted)
    found, own = read(Fetched, data, aborted=aborted)

    assert [record.offset for record in found] == [1, 4]
    assert found == theirs(wanted)
    assert end(own) == end(stock) == (9, stock.leader_epoch, 2, False)


def test_the_brokers_time_holds_where_the_topic_says_so() -> None:
    made = bytearray(batch([(0, 5, None, b"a", []), (1, TIMESTAMP, None, b"b", [])]))
    made[22] |= 0x08
    data = bytes(sealed(made))

    found, _ = read(Fetched, data)
    assert [record.timestamp_ms for record in found] == [TIMESTAMP, TIMESTAMP]
    assert found == theirs(read(Fetcher.PartitionRecords, data)[0])


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, GZIP])
def test_older_formats_are_read_as_before(magic: int, codec: int) -> None:
    builder = MemoryRecordsBuilder(magic=magic, compression_type=codec, batch_size=10**6)
    for number in range(5):
        builder.append(timestamp=TIMESTAMP + number, key=b"k", value=b"v%d" % number)
    builder.close()
    data = bytes(builder.buffer())

    data += batch([(0, TIMESTAMP, b"k", b"newer", [])], base=5)

    found, own = read(Fetched, data)
    wanted, stock = read(Fetcher.PartitionRecords, data)
    assert len(found) == 6
    assert [(r.offset, r.key, r.value) for r in found] == [(r.offset, r.key, r.value) for r in theirs(wanted)]
    assert [record.timestamp_ms for record in found[:5]] == [TIMESTAMP + n if magic else -1 for n in range(5)]
    assert own.next_fetch_offset == stock.next_fetch_offset


def test_another_checksum_is_told() -> None:
    made = bytearray(batch([(0, TIMESTAMP, None, b"value", [])]))
    made[-3] ^= 1

    with pytest.raises(CorruptRecordError, match="offset 0 has another checksum"):
        read(Fetched, bytes(made))


def number(value: int) -> bytes:
    out = bytearray()
    encode_varint(value, out.append)
    return bytes(out)


def body(*parts: bytes, length: int | None = None) -> bytes:
    """A record: attributes, timestamp, offset, and what is given."""
    inner = b"\0" + number(0) + number(0) + b"".join(parts)
    return number(len(inner) if length is None else length) + inner


BAD = {
    "nothing": b"",
    "a length that is too long": body(number(-1), number(-1), number(0), length=40),
    "a length that is too short": body(number(-1), number(-1), number(0), length=3),
    "a key beyond the end": body(number(900), number(-1), number(0), length=905),
    "headers below 0": body(number(-1), number(-1), number(-2)),
    "a header that is not there": body(number(-1), number(-1), number(1)),
    "a header without a name": body(number(-1), number(-1), number(1), number(-1), number(-1)),
    "a header that is no text": body(number(-1), number(-1), number(1), number(1), b"\xff", number(-1)),
    "a number that never ends": b"\xff" * 30,
    "more than the records": body(number(-1), number(-1), number(0)) + b"\0",
}


@pytest.mark.parametrize("records", BAD.values(), ids=BAD)
@pytest.mark.parametrize("kind", [Fetcher.PartitionRecords, Fetched], ids=["stock", "own"])
def test_what_is_no_record_is_told_as_corrupt(records: bytes, kind: Any) -> None:
    made = bytearray(batch([(0, TIMESTAMP, None, b"", [])]))[:HEADERS_AT] + records
    struct.pack_into(">i", made, 8, len(made) - 12)

    with pytest.raises(CorruptRecordError):
        read(kind, bytes(sealed(made)))


SOME = batch([(n, TIMESTAMP + n, b"key", b"value", [("h", b"x"), ("i", None)]) for n in range(3)])[HEADERS_AT:]
spoilt = st.builds(
    lambda at, byte, cut: (SOME[:at] + bytes([byte]) + SOME[at + 1 :])[: len(SOME) - cut],
    st.integers(0, len(SOME) - 1), st.integers(0, 255), st.integers(0, 9) | st.just(0),
)  # fmt: skip


@settings(max_examples=examples(500))
@given(st.binary(max_size=80) | spoilt)
def test_no_bytes_are_read_as_more_than_they_are(records: bytes) -> None:
    """Whatever stands in a batch: as kafka-python has it, or corrupt; also where another batch comes after it."""
    made = bytearray(batch([(n, TIMESTAMP, None, b"", []) for n in range(3)]))[:HEADERS_AT] + records
    struct.pack_into(">i", made, 8, len(made) - 12)
    data = bytes(sealed(made)) + batch([(0, TIMESTAMP, None, b"next", [])], base=10)

    def told(kind: Any, of: Callable[[list[Any]], list[Record]]) -> list[Record] | None:
        try:
            return of(read(kind, data)[0])
        except CorruptRecordError:
            return None

    assert told(Fetched, list) == told(Fetcher.PartitionRecords, theirs)
