"""Reports of campaign groups, through the table: each thing is notified once, whoever restarts, and whenever."""

from itertools import pairwise

import pytest
from campaigns import KEY, LENIENT, change, report, snapshot, stamp, statistics
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from support.examples import examples

from bridge.core.campaign_group import CampaignGroup
from bridge.core.event import CallingList, Event, Statistics
from bridge.core.facts import Facts
from bridge.core.groups import GroupTable
from bridge.core.notification import render
from bridge.core.outcome import InvalidEvent
from bridge.core.saved import load, save
from bridge.core.style import Style
from bridge.core.vocabulary import Action, DialMode, GroupState, OptimizeBy

ACTIVE, RUNNING, NOT_LOADED = GroupState.Active, GroupState.Running, GroupState.NotLoaded
PREDICT, PROGRESS, POWER = DialMode.Predict, DialMode.Progress, DialMode.Power


def actions(table: GroupTable, *events: Event) -> list[tuple[int, int] | None]:
    """Action and state of what is notified of each, which have the offsets from 1."""
    found = [table.merge(KEY, event, stamp(event.time_ms, n), LENIENT) for n, event in enumerate(events, start=1)]
    return [(facts.action, facts.state) if facts is not None else None for facts in found]


def known(table: GroupTable) -> CampaignGroup:
    group = table.get(KEY)
    assert group is not None
    return group


def restarted(table: GroupTable) -> GroupTable:
    """What another bridge has, from the records of the state topic."""
    successor = GroupTable(saved=True)
    successor.restore([load(group.key.encode(), save(group), group.number) for group in table], 0, 0)
    return successor


def test_six_polls_of_one_running_campaign_are_one_notification() -> None:
    table = GroupTable()
    polls = [report(n, state=RUNNING, dial_mode=PREDICT, optimize_by=OptimizeBy.BusyFactor) for n in range(6)]
    assert actions(table, *polls) == [(9, 5), *[None] * 5]
    assert (table.unchanged, table.late) == (5, 0)


def test_an_edit_that_leaves_state_and_mode_alone_is_none_and_another_mode_is_action_11() -> None:
    """Case 03: on, the priority edited, then another mode."""
    edits = [report(n, state=RUNNING, dial_mode=mode) for n, mode in enumerate([PREDICT, PREDICT, PROGRESS])]
    table = GroupTable()
    assert actions(table, *edits) == [(9, 5), None, (11, 5)]
    assert known(table).dial_mode is PROGRESS


def test_a_rename_while_paused_is_not_notified_but_kept() -> None:
    """Case 06: dialing, paused, renamed."""
    table = GroupTable()
    names = ["Spring", "Spring", "Spring renamed"]
    reports = [
        report(n, state=GroupState(s), campaign_name=name)
        for n, (s, name) in enumerate(zip([5, 4, 4], names, strict=True))
    ]
    assert actions(table, *reports) == [(9, 5), (10, 4), None]
    assert "Spring renamed" in known(table).names
    assert "Spring renamed" in known(table).shown


@pytest.mark.parametrize(
    ("new", "after"),
    [
        ({"optimize_by": OptimizeBy.WaitTime}, (OptimizeBy.WaitTime, 80)),
        ({"optimize_goal": 90}, (OptimizeBy.BusyFactor, 90)),
        ({"optimize_goal": None}, (OptimizeBy.BusyFactor, None)),
    ],
)
def test_another_optimization_or_goal_of_a_running_group_is_action_11(
    new: dict[str, object], after: tuple[object, object]
) -> None:
    table = GroupTable()
    first = report(1, state=RUNNING, dial_mode=PREDICT, optimize_by=OptimizeBy.BusyFactor, optimize_goal=80)
    again, other = report(2, state=RUNNING, optimize_goal=80), report(3, state=RUNNING, **new)
    assert actions(table, first, again, other, other) == [(9, 5), None, (11, 5), None]
    assert (known(table).optimize_by, known(table).optimize_goal) == after


def test_a_mode_that_is_reported_of_a_group_that_does_not_run_comes_with_its_next_start() -> None:
    table = GroupTable()
    assert actions(table, report(1, state=ACTIVE), report(2, state=ACTIVE, dial_mode=POWER)) == [(7, 4), None]
    assert actions(table, report(3, dial_mode=PROGRESS)) == [None], "nor one that says only the mode"
    facts = table.merge(KEY, report(4, state=RUNNING), stamp(4, 9), LENIENT)
    assert facts is not None
    assert (facts.action, facts.state, facts.dial_mode) == (9, 5, PROGRESS)


def test_a_mode_that_is_asked_for_is_notified_with_the_state_that_is_known() -> None:
    for state in (NOT_LOADED, ACTIVE):
        table = GroupTable()
        actions(table, report(1, state=state))
        assert actions(table, change(2, dial_mode=POWER)) == [(11, state)]
        assert known(table).state is state
    assert actions(GroupTable(), change(2, dial_mode=POWER)) == [(11, 5)]


def test_no_number_for_a_mode_and_no_mode_known_are_no_difference() -> None:
    table = GroupTable()
    reports = [report(n, state=RUNNING, dial_mode=mode) for n, mode in enumerate([UNSET, None, UNSET, None])]
    assert actions(table, *reports) == [(9, 5), None, None, None]


def test_what_a_report_without_news_says_besides_its_state_is_merged() -> None:
    table = GroupTable()
    values = Statistics(hit_ratio=0.5)
    lists = (CallingList(name="A", hit_ratio=0.25),)
    news = {"notification_interval": 3.0, "notifications_enabled": False, "statistics": values, "calling_lists": lists}
    assert actions(table, report(1, state=RUNNING), report(2, state=RUNNING, **news)) == [(9, 5), None]
    group = known(table)
    assert (group.interval, group.enabled, group.statistics) == (3.0, False, values)
    assert [entry.values for entry in group.calling_lists.values()] == list(lists)


def test_a_report_without_news_is_what_is_known_from_its_time_on() -> None:
    table = GroupTable()
    assert actions(table, report(10, state=RUNNING), report(30, state=RUNNING)) == [(9, 5), None]
    assert actions(table, report(20, state=ACTIVE)) == [None], "older than what is known"
    assert known(table).state is RUNNING


def test_changes_and_snapshots_are_known_to_reports() -> None:
    table = GroupTable()
    asked = change(1, action=Action.StartDialing, dial_mode=PREDICT)
    assert actions(table, asked, report(2, state=RUNNING, dial_mode=PREDICT)) == [(9, 5), None]
    assert actions(GroupTable(), snapshot(1, state=ACTIVE), report(2, state=ACTIVE)) == [(0, 4), None]
    stopped = change(3, action=Action.StopDialing)
    assert actions(table, stopped, stopped) == [(10, 4), (10, 4)], "changes that name their action are as they are"


def test_a_group_that_is_not_loaded_stays_so_whatever_unloading_is_reported() -> None:
    table = GroupTable()
    assert actions(table, *[report(n, state=GroupState(s)) for n, s in enumerate([0, 1, 2, 0])]) == [
        (8, 0),
        None,
        None,
        None,
    ]
    assert known(table).state is NOT_LOADED


def _maybe(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from([UNSET, None, *values])


_MODES, _WAYS, _GOALS = _maybe(PREDICT, PROGRESS), _maybe(OptimizeBy.BusyFactor, OptimizeBy.WaitTime), _maybe(80, 90)
_TIMES = st.integers(0, 6)
_SAYS = {"dial_mode": _MODES, "optimize_by": _WAYS, "optimize_goal": _GOALS}
_STATED = st.sampled_from([None, *GroupState])
_NAMES = {"campaign_name": st.sampled_from([None, "a", "b"])}
_VALUES = {"statistics": st.sampled_from([None, Statistics(hit_ratio=0.5), Statistics(hit_ratio=None)])}
sequences = st.lists(
    st.one_of(
        st.builds(report, _TIMES, state=_STATED, **_SAYS, **_NAMES, **_VALUES),
        st.builds(change, _TIMES, state=st.sampled_from(list(GroupState)), **_SAYS, **_NAMES),
        st.builds(change, _TIMES, action=st.sampled_from([a for a in Action if a]), state=_STATED, **_SAYS),
        st.builds(change, _TIMES, dial_mode=st.sampled_from([None, PREDICT, PROGRESS])),
        st.builds(snapshot, _TIMES, state=_STATED, **_SAYS),
        st.builds(statistics, _TIMES, **_NAMES, **_VALUES),
    ),
    min_size=1,
    max_size=12,
)


def outcome(table: GroupTable, event: Event, offset: int) -> bytes | str | None:
    try:
        facts: Facts | None = table.merge(KEY, event, stamp(event.time_ms, offset), LENIENT)
    except InvalidEvent as error:
        return str(error)
    return None if facts is None else render(facts, Style())


@settings(max_examples=examples(400))
@given(sequences, st.data())
def test_restarts_at_any_place_change_no_notification(events: list[Event], data: st.DataObject) -> None:
    """Also where the last record comes again, as it was merged but not posted, or all since an older checkpoint."""
    steady, table = GroupTable(), GroupTable(saved=True)
    expected = [outcome(steady, event, n) for n, event in enumerate(events)]
    checkpoints = [GroupTable()]
    for n, event in enumerate(events):
        assert outcome(table, event, n) == expected[n]
        checkpoints.append(restarted(table))
        first = n + 1 - data.draw(st.integers(0, n + 1), label="records that come again")
        table = restarted(checkpoints[data.draw(st.integers(first, min(first + 1, n + 1)), label="checkpoint")])
        for again in range(first, n + 1):
            assert outcome(table, events[again], again) == expected[again]
    assert [save(group) for group in table] == [save(group) for group in steady]


@given(st.lists(st.sampled_from(list(GroupState)), min_size=1, max_size=20), st.data())
def test_polls_in_between_add_nothing(states: list[GroupState], data: st.DataObject) -> None:
    """However often each state is polled, the notifications are those of polling it once; no two in a row are the same."""
    once = actions(GroupTable(), *[report(n, state=state) for n, state in enumerate(states)])
    often = [state for state in states for _ in range(data.draw(st.integers(1, 4)))]
    many = actions(GroupTable(), *[report(n, state=state) for n, state in enumerate(often)])
    assert [told for told in many if told] == [told for told in once if told]
    assert all(first != second for first, second in pairwise(told for told in many if told))
