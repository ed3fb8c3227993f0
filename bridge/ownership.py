"""Partitions coming and going: where they start, how records flow while they are ours, and how they are drained.

1. A partition is read only after its start is known and its ledger made.
2. Once a revoke begins, only its last checkpoint may name the partition.
3. What was handed back is not done: the next owner has it. What was out ends here: it is done, or cut and done.
"""

import asyncio
from collections.abc import Callable, Collection

import msgspec

from bridge.checkpoints import Checkpoints, names
from bridge.core.intake import Intake, Share
from bridge.core.ledger import Ledger
from bridge.core.outcome import Commit, Return, Unavailable
from bridge.core.record import Partition, Record
from bridge.core.start import Reset, Start, resolve
from bridge.edge.log import get_logger
from bridge.pipeline import Pipeline
from bridge.ports import Offsets, Source

log = get_logger(__name__)

RETRY = 1.0  # seconds between attempts to learn where a partition starts
CUT = 1.0  # seconds for posts that were cut to say so


class Limits(msgspec.Struct, frozen=True):
    """Times in seconds. `bytes`: of all partitions together; `records`, `covered` (at_most_once): of each."""

    drain: float
    records: int
    bytes: int
    reset: Reset
    covered: int = 0


class Ownership:
    """The partitions of this member. Told of rebalances and records by the input, on the loop."""

    def __init__(
        self,
        pipeline: Pipeline,
        source: Source,
        offsets: Offsets,
        checkpoints: Checkpoints,
        limits: Limits,
        failed: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self.intakes: dict[Partition, Intake] = {}
        self.draining = False
        self._pipeline = pipeline
        self._source = source
        self._offsets = offsets
        self._checkpoints = checkpoints
        self._limits = limits
        self._share = Share(limits.records, limits.bytes)
        self._starting: dict[Partition, asyncio.Task[None]] = {}
        self._failed = failed  # called with each background task that ended
        pipeline.settled = self._flow

    @property
    def held(self) -> int:
        """Records in the bridge whose fate is open."""
        return sum(intake.held for intake in self.intakes.values())

    # What the input tells

    def assigned(self, partitions: frozenset[Partition]) -> None:
        """Partitions are ours, and paused: learn where they start."""
        self._pipeline.tally.rebalances["assigned"] += 1
        log.info("partitions_assigned", partitions=names(partitions))
        self._pipeline.cluster_id = self._source.cluster_id
        task = asyncio.create_task(self._start(partitions))
        task.add_done_callback(self._failed)
        for partition in partitions:
            self._starting[partition] = task

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        """Drain partitions and commit them for the last time. Ends within the drain's time, come what may."""
        self._pipeline.tally.rebalances["revoked"] += 1
        log.info("partitions_revoked", partitions=names(partitions))
        self._unstart(partitions)
        leaving = [self.intakes[p] for p in partitions if p in self.intakes]
        await self._drain(leaving, Return.REVOKED)
        await self._checkpoints.last(leaving, self._limits.drain)
        self._give_up(partitions)

    def lost(self, partitions: frozenset[Partition]) -> None:
        """Partitions are another's already: nothing of them is ours to commit."""
        self._pipeline.tally.rebalances["lost"] += 1
        log.warning("partitions_lost", partitions=names(partitions))
        self._unstart(partitions)
        for partition in partitions:
            if intake := self.intakes.get(partition):
                self._pipeline.tally.returned[Return.LOST] += intake.held
                intake.leaving = intake.gone = True
        self._pipeline.release([self.intakes[p] for p in partitions if p in self.intakes])
        self._give_up(partitions)

    def lost_all(self) -> None:
        """The membership itself is gone."""
        if partitions := frozenset(self.intakes) | frozenset(self._starting):
            self.lost(partitions)

    def records(self, batch: dict[Partition, list[Record]]) -> None:
        """Records of owned partitions; those of partitions not (or no longer) ours are handed back."""
        for partition, records in batch.items():
            self._pipeline.tally.consumed[partition.topic] += len(records)
            intake = self.intakes.get(partition)
            if intake is None or intake.leaving:
                self._pipeline.tally.returned[Return.REVOKED if intake else Return.LOST] += len(records)
                continue
            intake.offer(records)
            self._flow(intake)

    # Flow

    def _flow(self, intake: Intake) -> None:
        """Take over what has room; pause what has none."""
        if intake.admitting:
            return
        if intake.backlog and not intake.leaving:
            intake.admitting = True
            self._pipeline.admit(intake)
            intake.admitting = False
        wish = intake.wants_pause
        if wish is not None and not intake.leaving:
            intake.paused = wish
            (self._source.pause if wish else self._source.resume)([intake.partition])

    def _split(self) -> None:
        """Each partition has an equal part of the bytes."""
        self._share.bytes = self._limits.bytes // max(1, len(self.intakes))

    # Start

    async def _start(self, partitions: frozenset[Partition]) -> None:
        while True:
            try:
                starts = await self._resolve(partitions)
                break
            except Unavailable as error:
                log.warning("start_unknown", partitions=names(partitions), reason=str(error), retry_seconds=RETRY)
                await asyncio.sleep(RETRY)
        for partition, start in starts.items():
            if self._starting.get(partition) is not asyncio.current_task():
                continue  # revoked meanwhile; if it came back, this start may be an old one: the newer task knows
            del self._starting[partition]
            self.intakes[partition] = Intake(partition, self._ledger(start), self._share)
            self._pipeline.tally.gaps += start.gap
            log.info("partition_starts", topic=partition.topic, partition=partition.number, **_told(start))
            self._source.begin(partition, start.offset)
        self._split()

    def _ledger(self, start: Start) -> Ledger:
        return Ledger(start.offset, start.runs, start.born, covered=start.covered, max_covered=self._limits.covered)

    async def _resolve(self, partitions: frozenset[Partition]) -> dict[Partition, Start]:
        logs = await self._offsets.logs(partitions)
        starts = {}
        for topic in sorted({p.topic for p in partitions}):
            committed, count = await self._offsets.committed(topic)
            for partition in (p for p in partitions if p.topic == topic):
                others = [c for number, c in committed.items() if number != partition.number]
                own = committed.get(partition.number)
                starts[partition] = resolve(
                    partition.number, own, others, logs[partition], count=count, reset=self._limits.reset
                )
        return starts

    def _unstart(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self._starting.pop(partition, None)

    async def checkpoint(self) -> Commit:
        """Commit what has changed of the partitions that stay."""
        return await self._checkpoints.commit([intake for intake in self.intakes.values() if not intake.leaving])

    async def keep_checkpoints(self, seconds: float) -> None:
        """Commit what has changed every `seconds`, for ever."""
        await self._checkpoints.keep(self.intakes, seconds)

    # End

    async def stop(self) -> None:
        """Hand back what waits, let what is out end, commit. The membership itself is ended by the input."""
        self.draining = True
        for task in set(self._starting.values()):
            task.cancel()
        self._starting.clear()
        intakes = list(self.intakes.values())
        self._source.pause(list(self.intakes))
        await self._drain(intakes, Return.STOPPED)
        await self._checkpoints.last(intakes, self._limits.drain)

    async def _drain(self, intakes: Collection[Intake], why: Return) -> None:
        fresh = [intake for intake in intakes if not intake.leaving]
        for intake in fresh:
            intake.leaving = True
        self._pipeline.tally.returned[why] += self._pipeline.release(fresh)
        if not await self._pipeline.flights.landed(intakes, self._limits.drain):
            cut = self._pipeline.flights.cut(intakes)
            log.warning("posts_cut", posts=cut, after_seconds=self._limits.drain)
            await self._pipeline.flights.landed(intakes, CUT)

    def _give_up(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            intake = self.intakes.get(partition)
            if intake is None or not intake.leaving:  # lost while it was drained, and ours again by now
                continue
            if not intake.gone:  # what did not end within the drain: not done, so the next owner has it
                self._pipeline.tally.returned[Return.REVOKED] += intake.held
            intake.gone = True
            del self.intakes[partition]
        numbers = {partition.number for partition in self.intakes}
        for number in {p.number for p in partitions} - numbers:
            self._pipeline.table.drop(number)
        self._split()


def _told(start: Start) -> dict[str, object]:
    note = {"latest": "no commit of this group: kafka.auto_offset_reset is latest, older records are not read"}
    told: dict[str, object] = {"offset": start.offset, "origin": start.origin}
    if start.gap:
        told["offsets_missing"] = start.gap
    if start.origin in note:
        told["note"] = note[start.origin]
    return told
