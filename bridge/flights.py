"""What is out of the bridge's hands: POSTs under way, and records on their way to quarantine."""

import asyncio
from collections.abc import Collection

from bridge.core.intake import Intake


class Flights:
    """Senders register what they post. An intake's `out` counts what is out of it."""

    def __init__(self) -> None:
        self._posting: dict[asyncio.Task[None], tuple[Intake, bool] | None] = {}  # None: it has nothing out now
        self._out = 0
        self._waiting: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        return self._out

    def begin(self, sender: asyncio.Task[None], intake: Intake, *, ticks: bool = False) -> None:
        """A sender posts something of this partition; `ticks`: of none of its records."""
        self._posting[sender] = intake, ticks
        self._out += 1
        intake.out += 1
        intake.ticks_out += ticks

    def end(self, sender: asyncio.Task[None]) -> None:
        """Its POST ended."""
        flight, self._posting[sender] = self._posting[sender], None
        assert flight is not None  # noqa: S101 (for the type checker: it was begun)
        intake, ticks = flight
        self._out -= 1
        intake.out -= 1
        intake.ticks_out -= ticks
        self.wake()

    def wake(self) -> None:
        """Something landed: to be called after `out` was counted down."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def landed(self, intakes: Collection[Intake], seconds: float) -> bool:
        """Wait until nothing of these partitions is out any more, nor a record half posted; False if that takes longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while any(intake.out or intake.begun for intake in intakes):
                    waiting = asyncio.get_running_loop().create_future()
                    self._waiting.append(waiting)
                    await waiting
        except TimeoutError:
            return False
        return True

    def cut(self, intakes: Collection[Intake]) -> int:
        """Give up the POSTs of these partitions that are out; each ends as ambiguous, or not sent. How many."""
        gone = {id(intake) for intake in intakes}
        senders = [sender for sender, flight in self._posting.items() if flight is not None and id(flight[0]) in gone]
        for sender in senders:
            sender.cancel()
        return len(senders)
