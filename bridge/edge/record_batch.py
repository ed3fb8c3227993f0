"""The records of one batch as a broker stores it (Kafka's message format 2), read in an eighth of kafka-python's time (compiled).

The format: https://kafka.apache.org/documentation/#recordbatch. Nothing is believed of what stands in it: a record that does not
end where it says, or not within its batch, is a CorruptRecordError, as with kafka-python.
"""

from kafka.errors import CorruptRecordError

from bridge.core.record import Partition, Record

MOST_BITS = 63  # of a variable-length number


class BatchRecords:
    """Iterates over `count` records from `position` of `buffer` to `end`, which are not compressed any more.

    `timestamp_ms`: what their own are counted from; with `append_time` the one of them all. CorruptRecordError.
    """

    def __init__(
        self,
        partition: Partition,
        buffer: bytes,
        position: int,
        end: int,
        count: int,
        *,
        base_offset: int,
        timestamp_ms: int,
        append_time: bool,
    ) -> None:
        self._partition = partition
        self._buffer = buffer
        self._position = position
        self._end = end
        self._left = count
        self._base_offset = base_offset
        self._timestamp_ms = timestamp_ms
        self._append_time = append_time

    def __iter__(self) -> "BatchRecords":
        return self

    def __next__(self) -> Record:
        if self._left <= 0:
            if self._position != self._end:
                raise CorruptRecordError("a batch goes on after its last record")
            raise StopIteration
        try:
            record = self._read()
        except (ValueError, IndexError, OverflowError) as error:  # the last of lengths beyond all memory, compiled
            raise CorruptRecordError(f"a record that can't be read: {error}") from None
        self._left -= 1
        return record

    def _read(self) -> Record:
        buffer = self._buffer
        length, begin = _number(buffer, self._position)
        _, at = _number(buffer, begin)  # attributes, of which none is in use; kafka-python takes them for such a number
        delta, at = _number(buffer, at)
        timestamp_ms = self._timestamp_ms if self._append_time else self._timestamp_ms + delta
        delta, at = _number(buffer, at)
        key, at = _bytes(buffer, at)
        value, at = _bytes(buffer, at)
        count, at = _number(buffer, at)
        size = (0 if key is None else len(key)) + (0 if value is None else len(value))
        headers: tuple[tuple[str, bytes], ...] = ()
        if count:
            headers, at = _headers(buffer, at, count)
            for name, text in headers:
                size += len(name) + len(text)
        if at - begin != length or at > self._end:
            raise ValueError(f"{length} bytes long, as it says, and {at - begin} as it is read")
        self._position = at
        return Record(self._partition, self._base_offset + delta, timestamp_ms, key, value, headers, size)


def _headers(buffer: bytes, at: int, count: int) -> tuple[tuple[tuple[str, bytes], ...], int]:
    if count < 0:
        raise ValueError(f"{count} headers")
    found: list[tuple[str, bytes]] = []
    for _ in range(count):
        name, at = _bytes(buffer, at)
        value, at = _bytes(buffer, at)
        if name is None:
            raise ValueError("a header without a name")
        found.append((name.decode(), b"" if value is None else value))
    return tuple(found), at


def _bytes(buffer: bytes, at: int) -> tuple[bytes | None, int]:
    """Bytes behind their number, which is below 0 for None; and where they end."""
    length, at = _number(buffer, at)
    if length < 0:
        return None, at
    return buffer[at : at + length], at + length


def _number(buffer: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, zigzag-encoded, and where it ends."""
    raw, at = unsigned(buffer, at)
    return (raw >> 1) ^ -(raw & 1), at


def unsigned(buffer: bytes, at: int) -> tuple[int, int]:
    """A number of variable length that is not below 0, and where it ends. ValueError, or IndexError where the bytes end."""
    byte = buffer[at]
    at += 1
    raw = byte & 127
    bits = 0
    while byte & 128:
        bits += 7
        if bits > MOST_BITS:
            raise ValueError("a number of more than 64 bits")
        byte = buffer[at]
        at += 1
        raw |= (byte & 127) << bits
    return raw, at
