"""The life of one made-up campaign group: what it does next, and how its statistics drift.

NotLoaded --load--> Active --start--> Running --mode--> Running --stop--> Active --unload--> NotLoaded

A campaign whose contacts are used up is stopped and unloaded by the platform itself; an unload may wait for calls.
"""

import random
from dataclasses import dataclass, field

from bridge.core.vocabulary import PREDICTIVE, Action, Actor, DialMode, GroupState, OptimizeBy
from bridge.demo.cast import Member

#: While running, only these may take each other's place; any other change needs a stop.
_SWITCH = {
    DialMode.Predict: DialMode.Progress,
    DialMode.Progress: DialMode.Predict,
    DialMode.PredictAndSeize: DialMode.ProgressAndSeize,
    DialMode.ProgressAndSeize: DialMode.PredictAndSeize,
}
#: A method with the goals that make sense for it: percent, or seconds for the two times.
_GOALS = {
    OptimizeBy.BusyFactor: (75, 80, 85),
    OptimizeBy.OverdialRate: (2, 3, 5),
    OptimizeBy.WaitTime: (10, 15, 30),
}


@dataclass(slots=True)
class Walk:
    """A value on a random walk between two bounds."""

    value: float
    low: float
    high: float

    @classmethod
    def between(cls, low: float, high: float, rng: random.Random) -> "Walk":
        """A walk that begins anywhere between the bounds."""
        return cls(rng.uniform(low, high), low, high)

    def step(self, rng: random.Random) -> float:
        """Move by up to 3 % of the range and stay inside."""
        reach = 0.03 * (self.high - self.low)
        self.value = min(self.high, max(self.low, self.value + rng.uniform(-reach, reach)))
        return self.value


@dataclass(slots=True)
class Life:
    """`contacts` are what is left to dial, `seen_ms` when they were last counted down."""

    member: Member
    rng: random.Random
    state: GroupState = GroupState.NotLoaded
    action: Action = Action.NoRequest
    actor: Actor = Actor.Unknown
    mode: DialMode = DialMode.Predict
    optimize_by: OptimizeBy = OptimizeBy.BusyFactor
    optimize_goal: int = 80
    contacts: float = 0.0
    seen_ms: int = 0
    busy: Walk = field(init=False)
    hit: Walk = field(init=False)
    overdial: Walk = field(init=False)
    pace: Walk = field(init=False)

    def __post_init__(self) -> None:
        self.busy = Walk.between(0.6, 0.95, self.rng)
        self.hit = Walk.between(0.1, 0.5, self.rng)
        self.overdial = Walk.between(0.0, 0.05, self.rng)
        self.pace = Walk.between(2.0, 6.0, self.rng)  # contacts a second: some fifty agents

    def change(self, now_ms: int) -> None:
        """Take the next turn of the life cycle."""
        self._dial(now_ms)
        match self.state:
            case GroupState.NotLoaded:
                self._load()
            case GroupState.WaitingUnload:
                self._become(GroupState.NotLoaded, Action.UnloadCampaign)
            case GroupState.Active if self.contacts <= 0 or (
                self.action is Action.StopDialing and self.rng.random() < 0.3
            ):
                self._unload()
            case GroupState.Active:
                self._start(now_ms)
            case _ if self.contacts > 0 and self.rng.random() < 0.6:
                self._switch_mode()
            case _:
                self._become(GroupState.Active, Action.StopDialing)

    def drift(self, now_ms: int) -> None:
        """Let the time since the last turn pass, and the statistics move."""
        self._dial(now_ms)
        for walk in (self.busy, self.hit, self.overdial, self.pace):
            walk.step(self.rng)

    @property
    def used_up(self) -> bool:
        """Whether the campaign has nobody left to dial and should end."""
        return self.state is GroupState.Running and self.contacts <= 0

    @property
    def seconds_left(self) -> int:
        """Time to complete: the contacts left at the present pace."""
        return round(self.contacts / self.pace.value)

    def _dial(self, now_ms: int) -> None:
        if self.state is GroupState.Running:
            self.contacts = max(0.0, self.contacts - self.pace.value * max(0, now_ms - self.seen_ms) / 1000)
        self.seen_ms = now_ms

    def _become(self, state: GroupState, action: Action) -> None:
        # A platform that ends a campaign whose contacts are used up does it by itself; now and then a schedule does.
        by_itself = self.contacts <= 0 or self.rng.random() < 0.2
        self.actor = Actor.Unknown if by_itself else Actor.OcsClient
        self.state, self.action = state, action

    def _load(self) -> None:
        self.contacts = float(self.rng.randrange(600, 20_000))
        self._become(GroupState.Active, Action.LoadCampaign)

    def _start(self, now_ms: int) -> None:
        self.mode = self.rng.choice([*_SWITCH, DialMode.Predict, DialMode.Progress])
        self._aim()
        self.seen_ms = now_ms
        self._become(GroupState.Running, Action.StartDialing)

    def _switch_mode(self) -> None:
        self.mode = _SWITCH[self.mode]
        self._aim()
        self._become(GroupState.Running, Action.SetDialingMode)

    def _unload(self) -> None:
        # Calls may still be out: then the group waits for their end first.
        waits = self.rng.random() < 0.5
        self._become(GroupState.WaitingUnload if waits else GroupState.NotLoaded, Action.UnloadCampaign)

    def _aim(self) -> None:
        if self.mode in PREDICTIVE:
            self.optimize_by = self.rng.choice(list(_GOALS))
            self.optimize_goal = self.rng.choice(_GOALS[self.optimize_by])
