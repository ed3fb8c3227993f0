"""What "older" is judged by."""

from dataclasses import dataclass

from mypy_extensions import mypyc_attr

from bridge.core.record import Partition


@mypyc_attr(acyclic=True)
@dataclass(init=False, eq=False)
class Stamp:
    """When an event occurred (milliseconds since the epoch) and where it stands in the log. Never changed."""

    __slots__ = ("offset", "partition", "time_ms")
    time_ms: int
    partition: Partition
    offset: int

    def __init__(self, time_ms: int, partition: Partition, offset: int) -> None:
        self.time_ms = time_ms
        self.partition = partition
        self.offset = offset

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Stamp)
            and self.offset == other.offset
            and self.time_ms == other.time_ms
            and self.partition == other.partition
        )

    def __hash__(self) -> int:
        return hash((self.time_ms, self.partition, self.offset))
