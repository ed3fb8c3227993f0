"""What "older" is judged by."""

from dataclasses import dataclass

from mypy_extensions import mypyc_attr

from bridge.core.record import Partition


@mypyc_attr(acyclic=True)
@dataclass(init=False, eq=False)
class Stamp:
    """When an event occurred (milliseconds since the epoch) and where it stands in the log. Never changed.

    `part`: which it is of the events of its record; 0 where there is one. It is not kept over restarts: the events of a record
    that is read again are merged again, all of them.
    """

    __slots__ = ("offset", "part", "partition", "time_ms")
    time_ms: int
    partition: Partition
    offset: int
    part: int

    def __init__(self, time_ms: int, partition: Partition, offset: int, part: int = 0) -> None:
        self.time_ms = time_ms
        self.partition = partition
        self.offset = offset
        self.part = part

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Stamp)
            and self.offset == other.offset
            and self.time_ms == other.time_ms
            and self.part == other.part
            and self.partition == other.partition
        )

    def __hash__(self) -> int:
        return hash((self.time_ms, self.partition, self.offset, self.part))
