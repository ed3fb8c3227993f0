"""One campaign group: what is known of it, what a notification tells of it, and what fills the names nobody knows."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import msgspec

from bridge.core.event import NAMES, CallingList, Statistics
from bridge.core.record import Partition
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, OptimizeBy

Names = tuple[str | None, ...]  # in the order of NAMES
names_of: Callable[[object], Names] = attrgetter(*NAMES)
#: Sent as notifications.unknown_text when nobody knows them (the page's rule), or left out (the template).
OPTIONAL = frozenset({"tenant_name", "tenant_ccid", "campaign_template_name"})
#: One for all: a default of `{}` would be one more dict for each group.
EMPTY: Mapping[str, Any] = {}


def _empty() -> Mapping[str, Any]:
    return EMPTY


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """When an event occurred and where it stands in the log: what "older" is judged by."""

    time_ms: int
    partition: Partition
    offset: int


class Before(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A campaign group before an event; None = not known."""

    state: GroupState | None
    dial_mode: DialMode | None


class KnownList(msgspec.Struct, gc=False):
    """A calling list of a group and when it was last heard of."""

    values: CallingList
    stamp: Stamp


class CampaignGroup(msgspec.Struct, gc=False):  # no cycles; 100,000 are restored, a third slower if gc looked at them
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
    calling_lists: Mapping[str, KnownList] = msgspec.field(default_factory=_empty)
    unloaded: Stamp | None = None  # the last time: what is older was said of an earlier loading
    interval: float | None = None  # seconds between periodic notifications, as an event said; None: none did
    enabled: bool | None = None  # whether it has notifications at all, as an event said
    seen_ms: int = 0  # wall clock at the last event
    included: dict[str, int] = {}  # by topic: the offset after the last record that is merged here
    count: int = 0  # partitions of the input when an event of it was last merged
    dormant: bool = False  # restored from before the input grew: says nothing until an event shows that it lives here
    version: int = 1  # of the record it was restored from, if that is newer than ours, and …
    extra: Mapping[str, msgspec.Raw] = msgspec.field(default_factory=_empty)  # … its fields that are not known here


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
