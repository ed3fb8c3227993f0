"""Where a newly assigned partition is read from.

1. A committed offset holds, as long as records from it on exist; else the earliest that exists, and the gap is known.
2. Without one, `kafka.auto_offset_reset` applies if the partition was there when this group first started on the topic,
   and the earliest record if it was added later: what arrived since then was never skipped by anybody's choice.
3. Which of the two it is, is told by any other partition of the topic: its commit carries `born`, the number of
   partitions at that first start (core/runs.py). A commit without it (another program's) counts as "added later".
"""

from collections.abc import Collection
from typing import Literal

import msgspec

from bridge.core.ledger import Checkpoint, restore, restore_covered
from bridge.core.runs import Runs

Reset = Literal["latest", "earliest"]
Origin = Literal["committed", "latest", "earliest", "added_later", "out_of_range"]


class Log(msgspec.Struct, frozen=True):
    """What exists of a partition's log: the first offset, and the one after the last."""

    earliest: int
    latest: int


class Start(msgspec.Struct, frozen=True):
    """Where to read from, what is done and covered beyond, and why.

    `gap`: offsets that were not done and no longer exist.
    """

    offset: int
    runs: Runs
    born: int
    origin: Origin
    gap: int = 0
    covered: Runs = ()


def resolve(
    number: int, committed: Checkpoint | None, others: Collection[Checkpoint], log: Log, *, count: int, reset: Reset
) -> Start:
    """The start of partition `number` of a topic with `count` partitions.

    `others`: what is committed for the topic's other partitions.
    """
    known = [born for _, born in map(restore, others) if born is not None]
    if committed is not None:
        return _committed(committed, log, known)
    if others and number >= max(known, default=0):
        return Start(log.earliest, (), max(known, default=0), "added_later")
    born = max(known, default=count)
    return Start(log.latest if reset == "latest" else log.earliest, (), born, reset)


def _committed(committed: Checkpoint, log: Log, known: Collection[int]) -> Start:
    runs, own = restore(committed)
    born = own if own is not None else max(known, default=0)
    if committed.offset < log.earliest:
        done = sum(max(0, min(after, log.earliest) - first) for first, after in runs)
        gap = log.earliest - committed.offset - done
        return Start(log.earliest, runs, born, "out_of_range", gap, restore_covered(committed))
    if committed.offset > log.latest:  # the topic was deleted and made again, or its log was cut
        return Start(log.earliest, (), born, "out_of_range")
    return Start(committed.offset, runs, born, "committed", 0, restore_covered(committed))
