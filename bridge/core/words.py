"""Words for the numbers of the vocabulary. Case, spaces, `_`, `-` and `.` in a word do not matter.

Besides these, every name of the vocabulary (`Running`) and every number of it, also in a string, is read.
"""

import re
from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import TypeVar

from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy

Number = TypeVar("Number", bound=IntEnum)


class Switch(Enum):
    """What `notifications_enabled` says."""

    true = True
    false = False


#: Common words of dialling platforms. None = a thing that the format has no number for.
DIAL_MODES: dict[str, DialMode | None] = {
    "predictive": DialMode.Predict,
    "progressive": DialMode.Progress,
    "engaged_predictive": DialMode.PredictAndSeize,
    "engaged_progressive": DialMode.ProgressAndSeize,
    "engaged_power": DialMode.PowerAndSeize,
    "agentless": DialMode.PowerGVP,
    "progressive_ivr": DialMode.ProgressGVP,
    "predictive_ivr": DialMode.PredictGVP,
    "progressive_gvp": DialMode.ProgressGVP,
    "predictive_gvp": DialMode.PredictGVP,
    "preview_standard": DialMode.Preview,
    "preview_direct": DialMode.PushPreview,
    "none": DialMode.NoDialMode,
    "manual": None,
    "external": None,
    "unknown": None,
}
OPTIMIZE_BY: dict[str, OptimizeBy | None] = {
    "none": OptimizeBy.NoOptimizationMethod,
    "abandon_rate": OptimizeBy.OverdialRate,
    "unknown": None,
}
STATES: dict[str, GroupState | None] = {
    "on": GroupState.Running,
    "started": GroupState.Running,
    "resumed": GroupState.Running,
    "dialing": GroupState.Running,
    "off": GroupState.Active,
    "paused": GroupState.Active,
    "stopped": GroupState.Active,
    "not_running": GroupState.Active,
    "stopping": GroupState.Active,
    "initialized": GroupState.Active,
    "starting": GroupState.Active,
    "loaded": GroupState.Active,
    "new": GroupState.Active,
    "ready": GroupState.Active,
    "scheduled": GroupState.Active,
    "complete": GroupState.NotLoaded,
    "completed": GroupState.NotLoaded,
    "purged": GroupState.NotLoaded,
    "unloaded": GroupState.NotLoaded,
    "unloading": GroupState.UnloadInProgress,
    "invalid": GroupState.InActive,
    "failed": GroupState.InActive,
}
ACTIONS: dict[str, Action | None] = {
    "none": Action.NoRequest,
    "load": Action.LoadCampaign,
    "loaded": Action.LoadCampaign,
    "unload": Action.UnloadCampaign,
    "unloaded": Action.UnloadCampaign,
    "start": Action.StartDialing,
    "started": Action.StartDialing,
    "resume": Action.StartDialing,
    "resumed": Action.StartDialing,
    "stop": Action.StopDialing,
    "stopped": Action.StopDialing,
    "pause": Action.StopDialing,
    "paused": Action.StopDialing,
    "set_dial_mode": Action.SetDialingMode,
    "dial_mode_changed": Action.SetDialingMode,
}
ACTIONS |= {f"CM_Req{action.name}": action for action in Action if action}
SWITCHES: dict[str | int, Switch | None] = {
    "true": Switch.true,
    "yes": Switch.true,
    "false": Switch.false,
    "no": Switch.false,
}
ACTORS: dict[str, Actor | None] = {
    "automatic": Actor.Unknown,
    "schedule": Actor.Unknown,
    "client": Actor.OcsClient,
}

_INSIGNIFICANT = re.compile(r"[\s_.-]+")


def normal(word: str) -> str:
    """The form in which words are compared."""
    return _INSIGNIFICANT.sub("", word).lower()


def number_table(vocabulary: type[Number], common: Mapping[str, Number | None]) -> dict[str | int, Number | None]:
    """Every word and number for the members of `vocabulary`, each as written and in normal form."""
    table: dict[str | int, Number | None] = {}
    for word, meaning in common.items():
        table[word] = table[normal(word)] = meaning
    for member in vocabulary:
        for spelling in (member.name, normal(member.name), str(member.value), member.value):
            table[spelling] = member
    return table


def kind_table() -> dict[str | int, Kind | None]:
    """The words of `kind`."""
    return {kind.value: kind for kind in Kind}
