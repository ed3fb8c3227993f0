"""Records written into a batch, beside what kafka-python makes of the same."""

from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from support.examples import examples

from bridge.core.saved import StateRecord
from bridge.edge.batches import AROUND, BATCH_BYTES, _filled, _pieces
from bridge.edge.record_body import record_bodies

CONFIG = {"message_version": 2, "compression_attrs": 0, "batch_size": 10**7}
LZ4 = 3
NOW = 1_795_000_000_000

#: Lengths around which the number before them takes a byte more, too.
sizes = st.integers(0, 300) | st.sampled_from([63, 64, 8191, 8192, 2047, 2048])
values = st.none() | st.builds(lambda size, byte: bytes([byte]) * size, sizes, st.integers(0, 255))
records = st.lists(st.tuples(values.filter(lambda value: value is not None), values), min_size=1, max_size=12)


def theirs(some: list[tuple[bytes, bytes | None]]) -> bytes:
    """The batch but for its header."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=False,
        producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=10**8,
    )  # fmt: skip
    for place, (key, value) in enumerate(some):
        assert builder.append(place, NOW, key, value, [])
    return bytes(builder.build()[61:])


@settings(max_examples=examples(300))
@given(records)
def test_the_same_bytes_as_kafka_pythons(some: list[tuple[bytes, bytes | None]]) -> None:
    assert record_bodies(some) == theirs(some)


def test_places_that_take_more_bytes_too() -> None:
    many: list[tuple[bytes, bytes | None]] = [(b"key", b"") for _ in range(9000)]
    assert record_bodies(many) == theirs(many)


def read(made: MemoryRecordsBuilder) -> list[tuple[int, int, bytes, bytes | None]]:
    batch = MemoryRecords(bytes(made.buffer())).next_batch()
    assert batch.validate_crc()
    assert batch.records_count == batch.last_offset_delta + 1 == made.next_offset()
    return [(record.offset, record.timestamp, record.key, record.value) for record in batch]


@given(records, st.sampled_from([0, LZ4]))
def test_a_filled_batch_is_read_back(some: list[tuple[bytes, bytes | None]], compression: int) -> None:
    made = _filled(CONFIG | {"compression_attrs": compression}, some)
    made.set_producer_state(7, 1, 42, is_transactional=True)
    made.close()
    found = read(made)
    assert [(key, value) for _, _, key, value in found] == some
    assert [offset for offset, *_ in found] == list(range(len(some)))
    assert len({timestamp for _, timestamp, *_ in found}) == 1
    assert (made.producer_id, made.producer_epoch, made.base_sequence) == (7, 1, 42)


@given(st.lists(st.integers(0, BATCH_BYTES // 2) | st.just(2 * BATCH_BYTES), min_size=1, max_size=30))
def test_batches_hold_all_in_order_and_are_no_larger_than_they_may(sizes: list[int]) -> None:
    states = [StateRecord(0, b"%d" % place, b"x" * size) for place, size in enumerate(sizes)]
    pieces = list(_pieces(states))
    assert [pair for piece in pieces for pair in piece] == [(state.key, state.value) for state in states]
    for piece in pieces:
        taken = sum(len(key) + len(value or b"") + AROUND for key, value in piece)
        assert len(record_bodies(piece)) <= taken
        assert taken <= BATCH_BYTES or len(piece) == 1
