"""at_most_once: no POST begins before a checkpoint covers it, so that no crash makes it happen twice.

1. A sender that finds a head which is not covered leaves its lane here, and serves another.
2. Heads of these lanes, and a few events behind each, are covered by the next checkpoint, as many as a partition may
   have; when it is confirmed the lanes are ready again. Those left without room come before whoever asks later.
3. What is handed back before its POST began is uncovered again, so a clean stop leaves nothing covered.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice

from bridge.core.lanes import Lane, Lanes
from bridge.core.outcome import Commit
from bridge.work import Item, Tick, Work

AHEAD = 8  # events of a lane that one checkpoint covers
AGAIN = 0.5  # seconds until a failed checkpoint is tried again


class Cover:
    """`commit` writes a checkpoint of all partitions; `nudge` wakes senders for lanes that became ready."""

    def __init__(self, lanes: Lanes[Work], commit: Callable[[], Awaitable[Commit]], nudge: Callable[[], None]) -> None:
        self._lanes = lanes
        self._commit = commit
        self._nudge = nudge
        self._asked: list[Lane[Work]] = []
        self._wanted = asyncio.Event()
        self._room = False  # something ended since the lanes were last looked at
        self.failing = False  # the last checkpoint failed: POSTs wait for a good one

    def covers(self, lane: Lane[Work]) -> bool:
        """Whether the POST of a lane's head may begin. If not, the lane comes back when it may."""
        if _needs_none(lane.queue[0]):
            return True
        self._lanes.defer(lane)
        self._asked.append(lane)
        self._wanted.set()
        return False

    def ended(self) -> None:
        """A record is done: there may be room for another."""
        self._room = True
        if self._asked:
            self._wanted.set()

    @staticmethod
    def take_back(item: Item) -> None:
        """The POST of an item will not begin here. What has begun of its record stays covered: another would post it again."""
        if item.several is not None and item.several.begun:
            return
        item.intake.ledger.uncover(item.arrival.record.offset)

    async def keep(self) -> None:
        """Cover what is asked for, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._room = False
            asked, self._asked = self._asked, []
            claimed = [item for lane in asked for item in self._claim(lane)]
            result = await self._commit() if claimed else Commit.DONE
            if result is Commit.DONE:
                for item in claimed:
                    item.covered = True
                    if item.several is not None:
                        item.several.covered = True
            self._asked[:0] = [lane for lane in asked if self._still_asks(lane)]
            self._nudge()
            self.failing = result is not Commit.DONE
            if self.failing:
                await asyncio.sleep(AGAIN)
                self._wanted.set()
            elif self._room:
                self.ended()  # during the checkpoint, when nobody was there to be told

    def _claim(self, lane: Lane[Work]) -> list[Item]:
        """Events from the head on that the next checkpoint covers."""
        claimed = []
        for item in islice(lane.queue, AHEAD):
            if isinstance(item, Tick) or _needs_none(item):
                continue
            if item.intake.leaving or not item.intake.ledger.cover(item.arrival.record.offset):
                break
            claimed.append(item)
        return claimed

    def _still_asks(self, lane: Lane[Work]) -> bool:
        """Whether there was no room yet, or the checkpoint failed; else the lane is ready again, or it is empty."""
        if not lane.queue:
            return False  # handed back meanwhile
        if _needs_none(lane.queue[0]):
            self._lanes.resume(lane)
            return False
        return True


def _needs_none(item: Work) -> bool:
    """Whether the POST may begin, or there is none. A slot is never told twice, crash or not (bridge/ticks.py, rule 1)."""
    if isinstance(item, Tick) or item.covered or not item.posts:
        return True
    return item.several is not None and item.several.covered
