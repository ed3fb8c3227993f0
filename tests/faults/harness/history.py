"""What happened in a case, as plain data: the oracle's only input.

Times are seconds since the epoch, of one machine. An id is `topic/partition/offset/timestamp`: an event id without the
cluster's id, so it names one record even where a topic was deleted and made again.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from bridge.core.runs import Runs


class Mode(StrEnum):
    """What the bridge promises: `delivery.mode`."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    number: int


class Produced(msgspec.Struct, frozen=True):
    """An event that Kafka has acknowledged, written `at`; `sequence` counts upwards within its campaign group.

    `topic_id`: of a topic that was made again; empty: the one that was there at first.
    """

    id: str
    place: Place
    offset: int
    group: str
    sequence: int
    at: float = 0.0
    topic_id: str = ""


class Attempt(msgspec.Struct, frozen=True):
    """A POST: `seen` by the receiver, or begun by what a bridge's own log says. Without a whole body `group` is empty."""

    id: str
    member: str
    at: float
    seen: bool = True
    connection: int = 0
    group: str = ""
    sequence: int = -1


class Committed(msgspec.Struct, frozen=True):
    """A commit of the consumer group: offsets before `offset` and those in `runs` are done, those in `covered` may be out."""

    at: float
    place: Place
    offset: int
    runs: Runs = ()
    covered: Runs = ()
    topic_id: str = ""

    def is_of(self, event: Produced) -> bool:
        """Whether it is of the topic that the event was written to, and not of one deleted before."""
        return event.topic_id in ("", self.topic_id)

    def has(self, offset: int) -> bool:
        """Whether no successor may post the record at `offset`."""
        return offset < self.offset or any(first <= offset < after for first, after in (*self.runs, *self.covered))


class Excuse(msgspec.Struct, frozen=True):
    """Why `member` could not tell what it had begun: it was killed, or lost its partitions, between two times."""

    member: str
    why: str
    since: float
    until: float


class Counts(msgspec.Struct, frozen=True):
    """One scrape of one bridge process. `ends`: records by what became of them."""

    member: str
    consumed: int
    ends: Mapping[str, int]
    held: int
    rendered: int
    sent: int
    failed: Mapping[str, int]  # by outcome: rejected, not_sent, ambiguous
    in_flight: int
    dropped: int = 0
    unknown: int = 0
    gaps: int = 0


class History(msgspec.Struct):
    """All of a case. `counts` in order of time; the last of a member in `final` is from after its last POST."""

    mode: Mode
    produced: list[Produced]
    attempts: list[Attempt]
    commits: list[Committed]
    counts: list[Counts] = []
    excuses: list[Excuse] = []
    final: frozenset[str] = frozenset()
    lost_by_kafka: frozenset[str] = frozenset()  # ids that Kafka itself no longer had
    told_unknown: frozenset[tuple[str, int, int]] = frozenset()  # positions that the members' logs tell as unknown
    given_up: frozenset[str] = frozenset()  # ids of POSTs that their senders tell as ambiguous
    gaps: int | None = None  # how many offsets the bridge must have counted as missing; None: not asked


def begun_or_committed(
    produced: Iterable[Produced], attempts: Iterable[Attempt], commits: Iterable[Committed]
) -> list[Produced]:
    """Events that somebody began to post, or that the last commit of their partition has."""
    begun = {attempt.id for attempt in attempts}
    last = {commit.place: commit for commit in sorted(commits, key=lambda one: one.at)}
    return [e for e in produced if e.id in begun or (e.place in last and last[e.place].has(e.offset))]


def last_of(counts: Iterable[Counts]) -> dict[str, Counts]:
    """The last scrape of each member."""
    return {one.member: one for one in counts}
