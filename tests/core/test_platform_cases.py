"""What platforms really wrote, line by line (tests/core/platform_cases): the notification each line becomes."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.core.arrival import Arrival
from bridge.core.group import Policy
from bridge.core.groups import GroupTable
from bridge.core.mapping.mapper import Mapper
from bridge.core.notification import render
from bridge.core.outcome import Invalid
from bridge.core.profile import compile_profile
from bridge.core.record import Partition, Record
from bridge.core.route import Route
from bridge.core.style import Style
from bridge.profiles import preset_text

FOLDER = Path(__file__).parent / "platform_cases"
RECORDED = 1_772_442_000_500
Lines = list[tuple[dict[str, Any], tuple[tuple[str, Invalid], ...]]]


def told(file: str, profile: str = "generic", *, alone: bool = False) -> Lines:
    """The notification of each line, and the fields that were left out; `alone`: where nothing was known before."""
    reads = Mapper(
        Route(compile_profile(preset_text(profile), profile), Policy({}, "Unknown")), {}, max_future_ms=300_000
    )
    table, found = GroupTable(), []
    for offset, line in enumerate((FOLDER / file).read_bytes().splitlines()):
        arrival = reads.read(Record(Partition("t", 0), offset, RECORDED + offset, None, line))
        assert isinstance(arrival, Arrival)
        table = GroupTable() if alone else table
        facts = table.merge(arrival.key, arrival.event, arrival.stamp, arrival.policy, arrival.row)
        assert facts is not None
        found.append((json.loads(render(facts, Style())), arrival.event.ignored))
    return found


def is_change(notification: dict[str, Any], state: int, action: int) -> bool:
    told = notification["GSW_CAMPAIGN_GROUP_STATE"], notification["GSW_CAMPAIGN_GROUP_ACTION"]
    return told == (state, action) and notification["GSW_CAMPAIGN_GROUP_GUID"] == "G-1"


def test_a_zone_id_behind_the_offset_is_passed_over() -> None:
    ((sent, ignored),) = told("08-zone-id.ndjson")
    assert (sent["GSW_DATE_TIME"], ignored) == ("1772355600.123", ())


def test_a_time_of_zero_is_the_records_and_each_change_is_told_in_turn() -> None:
    lines = told("09-zero-times.ndjson")
    assert [
        is_change(sent, *said) for (sent, _), said in zip(lines, [(5, 9), (4, 10), (0, 8), (5, 9)], strict=True)
    ] == [True] * 4
    times = [sent["GSW_DATE_TIME"] for sent, _ in lines]
    assert times == ["1772355600.123", "1772442000.501", "1772442000.502", "1772442000.503"]
    assert [ignored for _, ignored in lines] == [(), *[(("time", Invalid.BAD_TIME),)] * 3]


def test_whole_numbers_may_have_a_fraction_of_zero() -> None:
    ((sent, ignored),) = told("10-whole-floats.ndjson")
    assert is_change(sent, 5, 9)
    assert (sent["GSW_DIAL_MODE"], sent["GSW_CAMPAIGN_GROUP_DBID"], ignored) == (1, "101", ())


@pytest.mark.parametrize("file", ["11-duplicate-in-unread.ndjson", "14-bom.ndjson", "16-lone-surrogate-unread.ndjson"])
def test_what_nobody_reads_costs_nothing(file: str) -> None:
    ((sent, ignored),) = told(file)
    assert is_change(sent, 5, 9)
    assert ignored == ()


def test_nan_is_null_in_a_statistic_and_nothing_elsewhere() -> None:
    (unread, nothing), (sent, ignored) = told("12-nan.ndjson", alone=True)
    assert is_change(unread, 5, 9)
    assert nothing == ()
    assert (sent["GSW_STAT_BUSY_FACTOR"], sent["GSW_STAT_HIT_RATIO"]) == (None, 0.3)
    assert ignored == (("busy_factor", Invalid.BAD_NUMBER),)


def test_a_statistic_of_minus_one_is_null_and_the_stop_is_told() -> None:
    ((sent, ignored),) = told("13-minus-one-statistic.ndjson")
    assert is_change(sent, 4, 10)
    assert (sent["GSW_STAT_BUSY_FACTOR"], sent["GSW_STAT_TIME_TO_COMPLETE"]) == (0.5, None)
    assert ignored == (("time_to_complete", Invalid.NEGATIVE),)


def test_the_data_of_a_cloud_event_may_be_a_text() -> None:
    ((sent, ignored),) = told("15-ce-data-as-text.ndjson", "cloudevents")
    assert is_change(sent, 5, 9)
    assert ignored == ()
