"""Merging one event into one campaign group: the steps, for bridge/core/groups.py, whose rules they follow."""

from typing import TypeVar

from msgspec import UNSET, UnsetType

from bridge.core.event import NAMES, CallingList, Event
from bridge.core.group import CampaignGroup, Facts, KnownList, Names, Policy, Stamp
from bridge.core.lifecycle import Before
from bridge.core.statistics import merged, merged_list
from bridge.core.vocabulary import Action, Actor, GroupState, Kind

T = TypeVar("T")


def filled(first: Names, then: Names) -> Names:
    """What `first` lacks, from `then`."""
    if None not in first or first == then:
        return first
    return tuple([a if a is not None else b for a, b in zip(first, then, strict=True)])


def shown(names: Names, row: Names | None, policy: Policy) -> Names:
    """Names as they are told: with the directory's and the policy's texts. Raises InvalidEvent as Policy.fill."""
    if row is not None:
        names = filled(names, row)
    if None not in names:
        return names
    texts = list(names)
    for place, text in enumerate(names):
        if text is None:
            texts[place] = policy.fill(NAMES[place])
    return tuple(texts)


def before(group: CampaignGroup, event: Event, stamp: Stamp, *, late: bool) -> Before:
    """State and mode before this event, also when it is merged for the second time (rule 3)."""
    if late:  # what came later says nothing of the request behind it
        return Before(group.state if event.kind is Kind.SNAPSHOT else None, None)
    return group.previous if stamp == group.changed else Before(group.state, group.dial_mode)


def change(group: CampaignGroup, event: Event, state: GroupState, before: Before, stamp: Stamp) -> None:
    """The group is in `state` from now on. What belongs to one loading ends with it."""
    group.state, group.changed, group.previous = state, stamp, before
    if event.dial_mode is not UNSET:
        group.dial_mode = event.dial_mode
    if event.optimize_by is not UNSET:
        group.optimize_by = event.optimize_by
    if event.optimize_goal is not UNSET:
        group.optimize_goal = event.optimize_goal
    if state is GroupState.NotLoaded:
        group.statistics, group.measured, group.calling_lists, group.unloaded = None, None, {}, stamp


def measure(group: CampaignGroup, event: Event, stamp: Stamp) -> None:
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


def change_facts(
    group: CampaignGroup, event: Event, names: Names, state: GroupState, action: Action, stamp: Stamp, *, late: bool
) -> Facts:
    """What a change or snapshot tells. A late one, and an unload, tell no more than what they bring themselves."""
    own = late or state is GroupState.NotLoaded
    return Facts(
        event.kind is Kind.SNAPSHOT,
        stamp.time_ms,
        names,
        state,
        action,
        event.actor if event.actor is not None else Actor.Unknown,
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
        action=Action.NoRequest,
        actor=Actor.Unknown,
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
