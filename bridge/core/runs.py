"""The encoding of done offsets in a commit's metadata: `1;<born>;<runs>`.

`runs` are the lengths, from the watermark on, of alternating runs of not done and done offsets, each an unsigned
LEB128, in URL-safe base64 without padding. `born`: see Ledger. The first number is the version of the encoding.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

#: Runs of offsets, each [first, after), ascending, not touching.
Runs = tuple[tuple[int, int], ...]

VERSION = "1"
_OURS = re.compile(rf"{VERSION};([0-9]{{1,10}});([A-Za-z0-9_-]*)")
MAX_OFFSET = 2**63
MAX_METADATA = 4096  # the broker's offset.metadata.max.bytes, which counts characters
#: Bytes of lengths that surely fit: base64 takes 4/3, the head `1;<born>;` 14 characters at most.
LIMIT = (MAX_METADATA - 16) // 4 * 3 - 12


def worst_case(segments: int, span: int) -> int:
    """Most bytes that `segments` done segments within `span` offsets can take.

    Each is two lengths. A length takes a byte, and one more for each factor of 128; as lengths add up to the span, at
    most span / 127 further bytes in all, and none has more of them than the span itself.
    """
    lengths = 2 * segments
    return lengths + min(span // 127, lengths * (span.bit_length() // 7))


def write(born: int, watermark: int, runs: Runs) -> str:
    """The metadata for `runs` beyond `watermark`."""
    out = bytearray()
    at = watermark
    for first, after in runs:
        _append(out, first - at)
        _append(out, after - first)
        at = after
    return f"{VERSION};{born};{urlsafe_b64encode(out).decode().rstrip('=')}"


def read(metadata: str, watermark: int) -> tuple[Runs, int | None]:
    """Runs and `born`. Text of another program, or of a version not known here, gives `(), None`.

    Nothing is lost by that: events done beyond the watermark are posted again.
    """
    ours = _OURS.fullmatch(metadata)
    if ours is None:
        return (), None
    born = int(ours[1])
    try:
        lengths = _lengths(ours[2])
    except ValueError:
        return (), born
    if watermark + sum(lengths) > MAX_OFFSET:
        return (), born
    runs = []
    at = watermark
    for waiting, done in zip(lengths[::2], lengths[1::2], strict=False):
        at += waiting
        runs.append((at, at + done))
        at += done
    return tuple(runs), born


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
