"""The encoding of offsets in a commit's metadata: `1;<born>;<done>`, or `1;<born>;<done>;<covered>`.

`done` and `covered` (at_most_once: POSTs that were about to begin) are the lengths, from the watermark on, of alternating
runs of other offsets and of such offsets, each an unsigned LEB128, in URL-safe base64 without padding. `born`: see
Ledger. The first number is the version of the encoding.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

#: Runs of offsets, each [first, after), ascending, not touching.
Runs = tuple[tuple[int, int], ...]

VERSION = "1"
_OURS = re.compile(rf"{VERSION};([0-9]{{1,10}});([A-Za-z0-9_-]*)(?:;([A-Za-z0-9_-]+))?")
MAX_OFFSET = 2**63
MAX_METADATA = 4096  # the broker's offset.metadata.max.bytes, which counts characters
#: Bytes of lengths that surely fit: base64 takes 4/3, the head `1;<born>;` and a further `;` 15 characters at most.
LIMIT = (MAX_METADATA - 16) // 4 * 3 - 12


def worst_case(segments: int, span: int) -> int:
    """Most bytes that `segments` done segments within `span` offsets can take.

    Each is two lengths. A length takes a byte, and one more for each factor of 128; as lengths add up to the span, at
    most span / 127 further bytes in all, and none has more of them than the span itself.
    """
    lengths = 2 * segments
    return lengths + min(span // 127, lengths * (span.bit_length() // 7))


def write(born: int, watermark: int, done: Runs, covered: Runs = ()) -> str:
    """The metadata for runs beyond `watermark`."""
    text = f"{VERSION};{born};{_text(watermark, done)}"
    return f"{text};{_text(watermark, covered)}" if covered else text


def read(metadata: str, watermark: int) -> tuple[Runs, int | None]:
    """Runs of done offsets, and `born`. Text of another program, or of a version not known here, gives `(), None`.

    Nothing is lost by that: events done beyond the watermark are posted again.
    """
    ours = _OURS.fullmatch(metadata)
    return ((), None) if ours is None else (_runs(ours[2], watermark), int(ours[1]))


def read_covered(metadata: str, watermark: int) -> Runs:
    """Runs of covered offsets; none in text of another program."""
    ours = _OURS.fullmatch(metadata)
    return () if ours is None or ours[3] is None else _runs(ours[3], watermark)


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
