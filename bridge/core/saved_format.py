"""The format of the records of the state topic, version 1 (docs/state.md): types that read and write it.

Fields may be added; one that is here never changes its meaning or type, as versions next to each other share the topic.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from bridge.core.event import CallingList, Name, Statistics
from bridge.core.group import Before
from bridge.core.limits import MAX_INTERVAL, MAX_NUMBER
from bridge.core.vocabulary import Action, DialMode, GroupState, OptimizeBy

Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class At(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A Stamp: milliseconds since the epoch, topic, partition, offset."""

    ms: Whole
    topic: Name
    partition: Whole
    offset: Whole


class Said(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Names of the group, in the order of event.NAMES. Missing: not known."""

    tenant_name: Name | None = None
    tenant_ccid: Name | None = None
    campaign_group_name: Name | None = None
    campaign_group_guid: Name | None = None
    campaign_group_dbid: Name | None = None
    group_name: Name | None = None
    campaign_name: Name | None = None
    campaign_template_name: Name | None = None
    queue_name: Name | None = None


NOBODY = Said()


class Group(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The record, whose key is the group's. What is missing is not known. `before`: state, mode and optimization before the change."""

    v: Annotated[int, Meta(ge=1, le=10_000)]
    names: Said = NOBODY
    shown: dict[str, str | None] = {}  # as told, where that differs from `names`; a profile's text may be long
    state: GroupState | None = None
    state_name: str | None = None  # for people
    dial_mode: DialMode | None = None
    optimize_by: OptimizeBy | None = None
    optimize_goal: Annotated[int, Meta(ge=0, le=MAX_NUMBER)] | None = None
    before: Before | None = None
    statistics: Statistics | None = None
    calling_lists: list[CallingList] = []
    lists_at: list[At | None] = []  # of each of the lists; null, or none at all: `measured_at`
    named_at: At | None = None
    changed_at: At | None = None
    measured_at: At | None = None
    unloaded_at: At | None = None
    interval: Annotated[float, Meta(ge=0, le=MAX_INTERVAL)] | None = None
    enabled: bool | None = None
    seen_ms: Whole = 0
    included: dict[Name, Whole] = {}
    partitions: Whole = 0
    recent: tuple[str, ...] = ()
    action: Action = Action.NoRequest  # the last one that was notified
