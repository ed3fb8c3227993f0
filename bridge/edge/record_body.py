"""Records as they stand in a batch (Kafka's message format 2), made in a tenth of kafka-python's time (compiled).

The format: https://kafka.apache.org/documentation/#record. record_batch.py reads it.
"""

from collections.abc import Sequence
from typing import Final

#: Attributes (none is in use), and a timestamp that is the batch's first.
_HEAD: Final = b"\0\0"
_NONE: Final = b"\x01"  # the length of a key or value that is not there: -1
_NO_HEADERS: Final = b"\0"


def record_bodies(records: Sequence[tuple[bytes, bytes | None]]) -> bytes:
    """Keys and values, one record behind the other, all of the same time. A value may be None (a tombstone)."""
    parts: list[bytes] = []
    for place, (key, value) in enumerate(records):
        offset, key_length = _number(place), _number(len(key))
        value_length = _NONE if value is None else _number(len(value))
        length = 3 + len(offset) + len(key_length) + len(key) + len(value_length)
        if value is not None:
            length += len(value)
        parts += (_number(length), _HEAD, offset, key_length, key, value_length)
        if value is not None:
            parts.append(value)
        parts.append(_NO_HEADERS)
    return b"".join(parts)


def _computed(number: int) -> bytes:
    """A number that is not negative, of variable length, zigzag-encoded."""
    rest = number << 1
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


#: Of what most lengths and places are.
_NUMBERS: Final = [_computed(number) for number in range(2048)]


def _number(number: int) -> bytes:
    return _NUMBERS[number] if number < len(_NUMBERS) else _computed(number)
