"""Sources: what a profile says about one field of the event, compiled into a function that reads it.

A source is a path, a mapping with options, or a list of sources of which the first that yields a value counts.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.conditions import Condition, always, compile_when
from bridge.core.origins import compile_getter, from_paths, joined, quotient, subtracted, summed
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.paths import Getter, Input, member_names
from bridge.core.profile_fields import Converter, FieldType
from bridge.core.profile_options import Options
from bridge.core.profile_text import Node, Problems, choices, suggestion

T = TypeVar("T")
#: Reads one field: its value, None = said to be none, UNSET = not said.
Reader = Callable[[Input], T | UnsetType | None]

_COMMON = frozenset({"from", "value", "when", "match", "invalid"})
_ORIGINS = ("from", "value", "join", "ratio", "sum", "difference")


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


def compile_source(
    node: Node, field: str, kind: FieldType[T], problems: Problems, *, needed: bool = False
) -> Source[T]:
    """What reads a field. `needed`: it tells which group or which change, so that what can't be read is InvalidEvent."""
    if isinstance(node.value, list):
        sources = [compile_source(item, field, kind, problems, needed=needed) for item in node.value]
        return Source(_first([source.read for source in sources], node, field, problems))
    if isinstance(node.value, dict):
        options = Options(field, node.value, problems, node.line)
        return _conditional(_mapped(options, kind, node, needed=needed), options)
    getter = compile_getter(node, field, problems)
    options = Options(field, {}, problems, node.line)
    return NOTHING if getter is None else _converted(getter, options, kind, node, needed=needed)


def _converted(
    getter: Getter, options: Options, kind: FieldType[T], path: Node | None = None, *, needed: bool
) -> Source[T]:
    """`path`: all that `getter` follows."""
    converter = kind.converter(options)
    convert, field = converter.convert, options.field
    costs, unreadable = _costs(options, kind, needed=needed), kind.unreadable

    def read(given: Input) -> T | UnsetType | None:
        try:
            raw = getter(given)
            if raw is UNSET:
                return UNSET
            return None if raw is None else convert(raw)
        except InvalidEvent as error:
            if error.reason in costs:
                raise
            given.ignored.append((field, error.reason))
            return unreadable

    return Source(read, converter, member_names(path.value) if path is not None and isinstance(path.value, str) else ())


def _costs(options: Options, kind: FieldType[T], *, needed: bool) -> frozenset[Invalid]:
    """For which reasons a value that can't be read costs the whole record."""
    invalid = options.choice("invalid", "reject" if needed else "omit", ("reject", "omit"))
    if needed and invalid == "omit":
        options.wrong("invalid", "it tells which campaign group or which change, so it is always rejected")
    costs = frozenset(Invalid) if invalid == "reject" else frozenset[Invalid]()
    if "unknown" not in kind.options:
        return costs
    unknown = options.choice("unknown", kind.on_unknown or invalid, ("reject", "omit"))
    words = frozenset({Invalid.UNKNOWN_WORD})
    return costs | words if unknown == "reject" else costs - words


def _first(readers: list[Reader[T]], node: Node, field: str, problems: Problems) -> Reader[T]:
    if not readers:
        problems.add(node.line, field, "an empty list of sources")

    def read(given: Input) -> T | UnsetType | None:
        found: T | UnsetType | None = UNSET
        unreadable: InvalidEvent | None = None
        for reader in readers:
            try:
                value = reader(given)
            except InvalidEvent as error:
                unreadable = unreadable or error
                continue
            if value is None:
                found = None
            elif value is not UNSET:
                return value
        if unreadable is not None:
            raise unreadable
        return found

    return read


def _conditional(source: Source[T], options: Options) -> Source[T]:
    condition = compile_when(options.nodes.get("when"), f"{options.field}.when", options.problems)
    if condition is always:
        return source
    read = source.read
    return Source(lambda given: read(given) if condition(given) else UNSET, constant=source.constant, when=condition)


def _mapped(options: Options, kind: FieldType[T], node: Node, *, needed: bool) -> Source[T]:
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
    getter = _MAKERS[origins[0]](options)
    path = None if "match" in options.nodes else options.nodes.get("from")
    return NOTHING if getter is None else _converted(getter, options, kind, path, needed=needed)


_MAKERS: dict[str, Callable[[Options], Getter | None]] = {
    "from": from_paths,
    "join": joined,
    "ratio": quotient,
    "sum": summed,
    "difference": subtracted,
}


def _constant(options: Options, kind: FieldType[T]) -> Source[T]:
    written = options.nodes["value"].value
    if written is None:
        return Source(lambda _: None, constant=(None,))
    try:
        value = kind.converter(options).convert(options.text("value", ""))
    except InvalidEvent as error:
        options.wrong("value", error.detail)
        return NOTHING
    return Source(lambda _: value, constant=(value,))
