"""Sources: what a profile says about one field of the event, compiled into a function that reads it.

A source is a path, a mapping with options, or a list of sources of which the first that yields a value counts.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from msgspec import UNSET, UnsetType

from bridge.core.conditions import always, compile_when, star_match, star_pattern
from bridge.core.numbers import decimal, number, ratio
from bridge.core.outcome import InvalidEvent
from bridge.core.paths import Getter, Input, compile_path, member_name
from bridge.core.profile_fields import FieldType, Options, text
from bridge.core.profile_text import Node, Problems, choices, suggestion

T = TypeVar("T")
#: Reads one field: its value, None = said to be none, UNSET = not said.
Reader = Callable[[Input], T | UnsetType | None]

_COMMON = frozenset({"from", "value", "when", "match"})
_ORIGINS = ("from", "value", "join", "ratio")


def nothing(_: Input) -> UnsetType:
    """The reader of a field that the profile does not map."""
    return UNSET


def compile_source(node: Node, field: str, kind: FieldType[T], problems: Problems) -> Reader[T]:
    """The reader of a field from its source."""
    if isinstance(node.value, list):
        return _first([compile_source(item, field, kind, problems) for item in node.value], node, field, problems)
    if isinstance(node.value, dict):
        options = Options(field, node.value, problems)
        return _conditional(_mapped(options, kind, node), options)
    getter = compile_getter(node, field, problems)
    if getter is None:
        return nothing
    options = Options(field, {}, problems)
    name = member_name(str(node.value))
    return _converted(getter, options, kind) if name is None else _member(name, options, kind)


def _converted(getter: Getter, options: Options, kind: FieldType[T]) -> Reader[T]:
    convert = kind.converter(options)

    def read(given: Input) -> T | UnsetType | None:
        raw = getter(given)
        if raw is UNSET:
            return UNSET
        return None if raw is None else convert(raw)

    return read


def _member(name: str, options: Options, kind: FieldType[T]) -> Reader[T]:
    """What `_converted` makes of the path `name`, in half the calls: most fields of most profiles are such."""
    convert = kind.converter(options)

    def read(given: Input) -> T | UnsetType | None:
        raw = given.tree.get(name)
        if raw is None:
            return None if name in given.tree else UNSET
        return convert(raw)

    return read


def _first(readers: list[Reader[T]], node: Node, field: str, problems: Problems) -> Reader[T]:
    if not readers:
        problems.add(node.line, field, "an empty list of sources")

    def read(given: Input) -> T | UnsetType | None:
        found: T | UnsetType | None = UNSET
        for reader in readers:
            value = reader(given)
            if value is None:
                found = None
            elif value is not UNSET:
                return value
        return found

    return read


def _conditional(reader: Reader[T], options: Options) -> Reader[T]:
    condition = compile_when(options.nodes.get("when"), f"{options.field}.when", options.problems)
    if condition is always:
        return reader
    return lambda given: reader(given) if condition(given) else UNSET


def _mapped(options: Options, kind: FieldType[T], node: Node) -> Reader[T]:
    allowed = _COMMON | kind.options
    unknown = [name for name in options.nodes if name not in allowed]
    for name in unknown:
        options.wrong(name, f"unknown option{suggestion(name, allowed)}")
    origins = [name for name in _ORIGINS if name in options.nodes]
    if len(origins) != 1 and not unknown:
        wanted = choices(name for name in _ORIGINS if name in allowed)
        options.problems.add(node.line, options.field, f"exactly one of {wanted} is needed")
    if len(origins) != 1 or unknown:
        return nothing
    if origins == ["value"]:
        return _constant(options, kind)
    makers = {"from": _from, "join": _join, "ratio": _ratio}
    getter = makers[origins[0]](options)
    return nothing if getter is None else _converted(getter, options, kind)


def _constant(options: Options, kind: FieldType[T]) -> Reader[T]:
    written = options.nodes["value"].value
    if written is None:
        return lambda _: None
    try:
        value = kind.converter(options)(_scalar(options.text("value", ""), kind))
    except InvalidEvent as error:
        options.wrong("value", error.detail)
        return nothing
    return lambda _: value


def _scalar(written: str, kind: FieldType[T]) -> object:
    """A constant as JSON would carry it: all scalars of a profile are texts."""
    if "multiply" in kind.options or "as" in kind.options:
        try:
            return int(written) if written.isdecimal() else float(written)
        except ValueError:
            return written
    return written


def compile_getter(node: Node, field: str, problems: Problems) -> Getter | None:
    """The getter of a path, or None and a problem told."""
    if not isinstance(node.value, str):
        problems.add(node.line, field, "a path is needed, such as detail.id")
        return None
    try:
        return compile_path(node.value)
    except ValueError as error:
        problems.add(node.line, field, str(error))
        return None


def _getters(node: Node, field: str, problems: Problems) -> list[Getter]:
    items = node.value if isinstance(node.value, list) else [node]
    return [getter for item in items if (getter := compile_getter(item, field, problems)) is not None]


def _from(options: Options) -> Getter | None:
    getters = _getters(options.nodes["from"], f"{options.field}.from", options.problems)
    if not getters:
        return None
    getter = getters[0] if len(getters) == 1 else _first_raw(getters)
    if "match" not in options.nodes:
        return getter
    written = options.text("match", "*")
    if written.count("*") != 1:
        options.wrong("match", "must hold exactly one *, which stands for the value")
    pattern = star_pattern(written if "*" in written else "*")

    def matched(given: Input) -> object:
        raw = getter(given)
        found = star_match(pattern, raw)
        return raw if raw is None else UNSET if found is None else found

    return matched


def _first_raw(getters: list[Getter]) -> Getter:
    def get(given: Input) -> object:
        found: object = UNSET
        for getter in getters:
            raw = getter(given)
            if raw is None:
                found = None
            elif raw is not UNSET:
                return raw
        return found

    return get


def _join(options: Options) -> Getter | None:
    """All parts as texts with `with` between them; not said unless every part is."""
    getters = _getters(options.nodes["join"], f"{options.field}.join", options.problems)
    separator = options.text("with", "@")
    if len(getters) < 2:
        options.wrong("join", "at least two paths are needed")
        return None

    def get(given: Input) -> object:
        parts = []
        for getter in getters:
            raw = getter(given)
            part = UNSET if raw is None or raw is UNSET else text(raw, options.field)
            if part is UNSET:
                return UNSET
            parts.append(part)
        return separator.join(parts)

    return get


def _ratio(options: Options) -> Getter | None:
    """The quotient of two numbers: not said unless both are, null when one is null or the denominator is 0."""
    getters = _getters(options.nodes["ratio"], f"{options.field}.ratio", options.problems)
    if len(getters) != 2:
        options.wrong("ratio", "two paths are needed: [numerator, denominator]")
        return None
    above, below = getters
    operand = decimal if options.text("as", "number") == "decimal" else _json_number

    def get(given: Input) -> object:
        raws = above(given), below(given)
        if UNSET in raws:
            return UNSET
        if None in raws:
            return None
        return ratio(operand(raws[0], options.field), operand(raws[1], options.field))

    return get


def _json_number(value: object, field: str) -> Decimal:
    return decimal(number(value, field), field)
