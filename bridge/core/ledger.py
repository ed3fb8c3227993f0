"""What is done of one partition, and what may be committed.

1. An offset is *seen* once its record was taken over; seen offsets rise, and gaps between them are normal (compaction,
   transaction markers, filtered records): nothing is ever concluded from a missing offset.
2. The watermark is the first seen offset that is not done, or the one after the last seen: everything before it is
   done, so it is what gets committed.
3. Offsets done beyond the watermark go into the commit's metadata, which always fits: `full` says when no further
   record may be taken over.
4. After a restart, offsets that the metadata names as done are merged, not posted again.
"""

from collections import deque

import msgspec

from bridge.core.runs import LIMIT, Runs, read, worst_case, write

#: Records between the watermark and the end: bounds the memory and the walk of a checkpoint (a few milliseconds).
MAX_SPAN = 50_000


class Checkpoint(msgspec.Struct, frozen=True):
    """What a commit says of a partition."""

    offset: int
    metadata: str


class Ledger:
    """The ledger of one owned partition from the offset `start` on.

    `restored`: runs of offsets done before a restart, as `restore` reads them. `born`: how many partitions the topic
    had when this consumer group first started on it (docs/delivery.md, "Where a partition starts").
    """

    def __init__(self, start: int, restored: Runs = (), born: int = 0) -> None:
        self.born = born
        self.end = start  # after the last seen
        self._open: deque[int] = deque()  # seen, from the first not done on
        self._done: set[int] = set()  # of _open
        self._restored: deque[tuple[int, int]] = deque(restored)
        self._confirmed: Checkpoint | None = None

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
        if len(self._open) >= MAX_SPAN:
            return True
        # Done segments are parted by records that are not done, and each has one of its own.
        segments = min(self.held, len(self._open) // 2) + 1 + len(self._restored)
        reach = max(self.end, self._restored[-1][1]) if self._restored else self.end
        return self.held > 0 and worst_case(segments, reach - self.watermark) > LIMIT

    def see(self, offset: int) -> bool:
        """Take over the record at `offset`; False if it was done before the restart (then it counts as done here too).

        Raises ValueError for an offset that was seen before: the caller read the partition twice.
        """
        if offset < self.end:
            raise ValueError(f"offset {offset} is behind {self.end}")
        self._open.append(offset)
        self.end = offset + 1
        while self._restored and self._restored[0][1] <= offset:
            self._restored.popleft()
        if self._restored and self._restored[0][0] <= offset:
            self.settle(offset)
            return False
        return True

    def settle(self, offset: int) -> None:
        """The record at `offset` is done."""
        self._done.add(offset)
        while self._open and self._open[0] in self._done:
            self._done.remove(self._open.popleft())

    def checkpoint(self) -> Checkpoint | None:
        """What to commit now; None when the last confirmed commit says the same."""
        checkpoint = Checkpoint(self.watermark, write(self.born, self.watermark, self._runs()))
        return checkpoint if checkpoint != self._confirmed else None

    def confirm(self, checkpoint: Checkpoint) -> None:
        """The broker has this checkpoint."""
        self._confirmed = checkpoint

    def _runs(self) -> Runs:
        """Runs of done offsets beyond the watermark. Offsets that do not exist count to the run they stand in."""
        runs: list[tuple[int, int]] = []
        begun: int | None = None
        last = 0
        for offset in self._open:
            if offset in self._done:
                begun, last = (offset if begun is None else begun), offset
            elif begun is not None:
                runs.append((begun, last + 1))
                begun = None
        if begun is not None:
            runs.append((begun, last + 1))
        runs += [(max(first, self.end), after) for first, after in self._restored if after > self.end]
        return tuple(runs)


def restore(checkpoint: Checkpoint) -> tuple[Runs, int | None]:
    """Runs done beyond a committed offset, and `born`: what a Ledger goes on from. See runs.read for foreign text."""
    return read(checkpoint.metadata, checkpoint.offset)
