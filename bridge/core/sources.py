"""Sources: what a profile says about one field of the event, compiled into a function that reads it.

A source is a path, a mapping with options, or a list of sources of which the first that yields a value counts.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.conditions import Condition, always, compile_when
from bridge.core.origins import compile_getter, from_paths, joined, quotient
from bridge.core.outcome import InvalidEvent
from bridge.core.paths import Getter, Input, member_names
from bridge.core.profile_fields import Converter, FieldType
from bridge.core.profile_options import Options
from bridge.core.profile_text import Node, Problems, choices, suggestion

T = TypeVar("T")
#: Reads one field: its value, None = said to be none, UNSET = not said.
Reader = Callable[[Input], T | UnsetType | None]

_COMMON = frozenset({"from", "value", "when", "match"})
_ORIGINS = ("from", "value", "join", "ratio")


class Source(msgspec.Struct, Generic[T], frozen=True):
    """`read` reads the field. `steps`: the names that lead to what `converter` converts, where it is no more than that.

    `constant`: the one value that it reads from every record, of those for which `when` holds.
    """

    read: Reader[T]
    converter: Converter[T] | None = None
    steps: tuple[str, ...] = ()
    constant: tuple[T | UnsetType | None, ...] = ()
    when: Condition | None = None


def _nothing(_: Input) -> UnsetType:
    return UNSET


#: Of a field that the profile does not map.
NOTHING: Source[Any] = Source(_nothing, constant=(UNSET,))


def compile_source(node: Node, field: str, kind: FieldType[T], problems: Problems) -> Source[T]:
    """What reads a field."""
    if isinstance(node.value, list):
        sources = [compile_source(item, field, kind, problems) for item in node.value]
        return Source(_first([source.read for source in sources], node, field, problems))
    if isinstance(node.value, dict):
        options = Options(field, node.value, problems)
        return _conditional(_mapped(options, kind, node), options)
    getter = compile_getter(node, field, problems)
    return NOTHING if getter is None else _converted(getter, Options(field, {}, problems), kind, node)


def _converted(getter: Getter, options: Options, kind: FieldType[T], path: Node | None = None) -> Source[T]:
    """`path`: all that `getter` follows."""
    converter = kind.converter(options)
    convert = converter.convert

    def read(given: Input) -> T | UnsetType | None:
        raw = getter(given)
        if raw is UNSET:
            return UNSET
        return None if raw is None else convert(raw)

    return Source(read, converter, member_names(path.value) if path is not None and isinstance(path.value, str) else ())


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


def _conditional(source: Source[T], options: Options) -> Source[T]:
    condition = compile_when(options.nodes.get("when"), f"{options.field}.when", options.problems)
    if condition is always:
        return source
    read = source.read
    return Source(lambda given: read(given) if condition(given) else UNSET, constant=source.constant, when=condition)


def _mapped(options: Options, kind: FieldType[T], node: Node) -> Source[T]:
    allowed = _COMMON | kind.options
    unknown = [name for name in options.nodes if name not in allowed]
    for name in unknown:
        options.wrong(name, f"unknown option{suggestion(name, allowed)}")
    origins = [name for name in _ORIGINS if name in options.nodes]
    if len(origins) != 1 and not unknown:
        wanted = choices(name for name in _ORIGINS if name in allowed)
        options.problems.add(node.line, options.field, f"exactly one of {wanted} is needed")
    if len(origins) != 1 or unknown:
        return NOTHING
    if origins == ["value"]:
        return _constant(options, kind)
    makers = {"from": from_paths, "join": joined, "ratio": quotient}
    getter = makers[origins[0]](options)
    path = None if "match" in options.nodes else options.nodes.get("from")
    return NOTHING if getter is None else _converted(getter, options, kind, path)


def _constant(options: Options, kind: FieldType[T]) -> Source[T]:
    written = options.nodes["value"].value
    if written is None:
        return Source(lambda _: None, constant=(None,))
    try:
        value = kind.converter(options).convert(_scalar(options.text("value", ""), kind))
    except InvalidEvent as error:
        options.wrong("value", error.detail)
        return NOTHING
    return Source(lambda _: value, constant=(value,))


def _scalar(written: str, kind: FieldType[T]) -> object:
    """A constant as JSON would carry it: all scalars of a profile are texts."""
    if "multiply" in kind.options or "as" in kind.options:
        try:
            return int(written) if written.isdecimal() else float(written)
        except ValueError:
            return written
    return written
