"""Heads of answers that llhttp refuses, written anew as it takes them, where that can't change what they mean.

What curl takes is taken: lines that end in a bare LF, lines that are no header (dropped), folded lines, blanks around a name,
equal Content-Lengths. What two readers could take for two things stays refused: unequal Content-Lengths, one beside a
Transfer-Encoding (both by llhttp, as they are left in), a bare CR, a NUL, and a framing header's name in a line that is none.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_STATUS_LINE = re.compile(rb"(HTTP/1\.[01])[ \t]+(\d{3})(?:[ \t].*)?", re.DOTALL)
_FIRST_LINE = re.compile(rb"HTTP/1\.[01][ \t]+(\d{3})(?:[ \t][^\n]*|\r)?\n")
_BLANK_LINES = re.compile(rb"[\r\n]*")
_END = re.compile(rb"\n\r?\n")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = re.compile(rb"content-length|transfer-encoding", re.IGNORECASE)
_START = b"HTTP/1."


class Refused(Exception):
    """It is no head of HTTP/1, or one that could mean two things."""


class Head(NamedTuple):
    """A head as llhttp takes it, and how many bytes it was."""

    status: int
    text: bytes
    size: int


def mended(raw: bytes) -> Head | None:
    """The head that `raw` begins with. None: it is not whole yet. Refused."""
    start = _blank_lines(raw, 0)
    end = _END.search(raw, start)
    status, lines = _lines(raw[start : end.start() if end else len(raw)], whole=end is not None)
    return None if end is None else Head(status, b"\r\n".join([*lines, b"", b""]), end.end())


def status_of(raw: bytes) -> int | None:
    """The status in the first line of an answer, if that is whole and valid."""
    found = _FIRST_LINE.match(raw, _blank_lines(raw, 0))
    return int(found[1]) if found else None


def _blank_lines(raw: bytes, start: int) -> int:
    found = _BLANK_LINES.match(raw, start)
    return found.end() if found else start


def _lines(head: bytes, *, whole: bool) -> tuple[int, list[bytes]]:
    """The status, and the lines of a head; of a head that is not whole, what it begins with is looked at. Refused."""
    first, end, rest = head.partition(b"\n")
    found = _STATUS_LINE.fullmatch(first.removesuffix(b"\r"))
    if not found and (whole or end or not first.startswith(_START[: len(first)])):
        raise Refused
    if not found or not whole:
        return 0, []
    version, status = found.groups()
    return int(status), [b"%b %b " % (version, status), *_headers(rest)]


def _headers(rest: bytes) -> Iterator[bytes]:
    lengths: set[bytes] = set()
    for line in _unfolded(rest):
        name, colon, value = line.partition(b":")
        name, value = name.rstrip(b" \t"), value.strip(b" \t")
        if b"\r" in line or b"\0" in line:
            raise Refused
        if not colon or not _NAME.fullmatch(name) or _NO_TEXT.search(value):
            if _FRAMING.search(line):
                raise Refused
        elif name.lower() == b"content-length":
            lengths.update(length.strip(b" \t") for length in value.split(b","))
        else:
            yield b"%b: %b" % (name, value)
    for length in sorted(lengths):
        yield b"Content-Length: " + length


def _unfolded(rest: bytes) -> list[bytes]:
    """Lines of headers, each with those that go on with it behind a blank."""
    lines: list[bytes] = []
    for line in rest.split(b"\n") if rest else []:
        text = line.removesuffix(b"\r")
        if not text.startswith((b" ", b"\t")):
            lines.append(text)
        elif lines:
            lines[-1] += b" " + text.strip(b" \t")
    return lines
