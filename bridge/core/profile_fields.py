"""The types of an event's fields: which options a source of each may have, and how its raw value is converted.

A converter takes what stands in the record (never null or missing) and returns the field's value, None ("said: none")
or UNSET (left out), or raises InvalidEvent.
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, Literal, Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.limits import MAX_NAME_CHARACTERS, MAX_NUMBER
from bridge.core.numbers import Number, decimal, integer, number, plain, scaled, whole
from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.parsing.durations import seconds
from bridge.core.profile_options import Options
from bridge.core.profile_text import Node, suggestion
from bridge.core.rawjson import NO_TEXT
from bridge.core.shortcuts import Shortcut
from bridge.core.times import WRITTEN, TimeFormat, time_ms, zone_of
from bridge.core.words import normal

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Meaning = TypeVar("Meaning", bound=Enum)
Unknown = Literal["reject", "omit"]
#: Options that leave a number as it stands in the record.
PLAIN = frozenset({"from", "when", "invalid", "value"})
NO_ZONE = "a time without an offset is read as UTC; say `zone: UTC`, or the zone of the platform, such as `zone: Europe/Berlin`"


class Converter(msgspec.Struct, Generic[T_co], frozen=True):
    """`shortcut`: what `convert` makes of nearly every value; `table`: the words of it that are known as they are written."""

    convert: Callable[[object], T_co | UnsetType | None]
    shortcut: Shortcut = Shortcut.NONE
    table: dict[str | int, Any] = {}


class FieldType(Protocol[T_co]):
    """What a field holds."""

    #: Options that its sources may have beside those of every source.
    options: frozenset[str]
    #: What is taken for a value that can't be read: a statistic can't be computed then, all else is not said.
    unreadable: None | UnsetType
    #: What becomes of a word that is not known, where neither the source nor what the field is needed for decides.
    on_unknown: Unknown | None

    def converter(self, options: Options) -> "Converter[T_co]":
        """The converter for one source."""
        ...


class TextType:
    """Names and ids: a text, or an integer as its decimal digits. An empty text is not said."""

    options = frozenset({"join", "with"})
    unreadable: None | UnsetType = UNSET
    on_unknown: Unknown | None = None

    def converter(self, options: Options) -> Converter[str]:
        """The converter for one source."""
        field = options.field
        return Converter(lambda value: text(value, field), Shortcut.TEXT)


class WordType(Generic[Meaning]):
    """A member of an enumeration: a word of the source's own table, or else one that the field understands by itself.

    `nothing`: what null means in a source's own table.
    """

    options = frozenset({"words", "unknown", "default"})
    unreadable: None | UnsetType = UNSET

    def __init__(
        self, table: Mapping[str | int, Meaning | None], on_unknown: Unknown | None = None, nothing: Skip | None = None
    ) -> None:
        self._table = table
        self._nothing = nothing
        self.on_unknown = on_unknown

    def converter(self, options: Options) -> Converter[Any]:
        """The converter for one source."""
        own = options.nodes.get("words")
        table = self._table if own is None else self._own_table(own, options)
        default = options.nodes.get("default")
        others: object = UNSET if default is None else self._meaning("default", default, options)
        known = default is not None or ("unknown" in options.nodes and options.text("unknown", "") == "omit")
        field = options.field

        def convert(value: object) -> object:
            meaning = _looked_up(table, value, field)
            if meaning is not UNSET or known:
                return others if meaning is UNSET else meaning
            raise InvalidEvent(Invalid.UNKNOWN_WORD, field, f"unknown {str(value)[:40]!r}")

        return Converter(convert, Shortcut.WORD, dict(table))

    def _own_table(self, own: Node, options: Options) -> dict[str | int, Any]:
        table: dict[str | int, Any] = {}
        if not isinstance(own.value, dict) or not own.value:
            options.wrong("words", "a mapping of the platform's words to names or numbers of the format, or null")
            return table
        for word, node in own.value.items():
            meaning = self._meaning(f"words.{word}", node, options)
            if normal(word) in table and table[normal(word)] is not meaning:
                options.problems.add(
                    node.line, f"{options.field}.words.{word}", "another spelling of it means something else"
                )
            table[word] = table[normal(word)] = meaning
            if word.isascii() and word.isdecimal():
                table[int(word)] = meaning
        return table

    def _meaning(self, option: str, node: Node, options: Options) -> Meaning | Skip | None:
        if node.value is None:
            return self._nothing
        if isinstance(node.value, str) and (meaning := self._table.get(node.value)) is not None:
            return meaning
        names = {member.name for member in self._table.values() if member is not None}
        shown = node.value if isinstance(node.value, str) else ""
        known = f"{suggestion(shown, names)}, its number, or null"
        options.problems.add(node.line, f"{options.field}.{option}", f"unknown {shown!r}{known}")
        return None


def _looked_up(table: Mapping[str | int, Any], value: object, field: str) -> object:
    """What a word or number of a record means by a table; UNSET: it is not there. Raises InvalidEvent wrong_type."""
    word = ("true" if value else "false") if type(value) is bool else integer(value) if type(value) is float else value
    if type(word) is not str and type(word) is not int:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "neither a word nor an integer")
    meaning = table.get(word, UNSET)
    if meaning is UNSET and type(word) is str and len(word) <= MAX_NAME_CHARACTERS:
        # A number in a text is that number: without its point or sign it would be another.
        written = integer(word)
        meaning = table.get(normal(word) if written is word else written, UNSET)  # type: ignore[call-overload]
    if meaning is UNSET and type(value) is bool:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "a boolean, for which no word stands")
    return meaning


Operand = Callable[[object], Decimal]


def operand(options: Options) -> Operand:
    """How a source with numbers reads one of them. Raises InvalidEvent."""
    field = options.field
    form = options.choice("as", "number", ("number", "decimal", "percent", "duration"))
    comma = options.choice("decimal", "point", ("point", "comma")) == "comma"

    def read(value: object) -> Decimal:
        if form == "duration":
            return seconds(value, field)
        if form != "percent":
            return decimal(value, field, comma=comma)
        written = value.rstrip().removesuffix("%") if type(value) is str and len(value) <= 100 else value
        return scaled(decimal(written, field, comma=comma), Decimal(1), Decimal(100))

    return read


class NumberType:
    """A statistic, also in a text ("3.50"); `as` and `decimal` say how it is written, `multiply` and `divide` scale exactly."""

    options = frozenset({"as", "decimal", "multiply", "divide", "ratio", "sum", "difference"})
    unreadable: None | UnsetType = None
    on_unknown: Unknown | None = None

    def converter(self, options: Options) -> Converter[Number]:
        """The converter for one source."""
        field = options.field
        if options.nodes.keys() <= PLAIN:
            return Converter(lambda value: number(value, field), Shortcut.NUMBER)
        read = operand(options)
        multiply, divide = options.factor("multiply"), options.factor("divide")

        def convert(value: object) -> Number:
            exact = decimal(value, field) if isinstance(value, Decimal) else read(value)
            return plain(scaled(exact, multiply, divide), field)

        return Converter(convert)


class WholeType:
    """The goal of the optimization: an integer; `as: rounded` takes the nearest one, `multiply` and `divide` scale before."""

    options = frozenset({"as", "multiply", "divide"})
    unreadable: None | UnsetType = UNSET
    on_unknown: Unknown | None = None

    def converter(self, options: Options) -> Converter[int]:
        """The converter for one source."""
        field = options.field
        rounded = options.choice("as", "whole", ("whole", "rounded")) == "rounded"
        multiply, divide = options.factor("multiply"), options.factor("divide")

        def convert(value: object) -> int:
            written = value.rstrip().removesuffix("%") if type(value) is str and len(value) <= 100 else value
            exact = scaled(decimal(written, field), multiply, divide)
            return whole(decimal(exact, field), field, rounded=rounded)

        return Converter(convert, Shortcut.WHOLE if multiply == divide else Shortcut.NONE)


class TimeType:
    """When the event occurred."""

    options = frozenset({"as", "zone"})
    unreadable: None | UnsetType = UNSET
    on_unknown: Unknown | None = None

    def converter(self, options: Options) -> Converter[int]:
        """The converter for one source."""
        field = options.field
        form = TimeFormat(options.choice("as", "auto", tuple(TimeFormat)))
        zone = zone_of(options.text("zone", "UTC"))
        if zone is None:
            options.wrong("zone", "no time zone that is known here; such as UTC or Europe/Berlin")
        elif form in WRITTEN and "zone" not in options.nodes and "value" not in options.nodes:
            options.problems.warn(options.line, field, NO_ZONE)
        there = UTC if zone is None else zone
        return Converter(lambda value: time_ms(value, field, form, there), Shortcut.MOMENT)


def text(value: object, field: str) -> str | UnsetType:
    """A name or id. Raises InvalidEvent: wrong_type, too_long, bad_number, bad_utf8."""
    if type(value) is str:
        if len(value) > MAX_NAME_CHARACTERS:
            raise InvalidEvent(Invalid.TOO_LONG, field, f"{len(value)} characters, {MAX_NAME_CHARACTERS} at most")
        return value or UNSET
    if value is NO_TEXT:
        raise InvalidEvent(Invalid.BAD_UTF8, field, "not Unicode")
    whole_number = integer(value) if type(value) is float else value
    if type(whole_number) is not int:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "neither a text nor an integer")
    if abs(whole_number) > MAX_NUMBER:
        raise InvalidEvent(Invalid.BAD_NUMBER, field, "an integer beyond 2^53; write it as a text")
    return str(whole_number)
