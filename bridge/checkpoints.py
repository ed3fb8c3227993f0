"""Commits of what is done: every interval, and a last one for partitions that leave."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from bridge.core.gate import Gate
from bridge.core.groups import Changed, GroupTable
from bridge.core.intake import Intake
from bridge.core.outcome import Commit
from bridge.core.record import Partition, names
from bridge.core.runs import Checkpoint
from bridge.core.saved import MAX_BYTES, StateRecord, save
from bridge.core.tally import Tally
from bridge.edge.log import get_logger

log = get_logger(__name__)

SLOWEST = 10.0  # seconds between commits that fail
AGAIN = 0.2  # seconds between attempts at a last commit


class Committer(Protocol):
    """Commits offsets for the consumer group, and states of campaign groups."""

    replaced: int  # producers given up

    async def commit(
        self, checkpoints: Mapping[Partition, Checkpoint], states: Sequence[StateRecord] = ()
    ) -> tuple[Commit, str]:
        """What became of it, and the error's text; never raises for the broker's or the network's faults.

        States and offsets are written together, or neither (without transactions: states first).
        """

    async def close(self) -> None:
        """Nothing is committed from here on."""


class Checkpoints:
    """One commit at a time. After a failure everything that is not confirmed goes into the next one.

    `always`: commit also where nothing changed. A static member learns by nothing else that another took its place.
    """

    def __init__(
        self, committer: Committer, tally: Tally, gate: Gate, table: GroupTable, *, always: bool = False
    ) -> None:
        self._table = table
        self._always = always
        self._committer = committer
        self._tally = tally
        self._gate = gate
        self._filling = asyncio.Event()
        gate.filling = table.filling = self._filling.set
        self._one = asyncio.Lock()

    async def keep(
        self, intakes: Mapping[Partition, Intake], seconds: float, confirmed: Callable[[], None] = lambda: None
    ) -> None:
        """Commit what has changed every `seconds`, for ever; less often while that fails, sooner where POSTs would wait for it or much has changed.

        `confirmed` is called after each that is good: POSTs may begin that waited for it.
        """
        failures = 0
        while True:
            if failures:
                await asyncio.sleep(min(seconds * 2**failures, max(seconds, SLOWEST)))
            else:
                await self._due(seconds)
            self._filling.clear()  # what fills from here on is for the next one
            posts = self._gate.unconfirmed
            if await self.commit(list(intakes.values())) is Commit.DONE:
                self._gate.confirmed(posts)
                confirmed()
                failures = 0
            else:
                failures = min(failures + 1, 10)

    async def _due(self, seconds: float) -> None:
        """Wait for `seconds`, or until the gate's window fills, or many groups have changed."""
        if self._gate.filled:  # during the checkpoint before
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._filling.wait()

    async def last(self, intakes: Collection[Intake], seconds: float) -> None:
        """Commit partitions that leave, for at most `seconds`: again after an outage or within a rebalance.

        A generation that is over is read anew and tried once more: in a cooperative rebalance it may have changed
        between our reading it and the broker's, with the partitions still ours until this returns.
        """
        again = {Commit.RETRIABLE, Commit.TIMEOUT, Commit.LOST}
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (result := await self.commit(intakes, last=True)) in again:
                    if result is Commit.LOST:
                        again.remove(result)
                    await asyncio.sleep(AGAIN)

    async def commit(self, intakes: Collection[Intake], *, last: bool = False) -> Commit:
        """Commit what has changed of these partitions, and of the groups that live in their numbers.

        Those that leave are left to their `last` commit: its turn may come after this one was asked for.
        """
        async with self._one:
            ours = [intake for intake in intakes if not intake.gone and (last or not intake.leaving)]
            changed = {n: groups for n in {i.partition.number for i in ours} if (groups := self._table.unsaved(n))}
            dirty = {i: c for i in ours if (c := self._checkpoint(i, changed)) is not None}
            if not dirty:
                return Commit.DONE
            for intake in dirty:
                intake.ledger.doubt()  # until it is confirmed: a commit that failed, or was cut, may have been made
            confirmed = False
            try:
                result = await self._write(dirty, changed)
                confirmed = result is Commit.DONE
            finally:
                self._settle(dirty, changed, confirmed=confirmed)
            return result

    def _checkpoint(self, intake: Intake, changed: Mapping[int, Changed]) -> Checkpoint | None:
        """States go with the offset of their partition, changed or not: the broker fences nothing else."""
        return intake.ledger.checkpoint(always=self._always or intake.partition.number in changed)

    async def _write(self, dirty: Mapping[Intake, Checkpoint], changed: Mapping[int, Changed]) -> Commit:
        states = [
            StateRecord(number, key.encode(), value)
            for number, groups in changed.items()
            for key, group in groups.items()
            if (value := save(group) if group is not None else None) is None or self._fits(key, value)
        ]
        result, text = await self._committer.commit({i.partition: c for i, c in dirty.items()}, states)
        self._tally.commits[result] += 1
        if result is Commit.DONE:
            self._tally.states_saved += len(states)
        else:
            partitions = names(i.partition for i in dirty)
            log.warning("commit_failed", result=result.value, reason=text, partitions=partitions)
        return result

    def _fits(self, key: str, value: bytes) -> bool:
        """One that Kafka would refuse must not hold up all the others: it is not kept."""
        if len(value) <= MAX_BYTES:
            return True
        log.warning("state_too_large", campaign_group=key, bytes=len(value), most=MAX_BYTES)
        return False

    def _settle(self, dirty: Mapping[Intake, Checkpoint], changed: Mapping[int, Changed], *, confirmed: bool) -> None:
        if confirmed:
            for intake, checkpoint in dirty.items():
                intake.ledger.confirm(checkpoint)
            return
        for number in {i.partition.number for i in dirty if not i.gone} & changed.keys():
            self._table.put_back(number, changed[number])
