"""The types of an event's fields: which options a source of each may have, and how its raw value is converted.

A converter takes what stands in the record (never null or missing) and returns the field's value, None ("said: none")
or UNSET (left out), or raises InvalidEvent.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, Literal, Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.limits import MAX_NAME_CHARACTERS, MAX_NUMBER
from bridge.core.numbers import Number, decimal, number, plain, scaled, whole
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.profile_options import Options
from bridge.core.profile_text import Node, suggestion
from bridge.core.shortcuts import Shortcut
from bridge.core.times import TimeFormat, time_ms
from bridge.core.words import normal

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Meaning = TypeVar("Meaning", bound=Enum)
Unknown = Literal["reject", "omit"]


class Converter(msgspec.Struct, Generic[T_co], frozen=True):
    """`shortcut`: what `convert` makes of nearly every value; `table`: the words of it that are known as they are written."""

    convert: Callable[[object], T_co | UnsetType | None]
    shortcut: Shortcut = Shortcut.NONE
    table: dict[str | int, Any] = {}


class FieldType(Protocol[T_co]):
    """What a field holds."""

    #: Options that its sources may have beside those of every source.
    options: frozenset[str]

    def converter(self, options: Options) -> "Converter[T_co]":
        """The converter for one source."""
        ...


class TextType:
    """Names and ids: a text, or an integer as its decimal digits. An empty text is not said."""

    options = frozenset({"join", "with"})

    def converter(self, options: Options) -> Converter[str]:
        """The converter for one source."""
        field = options.field
        return Converter(lambda value: text(value, field), Shortcut.TEXT)


class WordType(Generic[Meaning]):
    """A member of an enumeration: a word of the source's own table, or else one that the field understands by itself."""

    options = frozenset({"words", "unknown"})

    def __init__(self, table: Mapping[str | int, Meaning | None], on_unknown: Unknown) -> None:
        self._table = table
        self._on_unknown = on_unknown

    def converter(self, options: Options) -> Converter[Meaning]:
        """The converter for one source."""
        own = options.nodes.get("words")
        table = self._table if own is None else self._own_table(own, options)
        omit = options.choice("unknown", self._on_unknown, ("reject", "omit")) == "omit"
        field, get = options.field, table.get

        def convert(value: object) -> Meaning | UnsetType | None:
            if type(value) is not str and type(value) is not int:
                raise InvalidEvent(Invalid.WRONG_TYPE, field, "neither a word nor an integer")
            meaning = get(value, UNSET)
            if meaning is not UNSET:
                return meaning
            if type(value) is str and len(value) <= MAX_NAME_CHARACTERS and (word := normal(value)) in table:
                return table[word]
            if omit:
                return UNSET
            raise InvalidEvent(Invalid.UNKNOWN_WORD, field, f"unknown {str(value)[:40]!r}")

        return Converter(convert, Shortcut.WORD, dict(table))

    def _own_table(self, own: Node, options: Options) -> dict[str | int, Meaning | None]:
        table: dict[str | int, Meaning | None] = {}
        if not isinstance(own.value, dict) or not own.value:
            options.wrong("words", "a mapping of the platform's words to names or numbers of the format, or null")
            return table
        for word, node in own.value.items():
            meaning = self._meaning(word, node, options)
            if normal(word) in table and table[normal(word)] is not meaning:
                options.problems.add(
                    node.line, f"{options.field}.words.{word}", "another spelling of it means something else"
                )
            table[word] = table[normal(word)] = meaning
            if word.isascii() and word.isdecimal():
                table[int(word)] = meaning
        return table

    def _meaning(self, word: str, node: Node, options: Options) -> Meaning | None:
        if node.value is None:
            return None
        if isinstance(node.value, str) and (meaning := self._table.get(node.value)) is not None:
            return meaning
        names = {member.name for member in self._table.values() if member is not None}
        shown = node.value if isinstance(node.value, str) else ""
        place = f"{options.field}.words.{word}"
        options.problems.add(node.line, place, f"unknown {shown!r}{suggestion(shown, names)}, its number, or null")
        return None


class NumberType:
    """A statistic. `as: decimal` also reads texts ("3.50"); `multiply` and `divide` scale exactly."""

    options = frozenset({"as", "multiply", "divide", "ratio"})

    def converter(self, options: Options) -> Converter[Number]:
        """The converter for one source."""
        field = options.field
        texts = options.choice("as", "number", ("number", "decimal")) == "decimal"
        multiply, divide = options.factor("multiply"), options.factor("divide")
        if not texts and multiply == divide == 1 and "ratio" not in options.nodes:
            return Converter(lambda value: number(value, field), Shortcut.NUMBER)

        def convert(value: object) -> Number:
            exact = decimal(value if texts or isinstance(value, Decimal) else number(value, field), field)
            return plain(scaled(exact, multiply, divide), field)

        return Converter(convert)


class WholeType:
    """The goal of the optimization: an integer; `as: rounded` takes the nearest one, also from a text."""

    options = frozenset({"as"})

    def converter(self, options: Options) -> Converter[int]:
        """The converter for one source."""
        field = options.field
        rounded = options.choice("as", "whole", ("whole", "rounded")) == "rounded"
        return Converter(lambda value: whole(value, field, rounded=rounded), Shortcut.WHOLE)


class TimeType:
    """When the event occurred."""

    options = frozenset({"as"})

    def converter(self, options: Options) -> Converter[int]:
        """The converter for one source."""
        field = options.field
        form = TimeFormat(options.choice("as", "auto", tuple(TimeFormat)))

        return Converter(lambda value: time_ms(value, field, form), Shortcut.MOMENT)


def text(value: object, field: str) -> str | UnsetType:
    """A name or id. Raises InvalidEvent: wrong_type, too_long, bad_number."""
    if type(value) is str:
        if len(value) > MAX_NAME_CHARACTERS:
            raise InvalidEvent(Invalid.TOO_LONG, field, f"{len(value)} characters, {MAX_NAME_CHARACTERS} at most")
        return value or UNSET
    if type(value) is not int:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "neither a text nor an integer")
    if abs(value) > MAX_NUMBER:
        raise InvalidEvent(Invalid.BAD_NUMBER, field, "an integer beyond 2^53; write it as a text")
    return str(value)
