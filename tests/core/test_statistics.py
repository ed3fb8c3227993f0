"""How statistics are merged: a value stays until it is replaced, and null replaces."""

import pytest
from campaigns import LISTS, STATISTICS, VALUES, statistics
from hypothesis import given
from msgspec import UNSET

from bridge.core.event import CallingList, Statistic, Statistics
from bridge.core.statistics import merged, merged_list, over, ratios_above_one

FIELDS = ("busy_factor", "hit_ratio", "overdial_rate", "time_to_complete")


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [(UNSET, 0.3, 0.3), (0, 0.3, 0), (None, 0.3, None), (UNSET, None, None), (UNSET, UNSET, UNSET), (0.3, None, 0.3)],
)
def test_a_value_stays_until_another_or_null_replaces_it(new: Statistic, old: Statistic, expected: Statistic) -> None:
    assert over(new, old) is expected


@given(STATISTICS, STATISTICS)
def test_each_statistic_is_merged_by_itself(old: Statistics, new: Statistics) -> None:
    found = merged(old, new)
    for field in FIELDS:
        said = getattr(new, field)
        assert getattr(found, field) == (getattr(old, field) if said is UNSET else said)


@given(STATISTICS, STATISTICS)
def test_merging_the_same_twice_is_merging_it_once(old: Statistics, new: Statistics) -> None:
    assert merged(merged(old, new), new) == merged(old, new)


@given(STATISTICS)
def test_the_first_statistics_of_a_group_are_taken_as_they_are(new: Statistics) -> None:
    assert merged(None, new) == new


@given(VALUES, VALUES, VALUES, VALUES)
def test_a_calling_list_keeps_what_is_not_said_anew(a: Statistic, b: Statistic, c: Statistic, d: Statistic) -> None:
    old = CallingList(name="A", dbid="1", hit_ratio=a, time_to_complete=b)
    new = CallingList(name="A", hit_ratio=c, time_to_complete=d)
    assert merged_list(old, new) == CallingList(name="A", dbid="1", hit_ratio=over(c, a), time_to_complete=over(d, b))
    assert merged_list(old, CallingList(name="A", dbid="2")).dbid == "2"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, 0),
        (Statistics(), 0),
        (Statistics(busy_factor=1, hit_ratio=1.0, overdial_rate=None), 0),
        (Statistics(busy_factor=1.0001, hit_ratio=2, overdial_rate=85), 3),
        (Statistics(time_to_complete=600), 0),
    ],
)
def test_ratios_above_one_are_counted_and_seconds_are_no_ratio(values: Statistics | None, expected: int) -> None:
    assert ratios_above_one(statistics(statistics=values)) == expected


@given(LISTS)
def test_ratios_of_calling_lists_are_counted_too(lists: tuple[CallingList, ...]) -> None:
    high = [v for v in lists if isinstance(v.hit_ratio, int | float) and v.hit_ratio > 1]
    assert ratios_above_one(statistics(calling_lists=lists)) == len(high)
