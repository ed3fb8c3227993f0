"""The table of campaign groups: what is known of each, merged from events in the order of its lane.

1. A merge changes the table only if the whole event is accepted; a refused event leaves no trace.
2. Order is kept per kind of knowledge (names, state, statistics, each calling list) by event time; equal times are
   decided by the offset within a partition. What is older than what is known turns nothing back; an older change is
   still told, with its own fields. Statistics from before an unload are forgotten for good.
3. Merging the last event of a group again, as after a crash, changes nothing and gives the same facts.
4. A group lives in one partition number; all that is known of it goes when that number is given up.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.event import NAMES, CallingList, Event, Statistics
from bridge.core.lifecycle import Before, resolve
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.record import Partition
from bridge.core.statistics import merged, merged_list, ratios_above_one
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy

T = TypeVar("T")
Names = tuple[str | None, ...]  # in the order of NAMES
names_of: Callable[[object], Names] = attrgetter(*NAMES)
#: Sent as notifications.unknown_text when nobody knows them (the page's rule), or left out (the template).
OPTIONAL = frozenset({"tenant_name", "tenant_ccid", "campaign_template_name"})


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """When an event occurred and where it stands in the log: what "older" is judged by."""

    time_ms: int
    partition: Partition
    offset: int

    def before(self, other: "Stamp | None") -> bool:
        """Whether this event is older than `other`."""
        if other is None:
            return False
        if self.time_ms != other.time_ms:
            return self.time_ms < other.time_ms
        return self.partition == other.partition and self.offset < other.offset


class KnownList(msgspec.Struct, gc=False):
    """A calling list of a group and when it was last heard of."""

    values: CallingList
    stamp: Stamp


class CampaignGroup(msgspec.Struct):
    """What is known of one campaign group. `state` is None until a change or snapshot said it."""

    key: str
    number: int  # the partition number it lives in
    names: Names = (None,) * len(NAMES)  # as events said them
    shown: Names = (None,) * len(NAMES)  # the same as told: with the directory's and the policy's texts
    named: Stamp | None = None
    state: GroupState | None = None
    dial_mode: DialMode | None = None
    optimize_by: OptimizeBy | None = None
    optimize_goal: int | None = None
    changed: Stamp | None = None
    previous: Before = Before(None, None)  # before the change at `changed`: see rule 3
    statistics: Statistics | None = None
    measured: Stamp | None = None
    calling_lists: dict[str, KnownList] = {}
    unloaded: Stamp | None = None  # the last time: what is older was said of an earlier loading


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What one notification says, before its format."""

    periodic: bool
    time_ms: int
    names: Names
    state: GroupState
    action: Action
    actor: Actor
    dial_mode: DialMode | None
    optimize_by: OptimizeBy | None
    optimize_goal: int | None
    statistics: Statistics | None
    calling_lists: tuple[CallingList, ...]


class Policy(msgspec.Struct, frozen=True):
    """How names that neither an event, nor the table, nor the directory knows are filled.

    `missing`: texts by field (a profile's own); `on_missing`: the text for the rest, None = reject the event.
    """

    missing: Mapping[str, str]
    on_missing: str | None = None

    def fill(self, name: str) -> str | None:
        """The text for the field `name`; raises InvalidEvent where the policy is to reject."""
        text = self.missing.get(name, self.on_missing)
        if text is None and name not in OPTIONAL:
            raise InvalidEvent(Invalid.MISSING_FIELD, name, "neither in the event, nor known, nor in the directory")
        return text if name not in OPTIONAL else self.missing.get(name)


class GroupTable:
    """All campaign groups of the partitions that are owned."""

    def __init__(self) -> None:
        self._groups: dict[str, CampaignGroup] = {}
        self._by_number: dict[int, set[str]] = {}
        self.split = 0  # times a key was seen in another partition number than before
        self.late = 0  # changes older than what was known of their group
        self.above_one = 0  # ratios above 1 that were passed on

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[CampaignGroup]:
        return iter(self._groups.values())

    def get(self, key: str) -> CampaignGroup | None:
        """The group of this key, if it is known."""
        return self._groups.get(key)

    def drop(self, number: int) -> None:
        """Forget the groups of a partition number that was given up."""
        for key in self._by_number.pop(number, ()):
            del self._groups[key]

    def merge(self, key: str, event: Event, stamp: Stamp, policy: Policy, row: Names | None = None) -> Facts | None:
        """Merge an event; the facts to tell, or None for statistics.

        `row`: what the directory says of the group. Raises InvalidEvent where a name is missing and the policy is to
        reject, or where a snapshot comes of a group whose state nobody ever said.
        """
        group = self._groups.get(key) or CampaignGroup(key, stamp.partition.number)
        own = names_of(event)
        told = _filled(own, group.names)
        kept = _filled(group.names, own) if stamp.before(group.named) else told
        if event.kind is Kind.STATISTICS:
            self._keep(group, kept, event, stamp)
            _measure(group, event, stamp)
            return None
        late = stamp.before(group.changed)
        before = _before(group, event, stamp)
        state, action = resolve(event, before)
        names = _shown(told, row, policy)
        self._keep(group, kept, event, stamp)
        group.shown = names if kept is told else _shown(kept, row, policy)
        self.late += late
        if not late:
            _change(group, event, state, before, stamp)
        if state is not GroupState.NotLoaded:
            _measure(group, event, stamp)
        return _facts(group, event, names, state, action, stamp, late=late)

    def _keep(self, group: CampaignGroup, names: Names, event: Event, stamp: Stamp) -> None:
        """The event is accepted: the group is in the table, in the event's partition number."""
        number = stamp.partition.number
        if group.key not in self._groups:
            self._groups[group.key] = group
            self._by_number.setdefault(number, set()).add(group.key)
        elif group.number != number:
            self.split += 1
            self._by_number[group.number].discard(group.key)
            self._by_number.setdefault(number, set()).add(group.key)
            group.number = number
        group.names = names
        if not stamp.before(group.named):
            group.named = stamp
        self.above_one += ratios_above_one(event)


def _filled(first: Names, then: Names) -> Names:
    """What `first` lacks, from `then`."""
    return first if None not in first else tuple(a if a is not None else b for a, b in zip(first, then, strict=True))


def _shown(names: Names, row: Names | None, policy: Policy) -> Names:
    if row is not None:
        names = _filled(names, row)
    if None not in names:
        return names
    return tuple(text if text is not None else policy.fill(name) for name, text in zip(NAMES, names, strict=True))


def _before(group: CampaignGroup, event: Event, stamp: Stamp) -> Before:
    """State and mode before this event, also when it is merged for the second time (rule 3)."""
    if stamp.before(group.changed):  # what came later says nothing of the request behind it
        return Before(group.state if event.kind is Kind.SNAPSHOT else None, None)
    return group.previous if stamp == group.changed else Before(group.state, group.dial_mode)


def _change(group: CampaignGroup, event: Event, state: GroupState, before: Before, stamp: Stamp) -> None:
    group.state, group.changed, group.previous = state, stamp, before
    if event.dial_mode is not UNSET:
        group.dial_mode = event.dial_mode
    if event.optimize_by is not UNSET:
        group.optimize_by = event.optimize_by
    if event.optimize_goal is not UNSET:
        group.optimize_goal = event.optimize_goal
    if state is GroupState.NotLoaded:
        group.statistics, group.measured, group.calling_lists, group.unloaded = None, None, {}, stamp


def _measure(group: CampaignGroup, event: Event, stamp: Stamp) -> None:
    """Merge the event's statistics and those of its calling lists, each unless newer ones are known.

    A group that is not loaded has none, and those of an earlier loading are none of this one's.
    """
    if group.state is GroupState.NotLoaded or stamp.before(group.unloaded):
        return
    if event.statistics is not None and not stamp.before(group.measured):
        group.statistics = merged(group.statistics, event.statistics)
        group.measured = stamp
    for values in event.calling_lists or ():
        known = group.calling_lists.get(values.name)
        if known is None:
            group.calling_lists = {**group.calling_lists, values.name: KnownList(values, stamp)}
        elif not stamp.before(known.stamp):
            known.values, known.stamp = merged_list(known.values, values), stamp


def _said(value: T | None | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value


def _facts(
    group: CampaignGroup, event: Event, names: Names, state: GroupState, action: Action, stamp: Stamp, *, late: bool
) -> Facts:
    own = late or state is GroupState.NotLoaded
    return Facts(
        periodic=event.kind is Kind.SNAPSHOT,
        time_ms=stamp.time_ms,
        names=names,
        state=state,
        action=action,
        actor=event.actor if event.actor is not None else Actor.Unknown,
        dial_mode=_said(event.dial_mode) if late else group.dial_mode,
        optimize_by=_said(event.optimize_by) if late else group.optimize_by,
        optimize_goal=_said(event.optimize_goal) if late else group.optimize_goal,
        statistics=event.statistics if own else group.statistics,
        calling_lists=(event.calling_lists or ()) if own else tuple(k.values for k in group.calling_lists.values()),
    )
