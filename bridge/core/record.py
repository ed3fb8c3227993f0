"""A record as the bridge sees it: no type of a Kafka library leaves the edge."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from mypy_extensions import mypyc_attr


class Partition(NamedTuple):
    """A partition of an input topic."""

    topic: str
    number: int


@mypyc_attr(acyclic=True)
@dataclass(init=False)
class Record:
    """One record of the input. Never changed.

    `timestamp_ms` is the record's own (milliseconds since the epoch, create or append time; -1 where the producer
    wrote none). `headers` keep order and duplicates.
    """

    __slots__ = ("headers", "key", "offset", "partition", "size", "timestamp_ms", "value")
    partition: Partition
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    size: int  # bytes of key, value and headers: what the record counts against the caps

    def __init__(
        self,
        partition: Partition,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes], ...] = (),
        size: int = 0,
    ) -> None:
        self.partition = partition
        self.offset = offset
        self.timestamp_ms = timestamp_ms
        self.key = key
        self.value = value
        self.headers = headers
        self.size = size


def names(partitions: Iterable[Partition]) -> list[str]:
    """Partitions as a log line has them."""
    return sorted(f"{p.topic}-{p.number}" for p in partitions)
