"""When which campaign group's periodic notification is due.

1. Slots of a group begin at multiples of its interval since the epoch, and are due a fixed part of the interval later,
   which its key decides: the same for every owner, and spread so that many groups are not one burst.
2. No slot is handed out twice, whatever the clock does: of slots that are due, only the last; none that begins before
   one that was handed out; none that was due before the latest time ever seen, or the time that `keep` was given.
3. A turn costs what is due, not what is known.
"""

import heapq
from typing import NamedTuple
from zlib import crc32


class Due(NamedTuple):
    """A slot of a campaign group whose periodic notification is due. Times in milliseconds since the epoch."""

    key: str
    start_ms: int
    due_ms: int
    interval_ms: int


class _Plan:
    __slots__ = ("begun_ms", "due_ms", "interval_ms", "spread_ms")

    def __init__(self, interval_ms: int, spread_ms: int, begun_ms: int) -> None:
        self.interval_ms = interval_ms  # 0: none for now
        self.spread_ms = spread_ms
        self.due_ms = 0  # of the next slot
        self.begun_ms = begun_ms  # start of the last slot handed out


class Schedule:
    """All campaign groups that have periodic notifications."""

    def __init__(self) -> None:
        self._plans: dict[str, _Plan] = {}
        self._heap: list[tuple[int, str]] = []  # due and key; one that no plan confirms is out of date
        self._seen_ms = 0

    def keep(self, key: str, interval_ms: int, after_ms: int) -> None:
        """A group has a notification each `interval_ms`, of slots due after `after_ms`. No news if it has already."""
        plan = self._plans.get(key)
        if plan is not None and plan.interval_ms == interval_ms:
            return
        begun = plan.begun_ms if plan is not None else -1
        plan = self._plans[key] = _Plan(interval_ms, crc32(key.encode()) % interval_ms, begun)
        self._plan(key, plan, after_ms)

    def drop(self, key: str) -> None:
        """A group has none for now."""
        plan = self._plans.get(key)
        if plan is not None:
            plan.interval_ms, plan.due_ms = 0, -1

    def forget(self, key: str) -> None:
        """A group is not ours any more."""
        self._plans.pop(key, None)

    def next_of(self, key: str) -> int | None:
        """When the next slot of a group is due; None: it has none."""
        plan = self._plans.get(key)
        return plan.due_ms if plan is not None and plan.interval_ms else None

    def due(self, now_ms: int) -> list[Due]:
        """The slots that are due, one of each group at most."""
        found = []
        self._seen_ms = max(now_ms, self._seen_ms)
        while self._heap and self._heap[0][0] <= now_ms:
            due_ms, key = heapq.heappop(self._heap)
            plan = self._plans.get(key)
            if plan is None or plan.due_ms != due_ms:
                continue
            last = due_ms + (now_ms - due_ms) // plan.interval_ms * plan.interval_ms
            found.append(Due(key, last - plan.spread_ms, last, plan.interval_ms))
            plan.begun_ms = last - plan.spread_ms
            self._plan(key, plan, now_ms)
        return found

    def skip(self, now_ms: int) -> int:
        """Hand out nothing that was due up to now, as after a jump of the clock; how many groups miss a slot by that."""
        return len(self.due(now_ms))

    def _plan(self, key: str, plan: _Plan, after_ms: int) -> None:
        # The last: the interval may have been shorter before, so that the slot which lasts now began with that one.
        after = max(after_ms, self._seen_ms, plan.begun_ms + plan.spread_ms)
        slot = (after - plan.spread_ms) // plan.interval_ms + 1
        plan.due_ms = slot * plan.interval_ms + plan.spread_ms
        heapq.heappush(self._heap, (plan.due_ms, key))
