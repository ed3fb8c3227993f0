"""The event in a record, by one rule of a profile: a table of its fields and one loop over it, made once per profile.

A call for each field and for what it is made of costs four times what an event is read in here. So the loop does in place what
nearly every record needs: look a name up in an object, and take a short text, a known word, a number as it is. Whatever
else stands there is asked of the field's own source, which also says what becomes of a value that can't be read.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from bridge.core.conditions import Condition
from bridge.core.envelopes import cloud_event_id
from bridge.core.event import NAMES, Event, Statistics
from bridge.core.limits import MAX_NAME_CHARACTERS, MAX_NUMBER
from bridge.core.mapping.calling_lists import ListReader
from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.paths import Input
from bridge.core.profile_fields import Converter
from bridge.core.shortcuts import Shortcut
from bridge.core.sources import NOTHING, Source
from bridge.core.vocabulary import Action, DialMode, Kind

Sources = Mapping[str, Source[Any]]

STATISTICS: Final = ("busy_factor", "hit_ratio", "overdial_rate", "time_to_complete")
_SETTINGS = ("dial_mode", "optimize_by", "optimize_goal")
#: Every field that stands by itself; the places of an event's values while it is read.
FIELDS: Final = (
    "kind", "time", *NAMES, *_SETTINGS, "state", "action", "actor", "notification_interval", "notifications_enabled",
    "event_id", *STATISTICS,
)  # fmt: skip
#: Of these, an event tells "not said" from "said to be none".
_TOLD_APART = frozenset({"kind", *_SETTINGS, *STATISTICS})
_NAMES: Final = FIELDS.index(NAMES[0])
_KIND: Final = FIELDS.index("kind")
_TIME: Final = FIELDS.index("time")
_DIAL_MODE: Final = FIELDS.index("dial_mode")
_OPTIMIZE_BY: Final = FIELDS.index("optimize_by")
_OPTIMIZE_GOAL: Final = FIELDS.index("optimize_goal")
_STATE: Final = FIELDS.index("state")
_ACTION: Final = FIELDS.index("action")
_ACTOR: Final = FIELDS.index("actor")
_INTERVAL: Final = FIELDS.index("notification_interval")
_ENABLED: Final = FIELDS.index("notifications_enabled")
_EVENT_ID: Final = FIELDS.index("event_id")
_BUSY: Final = FIELDS.index("busy_factor")
_HIT: Final = FIELDS.index("hit_ratio")
_OVERDIAL: Final = FIELDS.index("overdial_rate")
_LEFT: Final = FIELDS.index("time_to_complete")

# Looked up once, as in campaigns/derivation.py.
UNSET: Final = msgspec.UNSET
_NO_DIAL_MODE: Final = DialMode.NoDialMode
_CHANGE: Final = Kind.CHANGE
_STATISTICS: Final = Kind.STATISTICS
_NO_REQUEST: Final = Action.NoRequest
_PASSED_OVER: Final = Skip.PASSED_OVER
_LONGEST: Final = MAX_NAME_CHARACTERS
_LARGEST: Final = MAX_NUMBER
_EMPTY: Final[dict[str, Any]] = {}


class EventReader:
    """Reads the events of one rule. `sources`: those of the fields that are mapped."""

    def __init__(self, sources: Sources, lists: ListReader | None) -> None:
        places = _places(sources)
        self._lists = lists
        self._objects = [(places.index(steps[:-1]), steps[-1]) for steps in places[1:]]
        fields = [_field(number, sources.get(name, NOTHING), places) for number, name in enumerate(FIELDS)]
        self._members = [field for field in fields if isinstance(field, _Member)]
        self._others = [field for field in fields if field.asked and not isinstance(field, _Member)]
        self._unread: list[Any] = [field.unread for field in fields]

    def event(self, given: Input) -> Event | Skip:
        """The event in `given`. Raises InvalidEvent where it does not say which change of which campaign group."""
        said = self._said(given)
        kind, state, action, time_ms = said[_KIND], said[_STATE], said[_ACTION], said[_TIME]
        dial_mode, event_id = said[_DIAL_MODE], said[_EVENT_ID]
        if not isinstance(kind, Kind):
            return _no_kind(kind)
        if dial_mode is _NO_DIAL_MODE:  # in an event of any platform: the mode has not changed
            dial_mode = UNSET
        if state is _PASSED_OVER:
            if kind is not _STATISTICS:
                return Skip.PASSED_OVER
            state = None
        if kind is _CHANGE and state is None and (action is None or action is _NO_REQUEST) and dial_mode is UNSET:
            raise InvalidEvent(Invalid.MISSING_FIELD, "state", "a change says state, action or dial_mode")
        if event_id is None and given.attributes:
            event_id = cloud_event_id(given)
        lists = None if self._lists is None else self._lists.read(given)
        names: list[Any] = said[_NAMES : _NAMES + 9]
        return Event(
            kind, given.record.timestamp_ms if time_ms is None else time_ms,
            names[0], names[1], names[2], names[3], names[4], names[5], names[6], names[7], names[8],
            dial_mode, said[_OPTIMIZE_BY], said[_OPTIMIZE_GOAL], state, action, said[_ACTOR],
            _statistics(said[_BUSY], said[_HIT], said[_OVERDIAL], said[_LEFT]), lists,
            said[_INTERVAL], said[_ENABLED], event_id, tuple(given.ignored) if given.ignored else (),
        )  # fmt: skip

    def _said(self, given: Input) -> list[Any]:
        """What the record says of each field, in their order. InvalidEvent."""
        objects: list[dict[str, Any]] = [given.tree]
        blocked = False
        for outer, name in self._objects:
            inner = objects[outer].get(name)
            if not isinstance(inner, dict):
                blocked = blocked or inner is not None
                inner = _EMPTY
            objects.append(inner)
        said = self._unread.copy()
        for member in self._members:
            raw = objects[member.object].get(member.name, UNSET)
            if raw is not UNSET:
                said[member.number] = member.value(raw, given)
            elif blocked:  # perhaps by what is no object and stands where this is looked for
                said[member.number] = member.read(given)
        for field in self._others:
            said[field.number] = field.read(given)
        return said


def _no_kind(kind: object) -> Skip:
    if kind is _PASSED_OVER:
        return Skip.PASSED_OVER
    raise InvalidEvent(Invalid.MISSING_FIELD, "kind", "nothing says what the event is for")


def _statistics(busy: Any, hit: Any, overdial: Any, left: Any) -> Statistics | None:
    if busy is UNSET and hit is UNSET and overdial is UNSET and left is UNSET:
        return None
    return Statistics(busy, hit, overdial, left)


def _places(sources: Sources) -> list[tuple[str, ...]]:
    """The names that lead to each object that fields stand in, outer objects first; the outermost has none."""
    found = {source.steps[:depth] for source in sources.values() for depth in range(1, len(source.steps))}
    return [(), *sorted(found)]


class _Field:
    """The field with this number in FIELDS. `unread`: what it says as long as it is not read; `asked`: whether it has to be."""

    def __init__(self, number: int, source: Source[Any]) -> None:
        self.number = number
        self.asked = not source.constant or source.when is not None
        self.missing: object = UNSET if FIELDS[number] in _TOLD_APART else None
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
        if isinstance(raw, str):
            try:
                return self._convert(raw)
            except InvalidEvent:
                pass
        return self.read(given)


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
