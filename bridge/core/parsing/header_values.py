"""The text of a record's key or header, whoever wrote it."""

import struct

from bridge.core.outcome import Invalid, InvalidEvent

# AMQP 1.0, 1.6: constructors of the values that brokers with an AMQP side write into headers as they are. None of these bytes
# begins a text in UTF-8.
_SHORT_TEXTS = (0xA1, 0xA3)  # str8-utf8, sym8: one byte of length
_LONG_TEXTS = (0xB1, 0xB3)  # str32-utf8, sym32: four
_TIMESTAMP = 0x83  # milliseconds since the epoch


def text_of(value: bytes, path: str) -> str:
    """A key or header as text. Raises InvalidEvent bad_utf8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        decoded = _amqp(value)
    if decoded is None:
        raise InvalidEvent(Invalid.BAD_UTF8, path, "not UTF-8") from None
    return decoded


def readable(value: bytes) -> str:
    """The same with a replacement character for each byte that is no text."""
    try:
        return text_of(value, "")
    except InvalidEvent:
        return value.decode(errors="replace")


def _amqp(value: bytes) -> str | None:
    code = value[0]
    if code == _TIMESTAMP and len(value) == 9:
        return str(struct.unpack(">q", value[1:])[0])
    head = 2 if code in _SHORT_TEXTS else 5 if code in _LONG_TEXTS else 0
    if not head or int.from_bytes(value[1:head], "big") != len(value) - head:
        return None
    try:
        return value[head:].decode()
    except UnicodeDecodeError:
        return None
