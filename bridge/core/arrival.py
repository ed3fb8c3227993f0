"""An event with its place, on its way through its lane."""

from mypy_extensions import mypyc_attr

from bridge.core.event import Event
from bridge.core.group import Names, Policy
from bridge.core.record import Record
from bridge.core.stamp import Stamp


@mypyc_attr(acyclic=True)
class Arrival:
    """`row`: what the directory says of its group. `fresh` is false where it was posted before a restart.

    `number`: which it is of the events of its record; -1: the only one.
    """

    __slots__ = ("event", "fresh", "key", "number", "policy", "record", "row", "stamp")

    def __init__(
        self, record: Record, key: str, event: Event, stamp: Stamp, policy: Policy, row: Names | None, *, fresh: bool
    ) -> None:
        self.record = record
        self.key = key
        self.event = event
        self.stamp = stamp
        self.policy = policy
        self.row = row
        self.fresh = fresh
        self.number = -1
