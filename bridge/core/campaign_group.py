"""One campaign group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import Raw
from mypy_extensions import mypyc_attr

from bridge.core.event import NAMES, Statistics
from bridge.core.group import EMPTY, Before, KnownList, Names
from bridge.core.stamp import Stamp
from bridge.core.vocabulary import Action, DialMode, GroupState, OptimizeBy

NOBODY: Final[Names] = (None,) * len(NAMES)
NOTHING: Final = Before(None, None)


@mypyc_attr(acyclic=True)  # 100,000 are restored, a third slower if the garbage collector looked at them
@dataclass(init=False)
class CampaignGroup:
    """What is known of one campaign group. `state` is None until a change or snapshot said it."""

    __slots__ = (
        "action",
        "after",
        "calling_lists",
        "changed",
        "count",
        "dial_mode",
        "dormant",
        "elsewhere",
        "enabled",
        "extra",
        "interval",
        "key",
        "measured",
        "named",
        "names",
        "number",
        "optimize_by",
        "optimize_goal",
        "previous",
        "recent",
        "seen_ms",
        "shown",
        "state",
        "statistics",
        "topic",
        "unloaded",
        "version",
    )
    key: str
    number: int  # the partition number it lives in
    names: Names  # as events said them
    shown: Names  # the same as told: with the directory's and the policy's texts
    named: Stamp | None
    state: GroupState | None
    dial_mode: DialMode | None
    optimize_by: OptimizeBy | None
    optimize_goal: int | None
    changed: Stamp | None
    previous: Before  # before the change at `changed`: see rule 3 of core/groups.py
    statistics: Statistics | None
    measured: Stamp | None
    calling_lists: Mapping[str, KnownList]
    unloaded: Stamp | None  # the last time: what is older was said of an earlier loading
    interval: float | None  # seconds between periodic notifications, as an event said; None: none did
    enabled: bool | None  # whether it has notifications at all, as an event said
    seen_ms: int  # wall clock at the last event
    topic: str | None  # of the input, of which records are merged here …
    after: int  # … and the offset after the last of them (a dict takes 200 bytes, and there is rarely another topic)
    elsewhere: Mapping[str, int]  # the same of its other topics
    count: int  # partitions of the input when an event of it was last merged
    dormant: bool  # restored from before the input grew: says nothing until an event shows that it lives here
    version: int  # of the record it was restored from, if that is newer than ours, and …
    extra: Mapping[str, Raw]  # … its fields that are not known here
    recent: tuple[str, ...]  # ids of the last events that are done, where repetitions are dropped
    action: Action  # the last one that was notified

    def __init__(  # noqa: PLR0913, PLR0917 (by place: by their names, so many take four times as long)
        self,
        key: str,
        number: int,
        names: Names = NOBODY,
        shown: Names = NOBODY,
        named: Stamp | None = None,
        state: GroupState | None = None,
        dial_mode: DialMode | None = None,
        optimize_by: OptimizeBy | None = None,
        optimize_goal: int | None = None,
        changed: Stamp | None = None,
        previous: Before = NOTHING,
        statistics: Statistics | None = None,
        measured: Stamp | None = None,
        calling_lists: Mapping[str, KnownList] = EMPTY,
        unloaded: Stamp | None = None,
        interval: float | None = None,
        enabled: bool | None = None,  # noqa: FBT001
        seen_ms: int = 0,
        topic: str | None = None,
        after: int = 0,
        elsewhere: Mapping[str, int] = EMPTY,
        count: int = 0,
        dormant: bool = False,  # noqa: FBT001, FBT002
        version: int = 1,
        extra: Mapping[str, Raw] = EMPTY,
        recent: tuple[str, ...] = (),
        action: Action = Action.NoRequest,
    ) -> None:
        self.key = key
        self.number = number
        self.names = names
        self.shown = shown
        self.named = named
        self.state = state
        self.dial_mode = dial_mode
        self.optimize_by = optimize_by
        self.optimize_goal = optimize_goal
        self.changed = changed
        self.previous = previous
        self.statistics = statistics
        self.measured = measured
        self.calling_lists = calling_lists
        self.unloaded = unloaded
        self.interval = interval
        self.enabled = enabled
        self.seen_ms = seen_ms
        self.topic = topic
        self.after = after
        self.elsewhere = elsewhere
        self.count = count
        self.dormant = dormant
        self.version = version
        self.extra = extra
        self.recent = recent
        self.action = action

    @property
    def included(self) -> dict[str, int]:
        """By topic: the offset after the last record that is merged here."""
        return {} if self.topic is None else {self.topic: self.after, **self.elsewhere}

    def includes(self, topic: str, offset: int) -> bool:
        """Whether the record there is merged here already."""
        return offset < (self.after if topic == self.topic else self.elsewhere.get(topic, 0))

    def include(self, topic: str, offset: int) -> None:
        """The record there is merged here."""
        if self.includes(topic, offset):
            return
        if self.topic is None or topic == self.topic:
            self.topic, self.after = topic, offset + 1
        else:
            self.elsewhere = {**self.elsewhere, topic: offset + 1}
