"""Records from files: bare values, a documented envelope a line (docs/profiles.md), or what `kcat -J` prints."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, NamedTuple

import msgspec

from bridge.core.record import Partition, Record

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)  # only where values end is asked of it
Count = Annotated[int, msgspec.Meta(ge=0)]
#: What a header's value, the key or the value may be: a text, or null.
Headers = dict[str, str | None] | list[tuple[str, str | None]]


class Form(StrEnum):
    """What a file has of each record."""

    VALUES = "values"
    RECORDS = "records"
    KCAT = "kcat"


class Defaults(NamedTuple):
    """What a record has where the file does not say."""

    topic: str
    timestamp_ms: int


class NoRecord(Exception):
    """What was to be a record is none; the text says why."""


class Given(NamedTuple):
    """A record of a file and its place there, or the reason why there is none."""

    place: str
    record: Record | NoRecord


class Described(msgspec.Struct, forbid_unknown_fields=True):
    """A record as JSON. `value`: any JSON stands for itself, a text for its UTF-8 bytes; null or none is a tombstone."""

    topic: str | None = None
    partition: Count = 0
    offset: Count | None = None
    timestamp_ms: int | None = None
    key: str | None = None
    key_base64: str | None = None
    headers: Headers = []
    value: msgspec.Raw = msgspec.Raw(b"null")
    value_base64: str | None = None
    tombstone: bool = False

    def record(self, number: int, defaults: Defaults, value: bytes | None = None) -> Record:
        """The record; `value`, where it stands in a file of its own. NoRecord."""
        key = None if self.key is None else self.key.encode()
        pairs = self.headers.items() if isinstance(self.headers, dict) else self.headers
        return Record(
            partition=Partition(defaults.topic if self.topic is None else self.topic, self.partition),
            offset=number if self.offset is None else self.offset,
            timestamp_ms=defaults.timestamp_ms if self.timestamp_ms is None else self.timestamp_ms,
            key=key if self.key_base64 is None else _unpacked(self.key_base64),
            value=None if self.tombstone else self._value() if value is None else value,
            headers=tuple((name, (text or "").encode()) for name, text in pairs),  # null: empty, as the consumer has it
        )

    def _value(self) -> bytes | None:
        if self.value_base64 is not None:
            return _unpacked(self.value_base64)
        raw = bytes(self.value)
        if raw.startswith(b'"'):
            return msgspec.json.decode(raw, type=str).encode()
        return None if raw == b"null" else raw


class Printed(msgspec.Struct):
    """A record as `kcat -J` prints it (json.c of kcat 1.7): bytes that are no UTF-8 stand in its texts as they are.

    Names and values of headers take turns, or each name has its values. With `-s value=avro` the payload is
    JSON and no text.
    """

    topic: str
    partition: Count
    offset: Count
    tstype: str = "unknown"
    ts: int = -1
    key: Any = None
    headers: list[str | None] | dict[str, list[str | None]] = []
    payload: Any = None

    def record(self) -> Record:
        """The record. NoRecord."""
        if isinstance(self.headers, dict):
            pairs = [(name, value) for name, values in self.headers.items() for value in values]
        elif len(self.headers) % 2:
            raise NoRecord("headers: a name without a value")
        else:
            pairs = [(name or "", value) for name, value in zip(self.headers[::2], self.headers[1::2], strict=True)]
        timestamp_ms = self.ts if self.tstype != "unknown" else -1
        headers = tuple((name, _bytes(value) or b"") for name, value in pairs)
        place = Partition(self.topic, self.partition)
        return Record(place, self.offset, timestamp_ms, _bytes(self.key), _bytes(self.payload), headers)


def _bytes(said: object) -> bytes | None:
    if said is None:
        return None
    text = said if isinstance(said, str) else json.dumps(said)
    return text.encode(errors="surrogateescape")


def _printed(raw: bytes, _number: int, _defaults: Defaults) -> Record:
    try:
        return msgspec.convert(json.loads(raw.decode(errors="surrogateescape")), Printed).record()
    except (ValueError, RecursionError) as error:
        raise NoRecord(str(error)) from None


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoRecord("not base64") from None


def described(raw: bytes) -> Described:
    """What JSON says of a record. NoRecord."""
    try:
        return msgspec.json.decode(raw, type=Described)
    except (ValueError, RecursionError) as error:
        raise NoRecord(str(error)) from None


def read(lines: Iterable[bytes], form: Form, defaults: Defaults) -> Iterator[Given]:
    """The records of a file, one a line; a file that is JSON as a whole may have them in an array, or in any layout."""
    make = _MAKERS[form]
    for number, (place, raw) in enumerate(_values(iter(lines)), start=1):
        try:
            yield Given(place, make(raw, number, defaults))
        except NoRecord as error:
            yield Given(place, error)


def _bare(raw: bytes, number: int, defaults: Defaults) -> Record:
    return Record(Partition(defaults.topic, 0), number, defaults.timestamp_ms, None, raw)


_MAKERS: dict[Form, Callable[[bytes, int, Defaults], Record]] = {
    Form.VALUES: _bare,
    Form.RECORDS: lambda raw, number, defaults: described(raw).record(number, defaults),
    Form.KCAT: _printed,
}


def _values(lines: Iterator[bytes]) -> Iterator[tuple[str, bytes]]:
    """Each value with its place. A file is read line by line, unless its first line is no whole JSON object."""
    before: list[bytes] = []
    for line in lines:
        before.append(line if before else line.removeprefix(_BOM))
        if before[-1].strip(_BLANK):
            break
    if before and before[-1].strip(_BLANK).startswith((b"{", b"[")) and not _is_object(before[-1]):
        before += lines
        if (found := _laid_out(b"".join(before))) is not None:
            yield from found
            return
    for number, line in enumerate(chain(before, lines), start=1):
        if line.strip(_BLANK):
            yield f"line {number}", line.rstrip(b"\r\n")


def _is_object(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return False
    return True


def _laid_out(data: bytes) -> list[tuple[str, bytes]] | None:
    """The JSON values in `data`, or the items of the array that is all of it; None: it is not JSON from end to end."""
    try:
        text = data.decode()
        spans = list(_spans(text, _blank_end(text, 0)))
        if len(spans) == 1 and text[spans[0][0]] == "[":
            items = _spans(text, _blank_end(text, spans[0][0] + 1), between=",")
            return [(f"record {number}", text[a:b].encode()) for number, (a, b) in enumerate(items, start=1)]
    except (ValueError, RecursionError):
        return None
    return [(f"line {text.count(chr(10), 0, a) + 1}", text[a:b].encode()) for a, b in spans]


def _spans(text: str, start: int, between: str = "") -> Iterator[tuple[int, int]]:
    """Where the values from `start` on begin and end, with `between` between them. ValueError."""
    while start < len(text) and not (between and text[start] == "]"):
        _, end = _SCANNER.raw_decode(text, start)
        yield start, end
        start = _blank_end(text, end)
        if between and text[start] == between:
            start = _blank_end(text, start + 1)


def _blank_end(text: str, start: int) -> int:
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start
