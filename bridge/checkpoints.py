"""Commits of what is done: every interval, and a last one for partitions that leave."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Protocol

from bridge.core.gate import Gate
from bridge.core.intake import Intake
from bridge.core.ledger import Checkpoint
from bridge.core.outcome import Commit
from bridge.core.record import Partition
from bridge.core.tally import Tally
from bridge.edge.log import get_logger

log = get_logger(__name__)

SLOWEST = 10.0  # seconds between commits that fail
AGAIN = 0.2  # seconds between attempts at a last commit


class Committer(Protocol):
    """Commits offsets for the consumer group."""

    async def commit(self, checkpoints: Mapping[Partition, Checkpoint]) -> tuple[Commit, str]:
        """What became of it, and the error's text; never raises for the broker's or the network's faults."""


class Checkpoints:
    """One commit at a time. After a failure everything that is not confirmed goes into the next one.

    `always`: commit also where nothing changed. A static member learns by nothing else that another took its place.
    """

    def __init__(self, committer: Committer, tally: Tally, gate: Gate, *, always: bool = False) -> None:
        self._always = always
        self._committer = committer
        self._tally = tally
        self._gate = gate
        self._one = asyncio.Lock()

    async def keep(self, intakes: Mapping[Partition, Intake], seconds: float) -> None:
        """Commit what has changed every `seconds`, for ever; less often while that fails.

        Partitions that leave are left to their last commit.
        """
        failures = 0
        while True:
            await asyncio.sleep(min(seconds * 2**failures, max(seconds, SLOWEST)))
            posts = self._gate.unconfirmed
            if await self.commit([intake for intake in intakes.values() if not intake.leaving]) is Commit.DONE:
                self._gate.confirmed(posts)
                failures = 0
            else:
                failures = min(failures + 1, 10)

    async def last(self, intakes: Collection[Intake], seconds: float) -> None:
        """Commit partitions that leave, for at most `seconds`: again after an outage or within a rebalance.

        A generation that is over is read anew and tried once more: in a cooperative rebalance it may have changed
        between our reading it and the broker's, with the partitions still ours until this returns.
        """
        again = {Commit.RETRIABLE, Commit.TIMEOUT, Commit.LOST}
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (result := await self.commit(intakes)) in again:
                    if result is Commit.LOST:
                        again.remove(result)
                    await asyncio.sleep(AGAIN)

    async def commit(self, intakes: Collection[Intake]) -> Commit:
        """Commit what has changed of these partitions."""
        async with self._one:
            dirty = {
                i: c for i in intakes if not i.gone and (c := i.ledger.checkpoint(always=self._always)) is not None
            }
            if not dirty:
                return Commit.DONE
            for intake in dirty:
                intake.ledger.doubt()  # until it is confirmed: a commit that failed, or was cut, may have been made
            result, text = await self._committer.commit({i.partition: c for i, c in dirty.items()})
            self._tally.commits[result] += 1
            if result is not Commit.DONE:
                partitions = names([i.partition for i in dirty])
                log.warning("commit_failed", result=result.value, reason=text, partitions=partitions)
                return result
            for intake, checkpoint in dirty.items():
                intake.ledger.confirm(checkpoint)
            return result


def names(partitions: Collection[Partition]) -> list[str]:
    """Partitions as a log line has them."""
    return sorted(f"{p.topic}-{p.number}" for p in partitions)
