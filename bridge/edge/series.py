"""The GSW_STAT gauges, read from the table at a scrape: no series outlives its campaign group."""

from collections.abc import Iterable
from enum import Enum

import msgspec
from msgspec import UNSET

from bridge.core.campaign_group import CampaignGroup
from bridge.core.event import NAMES, Statistic
from bridge.core.vocabulary import GroupState
from bridge.edge.metric import GROUP_LABELS

GROUP_GAUGES = {
    "gsw_stat_busy_factor": "busy_factor",
    "gsw_stat_hit_ratio": "hit_ratio",
    "gsw_stat_overdial_rate": "overdial_rate",
    "gsw_stat_time_to_complete_seconds": "time_to_complete",
}
LIST_GAUGES = {
    "gsw_stat_calling_list_hit_ratio": "hit_ratio",
    "gsw_stat_calling_list_time_to_complete_seconds": "time_to_complete",
}
UPDATED = "gsw_stat_last_update_timestamp_seconds"
Labels = tuple[str, ...]


class Hidden(Enum):
    """Why a campaign group that is loaded has no series."""

    LIMIT = "limit"  # metrics.max_groups others have some
    LABELS = "labels"  # another has the same: two series with the same labels would spoil the whole scrape
    DORMANT = "dormant"  # the input got partitions since its last event: it may live elsewhere, and is not told either


class Series(msgspec.Struct):
    """Samples by metric name, campaign groups by state, and how many groups have no series, by why."""

    samples: dict[str, list[tuple[Labels, float]]]
    states: dict[str, int]
    hidden: dict[Hidden, int]


def series(groups: Iterable[CampaignGroup], labels: tuple[str, ...], *, limit: int, calling_lists: bool) -> Series:
    """`labels`: names from GROUP_LABELS. Of more than `limit` loaded groups, the first known have series."""
    found = Series(
        {name: [] for name in ("gsw_campaign_group_state", UPDATED, *GROUP_GAUGES, *LIST_GAUGES)},
        _no_states(),
        dict.fromkeys(Hidden, 0),
    )
    indexes = [NAMES.index(GROUP_LABELS[label]) for label in labels]
    taken: set[Labels] = set()
    for group in groups:
        found.states["unknown" if group.state is None else group.state.name] += 1
        if group.state is GroupState.NotLoaded:
            continue
        values = _labels(group, indexes)
        if group.dormant:
            found.hidden[Hidden.DORMANT] += 1
        elif values in taken:
            found.hidden[Hidden.LABELS] += 1
        elif len(taken) >= limit:
            found.hidden[Hidden.LIMIT] += 1
        else:
            taken.add(values)
            _add(found, group, values, calling_lists=calling_lists)
    return found


def _no_states() -> dict[str, int]:
    return dict.fromkeys([*(state.name for state in GroupState), "unknown"], 0)


def _labels(group: CampaignGroup, indexes: list[int]) -> Labels:
    """As told to the receiver."""
    return tuple(group.shown[i] or "Unknown" for i in indexes)


def _add(found: Series, group: CampaignGroup, labels: Labels, *, calling_lists: bool) -> None:
    if group.state is not None:
        found.samples["gsw_campaign_group_state"].append((labels, group.state))
    if group.measured is not None:
        found.samples[UPDATED].append((labels, group.measured.time_ms / 1000))
    if group.statistics is not None:
        for metric, field in GROUP_GAUGES.items():
            _sample(found, metric, labels, getattr(group.statistics, field))
    if calling_lists:
        for known in group.calling_lists.values():
            for metric, field in LIST_GAUGES.items():
                _sample(found, metric, (*labels, known.values.name), getattr(known.values, field))


def _sample(found: Series, metric: str, labels: Labels, value: Statistic) -> None:
    if value is not None and value is not UNSET:
        found.samples[metric].append((labels, value))
