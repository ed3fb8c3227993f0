"""Answers to a fetch read from their bytes, which kafka-python made, beside what it reads in them itself."""

import struct
from typing import Any

import pytest
from edge.test_fetched import HEADERS_AT, TIMESTAMP, ZSTD, Entry, batch, body, headers, number, sealed, some_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.protocol.consumer import FetchResponse
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from support.examples import examples

from bridge.core.record import Partition, Record
from bridge.edge.consumer import decoded
from bridge.edge.fetch_answer import PREFIX, TAIL, VERSION, Piece, empty, pieces_of

CORRELATION, SESSION, HIGHWATER = 70_000, 1_234_567_890, 2**40 + 5
TAGS = b"\1\x63\2ab"  # one that nobody knows, with two bytes
CONTROL, DELETE_HORIZON, APPEND_TIME = 0x20, 0x40, 0x08
Topic = FetchResponse.FetchableTopicResponse
#: Bytes of a partition, and of a batch, from their begin on, and what is read otherwise if one that no checksum covers is changed.
#: None: it is checked in another way, so nothing is read.
OF_PARTITION = [(4, {"partition"}), (2, None), (8, {"highwater"}), (16, set[str]()), (1, set[str]()), (4, None)]
OF_BATCH = [(8, {"begin", "end", "offset"}), (4, None), (4, {"leader_epoch"})]


def entry(offset: int) -> Entry:
    return offset, TIMESTAMP + offset, b"key", b"value %d" % offset, [("h", b"x"), ("i", None)]


def changed(data: bytes, form: str, at: int, *values: int) -> bytes:
    """A batch with these numbers there, and the checksum of it."""
    made = bytearray(data)
    struct.pack_into(form, made, at, *values)
    return bytes(sealed(made))


def came(records: bytes | None, *, number: int = 3, **other: Any) -> Any:
    """Of a partition, as an answer has it."""
    usual = {
        "partition_index": number, "error_code": 0, "high_watermark": HIGHWATER, "last_stable_offset": HIGHWATER,
        "log_start_offset": 1, "aborted_transactions": None, "preferred_read_replica": -1, "records": records,
    }  # fmt: skip
    return Topic.PartitionData(**usual | other)


def answer(topics: dict[str, list[Any]], *, correlation: int = CORRELATION, **other: Any) -> bytes:
    responses = [Topic(topic=name, partitions=partitions) for name, partitions in topics.items()]
    usual = {"throttle_time_ms": 0, "error_code": 0, "session_id": SESSION, "responses": responses}
    made = FetchResponse(version=VERSION, **usual | other)
    made.with_header(correlation)
    return bytes(made.encode(header=True, framed=True))


def framed(after: bytes) -> bytes:
    return struct.pack(">i", len(after)) + after


def found(data: bytes) -> list[Piece]:
    return pieces_of(data, CORRELATION, SESSION)


def theirs(data: bytes) -> list[Piece]:
    """What kafka-python reads."""
    pieces = []
    for topic in FetchResponse.decode(data, version=VERSION, header=True, framed=True).responses:
        for one in topic.partitions:
            partition, records = Partition(topic.topic, one.partition_index), bytes(one.records)
            begin = MemoryRecords(records).next_batch().base_offset
            fetched = Fetcher.PartitionRecords(begin, TopicPartition(*partition), MemoryRecords(records))
            read = [decoded(partition, record) for record in fetched.take(10**6)]
            assert not fetched
            end, epoch = fetched.next_fetch_offset, fetched.leader_epoch
            pieces.append(Piece(partition, begin, end, epoch, one.high_watermark, read))
    return pieces


contents = st.lists(
    st.tuples(st.integers(-1, 2 * TIMESTAMP), some_bytes, some_bytes, headers), min_size=1, max_size=6
)  # fmt: skip
numbers = st.integers(0, 2**31 - 1)


@st.composite
def batches(draw: st.DrawFn) -> bytes:
    """Up to three, each from the offset on where the one before it ends."""
    base = draw(st.integers(0, 300) | st.integers(0, 2**62))
    data = b""
    for some in draw(st.lists(contents, min_size=1, max_size=3)):
        made = batch([(offset, *rest) for offset, rest in enumerate(some)], base=base)
        made = changed(made, ">i", 12, draw(numbers))
        if draw(st.booleans()):
            made = changed(made, ">h", 21, APPEND_TIME)
        if draw(st.booleans()):  # of an idempotent producer
            made = changed(made, ">qhi", 43, draw(numbers), 5, draw(numbers))
        data += made
        base += len(some)
    return data


partitions = st.builds(
    lambda records, number, highwater, aborted: came(
        records, number=number, high_watermark=highwater, aborted_transactions=aborted
    ),
    batches(), numbers, st.integers(0, 2**63 - 1), st.sampled_from([None, []]),
)  # fmt: skip
answers = st.dictionaries(
    st.text(max_size=9) | st.just("t" * 249), st.lists(partitions, min_size=1, max_size=3), min_size=1, max_size=3
).map(answer)  # fmt: skip


@settings(max_examples=examples(100), deadline=None)
@given(answers)
def test_the_same_is_read_as_kafka_python_reads(data: bytes) -> None:
    pieces = found(data)

    assert pieces == theirs(data)
    assert all([r.offset for r in piece.records] == list(range(piece.begin, piece.end)) for piece in pieces)


@settings(max_examples=examples(30), deadline=None)
@given(answers)
def test_the_bytes_behind_the_last_records_are_zeros(data: bytes) -> None:
    assert data[:-TAIL] + bytes(TAIL) == data


def test_of_each_partition_is_told_where_it_begins_and_ends() -> None:
    made = batch([entry(0), entry(1)], base=10) + changed(batch([entry(0)], base=12), ">i", 12, 8)
    data = answer({"a": [came(made)], "b": [came(batch([entry(0)], base=7), number=0, high_watermark=9)]})

    assert [piece[:5] for piece in found(data)] == [
        (Partition("a", 3), 10, 13, 8, HIGHWATER),
        (Partition("b", 0), 7, 8, 0, 9),
    ]


THREE = batch([entry(n) for n in range(3)], base=10)  # offsets 10 to 12
NEXT = batch([entry(0)], base=13)
older = MemoryRecordsBuilder(magic=1, compression_type=0, batch_size=10**6)
older.append(timestamp=TIMESTAMP, key=b"k", value=b"v")
older.close()
NO_MORE = number(-1), number(-1), number(0)  # no key, no value, no headers


def compressed(codec: int) -> bytes:
    data = batch([(0, TIMESTAMP, None, b"v" * 999, [])], codec=codec, base=12)
    assert data[22] == codec  # kafka-python leaves alone what would not be smaller
    return data


def of_record(record: bytes) -> bytes:
    made = batch([entry(0)], base=10)[:HEADERS_AT] + record
    return changed(made, ">i", 8, len(made) - 12)


UNUSUAL_PARTITION = {
    "an error": came(THREE, error_code=6),
    "a transaction that was given up": came(
        THREE, aborted_transactions=[Topic.PartitionData.AbortedTransaction(producer_id=7, first_offset=3)]
    ),
    "a replica to read from": came(THREE, preferred_read_replica=2),
    "replica 0 to read from": came(THREE, preferred_read_replica=0),
    "another leader": came(THREE, current_leader=Topic.PartitionData.LeaderIdAndEpoch(leader_id=1, leader_epoch=2)),
    "no records": came(b""),
    "null for records": came(None),
    **{f"codec {n}": came(compressed(n) + NEXT) for n in range(1, ZSTD + 1)},
    **{f"codec {n} by name only": came(changed(THREE, ">h", 21, n)) for n in range(1, ZSTD + 1)},
    "a transaction": came(batch([entry(0)], producer=7)),
    "a marker of a transaction": came(batch([entry(0)], producer=7, control=True)),
    "a control batch": came(changed(THREE, ">h", 21, CONTROL)),
    "a horizon of deletion": came(changed(THREE, ">h", 21, DELETE_HORIZON)),
    "magic 1": came(bytes(older.buffer())),
    "another magic": came(changed(THREE, ">b", 16, 3)),
    "a gap between batches": came(THREE + batch([entry(0)], base=14)),
    "an offset twice": came(THREE + batch([entry(0)], base=12)),
    "a gap within a batch": came(batch([entry(0), entry(1), entry(3)])),
    "a gap at a batch's end": came(changed(THREE, ">i", 23, 3)),
    "fewer offsets than records": came(changed(THREE, ">i", 23, 1)),
    "more records than it says": came(changed(THREE, ">i", 57, 2)),
    "no more than a batch's begin": came(THREE + NEXT[:30]),
    "a batch that is cut off": came(THREE + NEXT[:-1]),
    "a batch cut off behind its header": came(THREE + NEXT[:HEADERS_AT]),
    "a batch cut off, alone": came(THREE[:-1]),
    "another checksum": came(THREE[:-1] + b"\3"),
    "another checksum behind others": came(THREE + NEXT[:-1] + b"\3"),
    **{f"a batch of {n} bytes": came(changed(THREE, ">i", 8, n)) for n in (-(2**31), -13, -12, 0, 8, 9, 48)},
    "a record longer than it says": came(of_record(body(*NO_MORE, length=5))),
    "a record shorter than it says": came(of_record(body(*NO_MORE, length=7))),
    "a record beyond its batch": came(of_record(body(number(90), number(-1), length=96)) + NEXT),
    "bytes behind a batch's records": came(of_record(body(*NO_MORE) + b"\0")),
    "a batch without its records": came(of_record(b"")),
}  # fmt: skip


@pytest.mark.parametrize("partition", UNUSUAL_PARTITION.values(), ids=UNUSUAL_PARTITION)
def test_nothing_is_read_where_a_partition_is_unusual(partition: Any) -> None:
    """Alone or beside others, which would be read."""
    usual = came(THREE, number=4)
    assert found(answer({"a": [usual]}))

    assert found(answer({"a": [partition]})) == []
    assert found(answer({"a": [usual, partition]})) == []
    assert found(answer({"a": [partition], "b": [usual]})) == []


ONE = {"events": [came(THREE)]}
SOUND = answer(ONE)
UNUSUAL = {
    "another request's": answer(ONE, correlation=CORRELATION + 1),
    "another session": answer(ONE, session_id=SESSION + 1),
    "no session": answer(ONE, session_id=0),
    "throttled": answer(ONE, throttle_time_ms=1),
    "an error": answer(ONE, error_code=70),
    "tags in its header": framed(SOUND[PREFIX:8] + TAGS + SOUND[9:]),
    "tags behind the partition": framed(SOUND[PREFIX:-3] + TAGS + b"\0\0"),
    "tags behind the topic": framed(SOUND[PREFIX:-2] + TAGS + b"\0"),
    "tags behind all": framed(SOUND[PREFIX:-1] + TAGS),
    "shorter than it says": framed(SOUND[PREFIX:] + b"\0")[:-1],
    "longer than it says": SOUND + b"\0",
    "bytes behind it": framed(SOUND[PREFIX:] + b"\0"),
    "no topics": answer({}),
    "a topic that is no text": SOUND.replace(b"events", b"event\xff"),
    "null for a topic": framed(SOUND[PREFIX:20] + b"\0" + SOUND[27:]),
    "a number that never ends": framed(SOUND[PREFIX:19] + b"\xff" * 30),
    "its head": SOUND[:19],
    "nothing": b"",
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_nothing_is_read_of_an_unusual_answer(data: bytes) -> None:
    assert found(SOUND)
    assert found(data) == []


def unchecked(data: bytes) -> dict[int, set[str]]:
    """Bytes that can be others without being noticed, each with what is read otherwise then."""
    fields: dict[int, set[str]] = {}

    def add(at: int, sizes: list[tuple[int, set[str] | None]]) -> None:
        for size, differs in sizes:
            fields.update(dict.fromkeys(range(at, at + size), differs) if differs is not None else {})
            at += size

    at = 0
    for topic in FetchResponse.decode(data, version=VERSION, header=True, framed=True).responses:
        for nth, one in enumerate(topic.partitions):
            records = bytes(one.records)
            at, end = data.index(records, at), data.index(records, at) + len(records)
            begin = at - ((len(records) + 1).bit_length() + 6) // 7 - sum(size for size, _ in OF_PARTITION)
            add(begin, OF_PARTITION)
            if nth == 0:
                name = len(topic.topic.encode())
                add(begin - 1 - name, [(name, {"partition"})])
            while at < end:
                add(at, OF_BATCH)
                at += 12 + int.from_bytes(data[at + 8 : at + 12])
    return fields


def differences(data: bytes, at: int, flipped: int) -> set[str]:
    """What is read otherwise if these bits of a byte are others, if anything is read."""
    pieces = found(data[:at] + bytes([data[at] ^ flipped]) + data[at + 1 :])
    pairs: list[tuple[Any, Any, tuple[str, ...]]] = []
    for one, other in zip(pieces, found(data), strict=True) if pieces else ():
        pairs.append((one, other, Piece._fields[:-1]))
        pairs += [(a, b, Record.__slots__) for a, b in zip(one.records, other.records, strict=True)]
    differ = {name for one, other, names in pairs for name in names if getattr(one, name) != getattr(other, name)}
    assert not pieces or differ <= unchecked(data)[at]
    return differ


@settings(max_examples=examples(200), deadline=None)
@given(answers, numbers, st.integers(1, 255))
def test_a_byte_that_is_another_is_noticed_or_changes_only_what_it_is_of(data: bytes, place: int, flipped: int) -> None:
    differences(data, place % len(data), flipped)


def test_a_bit_that_is_another_is_noticed_or_changes_only_what_it_is_of() -> None:
    data = answer({"a": [came(THREE), came(THREE + NEXT, number=4)], "bcd": [came(NEXT)]})

    seen = set[str]().union(*(differences(data, bit // 8, 1 << bit % 8) for bit in range(8 * len(data))))
    assert seen == {"partition", "highwater", "begin", "end", "offset", "leader_epoch"}


@settings(max_examples=examples(100), deadline=None)
@given(answers, numbers)
def test_nothing_is_read_of_a_part_of_an_answer(data: bytes, place: int) -> None:
    """Whether or not it says that it is as long."""
    part = data[: place % len(data)]

    assert found(part) == []
    assert found(framed(part[PREFIX:])) == []


@given(numbers, numbers)
def test_an_empty_answer_is_one_in_which_nothing_came(correlation: int, session: int) -> None:
    data = empty(correlation, session)
    read = FetchResponse.decode(data, version=VERSION, header=True, framed=True)

    assert read.header.correlation_id == correlation
    assert (read.throttle_time_ms, read.error_code, read.session_id, read.responses) == (0, 0, session, [])
    assert data == answer({}, correlation=correlation, session_id=session)
    assert pieces_of(data, correlation, session) == []
