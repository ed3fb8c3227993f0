"""What is done of one partition, and what may be committed.

1. An offset is *seen* once its record was taken over; seen offsets rise, and gaps between them are normal (compaction,
   transaction markers, filtered records): nothing is ever concluded from a missing offset.
2. The watermark is the first seen offset that is not done, or the one after the last seen: everything before it is
   done, so it is what gets committed.
3. Offsets done beyond the watermark go into the commit's metadata, which always fits: `full` says when no further
   record may be taken over.
4. After a restart, offsets that the metadata names as done are merged, not posted again.
5. In at_most_once a POST begins only when its offset is *covered* by a confirmed checkpoint. What a crash leaves covered
   may have been posted, or not: it is `unknown`, and done.
"""

from collections import deque
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Final

from bridge.core.runs import LIMIT, Checkpoint, Runs, read, read_covered, read_told, read_topic, worst_case, write

#: Records between the watermark and the end: bounds the memory and the walk of a checkpoint (a few milliseconds).
MAX_SPAN = 50_000


class Seen(Enum):
    """What is known of an offset that is taken over. Only a fresh one is true."""

    FRESH = "fresh"
    DONE = "done"  # before a restart
    UNKNOWN = "unknown"  # covered before a crash

    def __bool__(self) -> bool:
        return self is Seen.FRESH


# Looked up once, as in campaigns/derivation.py.
_FRESH: Final = Seen.FRESH


class Ledger:
    """The ledger of one owned partition from the offset `start` on.

    `restored`, `covered`: runs of offsets done, and covered, before a restart. `born`: how many partitions the topic had
    when this consumer group first started on it (docs/delivery.md, "Where a partition starts"). `max_covered`: how many
    offsets may be covered at a time.
    """

    def __init__(
        self, start: int, restored: Runs = (), born: int = 0, *, covered: Runs = (), max_covered: int = 0
    ) -> None:
        self.born = born
        self._unknown: deque[tuple[int, int]] = deque(covered)
        self._covered: set[int] = set()
        self._max_covered = max_covered
        self.end = start  # after the last seen
        self._open: deque[int] = deque()  # seen, from the first not done on
        self._done: set[int] = set()  # of _open
        self._restored: deque[tuple[int, int]] = deque(restored)
        self._confirmed: Checkpoint | None = None
        #: Periodic notifications of slots due up to then are this owner's, or another's before it; the next owner goes on
        #: from there. Also when this owner was last at work. Milliseconds since the epoch; 0: not known.
        self.told_until_ms = 0
        #: The id of the topic that the offsets are of: one of the same name may be another's (core/start.py). "": not known.
        self.topic_id = ""

    def __repr__(self) -> str:
        return f"<Ledger watermark={self.watermark} end={self.end} done_beyond={list(self._runs())}>"

    @property
    def watermark(self) -> int:
        """The first offset that is not done."""
        return self._open[0] if self._open else self.end

    @property
    def held(self) -> int:
        """How many seen records are not done."""
        return len(self._open) - len(self._done)

    @property
    def full(self) -> bool:
        """Whether the runs might not fit the metadata, whatever gets done next, if one more record were taken over."""
        opened = len(self._open)
        if opened >= MAX_SPAN:
            return True
        if self._alone and opened + (self.end - self.watermark) // 127 + 2 <= LIMIT:
            return False  # more than the worst case below
        # Done segments are parted by records that are not done, and each has one of its own.
        segments = min(self.held, opened // 2) + 1 + len(self._restored)
        reach = max([self.end, *(runs[-1][1] for runs in (self._restored, self._unknown) if runs)]) - self.watermark
        others = worst_case(self._max_covered + len(self._unknown), reach)
        return self.held > 0 and worst_case(segments, reach) + others > LIMIT

    @property
    def _alone(self) -> bool:
        """Whether nothing but runs of offsets done here goes into the metadata."""
        return not (self._max_covered or self._restored or self._unknown)

    def see(self, offset: int) -> Seen:
        """Take over the record at `offset`; one that is not fresh counts as done.

        Raises ValueError for an offset that was seen before: the caller read the partition twice.
        """
        if offset < self.end:
            raise ValueError(f"offset {offset} is behind {self.end}")
        self._open.append(offset)
        self.end = offset + 1
        if not self._restored and not self._unknown:  # as soon as what a restart left is behind
            return _FRESH
        seen = Seen.DONE if _within(self._restored, offset) else Seen.FRESH
        if _within(self._unknown, offset) and seen is Seen.FRESH:
            seen = Seen.UNKNOWN
        if not seen:
            self.settle(offset)
        return seen

    def cover(self, offset: int) -> bool:
        """Let the next checkpoint cover the POST of a seen offset; False if as many are covered as may be."""
        if offset not in self._covered and len(self._covered) >= self._max_covered:
            return False
        self._covered.add(offset)
        return True

    def uncover(self, offset: int) -> None:
        """The POST was never begun: the next checkpoint takes the cover back."""
        self._covered.discard(offset)

    def settle(self, offset: int) -> None:
        """The record at `offset` is done."""
        self._covered.discard(offset)
        if self._open and self._open[0] == offset and not self._done:  # in order, as most are
            self._open.popleft()
            return
        self._done.add(offset)
        while self._open and self._open[0] in self._done:
            self._done.remove(self._open.popleft())

    def checkpoint(self, *, always: bool = False) -> Checkpoint | None:
        """What to commit now; None when the last confirmed commit says the same, unless it is `always` wanted."""
        metadata = write(self.born, self.watermark, self._runs(), self._cover_runs(), self.told_until_ms, self.topic_id)
        checkpoint = Checkpoint(self.watermark, metadata)
        return checkpoint if always or checkpoint != self._confirmed else None

    def doubt(self) -> None:
        """A commit is under way, or failed: the broker may have it or not, so the next checkpoint is told in any case."""
        self._confirmed = None

    def confirm(self, checkpoint: Checkpoint) -> None:
        """The broker has this checkpoint."""
        self._confirmed = checkpoint

    def _runs(self) -> Runs:
        """Runs of done offsets beyond the watermark. Offsets that do not exist count to the run they stand in."""
        return (*_joined(self._open, self._done), *_beyond(self._restored, self.end))

    def _cover_runs(self) -> Runs:
        seen = _joined(self._open, self._covered) if self._covered else ()
        return (*seen, *_beyond(self._unknown, self.end))


def _within(runs: deque[tuple[int, int]], offset: int) -> bool:
    """Whether `offset` is in one of the runs; those behind it are dropped."""
    while runs and runs[0][1] <= offset:
        runs.popleft()
    return bool(runs) and runs[0][0] <= offset


def _beyond(runs: Iterable[tuple[int, int]], end: int) -> Runs:
    """What of the runs is not seen yet."""
    return tuple((max(first, end), after) for first, after in runs if after > end)


def _joined(offsets: Iterable[int], chosen: AbstractSet[int]) -> Runs:
    """Runs of consecutive `offsets` that are chosen."""
    runs: list[tuple[int, int]] = []
    begun: int | None = None
    last = 0
    for offset in offsets:
        if offset in chosen:
            begun, last = (offset if begun is None else begun), offset
        elif begun is not None:
            runs.append((begun, last + 1))
            begun = None
    if begun is not None:
        runs.append((begun, last + 1))
    return tuple(runs)


def restore(checkpoint: Checkpoint) -> tuple[Runs, int | None]:
    """Runs done beyond a committed offset, and `born`: what a Ledger goes on from. See runs.read for foreign text."""
    return read(checkpoint.metadata, checkpoint.offset)


def restore_covered(checkpoint: Checkpoint) -> Runs:
    """Runs of offsets that were covered when this was committed."""
    return read_covered(checkpoint.metadata, checkpoint.offset)


def restore_told(checkpoint: Checkpoint) -> int:
    """`told_until_ms` of the owner that committed this."""
    return read_told(checkpoint.metadata)


def restore_topic(checkpoint: Checkpoint) -> str:
    """The id of the topic whose offset was committed; empty: not known."""
    return read_topic(checkpoint.metadata)
