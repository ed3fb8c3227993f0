"""One partition of the state topic while it is restored."""

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from bridge.core.campaign_group import CampaignGroup
from bridge.core.saved import BadState, Restored, load
from bridge.edge.log import get_logger

log = get_logger(__name__)

TOLD = 5.0  # seconds between log lines of a long restore
PENDING = 16 * 1024 * 1024  # bytes of values that wait to be decoded
SHOWN = 5  # bad records in the log, of each restore


class Progress(NamedTuple):
    """Offsets read of a partition of the state topic, and how many it has: 0 until that is known."""

    read: int
    offsets: int


class Restoring:
    """Made on the loop, and read by a thread. `done` has the outcome; `progress` may be asked for by any thread.

    Of the values of a key that wait, only the last is decoded: in a busy table's log most records are of groups that
    changed again. So many wait at a time that each costs little, and no more, so that memory is used again.
    """

    def __init__(self, topic: str, number: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Restored] = self._loop.create_future()
        self.wanted = True  # somebody waits for it
        self.topic = topic
        self.number = number
        self.progress = Progress(0, 0)
        self.begun = False
        self._first = self._position = self._end = 0
        self._values: dict[bytes, bytes] = {}
        self._offsets: dict[bytes, int] = {}  # of these; two dicts, as pairs would cost the collector's time
        self._pending = 0  # bytes of values since the last time they were decoded
        self._groups: dict[bytes, CampaignGroup] = {}
        self._records = self._bad = 0
        self._began = self._told = self.moved = time.monotonic()

    def __repr__(self) -> str:
        return (
            f"nothing to read of {self.topic}-{self.number} from offset {self._position} on, before its end {self._end}"
        )

    def begin(self, first: int, end: int) -> None:
        """From offset `first` up to, not including, `end`."""
        self._first, self._position, self._end = first, first, end
        self.progress = Progress(0, end - first)
        self.begun = True

    @property
    def ended(self) -> bool:
        """Whether it is read."""
        return self._position >= self._end

    def take(self, records: Sequence[Any]) -> None:
        """The next kafka records, in order."""
        values, offsets = self._values, self._offsets
        for record in records:
            key, value = record.key, record.value
            if not key:
                self._refuse(record.offset, "no key")
            elif value is None:
                values.pop(key, None)
                self._groups.pop(key, None)
            else:
                values[key] = value
                offsets[key] = record.offset
                self._pending += len(value)
        self._records += len(records)
        if self._pending > PENDING:
            self._decode()

    def reached(self, position: int, now: float) -> None:
        """Everything before `position` is read."""
        if position != self._position:
            self._position, self.moved = position, now
            self.progress = self.progress._replace(read=position - self._first)
        if now - self._told > TOLD:
            self._told = now
            self._tell("state_restoring")

    def _tell(self, event: str) -> None:
        seconds = time.monotonic() - self._began
        log.info(
            event,
            topic=self.topic,
            partition=self.number,
            offsets=self.progress.read,
            of=self.progress.offsets,
            records=self._records,
            records_per_second=round(self._records / max(seconds, 0.001)),
            groups=len(self._values.keys() | self._groups.keys()),
            bad=self._bad,
            seconds=round(seconds, 3),
        )

    def finish(self) -> None:
        """Decode, and tell those who wait."""
        self._decode()
        seconds = time.monotonic() - self._began
        if seconds > TOLD or self._bad:
            self._tell("state_restored")
        self._settle(Restored(list(self._groups.values()), self._records, self._bad, seconds))

    def _decode(self) -> None:
        groups = self._groups
        with _without_collector():
            for key, value in self._values.items():
                try:
                    groups[key] = load(key, value, self.number)
                except BadState as error:
                    groups.pop(key, None)
                    self._refuse(self._offsets[key], str(error))
        self._values.clear()
        self._offsets.clear()
        self._pending = 0

    def _refuse(self, offset: int, reason: str) -> None:
        self._bad += 1
        if self._bad <= SHOWN:
            log.warning("state_record_bad", topic=self.topic, partition=self.number, offset=offset, reason=reason)

    def fail(self, error: BaseException) -> None:
        """There will be nothing."""
        self._settle(error)

    def _settle(self, outcome: Restored | BaseException) -> None:
        self.wanted = False
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._resolve, outcome)

    def _resolve(self, outcome: Restored | BaseException) -> None:
        if self.done.done():
            return
        if isinstance(outcome, Restored):
            self.done.set_result(outcome)
        else:
            self.done.set_exception(outcome)


@contextmanager
def _without_collector() -> Iterator[None]:
    """A third of a restore was the garbage collector, looking again and again at groups that are all kept."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
