"""Campaign groups as a person sees them in a terminal."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec import UNSET

from bridge.commands.text import detail, number, table
from bridge.core.event import CallingList, Statistic, Statistics
from bridge.core.listing import Listed

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
RUNNING = Listed(
    key="T/Sales",
    partition=3,
    names={"tenant_name": "T", "campaign_group_name": "Sales"},
    state="Running",
    dial_mode="Predict",
    optimize_by="BusyFactor",
    optimize_goal=80,
    statistics=Statistics(busy_factor=0.8, hit_ratio=0.25, overdial_rate=None, time_to_complete=5400),
    calling_lists=[CallingList(name="L1", dbid="7", hit_ratio=0.5), CallingList(name="Longer", time_to_complete=None)],
    enabled=True,
    interval=10.0,
    next_notification="2026-03-01T12:00:04.500Z",
    changed="2026-03-01T11:00:00.000Z",
    last_event="2026-03-01T11:59:48.000Z",
    dormant=False,
)
UNKNOWN = Listed(
    key="T/大きい",
    partition=10,
    names={},
    state=None,
    dial_mode=None,
    optimize_by=None,
    optimize_goal=None,
    statistics=None,
    calling_lists=[],
    enabled=None,
    interval=None,
    next_notification=None,
    changed=None,
    last_event=None,
    dormant=True,
)


def test_the_table_has_one_line_a_group_in_aligned_columns() -> None:
    assert table([RUNNING, UNKNOWN], NOW).splitlines() == [
        "KEY       NAME   PARTITION  STATE                DIAL MODE  HIT RATIO  LISTS  EVERY  NEXT    LAST EVENT",
        "T/Sales   Sales  3          Running              Predict    0.25       2      10 s   in 4 s  12 s ago",
        "T/大きい  -      10         not known (dormant)  -          -          0      -      -       -",
    ]


def test_one_group_is_told_with_all_that_is_known() -> None:
    assert detail(RUNNING, NOW).splitlines() == [
        "key                  T/Sales",
        "partition            3",
        "tenant name          T",
        "campaign group name  Sales",
        "state                Running",
        "dial mode            Predict",
        "optimized for        BusyFactor 80",
        "busy factor          0.8",
        "hit ratio            0.25",
        "overdial rate        null",
        "time to complete     5400 s",
        "notified every       10 s",
        "next notification    2026-03-01T12:00:04.500Z (in 4 s)",
        "state changed        2026-03-01T11:00:00.000Z (1 h ago)",
        "last event           2026-03-01T11:59:48.000Z (12 s ago)",
        "",
        "CALLING LIST  DBID  HIT RATIO  TIME TO COMPLETE",
        "L1            7     0.5        -",
        "Longer        -     -          null",
    ]


def test_text_from_events_can_t_steer_the_terminal() -> None:
    hostile = msgspec.structs.replace(RUNNING, key="\x1b[2J\x07T\nevil", names={"campaign_group_name": "\u202eT\r"})

    for text in (table([hostile], NOW), detail(hostile, NOW)):
        assert all(character.isprintable() for line in text.split("\n") for character in line)
        assert "evil" in text
    assert len(table([hostile], NOW).splitlines()) == 2


@pytest.mark.parametrize(
    ("enabled", "interval", "shown"), [(True, 2.5, "2.5 s"), (True, 0.0, "never"), (False, 10.0, "off")]
)
def test_how_often_a_group_is_notified_is_one_word(enabled: bool, interval: float, shown: str) -> None:
    group = msgspec.structs.replace(UNKNOWN, enabled=enabled, interval=interval)

    assert f" {shown} " in table([group], NOW)


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        ("2026-03-01T12:00:00Z", "0 s ago"),
        ("2026-03-01T11:58:00Z", "2 min ago"),
        ("2026-02-28T10:00:00Z", "1 d ago"),
        ("2026-03-01T15:00:00Z", "in 3 h"),
        ("2026-03-01T11:59:00", "1 min ago"),
        ("what a newer bridge may write", "-"),
    ],
)
def test_times_are_told_by_their_distance(ago: str, shown: str) -> None:
    assert table([msgspec.structs.replace(UNKNOWN, last_event=ago)], NOW).splitlines()[1].endswith(f"  {shown}")


@pytest.mark.parametrize(
    ("value", "shown"), [(UNSET, "-"), (None, "null"), (0, "0"), (0.123456789, "0.123457"), (12345678, "12345678")]
)
def test_a_null_statistic_is_told_from_one_that_nobody_said(value: Statistic, shown: str) -> None:
    assert number(value) == shown
