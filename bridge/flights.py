"""What is out of the bridge's hands: POSTs under way, and records on their way to quarantine."""

import asyncio
from collections.abc import Collection

from bridge.core.intake import Intake


class Flights:
    """Senders register what they post. An intake's `out` counts what is out of it."""

    def __init__(self) -> None:
        self._posting: dict[asyncio.Task[None], tuple[Intake, bool]] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        return len(self._posting)

    def begin(self, sender: asyncio.Task[None], intake: Intake, *, ticks: bool = False) -> None:
        """A sender posts something of this partition; `ticks`: of none of its records."""
        self._posting[sender] = intake, ticks
        intake.out += 1
        intake.ticks_out += ticks

    def end(self, sender: asyncio.Task[None]) -> None:
        """Its POST ended."""
        intake, ticks = self._posting.pop(sender)
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
        """Wait until nothing of these partitions is out any more; False if that takes longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while any(intake.out for intake in intakes):
                    waiting = asyncio.get_running_loop().create_future()
                    self._waiting.append(waiting)
                    await waiting
        except TimeoutError:
            return False
        return True

    def cut(self, intakes: Collection[Intake]) -> int:
        """Give up the POSTs of these partitions that are out; each ends as ambiguous, or not sent. How many."""
        gone = {id(intake) for intake in intakes}
        senders = [sender for sender, (intake, _) in self._posting.items() if id(intake) in gone]
        for sender in senders:
            sender.cancel()
        return len(senders)
