"""How statistics are merged."""

import msgspec
from msgspec import UNSET

from bridge.core.event import CallingList, Event, Statistic, Statistics


def over(new: Statistic, old: Statistic) -> Statistic:
    """A value stays until it is replaced; null replaces."""
    return old if new is UNSET else new


def merged(old: Statistics | None, new: Statistics) -> Statistics:
    """A group's statistics after an event that brings `new` ones."""
    if old is None or UNSET not in msgspec.structs.astuple(new):
        return new
    return Statistics(
        busy_factor=over(new.busy_factor, old.busy_factor),
        hit_ratio=over(new.hit_ratio, old.hit_ratio),
        overdial_rate=over(new.overdial_rate, old.overdial_rate),
        time_to_complete=over(new.time_to_complete, old.time_to_complete),
    )


def merged_list(old: CallingList, new: CallingList) -> CallingList:
    """A calling list's statistics after an event that brings `new` ones."""
    return CallingList(
        name=new.name,
        dbid=new.dbid if new.dbid is not None else old.dbid,
        hit_ratio=over(new.hit_ratio, old.hit_ratio),
        time_to_complete=over(new.time_to_complete, old.time_to_complete),
    )


def ratios_above_one(event: Event) -> int:
    """How many ratios of an event are above 1: possible (the page sets no bound), but more often a wrong scale."""
    ratios: tuple[Statistic, ...] = ()
    if (s := event.statistics) is not None:
        ratios = (s.busy_factor, s.hit_ratio, s.overdial_rate)
    if event.calling_lists:
        ratios += tuple([values.hit_ratio for values in event.calling_lists])
    found = 0
    for ratio in ratios:
        if ratio is not None and ratio is not UNSET and ratio > 1:
            found += 1
    return found
