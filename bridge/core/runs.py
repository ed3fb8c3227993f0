"""The encoding of offsets in a commit's metadata: `1;<born>,<told>,<topic>;<done>` or `…;<done>;<covered>`.

`done` and `covered` (at_most_once: POSTs that were about to begin) are the lengths, from the watermark on, of alternating
runs of other offsets and of such offsets, each an unsigned LEB128, in URL-safe base64 without padding. `born`, `told`:
see Ledger. `topic`: the topic's id in the same base64, always 22 characters. `,<told>` and `,<topic>` may be missing. The
first number is the version of the encoding.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

#: Runs of offsets, each [first, after), ascending, not touching.
Runs = tuple[tuple[int, int], ...]

VERSION = "1"
_HEAD = r"(?P<born>[0-9]{1,10})(?:,(?P<told>[0-9]{1,15}))?(?:,(?P<topic>[A-Za-z0-9_-]{22}))?"
_OURS = re.compile(rf"{VERSION};{_HEAD};(?P<done>[A-Za-z0-9_-]*)(?:;(?P<covered>[A-Za-z0-9_-]+))?")
MAX_OFFSET = 2**63
MAX_METADATA = 4096  # the broker's offset.metadata.max.bytes, which counts characters
#: Bytes of lengths that surely fit: base64 takes 4/3, the head `1;<born>,<told>,<topic>;` and a further `;` 53 at most.
LIMIT = (MAX_METADATA - 56) // 4 * 3 - 12


class Checkpoint(msgspec.Struct, frozen=True):
    """What a commit says of a partition."""

    offset: int
    metadata: str


def worst_case(segments: int, span: int) -> int:
    """Most bytes that `segments` done segments within `span` offsets can take.

    Each is two lengths. A length takes a byte, and one more for each factor of 128; as lengths add up to the span, at
    most span / 127 further bytes in all, and none has more of them than the span itself.
    """
    lengths = 2 * segments
    return lengths + min(span // 127, lengths * (span.bit_length() // 7))


def write(born: int, watermark: int, done: Runs, covered: Runs = (), told_until_ms: int = 0, topic_id: str = "") -> str:
    """The metadata for runs beyond `watermark`."""
    head = ",".join(filter(None, (str(born), str(told_until_ms or ""), topic_id)))
    text = f"{VERSION};{head};{_text(watermark, done)}"
    return f"{text};{_text(watermark, covered)}" if covered else text


def read(metadata: str, watermark: int) -> tuple[Runs, int | None]:
    """Runs of done offsets, and `born`. Text of another program, or of a version not known here, gives `(), None`.

    Nothing is lost by that: events done beyond the watermark are posted again.
    """
    ours = _OURS.fullmatch(metadata)
    return ((), None) if ours is None else (_runs(ours["done"], watermark), int(ours["born"]))


def read_covered(metadata: str, watermark: int) -> Runs:
    """Runs of covered offsets; none in text of another program."""
    ours = _OURS.fullmatch(metadata)
    return () if ours is None or ours["covered"] is None else _runs(ours["covered"], watermark)


def read_told(metadata: str) -> int:
    """Milliseconds since the epoch; 0: not known."""
    ours = _OURS.fullmatch(metadata)
    return 0 if ours is None or ours["told"] is None else int(ours["told"])


def read_topic(metadata: str) -> str:
    """The id of the topic that was read; empty: not known."""
    ours = _OURS.fullmatch(metadata)
    return "" if ours is None else ours["topic"] or ""


def _text(watermark: int, runs: Runs) -> str:
    out = bytearray()
    at = watermark
    for first, after in runs:
        _append(out, first - at)
        _append(out, after - first)
        at = after
    return urlsafe_b64encode(out).decode().rstrip("=")


def _runs(text: str, watermark: int) -> Runs:
    try:
        lengths = _lengths(text)
    except ValueError:
        return ()
    if watermark + sum(lengths) > MAX_OFFSET:
        return ()
    runs = []
    at = watermark
    for other, such in zip(lengths[::2], lengths[1::2], strict=False):
        at += other
        runs.append((at, at + such))
        at += such
    return tuple(runs)


def _append(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _lengths(text: str) -> list[int]:
    """Raises ValueError for text that `write` can't have written."""
    numbers, value, shift = [], 0, 0
    for byte in urlsafe_b64decode(text + "=" * (-len(text) % 4)):
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            numbers.append(value)
            value, shift = 0, 0
    if shift or len(numbers) % 2:
        raise ValueError("cut short")
    return numbers
