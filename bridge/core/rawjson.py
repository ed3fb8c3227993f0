"""JSON of unknown origin, read as every platform's own parser reads it.

Of a repeated key the last one holds, a byte order mark is passed over, and what stands in members that nobody reads does not
matter. msgspec reads nearly every text. What it refuses and others write is read by a slower way, with the same result for all
that both read: NaN, Infinity and numbers beyond doubles become floats that no field takes; a text that is not Unicode becomes
NO_TEXT, which no field takes either.
"""

import json
from typing import Final, NoReturn

import msgspec

from bridge.core.limits import MAX_NESTING, MAX_RECORD_BYTES
from bridge.core.outcome import Invalid, InvalidEvent

_decode: Final = msgspec.json.Decoder().decode
_BOM: Final = b"\xef\xbb\xbf"
_EXACT_DIGITS: Final = (
    4_300  # of an integer, as Python has it: more would take quadratic time, and no field takes as many
)


class NoText:
    """What stands in the place of a text with half a surrogate pair, or with bytes that are not UTF-8."""


NO_TEXT: Final = NoText()


def decode(value: bytes) -> dict[str, object]:
    """The JSON object in `value`. Raises InvalidEvent: not_an_object, and as `decode_any`."""
    tree = decode_any(value)
    if not isinstance(tree, dict):
        raise InvalidEvent(Invalid.NOT_AN_OBJECT, detail="the value is JSON, but no object")
    return tree


def decode_any(value: bytes) -> object:
    """The JSON in `value`. Raises InvalidEvent: too_large, schema_registry, bad_utf8, bad_json, too_deep."""
    if len(value) > MAX_RECORD_BYTES:
        raise InvalidEvent(Invalid.TOO_LARGE, detail=f"{len(value)} bytes, {MAX_RECORD_BYTES} at most")
    try:
        tree: object = _decode(value)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # msgspec.DecodeError and UnicodeDecodeError
        tree = _decode_slowly(value)
    # A text with so few brackets can't be nested deeper: that is nearly every one.
    if value.count(b"{") + value.count(b"[") > MAX_NESTING:
        _check_depth(tree)
    return tree


def _decode_slowly(value: bytes) -> object:
    text = value.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    try:
        tree = json.loads(text, parse_int=_integer)
        return tree if text.isascii() and "\\u" not in text else _without_halves(tree, 0)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        _explain(value, error)


def _integer(digits: str) -> object:
    """An int, or a float where it is too long for one. (As `float`, mypyc would make floats of all.)"""
    return int(digits) if len(digits) <= _EXACT_DIGITS else float(digits)


def _without_halves(node: object, depth: int) -> object:
    """The same with NO_TEXT for each text that is not Unicode. InvalidEvent: too_deep."""
    if depth > MAX_NESTING:
        raise _too_deep()
    if isinstance(node, str):
        return node if _is_unicode(node) else NO_TEXT
    if isinstance(node, dict):
        return {key: _without_halves(child, depth + 1) for key, child in node.items()}
    if isinstance(node, list):
        return [_without_halves(child, depth + 1) for child in node]
    return node


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_depth(tree: object) -> None:
    """InvalidEvent: too_deep. Level by level, as a tree may be nested deeper than calls may be."""
    level = [tree]
    for _ in range(MAX_NESTING + 1):
        deeper: list[object] = []
        for node in level:
            if isinstance(node, dict):
                deeper.extend(node.values())
            elif isinstance(node, list):
                deeper.extend(node)
        if not deeper:
            return
        level = deeper
    raise _too_deep()


def _too_deep() -> InvalidEvent:
    return InvalidEvent(Invalid.TOO_DEEP, detail=f"nested deeper than {MAX_NESTING}")


def _explain(value: bytes, error: ValueError) -> NoReturn:
    """Raise why `value` is no JSON; only the position of what is wrong is told, never the text."""
    if len(value) > 5 and value[0] == 0:
        number = int.from_bytes(value[1:5], "big")
        raise InvalidEvent(
            Invalid.SCHEMA_REGISTRY,
            detail=f"Confluent wire format (schema {number}): the bridge reads plain JSON, without a schema registry",
        ) from None
    try:
        value.decode()
    except UnicodeDecodeError as bad:
        raise InvalidEvent(Invalid.BAD_UTF8, detail=f"not UTF-8 at byte {bad.start}") from None
    raise InvalidEvent(Invalid.BAD_JSON, detail=str(error)) from None
