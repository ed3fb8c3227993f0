"""Where a newly assigned partition is read from.

1. A committed offset holds, as long as records from it on exist; else the earliest that exists, and the gap is known.
   One of a topic with another id is of a topic that was deleted: this one is read from its first record. Its offsets say
   nothing: the new log may be as long as the old one.
2. Without one, `kafka.auto_offset_reset` applies if the partition was there when this group first started on the topic,
   and the earliest record if it was added later: what arrived since then was never skipped by anybody's choice.
3. Which of the two it is, is told by any other partition of the topic: its commit carries `born`, the number of
   partitions at that first start (core/runs.py). A commit without it (another program's) counts as "added later".
"""

from collections.abc import Collection
from typing import Literal

import msgspec

from bridge.core.ledger import restore, restore_covered, restore_told, restore_topic
from bridge.core.runs import Checkpoint, Runs

Reset = Literal["latest", "earliest"]
Origin = Literal["committed", "latest", "earliest", "added_later", "out_of_range", "made_again"]


class Commits(msgspec.Struct, frozen=True):
    """What the group has committed for a topic, by partition number; `count`: its partitions.

    `topic_id`: of the topic that exists now, as runs.py writes it; empty where the broker has none (before 2.8).
    """

    found: dict[int, Checkpoint]
    count: int
    topic_id: str = ""


class Log(msgspec.Struct, frozen=True):
    """What exists of a partition's log: the first offset, and the one after the last."""

    earliest: int
    latest: int


class Start(msgspec.Struct, frozen=True):
    """Where to read from, what is done and covered beyond, and why.

    `gap`: offsets that were not done and no longer exist. `told_until_ms`: see Ledger. `latest`: the end of the log now.
    """

    offset: int
    runs: Runs
    born: int
    origin: Origin
    gap: int = 0
    covered: Runs = ()
    told_until_ms: int = 0
    latest: int = 0
    topic_id: str = ""

    @property
    def first(self) -> bool:
        """Whether this consumer group never committed this partition."""
        return self.origin in ("latest", "earliest", "added_later")

    def told(self) -> dict[str, object]:
        """As a log line has it."""
        told: dict[str, object] = {"offset": self.offset, "origin": self.origin}
        if self.gap:
            told["offsets_missing"] = self.gap
        if self.origin == "latest":
            told["note"] = "no commit of this group: kafka.auto_offset_reset is latest, older records are not read"
        if self.origin == "made_again":
            told["note"] = "the topic was deleted and made again since the last commit"
        return told


def resolve(number: int, commits: Commits, log: Log, *, reset: Reset, known_id: str = "") -> Start:
    """The start of a partition. `known_id`: the topic's id when this process last looked; empty: it did not."""
    start = _resolve(number, commits, log, reset, known_id)
    return msgspec.structs.replace(start, latest=log.latest, topic_id=commits.topic_id)


def _resolve(number: int, commits: Commits, log: Log, reset: Reset, known_id: str) -> Start:
    of_it = {n: c for n, c in commits.found.items() if not _differ(restore_topic(c), commits.topic_id)}
    known = [born for n, c in of_it.items() if n != number and (born := restore(c)[1]) is not None]
    if number in of_it:
        return _committed(of_it[number], log, known)
    if len(of_it) < len(commits.found) or _differ(known_id, commits.topic_id):
        old = commits.found.get(number)
        told = restore_told(old) if old is not None else 0
        return Start(log.earliest, (), commits.count, "made_again", told_until_ms=told)
    if of_it and number >= max(known, default=0):
        return Start(log.earliest, (), max(known, default=0), "added_later")
    born = max(known, default=commits.count)
    return Start(log.latest if reset == "latest" else log.earliest, (), born, reset)


def _differ(one: str, other: str) -> bool:
    """Whether these are surely ids of two topics."""
    return bool(one and other and one != other)


def _committed(committed: Checkpoint, log: Log, known: Collection[int]) -> Start:
    runs, own = restore(committed)
    told = restore_told(committed)
    born = own if own is not None else max(known, default=0)
    if committed.offset < log.earliest:
        done = sum(max(0, min(after, log.earliest) - first) for first, after in runs)
        gap = log.earliest - committed.offset - done
        return Start(log.earliest, runs, born, "out_of_range", gap, restore_covered(committed), told)
    if committed.offset > log.latest:  # the log was cut, or the topic made again (a broker without topic ids)
        return Start(log.earliest, (), born, "out_of_range", told_until_ms=told)
    return Start(committed.offset, runs, born, "committed", 0, restore_covered(committed), told)
