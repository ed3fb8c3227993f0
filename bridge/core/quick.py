"""The readers of a rule as a table and one loop over it, made once per profile.

A call for each field and for what it is made of costs four times what an event is read in here. So the loop does in place what
nearly every record needs: look a name up in an object, and take a short text, a known word, a number as it is. It decides
nothing else: what its shortcuts don't know is asked of the field's own reader; where an object is missing its members are; and
any other thing out of the ordinary is left to `Readers.event`, the definition of what is read.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from bridge.core.conditions import Condition
from bridge.core.event import NAMES, Event, Statistics
from bridge.core.limits import MAX_NAME_CHARACTERS, MAX_NUMBER
from bridge.core.outcome import InvalidEvent
from bridge.core.paths import Input
from bridge.core.profile_fields import Converter
from bridge.core.readers import NO_ACTION, STATISTICS, Readers
from bridge.core.shortcuts import Shortcut
from bridge.core.sources import NOTHING, Source
from bridge.core.vocabulary import Kind

Sources = Mapping[str, Source[Any]]

# In the order of an Event's fields; what its statistics are made of comes last.
_SETTINGS = ("dial_mode", "optimize_by", "optimize_goal")
_WORDS = ("state", "action", "actor")
_PERIODS = ("notification_interval", "notifications_enabled")
_FIELDS = ("kind", "time", *NAMES, *_SETTINGS, *_WORDS, *_PERIODS, *STATISTICS)
#: Of these, an event tells "not said" from "said to be none".
_TOLD_APART = frozenset({"kind", *_SETTINGS, *STATISTICS})

# Looked up once, as in campaigns/derivation.py.
UNSET: Final = msgspec.UNSET
_CHANGE: Final = Kind.CHANGE
_LONGEST: Final = MAX_NAME_CHARACTERS
_LARGEST: Final = MAX_NUMBER
_EMPTY: Final[dict[str, Any]] = {}


class Quick:
    """Reads the events of one rule. `sources`: those of the fields that are mapped."""

    def __init__(self, sources: Sources, readers: Readers) -> None:
        places = _places(sources)
        self._readers = readers
        self._lists = readers.calling_lists is not None
        self._objects = [(places.index(steps[:-1]), steps[-1]) for steps in places[1:]]
        fields = [_field(number, sources.get(name, NOTHING), places) for number, name in enumerate(_FIELDS)]
        self._members = [field for field in fields if isinstance(field, _Member)]
        self._others = [field for field in fields if field.asked and not isinstance(field, _Member)]
        self._unread: list[Any] = [field.unread for field in fields]

    def event(self, given: Input) -> Event:
        """What `readers.event` does, faster. Raises InvalidEvent."""
        try:
            event = self._event(given)
        except InvalidEvent:
            event = None
        return event if event is not None else self._readers.event(given)

    def _event(self, given: Input) -> Event | None:
        """None: `readers` have to be asked."""
        objects: list[dict[str, Any]] = [given.tree]
        for outer, name in self._objects:
            inner = objects[outer].get(name)
            if inner is None:
                inner = _EMPTY
            elif not isinstance(inner, dict):
                return None
            objects.append(inner)
        said = self._unread.copy()
        for member in self._members:
            raw = objects[member.object].get(member.name, UNSET)
            if raw is not UNSET:
                said[member.number] = member.value(raw, given)
        for field in self._others:
            said[field.number] = field.read(given)
        kind, time_ms = said[0], said[1]
        if time_ms is None:
            time_ms = given.record.timestamp_ms
        if not isinstance(kind, Kind) or time_ms < 0:
            return None
        if kind is _CHANGE and said[14] is None and said[15] in NO_ACTION and said[11] is UNSET:
            return None
        return Event(
            kind, time_ms, said[2], said[3], said[4], said[5], said[6], said[7], said[8], said[9], said[10],
            said[11], said[12], said[13], said[14], said[15], said[16],
            _statistics(said[19], said[20], said[21], said[22]),
            self._readers.lists(given) if self._lists else None, said[17], said[18],
        )  # fmt: skip


def _statistics(busy: Any, hit: Any, overdial: Any, left: Any) -> Statistics | None:
    if busy is UNSET and hit is UNSET and overdial is UNSET and left is UNSET:
        return None
    return Statistics(busy, hit, overdial, left)


def _places(sources: Sources) -> list[tuple[str, ...]]:
    """The names that lead to each object that fields stand in, outer objects first; the outermost has none."""
    found = {source.steps[:depth] for source in sources.values() for depth in range(1, len(source.steps))}
    return [(), *sorted(found)]


class _Field:
    """The field with this number in _FIELDS. `unread`: what it says as long as it is not read; `asked`: whether it has to be."""

    def __init__(self, number: int, source: Source[Any]) -> None:
        self.number = number
        self.asked = not source.constant or source.when is not None
        self.missing: object = UNSET if _FIELDS[number] in _TOLD_APART else None
        constant = UNSET if self.asked else source.constant[0]
        self.unread: object = self.missing if constant is UNSET else constant
        self._ask = source.read

    def read(self, given: Input) -> object:
        """What the event says. InvalidEvent."""
        said = self._ask(given)
        return self.missing if said is UNSET else said


class _Conditional(_Field):
    """A constant of those records for which a condition holds."""

    def __init__(self, number: int, source: Source[Any], when: Condition) -> None:
        super().__init__(number, source)
        (constant,) = source.constant
        self._constant: object = self.missing if constant is UNSET else constant
        self._when = when

    def read(self, given: Input) -> object:
        return self._constant if self._when(given) else self.missing


class _Member(_Field):
    """A member of an object, of which nothing more is known."""

    def __init__(
        self, number: int, source: Source[Any], converter: Converter[Any], places: list[tuple[str, ...]]
    ) -> None:
        super().__init__(number, source)
        self.object, self.name = places.index(source.steps[:-1]), source.steps[-1]
        self._table: dict[str | int, Any] = converter.table
        self._convert = converter.convert

    def value(self, raw: object, given: Input) -> object:  # noqa: ARG002 (the others look at it)
        """What `raw`, which stands there, means. InvalidEvent."""
        return self.read(given)


class _Text(_Member):
    def value(self, raw: object, given: Input) -> object:
        return raw if isinstance(raw, str) and 0 < len(raw) <= _LONGEST else self.read(given)


class _Word(_Member):
    def value(self, raw: object, given: Input) -> object:
        meaning = self._table.get(raw) if isinstance(raw, str) else None
        return meaning if meaning is not None else self.read(given)


class _Number(_Member):
    def value(self, raw: object, given: Input) -> object:
        if isinstance(raw, float):
            return raw if 0.0 < raw <= _LARGEST else self.read(given)
        return raw if type(raw) is int and 0 < raw <= _LARGEST else self.read(given)


class _Whole(_Member):
    def value(self, raw: object, given: Input) -> object:
        return raw if type(raw) is int and 0 <= raw <= _LARGEST else self.read(given)


class _Moment(_Member):
    def value(self, raw: object, given: Input) -> object:
        return self._convert(raw) if isinstance(raw, str) else self.read(given)


_KNOWN: dict[Shortcut, type[_Member]] = {
    Shortcut.NONE: _Member,
    Shortcut.TEXT: _Text,
    Shortcut.WORD: _Word,
    Shortcut.NUMBER: _Number,
    Shortcut.WHOLE: _Whole,
    Shortcut.MOMENT: _Moment,
}


def _field(number: int, source: Source[Any], places: list[tuple[str, ...]]) -> _Field:
    if source.constant and source.when is not None:
        return _Conditional(number, source, source.when)
    if not source.steps or source.converter is None:
        return _Field(number, source)
    return _KNOWN[source.converter.shortcut](number, source, source.converter, places)
