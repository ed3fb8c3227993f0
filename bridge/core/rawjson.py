"""JSON of unknown origin, read strictly: what one reader would take for one thing and another for something else is invalid.

msgspec does the work and already refuses bad UTF-8, lone surrogates, NaN and anything else outside RFC 8259. It lets
two things pass: duplicate keys (the last wins) and nesting up to the interpreter's own limit. Both are found by counting:

Rule 1. Each key and each string in the text stands between two quotes, and quotes within strings add to these. So a text with just
two quotes for each key and string of the decoded tree repeats no key: that is nearly every one without a quote in a string.
Rule 2. Nor does a text that is byte for byte what the decoded tree is encoded to: quotes within strings, but no white space.
Rule 3. Of all others a slower reader, that sees every pair, decides.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NoReturn

import msgspec

from bridge.core.limits import MAX_NESTING, MAX_RECORD_BYTES
from bridge.core.outcome import Invalid, InvalidEvent

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def decode(value: bytes) -> dict[str, object]:
    """The JSON object in `value`.

    Raises InvalidEvent: too_large, bad_utf8, bad_json, bad_number, not_an_object, duplicate_key, too_deep.
    """
    if len(value) > MAX_RECORD_BYTES:
        raise InvalidEvent(Invalid.TOO_LARGE, detail=f"{len(value)} bytes, {MAX_RECORD_BYTES} at most")
    try:
        tree: object = _decode(value)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:  # msgspec.DecodeError and UnicodeDecodeError
        _explain(value, error)
    if not isinstance(tree, dict):
        raise InvalidEvent(Invalid.NOT_AN_OBJECT, detail="the value is JSON, but no object")
    if _quotes((tree,), 0) != value.count(b'"') and _encode(tree) != value:
        _reject_duplicates(value)
    return tree


def _quotes(nodes: Iterable[object], depth: int) -> int:
    """Quotes around the keys and strings of what is at nesting `depth` (0 = the text itself). InvalidEvent: too_deep."""
    if depth > MAX_NESTING:
        raise _too_deep()
    quotes = 0
    for node in nodes:
        if isinstance(node, str):
            quotes += 2
        elif isinstance(node, dict):
            quotes += 2 * len(node) + _quotes(node.values(), depth + 1)
        elif isinstance(node, list):
            quotes += _quotes(node, depth + 1)
    return quotes


def _reject_duplicates(value: bytes) -> None:
    json.loads(value, object_pairs_hook=_object_without_duplicates, parse_int=str, parse_float=str)


def _object_without_duplicates(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidEvent(Invalid.DUPLICATE_KEY, key[:100], "the key occurs twice in one object")
        seen.add(key)


def _too_deep() -> InvalidEvent:
    return InvalidEvent(Invalid.TOO_DEEP, detail=f"nested deeper than {MAX_NESTING}")


def _explain(value: bytes, error: ValueError) -> NoReturn:
    """Raise why `value` is no JSON; only the position of what is wrong is told, never the text."""
    if isinstance(error, UnicodeDecodeError):
        raise InvalidEvent(Invalid.BAD_UTF8, detail="not UTF-8") from None
    try:
        value.decode()
    except UnicodeDecodeError as bad:
        raise InvalidEvent(Invalid.BAD_UTF8, detail=f"not UTF-8 at byte {bad.start}") from None
    if isinstance(error, msgspec.ValidationError):
        raise InvalidEvent(Invalid.BAD_NUMBER, detail="a number outside the range of doubles") from None
    # NaN and Infinity are not JSON, but so common that they deserve their own reason.
    with suppress(ValueError, RecursionError):
        json.loads(value, parse_constant=_reject_constant, parse_int=str, parse_float=str)
    raise InvalidEvent(Invalid.BAD_JSON, detail=str(error)) from None


def _reject_constant(word: str) -> NoReturn:
    raise InvalidEvent(Invalid.BAD_NUMBER, detail=f"{word} is no JSON number")
