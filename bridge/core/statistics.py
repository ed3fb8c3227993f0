"""How statistics are merged."""

from typing import Final

import msgspec

from bridge.core.event import CallingList, Event, Statistic, Statistics

UNSET: Final = msgspec.UNSET


def over(new: Statistic, old: Statistic) -> Statistic:
    """A value stays until it is replaced; null replaces."""
    return old if new is UNSET else new


def merged(old: Statistics | None, new: Statistics) -> Statistics:
    """A group's statistics after an event that brings `new` ones."""
    busy_factor, hit_ratio = new.busy_factor, new.hit_ratio
    overdial_rate, time_to_complete = new.overdial_rate, new.time_to_complete
    if old is None or not (
        busy_factor is UNSET or hit_ratio is UNSET or overdial_rate is UNSET or time_to_complete is UNSET
    ):
        return new
    return Statistics(
        busy_factor=over(busy_factor, old.busy_factor),
        hit_ratio=over(hit_ratio, old.hit_ratio),
        overdial_rate=over(overdial_rate, old.overdial_rate),
        time_to_complete=over(time_to_complete, old.time_to_complete),
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
    found = 0
    if (values := event.statistics) is not None:
        found += _above_one(values.busy_factor) + _above_one(values.hit_ratio) + _above_one(values.overdial_rate)
    if event.calling_lists:
        for each in event.calling_lists:
            found += _above_one(each.hit_ratio)
    return found


def _above_one(ratio: Statistic) -> bool:
    return ratio is not None and ratio is not UNSET and ratio > 1
