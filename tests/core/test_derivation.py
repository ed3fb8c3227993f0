"""What is known x what is said -> state, action, or nothing to notify: all of it, against the format's section 4."""

from collections.abc import Iterator
from itertools import product

import pytest
from campaigns import change, event, snapshot
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from bridge.core.campaigns.derivation import derive
from bridge.core.group import Before
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.vocabulary import Action, DialMode, GroupState, Kind, OptimizeBy

UNKNOWN = Before(None, None)
RUNNING = Before(GroupState.Running, DialMode.Predict)
ACTIVE = Before(GroupState.Active, DialMode.Predict)
STATES = st.sampled_from([None, *GroupState])
MODES = st.sampled_from([None, *DialMode])
REQUESTS = [action for action in Action if action]

KNOWN_MODES = (None, DialMode.Predict, DialMode.Progress)
KNOWN_WAYS = (None, OptimizeBy.BusyFactor)
KNOWN_GOALS = (None, 80)


def expected(  # noqa: PLR0911 (one for each row)
    before: Before, state: int, mode: object, way: object, goal: object
) -> tuple[int, int | None]:
    """The rows of the table of the specification, in its own order and words."""
    known = before.state
    if state == 4 and known in {None, 0}:
        return 4, 7
    if state == 5 and known in {None, 0, 3, 4}:
        return 5, 9
    if known == 5 and state in {4, 3}:
        return state, 10
    if known == 5 and state == 5:
        said = [(mode, before.dial_mode), (way, before.optimize_by), (goal, before.optimize_goal)]
        return 5, 11 if any(new is not UNSET and new != old for new, old in said) else None
    if state in {1, 2, 0} and known in {1, 2, 0}:
        road = [1, 2, 0]
        return (state, 8) if road.index(state) > road.index(known) else (known, None)
    if state in {1, 2, 0}:
        return state, 8
    if state == known:
        return state, None
    # Not in the table: an unload that is taken back is a load or a start again, and what is found inactive was stopped.
    return state, {3: 10, 4: 7, 5: 9}[state]


def befores() -> Iterator[Before]:
    yield UNKNOWN
    for state, mode, way, goal in product(GroupState, KNOWN_MODES, KNOWN_WAYS, KNOWN_GOALS):
        yield Before(state, mode, way, goal)


@pytest.mark.parametrize("kind", [Kind.REPORT, Kind.CHANGE])
def test_a_reported_state_is_notified_as_the_table_says_whatever_was_known(kind: Kind) -> None:
    """A change that says a state and names no action is a report."""
    said = list(product(GroupState, (UNSET, *KNOWN_MODES), (UNSET, *KNOWN_WAYS), (UNSET, *KNOWN_GOALS, 90)))
    compared = 0
    for before, (state, mode, way, goal) in product(befores(), said):
        report = event(kind, state=state, dial_mode=mode, optimize_by=way, optimize_goal=goal)
        assert derive(report, before) == expected(before, state, mode, way, goal), (before, report)
        compared += 1
    assert compared == 73 * 6 * 4 * 3 * 4


def test_a_report_without_a_state_is_one_of_the_state_that_is_known() -> None:
    for before, mode in product(befores(), (UNSET, *KNOWN_MODES)):
        if before.state is not None:
            report = event(Kind.REPORT, dial_mode=mode)
            assert derive(report, before) == expected(before, before.state, mode, UNSET, UNSET)
            assert before.state == 5 or derive(report, before)[1] is None


def test_a_report_without_a_state_where_none_is_known_tells_a_dial_mode_or_nothing() -> None:
    assert derive(event(Kind.REPORT, dial_mode=DialMode.Power), UNKNOWN) == (5, 11)
    assert derive(event(Kind.REPORT), UNKNOWN) == (None, None)
    assert derive(event(Kind.REPORT, dial_mode=None), UNKNOWN) == (None, None)
    assert derive(event(Kind.REPORT, dial_mode=DialMode.Power), UNKNOWN, late=True) == (None, None)


@pytest.mark.parametrize("action", [None, *Action])
def test_an_action_that_stands_in_a_report_counts_only_where_nothing_is_known(action: Action | None) -> None:
    for state in GroupState:
        if action:
            leads_there = {7: 4, 8: 0, 9: 5, 10: 4}.get(action, state) == state
            told = (state, action) if leads_there else derive(event(Kind.REPORT, state=state), UNKNOWN)
            assert derive(event(Kind.REPORT, state=state, action=action), UNKNOWN) == told
    for before, state in product(befores(), [None, *GroupState]):
        if before.state is not None:
            plain = derive(event(Kind.REPORT, state=state), before)
            assert derive(event(Kind.REPORT, state=state, action=action), before) == plain


@pytest.mark.parametrize("before", [UNKNOWN, RUNNING, ACTIVE], ids=["unknown", "running", "active"])
@pytest.mark.parametrize("state", list(GroupState))
def test_a_report_that_is_older_than_what_is_known_is_never_notified(before: Before, state: GroupState) -> None:
    for kind in (Kind.REPORT, Kind.CHANGE):
        assert derive(event(kind, state=state, dial_mode=DialMode.Power), before, late=True)[1] is None


def test_a_snapshot_of_a_group_without_any_state_is_refused() -> None:
    with pytest.raises(InvalidEvent) as refused:
        derive(snapshot(dial_mode=DialMode.Power), UNKNOWN)
    assert refused.value.reason is Invalid.MISSING_FIELD
    assert refused.value.field == "state"
    assert "whose state is not known" in refused.value.detail


@pytest.mark.parametrize(
    ("action", "number", "state"),
    [
        (Action.LoadCampaign, 7, GroupState.Active),
        (Action.StartDialing, 9, GroupState.Running),
        (Action.StopDialing, 10, GroupState.Active),
        (Action.UnloadCampaign, 8, GroupState.NotLoaded),
    ],
)
@pytest.mark.parametrize("before", [UNKNOWN, RUNNING, ACTIVE], ids=["unknown", "running", "active"])
@pytest.mark.parametrize("late", [False, True])
def test_an_action_alone_implies_the_state_after_it(
    action: Action, number: int, state: GroupState, before: Before, *, late: bool
) -> None:
    assert derive(change(action=action), before, late=late) == (state, action)
    assert action == number


@given(STATES, MODES, st.sampled_from(list(GroupState)), st.sampled_from(REQUESTS), st.booleans())
def test_a_change_that_names_its_action_is_notified_as_it_is(
    before: GroupState | None, mode: DialMode | None, state: GroupState, action: Action, late: bool
) -> None:
    assert derive(change(state=state, action=action), Before(before, mode), late=late) == (state, action)


@pytest.mark.parametrize("action", [None, Action.NoRequest, Action.SetDialingMode])
@pytest.mark.parametrize("mode", [None, DialMode.Predict, DialMode.Power])
@pytest.mark.parametrize("state", [None, *GroupState])
def test_a_mode_that_is_asked_for_keeps_the_state_and_implies_running_only_where_none_is_known(
    state: GroupState | None, mode: DialMode | None, action: Action | None
) -> None:
    asked = change(dial_mode=mode, action=action)
    after = GroupState.Running if state is None else state
    assert derive(asked, Before(state, DialMode.Predict)) == (after, Action.SetDialingMode)
    assert derive(asked, Before(state, DialMode.Predict), late=True) == (GroupState.Running, Action.SetDialingMode)


@pytest.mark.parametrize("state", list(GroupState))
@pytest.mark.parametrize("late", [False, True])
def test_a_snapshot_has_no_request(state: GroupState, *, late: bool) -> None:
    assert derive(snapshot(state=state, action=Action.StartDialing), RUNNING, late=late) == (state, Action.NoRequest)
    assert derive(snapshot(), Before(state, None), late=late) == (state, Action.NoRequest)


@pytest.mark.parametrize(
    ("states", "actions"),
    [
        ([4, 5, 4, 1, 0], [7, 9, 10, 8, 8]),
        ([5] * 6, [9, *[None] * 5]),
        ([4, 4, 5, 5, 4, 4, 4], [7, None, 9, None, 10, None, None]),  # loaded, starting, on, on, stopping, off, renamed
        ([5, 1, 2, 1, 2, 0, 2, 0], [9, 8, 8, None, None, 8, None, None]),
        ([5, 0, 0, 5], [9, 8, None, 9]),
        ([5, 3, 3, 5], [9, 10, None, 9]),
    ],
)
def test_the_life_of_a_group_told_by_states_alone(states: list[int], actions: list[int | None]) -> None:
    before, found = UNKNOWN, []
    for state in states:
        after, action = derive(event(Kind.REPORT, state=GroupState(state)), before)
        found.append(action)
        before = Before(after, None)
    assert found == actions
