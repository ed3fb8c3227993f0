"""Merging one event into one campaign group: the steps, for bridge/core/groups.py, whose rules they follow."""

from typing import Final, TypeVar

import msgspec
from msgspec import UnsetType

from bridge.core.campaign_group import CampaignGroup
from bridge.core.event import CallingList, Event
from bridge.core.facts import Facts
from bridge.core.group import EMPTY, Before, KnownList, Names
from bridge.core.stamp import Stamp
from bridge.core.statistics import merged, merged_list
from bridge.core.vocabulary import Action, Actor, GroupState, Kind

T = TypeVar("T")

# Looked up once, as in campaigns/derivation.py.
UNSET: Final = msgspec.UNSET
_SNAPSHOT: Final = Kind.SNAPSHOT
_NOT_LOADED: Final = GroupState.NotLoaded
_UNKNOWN: Final = Actor.Unknown


def older(stamp: Stamp, other: Stamp | None) -> bool:
    """Whether the event with this stamp is older than that with the `other`."""
    if other is None:
        return False
    time_ms, other_ms = stamp.time_ms, other.time_ms
    if time_ms != other_ms:
        return time_ms < other_ms
    if stamp.offset == other.offset:
        return stamp.part < other.part and stamp.partition == other.partition
    return stamp.offset < other.offset and stamp.partition == other.partition


def before(group: CampaignGroup, stamp: Stamp) -> Before:
    """The group before this event, also when it is merged for the second time (rule 3)."""
    if stamp == group.changed:
        return group.previous
    return Before(group.state, group.dial_mode, group.optimize_by, group.optimize_goal)


def change(
    group: CampaignGroup, event: Event, state: GroupState, action: Action | None, before: Before, stamp: Stamp
) -> None:
    """The group is in `state` from now on, by `action` if there is one. What belongs to one loading ends with it."""
    group.state, group.changed, group.previous = state, stamp, before
    if action:
        group.action = action
    if event.dial_mode is not UNSET:
        group.dial_mode = event.dial_mode
    if event.optimize_by is not UNSET:
        group.optimize_by = event.optimize_by
    if event.optimize_goal is not UNSET:
        group.optimize_goal = event.optimize_goal
    if state is _NOT_LOADED:
        group.statistics, group.measured, group.calling_lists, group.unloaded = None, None, EMPTY, stamp


def measure(group: CampaignGroup, event: Event, stamp: Stamp) -> None:
    """Merge the event's statistics and those of its calling lists, each unless newer ones are known.

    A group that is not loaded has none, and those of an earlier loading are none of this one's.
    """
    if group.state is _NOT_LOADED or older(stamp, group.unloaded):
        return
    statistics = event.statistics
    if statistics is not None and not older(stamp, group.measured):
        group.statistics = merged(group.statistics, statistics)
        group.measured = stamp
    if not event.calling_lists:
        return
    for values in event.calling_lists:
        known = group.calling_lists.get(values.name)
        if known is None:
            group.calling_lists = {**group.calling_lists, values.name: KnownList(values, stamp)}
        elif not older(stamp, known.stamp):
            known.values, known.stamp = merged_list(known.values, values), stamp


def _said(value: T | None | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value


def change_facts(
    group: CampaignGroup, event: Event, names: Names, state: GroupState, action: Action, stamp: Stamp, *, late: bool
) -> Facts:
    """What a change, a report or a snapshot tells. A late one, and an unload, tell no more than what they bring themselves."""
    own = late or state is _NOT_LOADED
    periodic = event.kind is _SNAPSHOT
    actor = event.actor
    return Facts(
        periodic,
        stamp.time_ms,
        names,
        state,
        group.action if periodic else action,
        actor if actor is not None else _UNKNOWN,
        _said(event.dial_mode) if late else group.dial_mode,
        _said(event.optimize_by) if late else group.optimize_by,
        _said(event.optimize_goal) if late else group.optimize_goal,
        event.statistics if own else group.statistics,
        (event.calling_lists or ()) if own else _lists(group),
    )


def _lists(group: CampaignGroup) -> tuple[CallingList, ...]:
    return tuple([known.values for known in group.calling_lists.values()]) if group.calling_lists else ()


def standing_facts(group: CampaignGroup, state: GroupState, now_ms: int) -> Facts:
    """What a periodic notification tells at `now_ms`."""
    return Facts(
        periodic=True,
        time_ms=now_ms,
        names=group.shown,
        state=state,
        action=group.action,
        actor=_UNKNOWN,
        dial_mode=group.dial_mode,
        optimize_by=group.optimize_by,
        optimize_goal=group.optimize_goal,
        statistics=group.statistics,
        calling_lists=_lists(group),
    )


def settle_switches(group: CampaignGroup, event: Event) -> None:
    """What the event says of this group's own notifications holds from now on."""
    if event.notification_interval is not None:
        group.interval = event.notification_interval
    if event.notifications_enabled is not None:
        group.enabled = event.notifications_enabled
