"""What one notification says, before its format."""

from dataclasses import dataclass

from mypy_extensions import mypyc_attr

from bridge.core.event import CallingList, Statistics
from bridge.core.group import Names
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, OptimizeBy


@mypyc_attr(acyclic=True)
@dataclass(init=False)
class Facts:
    """Of one campaign group, of one moment (milliseconds since the epoch). Never changed."""

    __slots__ = (
        "action",
        "actor",
        "calling_lists",
        "dial_mode",
        "names",
        "optimize_by",
        "optimize_goal",
        "periodic",
        "state",
        "statistics",
        "time_ms",
    )
    periodic: bool
    time_ms: int
    names: Names
    state: GroupState
    action: Action
    actor: Actor
    dial_mode: DialMode | None
    optimize_by: OptimizeBy | None
    optimize_goal: int | None
    statistics: Statistics | None
    calling_lists: tuple[CallingList, ...]

    def __init__(  # noqa: PLR0913, PLR0917 (as below)
        self,
        periodic: bool,  # noqa: FBT001 (by place: by their names, so many take four times as long)
        time_ms: int,
        names: Names,
        state: GroupState,
        action: Action,
        actor: Actor,
        dial_mode: DialMode | None,
        optimize_by: OptimizeBy | None,
        optimize_goal: int | None,
        statistics: Statistics | None,
        calling_lists: tuple[CallingList, ...],
    ) -> None:
        self.periodic = periodic
        self.time_ms = time_ms
        self.names = names
        self.state = state
        self.action = action
        self.actor = actor
        self.dial_mode = dial_mode
        self.optimize_by = optimize_by
        self.optimize_goal = optimize_goal
        self.statistics = statistics
        self.calling_lists = calling_lists
