"""What the pipeline and the ownership need of their surroundings, and what the lanes carry."""

import time
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

import msgspec

from bridge.core.groups import Facts
from bridge.core.intake import Intake
from bridge.core.lanes import Lane
from bridge.core.ledger import Checkpoint
from bridge.core.mapping import Arrival
from bridge.core.outcome import InvalidEvent, Outcome
from bridge.core.record import Partition, Record
from bridge.core.start import Log


class Clock(NamedTuple):
    """`wall`: seconds since the epoch, for ages and dates; `monotonic`: seconds, for deadlines."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]


SYSTEM = Clock(time.time, time.monotonic)


class Item(msgspec.Struct, gc=False):
    """An arrival in its lane, with the partition it must be settled in."""

    intake: Intake
    arrival: Arrival
    posts: bool = False  # it makes a notification, unless it turns out to be invalid
    covered: bool = False  # at_most_once: a confirmed checkpoint says that its POST may have begun


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
    """Is told of each POST: logs and histograms."""

    def sending(self, facts: Facts, event_id: str) -> None:
        """A POST is about to begin."""

    def unknown(self, record: Record) -> None:
        """A crash left open whether the notification of this record was posted; it is not posted again."""

    def sent(self, record: Record, kind: str, group: str, event_id: str, outcome: Outcome, age_seconds: float) -> None:
        """It ended; `group` is the group's key, `age_seconds` the time since the record's timestamp."""


class Covering(Protocol):
    """Whether a POST may begin before a checkpoint says so (bridge/cover.py)."""

    failing: bool  # POSTs wait for a checkpoint, and the last one failed

    def covers(self, lane: Lane[Item]) -> bool:
        """Whether the head of a lane may be posted; if not, the lane comes back when it may."""

    def ended(self) -> None:
        """A record is done, posted or not."""

    def take_back(self, item: Item) -> None:
        """An item is handed back, its POST not begun."""


class Uncovered:
    """at_least_once: a POST needs no cover."""

    failing = False

    def covers(self, lane: Lane[Item]) -> bool:  # noqa: ARG002 (as Covering)
        """Always."""
        return True

    def ended(self) -> None:
        """Nothing waits for it."""

    def take_back(self, item: Item) -> None:
        """Nothing was covered."""


class Offsets(Protocol):
    """Offsets of the consumer group; raises Unavailable."""

    async def committed(self, topic: str) -> tuple[dict[int, Checkpoint], int]:
        """Commits by partition number, and the number of partitions."""

    async def logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        """What exists."""


class Source(Protocol):
    """The input, as far as its flow is steered from here."""

    @property
    def cluster_id(self) -> str:
        """The cluster's id."""

    def pause(self, partitions: Collection[Partition]) -> None:
        """No more of these."""

    def resume(self, partitions: Collection[Partition]) -> None:
        """These again."""

    def begin(self, partition: Partition, offset: int) -> None:
        """Read a paused partition from `offset` on."""
