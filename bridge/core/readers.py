"""The readers of all fields of an event, and the event they make of one input."""

import msgspec
from msgspec import UNSET

from bridge.core.event import CallingList, Event, Statistics
from bridge.core.limits import MAX_CALLING_LISTS
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.paths import Getter, Input
from bridge.core.sources import Reader
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy

STATISTICS = ("busy_factor", "hit_ratio", "overdial_rate", "time_to_complete")
_STATE_FIELDS = "state, action or dial_mode"
NO_ACTION = (None, UNSET, Action.NoRequest)


class ListReaders(msgspec.Struct, frozen=True):
    """How calling lists are read: where their array is, and the fields of each item."""

    array: Getter
    name: Reader[str]
    dbid: Reader[str]
    hit_ratio: Reader[int | float]
    time_to_complete: Reader[int | float]


class Readers(msgspec.Struct, frozen=True):
    """One reader for each field; `names` and `statistics` only for those that are mapped, in any order."""

    kind: Reader[Kind]
    time: Reader[int]
    state: Reader[GroupState]
    action: Reader[Action]
    actor: Reader[Actor]
    dial_mode: Reader[DialMode]
    optimize_by: Reader[OptimizeBy]
    optimize_goal: Reader[int]
    notification_interval: Reader[float]
    notifications_enabled: Reader[bool]
    names: tuple[tuple[str, Reader[str]], ...]
    statistics: tuple[tuple[str, Reader[int | float]], ...]
    calling_lists: ListReaders | None

    def event(self, given: Input) -> Event:
        """The event in `given`. Raises InvalidEvent."""
        kind, state, action = self.kind(given), self.state(given), self.action(given)
        if not isinstance(kind, Kind):
            raise InvalidEvent(Invalid.MISSING_FIELD, "kind", "change, statistics or snapshot")
        dial_mode, actor = self.dial_mode(given), self.actor(given)
        says = isinstance(state, GroupState) or action not in NO_ACTION or dial_mode is not UNSET
        if kind is Kind.CHANGE and not says:
            raise InvalidEvent(Invalid.MISSING_FIELD, "state", f"a change says {_STATE_FIELDS}")
        interval, enabled = self.notification_interval(given), self.notifications_enabled(given)
        return Event(
            kind=kind,
            time_ms=self._time_ms(given),
            dial_mode=dial_mode,
            optimize_by=self.optimize_by(given),
            optimize_goal=self.optimize_goal(given),
            state=None if state is UNSET else state,
            action=None if action is UNSET else action,
            actor=None if actor is UNSET else actor,
            statistics=self._statistics(given),
            calling_lists=self.lists(given),
            notification_interval=None if interval is UNSET else interval,
            notifications_enabled=None if enabled is UNSET else enabled,
            **_said(self.names, given),
        )

    def lists(self, given: Input) -> tuple[CallingList, ...] | None:
        """The event's calling lists. Raises InvalidEvent."""
        return None if self.calling_lists is None else _calling_lists(self.calling_lists, given)

    def _time_ms(self, given: Input) -> int:
        moment = self.time(given)
        if moment is not None and moment is not UNSET:
            return moment
        if given.record.timestamp_ms < 0:
            raise InvalidEvent(Invalid.MISSING_FIELD, "time", "neither in the event, nor has the record a timestamp")
        return given.record.timestamp_ms

    def _statistics(self, given: Input) -> Statistics | None:
        values = {name: value for name, read in self.statistics if (value := read(given)) is not UNSET}
        return Statistics(**values) if values else None


def _said(names: tuple[tuple[str, Reader[str]], ...], given: Input) -> dict[str, str]:
    return {name: text for name, read in names if (text := read(given)) is not UNSET and text is not None}


def _calling_lists(readers: ListReaders, given: Input) -> tuple[CallingList, ...] | None:
    array = readers.array(given)
    if array is None or array is UNSET:
        return None
    if not isinstance(array, list):
        raise InvalidEvent(Invalid.WRONG_TYPE, "calling_lists", "not an array")
    if len(array) > MAX_CALLING_LISTS:
        raise InvalidEvent(Invalid.TOO_LONG, "calling_lists", f"{len(array)} lists, {MAX_CALLING_LISTS} at most")
    return tuple(_calling_list(readers, given, item) for item in array)


def _calling_list(readers: ListReaders, given: Input, item: object) -> CallingList:
    if not isinstance(item, dict):
        raise InvalidEvent(Invalid.WRONG_TYPE, "calling_lists", "an item is not an object")
    inner = Input(item, given.record, given.attributes)
    name, dbid = readers.name(inner), readers.dbid(inner)
    if name is None or name is UNSET:
        raise InvalidEvent(Invalid.MISSING_FIELD, "calling_lists.name", "a calling list is known by its name")
    return CallingList(
        name=name,
        dbid=None if dbid is UNSET else dbid,
        hit_ratio=readers.hit_ratio(inner),
        time_to_complete=readers.time_to_complete(inner),
    )
