"""The table of campaign groups for people and their tools: what GET /groups answers, and `ocs-bridge groups` shows."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from bridge.core.campaign_group import CampaignGroup
from bridge.core.event import NAMES, CallingList, Statistics
from bridge.core.groups import GroupTable

MAX_LIMIT = 1000
MAX_LISTS = 5000  # calling lists in a page; beyond, it ends early
NAME = NAMES.index("campaign_group_name")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Query(msgspec.Struct, frozen=True):
    """Which groups: the one with this key, or the first `limit` of those (with this name) whose keys come after `after`."""

    key: str | None = None
    name: str | None = None
    after: str = ""
    limit: int = 100


class Periods(NamedTuple):
    """A group's own notifications: whether it has any, seconds between periodic ones (0: none), when the next is due."""

    enabled: bool | None
    interval: float | None
    next_ms: int | None = None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign group. Times are ISO 8601 in UTC; null: not known, or never."""

    key: str
    partition: int
    names: dict[str, str]
    state: str | None
    dial_mode: str | None
    optimize_by: str | None
    optimize_goal: int | None
    statistics: Statistics | None
    calling_lists: list[CallingList]
    enabled: bool | None
    interval: float | None
    next_notification: str | None
    changed: str | None
    last_event: str | None
    dormant: bool


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Groups in the order of their keys. `count`: how many are known; `next`: where to go on after, null at the end."""

    groups: list[Listed]
    count: int
    next: str | None = None


def page(table: GroupTable, query: Query, periods: Callable[[CampaignGroup], Periods]) -> Page:
    """What the table knows. MAX_LIMIT groups at most, and no more calling lists than MAX_LISTS and one group's."""
    if query.key is not None:
        group = table.get(query.key)
        return Page(groups=[listed(group, periods(group))] if group is not None else [], count=len(table))
    limit = min(query.limit, MAX_LIMIT)
    after, name = query.after, query.name
    wanted = (group for group in table if group.key > after and (name is None or _name(group) == name))
    found = heapq.nsmallest(limit + 1, wanted, key=_key)
    groups: list[Listed] = []
    lists = 0
    for group in found[:limit]:
        groups.append(listed(group, periods(group)))
        lists += len(group.calling_lists)
        if lists > MAX_LISTS:
            break
    more = len(groups) < len(found)
    return Page(groups=groups, count=len(table), next=groups[-1].key if more else None)


def _key(group: CampaignGroup) -> str:
    return group.key


def _name(group: CampaignGroup) -> str | None:
    return group.shown[NAME] if group.shown[NAME] is not None else group.names[NAME]


def listed(group: CampaignGroup, periods: Periods) -> Listed:
    """One group, with words for numbers, and names as notifications tell them."""
    told = zip(NAMES, group.shown, group.names, strict=True)
    said = {name: shown if shown is not None else own for name, shown, own in told}
    return Listed(
        key=group.key,
        partition=group.number,
        names={name: text for name, text in said.items() if text is not None},
        state=group.state.name if group.state is not None else None,
        dial_mode=group.dial_mode.name if group.dial_mode is not None else None,
        optimize_by=group.optimize_by.name if group.optimize_by is not None else None,
        optimize_goal=group.optimize_goal,
        statistics=group.statistics,
        calling_lists=[known.values for known in group.calling_lists.values()],
        enabled=periods.enabled,
        interval=periods.interval,
        next_notification=_iso(periods.next_ms),
        changed=_iso(group.changed.time_ms if group.changed is not None else None),
        last_event=_iso(group.seen_ms or None),
        dormant=group.dormant,
    )


def _iso(time_ms: int | None) -> str | None:
    if time_ms is None:
        return None
    try:
        moment = _EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:  # after the year 9999: a clock that was wrong
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
