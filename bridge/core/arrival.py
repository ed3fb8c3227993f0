"""An event with its place, on its way through its lane, and how the records of a topic become such."""

import msgspec

from bridge.core.event import Event
from bridge.core.group import Names, Policy, Stamp
from bridge.core.profile import Profile
from bridge.core.record import Record


class Arrival(msgspec.Struct, gc=False):
    """An event on its way through its lane. `fresh` is false where it was posted before a restart."""

    record: Record
    key: str
    event: Event
    stamp: Stamp
    policy: Policy
    row: Names | None
    fresh: bool = True


class Route(msgspec.Struct, frozen=True):
    """How the records of a topic are read."""

    profile: Profile
    policy: Policy
