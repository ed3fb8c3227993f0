"""What an event means for its campaign group: the state from now on, and the action to notify, if there is one.

OCS knows five changes: load 7 -> Active, start 9 -> Running, stop 10 -> Active, unload 8 -> NotLoaded, and a new dial
mode, 11. An event of kind `change` that names one of them, or only a dial mode, asks for it and is notified as it is. Any
other event that says a state is a report of how the group is now, whatever its kind: it is notified where it differs
from what is known, with the action that leads from there to here (spec, section 4).
"""

from typing import Final

import msgspec

from bridge.core.event import Event
from bridge.core.group import Before
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.vocabulary import Action, GroupState, Kind

# Looked up once: Python 3.11 takes a third of a microsecond for a member of an enumeration (0008).
UNSET: Final = msgspec.UNSET
_CHANGE: Final = Kind.CHANGE
_REPORT: Final = Kind.REPORT
_SNAPSHOT: Final = Kind.SNAPSHOT
_RUNNING: Final = GroupState.Running
_NO_REQUEST: Final = Action.NoRequest
_LOAD: Final = Action.LoadCampaign
_UNLOAD: Final = Action.UnloadCampaign
_START: Final = Action.StartDialing
_STOP: Final = Action.StopDialing
_SET_DIALING_MODE: Final = Action.SetDialingMode

_STATE_AFTER: Final[dict[Action, GroupState]] = {
    Action.LoadCampaign: GroupState.Active,
    Action.StartDialing: GroupState.Running,
    Action.StopDialing: GroupState.Active,
    Action.UnloadCampaign: GroupState.NotLoaded,
}

# What leads from the state that is known to the one reported. None: nothing to notify, and the state stays as it is
# known, as unloading only goes on towards NotLoaded.
_BETWEEN: Final[dict[GroupState | None, tuple[Action | None, ...]]] = {
    # to:                       NotLoaded WaitingUnload UnloadInProgress InActive Active Running
    None: (_UNLOAD, _UNLOAD, _UNLOAD, _STOP, _LOAD, _START),
    GroupState.NotLoaded: (None, None, None, _STOP, _LOAD, _START),
    GroupState.WaitingUnload: (_UNLOAD, None, _UNLOAD, _STOP, _LOAD, _START),
    GroupState.UnloadInProgress: (_UNLOAD, None, None, _STOP, _LOAD, _START),
    GroupState.InActive: (_UNLOAD, _UNLOAD, _UNLOAD, None, _LOAD, _START),
    GroupState.Active: (_UNLOAD, _UNLOAD, _UNLOAD, _STOP, None, _START),
    GroupState.Running: (_UNLOAD, _UNLOAD, _UNLOAD, _STOP, _STOP, None),
}


def is_report(event: Event) -> bool:
    """Whether an event says how its group is now, and asks for nothing."""
    kind = event.kind
    return kind is _REPORT or (kind is _CHANGE and event.state is not None and not event.action)


def derive(event: Event, before: Before, *, late: bool = False) -> tuple[GroupState | None, Action | None]:
    """The group's state after a change, report or snapshot, and the action to notify; None: there is nothing to notify.

    The state is None where a report says none, and none is known.

    `late`: the event is older than what is known, so `before` says nothing of the request behind it. Raises InvalidEvent
    for a snapshot without a state of a group whose state nobody ever said.
    """
    if is_report(event):
        state = event.state if event.state is not None else before.state
        return (state, None) if late else _reported(event, state, before)
    if event.kind is _SNAPSHOT:
        return _stated(event, before), _NO_REQUEST
    action = event.action or _SET_DIALING_MODE  # only a dial mode was said
    if event.state is not None:
        return event.state, action
    if action is not _SET_DIALING_MODE:
        return _STATE_AFTER[action], action
    return (_RUNNING if late or before.state is None else before.state), action


def _stated(event: Event, before: Before) -> GroupState:
    state = event.state if event.state is not None else before.state
    if state is None:
        raise InvalidEvent(Invalid.MISSING_FIELD, "state", f"a {event.kind.value} of a group whose state is not known")
    return state


def _reported(event: Event, state: GroupState | None, before: Before) -> tuple[GroupState | None, Action | None]:
    """Where nothing is known, an action that the report names counts, if it leads to the state that the report says."""
    known = before.state
    if state is None:  # a platform that has modes, and no states
        return (_RUNNING, _SET_DIALING_MODE) if event.dial_mode not in (UNSET, None) else (None, None)
    if state is _RUNNING and known is _RUNNING:
        return state, _SET_DIALING_MODE if _dials_otherwise(event, before) else None
    if known is None and event.action and _STATE_AFTER.get(event.action, state) is state:
        return state, event.action
    action = _BETWEEN[known][state]
    return (state, action) if action is not None or known is None else (known, None)


def _dials_otherwise(event: Event, before: Before) -> bool:
    """What a report does not say is no difference; null is one, as it takes back what was known."""
    return (
        event.dial_mode not in (UNSET, before.dial_mode)
        or event.optimize_by not in (UNSET, before.optimize_by)
        or event.optimize_goal not in (UNSET, before.optimize_goal)
    )
