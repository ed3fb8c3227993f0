"""Order per campaign group, concurrency across groups.

1. A lane holds the events of one campaign group in the order of their arrival; only its head is ever out.
2. A group waits for no other: whoever has a head that is not out is in `ready`, served in turn.
3. A lane that runs empty is forgotten, so idle groups cost nothing.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lane(Generic[T]):
    """The queue of one campaign group. `out`: the head is being worked on."""

    __slots__ = ("key", "out", "queue")

    def __init__(self, key: str) -> None:
        self.key = key
        #: A list: there may be a lane for each record held, and an empty deque takes 600 bytes more. To shift all that a
        #: partition may hold (delivery.max_buffered_records) takes less than 1 us.
        self.queue: list[T] = []
        self.out = False


class Lanes(Generic[T]):
    """All lanes of the owned partitions."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane[T]] = {}
        self._ready: deque[Lane[T]] = deque()
        self.queued = 0  # items in lanes that are not out
        self.out = 0

    def __contains__(self, key: object) -> bool:
        return key in self._lanes

    @property
    def ready(self) -> int:
        """Lanes whose head waits for its turn (some may have been emptied meanwhile)."""
        return len(self._ready)

    def push(self, key: str, item: T) -> bool:
        """Append an item to the lane of `key`; whether it is that lane's head, and so may go out."""
        lane = self._lanes.get(key)
        new = lane is None
        if lane is None:
            lane = self._lanes[key] = Lane(key)
            self._ready.append(lane)
        lane.queue.append(item)
        self.queued += 1
        return new

    def take(self) -> Lane[T] | None:
        """The next lane whose head may go out, marked as out; `lane.queue[0]` is that head. None: nothing is ready."""
        while self._ready:
            lane = self._ready.popleft()
            if lane.queue:  # else emptied by `release` while it waited here
                lane.out = True
                self.queued -= 1
                self.out += 1
                return lane
        return None

    def settle(self, lane: Lane[T]) -> None:
        """The head of a lane is done: its next one may go out."""
        del lane.queue[0]
        lane.out = False
        self.out -= 1
        if lane.queue:
            self._ready.append(lane)
        else:
            del self._lanes[lane.key]

    def put_back(self, lane: Lane[T]) -> None:
        """The head of a lane did not go out after all: it waits as before."""
        self.defer(lane)
        self.resume(lane)

    def defer(self, lane: Lane[T]) -> None:
        """The head of a lane does not go out, nor does the lane get a turn until `resume`."""
        lane.out = False
        self.out -= 1
        self.queued += 1

    def resume(self, lane: Lane[T]) -> None:
        """A deferred lane has turns again."""
        self._ready.append(lane)

    def release(self, gone: Callable[[T], bool]) -> list[T]:
        """Take all items out for which `gone` is true, but heads that are out, and return them in order per lane."""
        released: list[T] = []
        for lane in list(self._lanes.values()):
            out = 1 if lane.out else 0
            released += [item for item in lane.queue[out:] if gone(item)]
            lane.queue[out:] = [item for item in lane.queue[out:] if not gone(item)]
            if not lane.queue:
                del self._lanes[lane.key]
        self.queued -= len(released)
        return released
