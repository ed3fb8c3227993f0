"""The bridge's own campaign group event: what a profile makes of a record, and what new upstreams should write.

Written as JSON it is a flat object with the names below (`ocs-bridge schema event` prints its schema); the `generic`
profile reads exactly that. `UNSET` means that the event does not say; `None`, where allowed, that it says "none":
a statistic that can't be computed, a dial mode that the format has no number for. `None` in a name means not said.
"""

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy

#: A statistic: a number >= 0, None = not computable, UNSET = the event does not say.
Statistic = int | float | None | UnsetType


class Statistics(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Statistics of a campaign group. Ratios are fractions (0.85 = 85 %), the time is in seconds."""

    busy_factor: Statistic = UNSET
    hit_ratio: Statistic = UNSET
    overdial_rate: Statistic = UNSET
    time_to_complete: Statistic = UNSET


class CallingList(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One calling list of the campaign group with its own statistics; `name` identifies it in its group."""

    name: str
    dbid: str | None = None
    hit_ratio: Statistic = UNSET
    time_to_complete: Statistic = UNSET


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A campaign group event. `time_ms`: when it occurred, milliseconds since the epoch (UTC)."""

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
