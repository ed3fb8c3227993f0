"""Partitions coming and going: where they start, how records flow while they are ours, and how they are drained.

1. A partition is read only after its start is known and its ledger made.
2. Once a revoke begins, only its last checkpoint may name the partition.
3. What was handed back is not done: the next owner has it. What was out ends here: it is done, or cut and done.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial

from bridge.checkpoints import Checkpoints
from bridge.core.intake import Intake
from bridge.core.ledger import Ledger
from bridge.core.outcome import Commit, Drop, Return
from bridge.core.record import Partition, Record, names
from bridge.core.share import Share
from bridge.core.start import Start
from bridge.edge.log import get_logger
from bridge.pipeline import Pipeline
from bridge.ports import Limits, Source
from bridge.starting import Starter

log = get_logger(__name__)

CUT = 1.0  # seconds for posts that were cut to say so
MARGIN = 0.5  # seconds
AWAY = 60_000  # milliseconds that nobody had a partition, from which on its groups' time to live stood still


class Ownership:
    """The partitions of this member. Told of rebalances and records by the input, on the loop."""

    def __init__(
        self,
        pipeline: Pipeline,
        source: Source,
        starter: Starter,
        checkpoints: Checkpoints,
        limits: Limits,
        failed: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self.intakes: dict[Partition, Intake] = {}
        self.draining = False
        self._pipeline = pipeline
        self._source = source
        self._starter = starter
        self._checkpoints = checkpoints
        self._limits = limits
        # Draining, cutting and the last commit together take less than kafka.max_poll_interval.
        self._last = max(limits.drain / 2, limits.drain - CUT - MARGIN)
        self._share = Share(limits.records, limits.bytes)
        self._tasks: set[asyncio.Task[None]] = set()  # that start partitions
        self.starting: dict[Partition, asyncio.Task[None]] = {}  # ours, and not read yet
        self._failed = failed  # called with each background task that ended
        pipeline.settled = self._flow

    @property
    def held(self) -> int:
        """Records in the bridge whose fate is open."""
        return sum(intake.held for intake in self.intakes.values())

    # What the input tells

    def counted(self, counts: Mapping[str, int]) -> None:
        """The topics have so many partitions; where that is news, groups may live elsewhere from now on."""
        self._starter.counts.update(counts)
        self._pipeline.ticks.grow(self._starter.count)

    def assigned(self, partitions: frozenset[Partition]) -> None:
        """Partitions are ours, and paused: learn where they start."""
        self._pipeline.tally.rebalances["assigned"] += 1
        log.info("partitions_assigned", partitions=names(partitions))
        self._pipeline.cluster_id = self._source.cluster_id
        task = asyncio.create_task(self._start(partitions))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._failed)
        self.starting |= dict.fromkeys(partitions, task)

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        """Drain partitions and commit them for the last time. Ends within the drain's time, come what may."""
        self._pipeline.tally.rebalances["revoked"] += 1
        log.info("partitions_revoked", partitions=names(partitions))
        self._unstart(partitions)
        leaving = [self.intakes[p] for p in partitions if p in self.intakes]
        await self._drain(leaving, Return.REVOKED)
        await self._checkpoints.last(leaving, self._last)
        self._give_up(partitions)

    def lost(self, partitions: frozenset[Partition]) -> None:
        """Partitions are another's already: nothing of them is ours to commit."""
        self._pipeline.tally.rebalances["lost"] += 1
        log.warning("partitions_lost", partitions=names(partitions))
        self._unstart(partitions)
        leaving = [self.intakes[p] for p in partitions if p in self.intakes]
        for intake in leaving:
            self._pipeline.tally.returned[Return.LOST] += intake.held
            intake.leaving = intake.gone = True
        self._leave(leaving)
        self._pipeline.release(leaving, Drop.REVOKED)
        self._give_up(partitions)

    def lost_all(self) -> None:
        """The membership itself is gone."""
        if partitions := frozenset(self.intakes) | frozenset(self.starting):
            self.lost(partitions)

    def records(self, batch: dict[Partition, list[Record]]) -> None:
        """Records of owned partitions; those of partitions not (or no longer) ours are handed back."""
        for partition, records in batch.items():
            self._pipeline.tally.consumed[partition.topic] += len(records)
            intake = self.intakes.get(partition)
            if intake is None or intake.leaving:
                self._pipeline.tally.returned[Return.REVOKED if intake else Return.LOST] += len(records)
            elif intake.offer(records):
                self._flow(intake)
            else:
                self._pipeline.tally.returned[Return.LOST] += len(records)
                self._source.renew(f"{names([partition])[0]}: its log was cut, and offsets come again")

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
        """Each partition number begins as soon as it is known; one that takes long does not hold up the others."""
        token = asyncio.current_task()
        starts = await self._starter.starts(partitions)
        self._pipeline.ticks.grow(self._starter.count)
        numbers: dict[int, dict[Partition, Start]] = {}
        for partition, start in starts.items():
            numbers.setdefault(partition.number, {})[partition] = start
        async with asyncio.TaskGroup() as group:
            for number, of_number in numbers.items():
                group.create_task(self._take_over(number, of_number, token))

    async def _take_over(self, number: int, starts: dict[Partition, Start], token: "asyncio.Task[None] | None") -> None:
        known = await self._starter.known(number, starts) if self._is_new(number) else None
        # Revoked meanwhile? If it came back, this start may be an old one: the newer task knows.
        ours = {p: start for p, start in starts.items() if self.starting.get(p) is token}
        if not ours:
            return
        known = known if self._is_new(number) else None  # a partition of another topic was quicker
        now_ms = self._pipeline.now_ms()
        told_ms = max(start.told_until_ms for start in ours.values())
        if known is not None:
            away_ms = now_ms - told_ms if told_ms and now_ms - told_ms > AWAY else 0
            self._pipeline.table.put_back(number, known.changed)
            self._pipeline.table.restore(known.groups, now_ms, away_ms)
        for partition, start in ours.items():
            self._begin(partition, start)
            intake = self.intakes[partition]
            self._pipeline.ticks.begin(intake, told_ms, now_ms, start.latest)
            self._source.once_read(partition, start.latest, partial(self._pipeline.ticks.was_read, intake))
        for group in known.groups if known is not None else ():
            self._pipeline.ticks.look(self._pipeline.table.get(group.key) or group)
        self._split()

    def _is_new(self, number: int) -> bool:
        """Whether nothing of this partition number is ours yet: then its groups are not in the table."""
        return all(partition.number != number for partition in self.intakes)

    def _begin(self, partition: Partition, start: Start) -> None:
        del self.starting[partition]
        ledger = Ledger(start.offset, start.runs, start.born, covered=start.covered, max_covered=self._limits.covered)
        ledger.told_until_ms, ledger.topic_id = start.told_until_ms, start.topic_id
        self.intakes[partition] = Intake(partition, ledger, self._share)
        self._pipeline.tally.gaps += start.gap
        log.info("partition_starts", topic=partition.topic, partition=partition.number, **start.told())
        self._source.begin(partition, start.offset, start.topic_id)

    def _unstart(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self.starting.pop(partition, None)

    async def checkpoint(self) -> Commit:
        """Commit what has changed of the partitions that stay."""
        return await self._checkpoints.commit(list(self.intakes.values()))

    async def keep_checkpoints(self, seconds: float) -> None:
        """Commit what has changed every `seconds`, for ever."""
        await self._checkpoints.keep(self.intakes, seconds, self._pipeline.nudge)

    # End

    async def stop(self) -> None:
        """Hand back what waits, let what is out end, commit. The membership itself is ended by the input."""
        self.draining = True
        for task in self._tasks:
            task.cancel()
        self.starting.clear()
        self._source.pause(list(self.intakes))
        intakes = list(self.intakes.values())
        await self._drain(intakes, Return.STOPPED)
        await self._checkpoints.last(intakes, self._last)

    async def _drain(self, intakes: Collection[Intake], why: Return) -> None:
        fresh = [intake for intake in intakes if not intake.leaving]
        for intake in fresh:
            intake.leaving = True
        self._leave(fresh)
        self._pipeline.tally.returned[why] += self._pipeline.release(fresh, Drop(why), begun=False)
        if not await self._pipeline.flights.landed(intakes, self._limits.drain):
            self._pipeline.tally.returned[why] += self._pipeline.release(intakes, Drop(why))
            cut = self._pipeline.flights.cut(intakes)
            log.warning("posts_cut", posts=cut, after_seconds=self._limits.drain)
            await self._pipeline.flights.landed(intakes, CUT)
        for intake in fresh:
            intake.ledger.told_until_ms = max(self._pipeline.now_ms(), intake.ledger.told_until_ms)

    def _leave(self, intakes: Collection[Intake]) -> None:
        """No further periodic notification of these."""
        for intake in intakes:
            stay = [i for i in self.intakes.values() if i.partition.number == intake.partition.number and not i.leaving]
            self._pipeline.ticks.end(intake, stay)

    def _give_up(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            intake = self.intakes.get(partition)
            if intake is None or not intake.leaving:  # lost while it was drained, and ours again by now
                continue
            if not intake.gone:  # what did not end within the drain: not done, so the next owner has it
                self._pipeline.tally.returned[Return.REVOKED] += intake.held
            intake.gone = True
            del self.intakes[partition]
        for number in {p.number for p in partitions} - {p.number for p in self.intakes}:
            self._pipeline.ticks.forget(self._pipeline.table.drop(number))
        self._split()
