"""The bridge's own campaign group event: what a profile makes of a record, and what new upstreams should write.

Written as JSON it is a flat object with the names below (`ocs-bridge schema event` prints its schema); the `generic`
profile reads exactly that. `UNSET` means that the event does not say; `None`, where allowed, that it says "none":
a statistic that can't be computed, a dial mode that the format has no number for. `None` in a name means not said.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bridge.core.limits import MAX_NAME_CHARACTERS, MAX_NUMBER
from bridge.core.outcome import Invalid
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy

# The limits are checked by the readers of profiles, and where a saved record is decoded (core/saved_format.py).
Name = Annotated[str, Meta(max_length=MAX_NAME_CHARACTERS)]
Number = Annotated[int, Meta(ge=0, le=MAX_NUMBER)] | Annotated[float, Meta(ge=0, le=MAX_NUMBER)]
#: A statistic: a number >= 0, None = not computable, UNSET = the event does not say.
Statistic = Number | None | UnsetType


class Statistics(msgspec.Struct, frozen=True, gc=False):
    """Statistics of a campaign group. Ratios are fractions (0.85 = 85 %), the time is in seconds."""

    busy_factor: Statistic = UNSET
    hit_ratio: Statistic = UNSET
    overdial_rate: Statistic = UNSET
    time_to_complete: Statistic = UNSET


class CallingList(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One calling list of the campaign group with its own statistics; `name` identifies it in its group."""

    name: Name
    dbid: Name | None = None
    hit_ratio: Statistic = UNSET
    time_to_complete: Statistic = UNSET


class Event(msgspec.Struct, frozen=True, gc=False):  # so many arguments are given by their names at four times the cost
    """A campaign group event.

    `time_ms`: when it occurred, milliseconds since the epoch (UTC); -1: neither the event nor its record says so.
    `event_id`: the platform's own, by which a repetition can be recognised. `ignored`: fields that could not be read, and why.
    """

    kind: Kind
    time_ms: int
    tenant_name: str | None = None
    tenant_ccid: str | None = None
    campaign_group_name: str | None = None
    campaign_group_guid: str | None = None
    campaign_group_dbid: str | None = None
    group_name: str | None = None
    campaign_name: str | None = None
    campaign_template_name: str | None = None
    queue_name: str | None = None
    dial_mode: DialMode | None | UnsetType = UNSET
    optimize_by: OptimizeBy | None | UnsetType = UNSET
    optimize_goal: int | None | UnsetType = UNSET
    state: GroupState | None = None
    action: Action | None = None
    actor: Actor | None = None
    statistics: Statistics | None = None
    calling_lists: tuple[CallingList, ...] | None = None
    notification_interval: float | None = None  # seconds between periodic notifications of this group; 0: none
    notifications_enabled: bool | None = None  # whether this group has notifications at all
    event_id: Name | None = None
    ignored: tuple[tuple[str, Invalid], ...] = ()


#: Fields that say how often a campaign group is notified, and whether at all (core/switches.py).
PERIODS = ("notification_interval", "notifications_enabled")
#: Fields that name a campaign group; what an event lacks of them is filled from what is known (core/groups.py).
NAMES = (
    "tenant_name",
    "tenant_ccid",
    "campaign_group_name",
    "campaign_group_guid",
    "campaign_group_dbid",
    "group_name",
    "campaign_name",
    "campaign_template_name",
    "queue_name",
)
