"""What is known of campaign groups (core/campaign_group.py) is made of these, and of what fills the names nobody knows."""

import sys
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bridge.core.event import NAMES, CallingList
from bridge.core.limits import MAX_NUMBER
from bridge.core.stamp import Stamp
from bridge.core.vocabulary import DialMode, GroupState, OptimizeBy

Names = tuple[str | None, ...]  # in the order of NAMES
names_of: Callable[[object], Names] = attrgetter(*NAMES)
#: One for all: a default of `{}` would be one more dict for each group.
EMPTY: Mapping[str, Any] = {}


def shared(names: Names) -> Names:
    """The same, with the texts of the tenant held once for all campaign groups."""
    tenant, ccid, *others = names
    return (
        None if tenant is None else sys.intern(tenant),
        None if ccid is None else sys.intern(ccid),
        *others,
    )


class Before(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A campaign group before an event; None = not known. Saved: a field may be added at the end, with a default."""

    state: GroupState | None
    dial_mode: DialMode | None
    optimize_by: OptimizeBy | None = None
    optimize_goal: Annotated[int, Meta(ge=0, le=MAX_NUMBER)] | None = None


class KnownList(msgspec.Struct, gc=False):
    """A calling list of a group and when it was last heard of."""

    values: CallingList
    stamp: Stamp


class Policy(msgspec.Struct, frozen=True):
    """How names that neither an event, nor the table, nor the directory knows are filled.

    `missing`: texts by field (a profile's own). `on_missing`: the text for the rest; None: the event is refused. `dbid`: the
    text for a DBID; None: one is derived. `name_by_id`: whether a group without a name is told by its GUID or DBID.
    """

    missing: Mapping[str, str]
    on_missing: str | None = "Unknown"
    dbid: str | None = None
    name_by_id: bool = True
