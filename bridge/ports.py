"""What the pipeline and the ownership need of their surroundings."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol

import msgspec

from bridge.core.facts import Facts
from bridge.core.lanes import Lane
from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Partition, Record
from bridge.core.saved import Restored
from bridge.core.schedule import Due
from bridge.core.start import Commits, Log
from bridge.work import Item, Work


class Rules(msgspec.Struct, frozen=True):
    """`enabled` false, or an event more than `max_age` seconds old: merged and counted, not posted.

    `saved`: the table is kept over restarts. `ttl`: seconds until an unloaded group is forgotten; 0: never.
    `drop_repeats`: of the events of a group with one id, only the first is posted.
    """

    enabled: bool = True
    max_age: float = float("inf")
    saved: bool = False
    ttl: float = 0.0
    drop_repeats: bool = False


class Limits(msgspec.Struct, frozen=True):
    """How much of the input may be held at a time, and for how long. Times in seconds.

    `bytes`: of all partitions together; `records`, `covered` (at_most_once): of each.
    """

    drain: float
    records: int
    bytes: int
    covered: int = 0


class Now(NamedTuple):
    """One moment: `wall` in seconds since the epoch, for dates and slots; `monotonic` in seconds, for deadlines."""

    wall: float
    monotonic: float

    @property
    def ms(self) -> int:
        """The wall clock in milliseconds since the epoch."""
        return round(self.wall * 1000)


class Clock(NamedTuple):
    """`wall`: seconds since the epoch, for ages and dates; `monotonic`: seconds, for deadlines."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]

    def now(self) -> Now:
        """Both."""
        return Now(self.wall(), self.monotonic())


SYSTEM = Clock(time.time, time.monotonic)


class Poster(Protocol):
    """Makes the one attempt."""

    async def post(self, body: bytes, event_id: str, permit: Callable[[], bool] | None = None) -> Outcome:
        """Never raises for the network's or the receiver's faults; if cancelled, cuts the POST and says so.

        `permit` is asked just before the first byte is written; if it says no, nothing is sent.
        """


class Quarantine(Protocol):
    """Keeps what is no event."""

    def put(self, record: Record, error: InvalidEvent, done: Callable[[], None]) -> None:
        """Keep the record, then call `done` on the loop."""


class Report(Protocol):
    """Is told of each POST, and of what is not posted: log, histograms, outcome topic."""

    def sending(self, facts: Facts, event_id: str) -> None:
        """A POST is about to begin."""

    def unknown(self, record: Record) -> None:
        """A crash left open whether the notification of this record was posted; it is not posted again."""

    def quarantined(self, record: Record, error: InvalidEvent) -> None:
        """A record that is no event was put aside."""

    def ignored(self, record: Record, fields: Collection[tuple[str, Invalid]]) -> None:
        """Fields of an event could not be read, and are left out of it."""

    def skipped(self, record: Record, group: str, why: Skip) -> None:
        """An event of the group with this key was merged, and is not posted."""

    def sent(
        self, origin: Record | Due, kind: str, group: str, event_id: str, outcome: Outcome, age_seconds: float
    ) -> None:
        """It ended; `group` is the group's key, `age_seconds` the time since the record's timestamp.

        Of a periodic notification, `origin` is its slot and `age_seconds` the time from when it was due to its POST.
        """


class Covering(Protocol):
    """Whether a POST may begin before a checkpoint says so (bridge/cover.py)."""

    failing: bool  # POSTs wait for a checkpoint, and the last one failed

    def covers(self, lane: Lane[Work]) -> bool:
        """Whether the head of a lane may be posted; if not, the lane comes back when it may."""

    def ended(self) -> None:
        """A record is done, posted or not."""

    def take_back(self, item: Item) -> None:
        """An item is handed back, its POST not begun."""


class Offsets(Protocol):
    """Offsets of the consumer group; raises Unavailable."""

    async def committed(self, topic: str) -> Commits:
        """What is committed, and of which topic."""

    async def logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        """What exists."""


class States(Protocol):
    """The state topic; raises Unavailable, and StateTopicError where somebody has to mend it."""

    async def ensure(self, partitions: int) -> None:
        """It is there, with so many partitions."""

    async def restore(self, number: int) -> Restored:
        """What it has for a partition number."""


class History(Protocol):
    """What the input held before; raises Unavailable."""

    async def read(self, ends: Mapping[Partition, int], since_ms: int, take: Callable[[list[Record]], None]) -> int:
        """Hand over records of partitions from `since_ms` on, up to an offset of each; how many."""


class Source(Protocol):
    """The input, as far as its flow is steered from here."""

    @property
    def cluster_id(self) -> str:
        """The cluster's id."""

    def pause(self, partitions: Collection[Partition]) -> None:
        """No more of these."""

    def resume(self, partitions: Collection[Partition]) -> None:
        """These again."""

    def begin(self, partition: Partition, offset: int, topic_id: str) -> None:
        """Read a paused partition from `offset` on, as long as its topic has this id."""

    def once_read(self, partition: Partition, offset: int, call: Callable[[], None]) -> None:
        """Call once all there is of a partition before `offset` has been told."""

    def renew(self, why: str) -> None:
        """What was read can't be believed: lose every partition, and begin them again."""
