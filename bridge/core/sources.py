"""Sources: what a profile says about one field of the event, compiled into a function that reads it.

A source is a path, a mapping with options, or a list of sources of which the first that yields a value counts.
"""

from collections.abc import Callable
from typing import TypeVar

from msgspec import UNSET, UnsetType

from bridge.core.conditions import always, compile_when
from bridge.core.origins import compile_getter, from_paths, joined, quotient
from bridge.core.outcome import InvalidEvent
from bridge.core.paths import Getter, Input, member_name
from bridge.core.profile_fields import FieldType
from bridge.core.profile_options import Options
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
    makers = {"from": from_paths, "join": joined, "ratio": quotient}
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
