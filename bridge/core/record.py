"""A record as the bridge sees it: no type of a Kafka library leaves the edge."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec


class Partition(NamedTuple):
    """A partition of an input topic."""

    topic: str
    number: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of the input.

    `timestamp_ms` is the record's own (milliseconds since the epoch, create or append time; -1 where the producer
    wrote none). `headers` keep order and duplicates.
    """

    partition: Partition
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    size: int = 0  # bytes of key, value and headers: what the record counts against the caps


def names(partitions: Iterable[Partition]) -> list[str]:
    """Partitions as a log line has them."""
    return sorted(f"{p.topic}-{p.number}" for p in partitions)
