"""State and action of an event that does not say both: the table of the format's section 4."""

import pytest
from campaigns import change, snapshot
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.group import Before
from bridge.core.lifecycle import resolve
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.vocabulary import Action, DialMode, GroupState

UNKNOWN = Before(None, None)
RUNNING = Before(GroupState.Running, DialMode.Predict)
ACTIVE = Before(GroupState.Active, DialMode.Predict)
STATES = st.sampled_from([None, *GroupState])
MODES = st.sampled_from([None, *DialMode])


@pytest.mark.parametrize(
    ("action", "number", "state"),
    [
        (Action.LoadCampaign, 7, GroupState.Active),
        (Action.StartDialing, 9, GroupState.Running),
        (Action.StopDialing, 10, GroupState.Active),
        (Action.UnloadCampaign, 8, GroupState.NotLoaded),
        (Action.SetDialingMode, 11, GroupState.Running),
    ],
)
@pytest.mark.parametrize("before", [UNKNOWN, RUNNING, ACTIVE], ids=["unknown", "running", "active"])
def test_an_action_alone_implies_the_state_after_it(
    action: Action, number: int, state: GroupState, before: Before
) -> None:
    assert resolve(change(action=action), before) == (state, action)
    assert action == number


@pytest.mark.parametrize(
    ("before", "state", "action"),
    [
        (UNKNOWN, GroupState.Running, Action.StartDialing),
        (ACTIVE, GroupState.Running, Action.StartDialing),
        (RUNNING, GroupState.Running, Action.StartDialing),
        (UNKNOWN, GroupState.Active, Action.LoadCampaign),
        (ACTIVE, GroupState.Active, Action.LoadCampaign),
        (Before(GroupState.NotLoaded, None), GroupState.Active, Action.LoadCampaign),
        (RUNNING, GroupState.Active, Action.StopDialing),
        (RUNNING, GroupState.InActive, Action.StopDialing),
        (RUNNING, GroupState.WaitingUnload, Action.UnloadCampaign),
        (ACTIVE, GroupState.UnloadInProgress, Action.UnloadCampaign),
        (ACTIVE, GroupState.NotLoaded, Action.UnloadCampaign),
        (UNKNOWN, GroupState.NotLoaded, Action.UnloadCampaign),
    ],
)
def test_a_state_alone_implies_the_action_before_it(before: Before, state: GroupState, action: Action) -> None:
    assert resolve(change(state=state), before) == (state, action)
    assert resolve(change(state=state, action=Action.NoRequest), before) == (state, action), "0 is not said"


@pytest.mark.parametrize(
    ("before", "mode", "action"),
    [
        (RUNNING, DialMode.Progress, Action.SetDialingMode),
        (RUNNING, None, Action.SetDialingMode),
        (RUNNING, DialMode.Predict, Action.StartDialing),
        (Before(GroupState.Running, None), DialMode.Predict, Action.SetDialingMode),
        (ACTIVE, DialMode.Progress, Action.StartDialing),
        (UNKNOWN, DialMode.Progress, Action.StartDialing),
    ],
)
def test_another_mode_while_running_is_a_change_of_mode(before: Before, mode: DialMode | None, action: Action) -> None:
    assert resolve(change(state=GroupState.Running, dial_mode=mode), before) == (GroupState.Running, action)


def test_a_mode_in_any_other_state_is_no_change_of_mode() -> None:
    event = change(state=GroupState.Active, dial_mode=DialMode.Power)
    assert resolve(event, RUNNING) == (GroupState.Active, Action.StopDialing)


@pytest.mark.parametrize("before", [UNKNOWN, RUNNING, ACTIVE], ids=["unknown", "running", "active"])
def test_a_mode_alone_is_a_change_of_mode_of_a_running_group(before: Before) -> None:
    assert resolve(change(dial_mode=DialMode.Power), before) == (GroupState.Running, Action.SetDialingMode)


@given(STATES, MODES, st.sampled_from(list(GroupState)), st.sampled_from([a for a in Action if a]))
def test_what_is_said_is_never_replaced(
    before: GroupState | None, mode: DialMode | None, state: GroupState, action: Action
) -> None:
    assert resolve(change(state=state, action=action), Before(before, mode)) == (state, action)


@given(STATES, MODES, STATES, MODES)
def test_every_change_has_one_of_the_five_requests(
    before: GroupState | None, mode: DialMode | None, state: GroupState | None, new_mode: DialMode | None
) -> None:
    assert resolve(change(state=state, dial_mode=new_mode), Before(before, mode))[1] in {7, 8, 9, 10, 11}


@pytest.mark.parametrize("state", list(GroupState))
def test_a_snapshot_has_no_request(state: GroupState) -> None:
    assert resolve(snapshot(state=state, action=Action.StartDialing), RUNNING) == (state, Action.NoRequest)
    assert resolve(snapshot(), Before(state, None)) == (state, Action.NoRequest)


def test_a_snapshot_of_a_group_without_any_state_is_refused() -> None:
    with pytest.raises(InvalidEvent) as refused:
        resolve(snapshot(dial_mode=DialMode.Power), UNKNOWN)
    assert refused.value.reason is Invalid.MISSING_FIELD
    assert refused.value.field == "state"


def test_the_life_of_a_group_told_by_states_alone_has_the_formats_actions() -> None:
    life = [GroupState.Active, GroupState.Running, GroupState.Active, GroupState.WaitingUnload, GroupState.NotLoaded]
    befores = [UNKNOWN, *(Before(state, None) for state in life)]
    actions = [resolve(change(state=state), before)[1] for state, before in zip(life, befores, strict=False)]
    assert actions == [7, 9, 10, 8, 8]
