"""When periodic notifications are due: each slot once, whatever the clock does, spread over the interval."""

from collections import Counter
from itertools import pairwise
from statistics import pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from bridge.core.schedule import Due, Schedule

START = 1_772_355_600_000  # ms; a multiple of no interval in particular
KEYS = ("Env/A", "Env/B", "Env/C")


def run(schedule: Schedule, since: int, until: int, step: int = 50) -> list[Due]:
    return [due for now in range(since, until, step) for due in schedule.due(now)]


def kept(interval: int = 10_000, keys: tuple[str, ...] = KEYS, after: int = START) -> Schedule:
    schedule = Schedule()
    for key in keys:
        schedule.keep(key, interval, after)
    return schedule


def test_each_group_has_one_notification_a_slot_at_its_own_time_in_it() -> None:
    found = run(kept(), START, START + 60_000)

    assert Counter(due.key for due in found) == dict.fromkeys(KEYS, 6)
    for key in KEYS:
        slots = [due for due in found if due.key == key]
        assert [due.start_ms % 10_000 for due in slots] == [0] * 6
        assert {due.due_ms - due.start_ms for due in slots} == {slots[0].due_ms - slots[0].start_ms}
        assert [b.start_ms - a.start_ms for a, b in pairwise(slots)] == [10_000] * 5


def test_two_owners_agree_on_the_slots_of_a_group() -> None:
    assert kept().due(START + 20_000) == kept(after=START + 3).due(START + 20_000)


def test_many_groups_are_spread_over_the_interval() -> None:
    schedule = kept(keys=tuple(f"Env/{n}" for n in range(10_000)))
    seconds = Counter((due.due_ms - START) // 1000 for due in run(schedule, START, START + 10_001, 10))

    assert sum(seconds.values()) == 10_000
    assert pstdev([seconds[s] for s in range(10)]) < 100, "about 1,000 a second"


def test_only_slots_due_after_the_takeover_are_handed_out() -> None:
    schedule = kept(after=START + 5_000)

    assert all(due.due_ms > START + 5_000 for due in run(schedule, START, START + 30_000))


def test_of_slots_that_passed_while_nobody_looked_only_the_last_is_handed_out() -> None:
    schedule = kept()
    (late,) = [due for due in schedule.due(START + 3_600_000) if due.key == "Env/A"]

    assert START + 3_590_000 < late.due_ms <= START + 3_600_000


def test_a_changed_interval_holds_at_once_and_repeats_no_slot() -> None:
    schedule = kept(60_000)
    schedule.keep("Env/A", 5_000, START)

    assert len([due for due in run(schedule, START, START + 60_000) if due.key == "Env/A"]) == 12


def test_a_dropped_group_has_none_and_costs_nothing_later() -> None:
    schedule = kept()
    schedule.drop("Env/A")

    assert {due.key for due in run(schedule, START, START + 20_000)} == {"Env/B", "Env/C"}
    assert schedule.next_of("Env/A") is None


def test_what_is_skipped_is_not_handed_out_later() -> None:
    schedule = kept()

    assert schedule.skip(START + 3_600_000) == 3
    assert schedule.due(START + 3_600_000) == []
    assert {due.due_ms > START + 3_600_000 for due in run(schedule, START + 3_600_000, START + 3_610_001)} == {True}


def test_hearing_of_a_group_again_costs_nothing_later() -> None:
    schedule = kept()
    for _ in range(1000):
        schedule.keep("Env/A", 10_000, START)

    assert len(schedule._heap) == len(KEYS)


def test_a_group_that_was_forgotten_begins_anew() -> None:
    schedule = kept(60_000)
    schedule.due(START + 90_000)
    schedule.forget("Env/A")
    assert schedule.next_of("Env/A") is None
    assert {due.key for due in run(schedule, START + 90_000, START + 180_000)} == {"Env/B", "Env/C"}
    schedule.keep("Env/A", 60_000, START + 180_000)

    assert [due.key for due in run(schedule, START + 180_000, START + 240_001)].count("Env/A") == 1


def test_after_the_clock_went_back_nothing_that_was_due_before_is_handed_out_also_with_another_interval() -> None:
    schedule = kept(60_000)
    schedule.due(START + 120_000)
    assert schedule.due(START) == []
    schedule.keep("Env/A", 5_000, START)
    schedule.keep("Env/D", 5_000, START)

    assert run(schedule, START, START + 120_001) == []
    assert {due.key for due in run(schedule, START + 120_000, START + 125_001)} >= {"Env/A", "Env/D"}


@pytest.mark.parametrize(("first", "then"), [(5_000, 10_000), (60_000, 120_000), (10_000, 60_000), (60_000, 5_000)])
def test_a_slot_that_began_with_one_that_was_told_is_not_told_again_under_a_longer_interval(
    first: int, then: int
) -> None:
    keys = tuple(f"Env/{n}" for n in range(100))
    for at in range(START + 2 * first, START + 4 * first, first // 3):
        schedule = kept(first, keys)
        told = schedule.due(at)
        for key in keys:
            schedule.keep(key, then, START)
        told += run(schedule, at, at + 3 * then, then // 20)
        for key in keys:
            starts = [due.start_ms for due in told if due.key == key]
            assert len(starts) >= 3
            assert all(a < b for a, b in pairwise(starts)), starts


changes = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.sampled_from(KEYS), st.sampled_from([1, 7, 1_000, 5_000, 10_000, 60_000])),
        st.tuples(st.just("drop"), st.sampled_from(KEYS), st.just(0)),
        st.tuples(st.just("clock"), st.just(""), st.sampled_from([-3_600_000, -1_000, -1, 1, 40, 4_000, 3_600_000])),
    ),
    max_size=60,
)


@settings(max_examples=examples(600))
@given(changes)
def test_no_slot_is_ever_handed_out_twice_or_early(steps: list[tuple[str, str, int]]) -> None:
    schedule, now = Schedule(), START
    told: dict[str, tuple[int, int]] = {}
    for what, key, value in steps:
        if what == "keep":
            schedule.keep(key, value, START)
        elif what == "drop":
            schedule.drop(key)
        else:
            now += value
        for due in schedule.due(now):
            start, at = told.get(due.key, (0, START))
            assert due.due_ms <= now, "not due yet"
            assert due.due_ms > at, "that time was told"
            assert due.start_ms > start or due.key not in told, "that slot was told"
            told[due.key] = due.start_ms, due.due_ms
