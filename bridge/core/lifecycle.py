"""Which state and action a campaign group event stands for, where it does not say both.

The life cycle (inferred from OCS's own events, spec section 4): load 7 -> Active, start 9 -> Running, stop 10 ->
Active, unload 8 -> NotLoaded, dial mode change 11 -> Running.
"""

import msgspec
from msgspec import UNSET

from bridge.core.event import Event
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.vocabulary import Action, DialMode, GroupState, Kind

STATE_AFTER: dict[Action, GroupState] = {
    Action.LoadCampaign: GroupState.Active,
    Action.StartDialing: GroupState.Running,
    Action.StopDialing: GroupState.Active,
    Action.UnloadCampaign: GroupState.NotLoaded,
    Action.SetDialingMode: GroupState.Running,
}
ACTION_BEFORE: dict[GroupState, Action] = {
    GroupState.NotLoaded: Action.UnloadCampaign,
    GroupState.WaitingUnload: Action.UnloadCampaign,
    GroupState.UnloadInProgress: Action.UnloadCampaign,
    GroupState.InActive: Action.StopDialing,
    GroupState.Active: Action.LoadCampaign,
    GroupState.Running: Action.StartDialing,
}


class Before(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A campaign group before an event; None = not known."""

    state: GroupState | None
    dial_mode: DialMode | None


def resolve(event: Event, before: Before) -> tuple[GroupState, Action]:
    """State after the event and the request that caused it. A snapshot has no request.

    Raises InvalidEvent for a snapshot of a group whose state nobody ever said.
    """
    if event.kind is Kind.SNAPSHOT:
        return _snapshot_state(event, before), Action.NoRequest
    if event.state is not None:
        return event.state, event.action or _action(event, event.state, before)
    if event.action:
        return STATE_AFTER[event.action], event.action
    return GroupState.Running, Action.SetDialingMode  # only a dial mode was said


def _snapshot_state(event: Event, before: Before) -> GroupState:
    state = event.state if event.state is not None else before.state
    if state is None:
        raise InvalidEvent(Invalid.MISSING_FIELD, "state", "a snapshot of a group whose state is not known")
    return state


def _action(event: Event, state: GroupState, before: Before) -> Action:
    running = before.state is GroupState.Running
    if state is GroupState.Running and running and event.dial_mode not in (UNSET, before.dial_mode):
        return Action.SetDialingMode
    if state is GroupState.Active and running:
        return Action.StopDialing
    return ACTION_BEFORE[state]
