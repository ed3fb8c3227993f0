"""The parts between Kafka and the receiver, put together with a broker and a receiver of the test's own.

Everything is real but the edges: a log that the test writes, commits that it lets succeed or fail, POSTs that it ends.
In virtual time (virtual_time.py), so that random schedules are many and each can be had again by its seed.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from campaigns import LENIENT
from group_events import change
from virtual_time import VirtualLoop, now, turns, until

from bridge.checkpoints import Checkpoints
from bridge.core.facts import Facts
from bridge.core.gate import Gate
from bridge.core.group import Policy
from bridge.core.ledger import restore_covered
from bridge.core.mapping.mapper import Mapper
from bridge.core.outcome import Commit, Invalid, InvalidEvent, Reason, Result, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.profile import Profile, compile_profile
from bridge.core.record import Partition, Record
from bridge.core.route import Route
from bridge.core.runs import Checkpoint
from bridge.core.saved import Restored, StateRecord, load
from bridge.core.schedule import Due
from bridge.core.start import Commits, Log
from bridge.core.style import Style
from bridge.core.switches import Switches
from bridge.cover import Cover
from bridge.ownership import Ownership
from bridge.pipeline import Pipeline
from bridge.ports import Clock, Limits, Rules
from bridge.profiles import preset_text
from bridge.starting import Starter

TOPIC = "events"
EPOCH = 1_772_355_600.0  # the wall's clock when the virtual one says 0
GENERIC = compile_profile(preset_text("generic"), "generic")
DELIVERED = Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.01, 204)
REFUSED = Outcome(Result.NOT_SENT, Reason.LEASE, 0.0)
CUT = Outcome(Result.AMBIGUOUS, Reason.CUT, 0.01)


def partition(number: int) -> Partition:
    return Partition(TOPIC, number)


class Broker:
    """Logs and commits. It outlives the bridges that use it; so does what was ever posted."""

    def __init__(self, partitions: int = 2) -> None:
        self.partitions = partitions
        self.began = now()
        self.logs: dict[Partition, list[Record]] = {partition(n): [] for n in range(partitions)}
        self.commits: dict[Partition, Checkpoint] = {}
        self.states: dict[int, dict[bytes, bytes]] = {n: {} for n in range(partitions)}
        self.posted: list[tuple[Partition, int]] = []
        self.ticks: list[tuple[str, int, dict[str, Any]]] = []  # group, start of the slot, body
        self.order: dict[str, list[tuple[Partition, int]]] = defaultdict(list)  # of POSTs, by campaign group

    def write(self, number: int, group: str = "G1", value: str | None = None, age: float = 0.0) -> Record:
        """Append a change of the group, or another value, `age` seconds old."""
        log = self.logs[partition(number)]
        text = value if value is not None else change(group, len(log))
        made = Record(partition(number), len(log), round((EPOCH - age) * 1000), None, text.encode(), (), len(text))
        log.append(made)
        return made

    async def committed(self, topic: str) -> Commits:
        return Commits({p.number: c for p, c in self.commits.items() if p.topic == topic}, self.partitions)

    async def ensure(self, partitions: int) -> None:
        """Its state topic is always there."""

    async def restore(self, number: int) -> Restored:
        groups = [load(key, value, number) for key, value in self.states[number].items()]
        return Restored(groups=groups, records=len(groups), bad=0, seconds=0.0)

    async def logs_of(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        return {p: Log(0, len(self.logs[p])) for p in partitions}


class Committer:
    """`answer` is asked for what becomes of each commit: its result, and whether the broker has it."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.told: dict[Partition, Checkpoint] = {}  # confirmed to the bridge
        self.asked: list[dict[Partition, Checkpoint]] = []
        self.answer: Callable[[], Awaitable[tuple[Commit, bool]]] = self.done
        self.busy = False
        self.replaced = 0

    async def close(self) -> None:
        """Nothing to close."""

    @staticmethod
    async def done() -> tuple[Commit, bool]:
        return Commit.DONE, True

    async def commit(
        self, checkpoints: Mapping[Partition, Checkpoint], states: Sequence[StateRecord] = ()
    ) -> tuple[Commit, str]:
        assert not self.busy, "two commits at a time"
        assert {state.number for state in states} <= {p.number for p in checkpoints}, "a state without its offset"
        self.busy = True
        self.asked.append(dict(checkpoints))
        try:
            result, made = await self.answer()
        finally:
            self.busy = False
        if made:
            self.broker.commits.update(checkpoints)
            for number, key, value in states:
                if value is None:
                    self.broker.states[number].pop(key, None)
                else:
                    self.broker.states[number][key] = value
        if result is Commit.DONE:
            self.told.update(checkpoints)
        return result, "as the test says"


class Poster:
    """`connect` is awaited before the write, where `permit` is asked; `end` gives the outcome after it."""

    def __init__(self, parts: "Parts") -> None:
        self.parts = parts
        self.out: dict[str, asyncio.Future[Outcome]] = {}  # by group
        self.connect: Callable[[], Awaitable[None]] | None = None
        self.end: Callable[[], Awaitable[Outcome]] | None = None  # else the test ends what is in `out`
        self.hangs = False  # a POST that was cut does not say so

    async def post(self, body: bytes, event_id: str, permit: Callable[[], bool] | None = None) -> Outcome:
        group = json.loads(body)["GSW_CAMPAIGN_GROUP_GUID"]
        assert group not in self.out, "two POSTs of a group at a time"
        self.out[group] = asyncio.get_running_loop().create_future()
        self.parts.ids.append(event_id)
        self.parts.bodies.append(json.loads(body))
        parts = event_id.split("/")
        what = (Partition(parts[1], int(parts[2])), int(parts[3])) if len(parts) >= 5 else None
        if len(parts) == 1:  # the platform's own id
            what = Partition(TOPIC, 0), len(self.parts.broker.posted)
        if what is None:
            self.parts.broker.ticks.append((group, int(parts[-1]), json.loads(body)))
        try:
            return await self._attempt(group, what, permit)
        finally:
            del self.out[group]

    async def _attempt(
        self, group: str, what: tuple[Partition, int] | None, permit: Callable[[], bool] | None
    ) -> Outcome:
        try:
            if self.connect is not None:
                await self.connect()
            assert permit is not None
            if not permit():
                return REFUSED
            if what is not None:
                self.parts.sees(what)
                self.parts.broker.posted.append(what)
                self.parts.broker.order[group].append(what)
            return await (self.end() if self.end else self.out[group])
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            if task.uncancel() or not self.parts.cuts:
                raise  # the test is over
            await until(lambda: not self.hangs)
            return CUT


class Quarantine:
    """Keeps records at once, or when the test calls what is in `waiting`."""

    def __init__(self) -> None:
        self.kept: list[Record] = []
        self.waiting: deque[Callable[[], None]] = deque()
        self.slow = False

    def put(self, record: Record, error: InvalidEvent, done: Callable[[], None]) -> None:
        self.kept.append(record)
        if self.slow:
            self.waiting.append(done)
        else:
            done()


class Report:
    def __init__(self) -> None:
        self.unknowns: list[tuple[Partition, int]] = []
        self.not_posted: list[tuple[Partition, int, str]] = []
        self.left_out: list[tuple[int, str, str]] = []

    def sending(self, facts: Facts, event_id: str) -> None:
        """Nothing is said before."""

    def unknown(self, record: Record) -> None:
        self.unknowns.append((record.partition, record.offset))

    def quarantined(self, record: Record, error: InvalidEvent) -> None:
        self.not_posted.append((record.partition, record.offset, error.reason.value))

    def ignored(self, record: Record, fields: Collection[tuple[str, Invalid]]) -> None:
        self.left_out += [(record.offset, field, reason.value) for field, reason in fields]

    def skipped(self, record: Record, group: str, why: Skip) -> None:
        self.not_posted.append((record.partition, record.offset, why.value))

    def sent(
        self, origin: Record | Due, kind: str, group: str, event_id: str, outcome: Outcome, age_seconds: float
    ) -> None:
        """It is in the broker's list."""


class Source:
    """Reads the broker's logs from where a partition begins, two records at a time, unless it is paused."""

    cluster_id = "c"

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.position: dict[Partition, int] = {}
        self.paused: set[Partition] = set()
        self.renewals: list[str] = []
        self.awaited: list[tuple[Partition, int, Callable[[], None]]] = []

    def pause(self, partitions: Collection[Partition]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        self.paused -= set(partitions)

    def renew(self, why: str) -> None:
        self.renewals.append(why)

    def begin(self, partition: Partition, offset: int, topic_id: str) -> None:
        self.position[partition] = offset
        self.paused.discard(partition)

    def once_read(self, partition: Partition, offset: int, call: Callable[[], None]) -> None:
        self.awaited.append((partition, offset, call))

    def batch(self, most: int = 2) -> dict[Partition, list[Record]]:
        found = {}
        for p, at in self.position.items():
            if p not in self.paused and (records := self.broker.logs[p][at : at + most]):
                found[p] = records
                self.position[p] += len(records)
        return found


class Parts:
    """A bridge of `senders`, with `covered` in at_most_once. `owned` is what its lease says."""

    def __init__(
        self,
        broker: Broker,
        *,
        covered: int = 0,
        senders: int = 4,
        max_unconfirmed: int = 10_000,
        max_age: float = float("inf"),
        records: int = 100,
        drain: float = 10.0,
        policy: Policy = LENIENT,
        enabled: bool = True,
        interval: float = 0.0,
        ttl: float = 0.0,
        profile: Profile = GENERIC,
        drop_repeats: bool = False,
    ) -> None:
        self.broker = broker
        self.ids: list[str] = []  # of notifications, and …
        self.bodies: list[dict[str, Any]] = []  # … what they said, from when each was handed over
        self.owned = True
        self.cuts = True
        self.committer, self.source = Committer(broker), Source(broker)
        self.quarantine, self.report = Quarantine(), Report()
        self.poster = Poster(self)
        self.gate = Gate(lambda: self.owned, max_unconfirmed=max_unconfirmed)
        self.stepped = 0.0  # seconds that the wall's clock was set forward by
        clock = Clock(lambda: EPOCH + now() - broker.began + self.stepped, now)
        mapper = Mapper(Route(profile, policy), {}, max_future_ms=300_000)
        self.pipeline = Pipeline(
            mapper=mapper,
            style=Style(),
            poster=self.poster,
            quarantine=self.quarantine,
            report=self.report,
            gate=self.gate,
            switches=Switches(
                interval=interval, intervals={}, disabled=(), periodic_states=(4, 5), directory=lambda: None
            ),
            rules=Rules(enabled=enabled, max_age=max_age, saved=True, ttl=ttl, drop_repeats=drop_repeats),
            clock=clock,
        )
        self.checkpoints = Checkpoints(self.committer, self.pipeline.tally, self.gate, self.pipeline.table)
        limits = Limits(drain, records, 10**6, covered)
        starter = Starter(
            OffsetsOf(broker), broker, self, mapper, self.pipeline.tally, reset="earliest", seed_ms=0, clock=clock
        )
        self.ownership = Ownership(self.pipeline, self.source, starter, self.checkpoints, limits, self.failed)
        self.tasks = [asyncio.create_task(self.pipeline.send()) for _ in range(senders)]
        if interval or ttl:
            self.tasks.append(asyncio.create_task(self._turns()))
        self.cover: Cover | None = None
        if covered:
            self.cover = self.pipeline.cover = Cover(
                self.pipeline.lanes, self.ownership.checkpoint, self.pipeline.nudge
            )
            self.tasks.append(asyncio.create_task(self.cover.keep()))
        for task in self.tasks:
            task.add_done_callback(self.failed)
        self.failures: list[BaseException] = []

    def failed(self, task: asyncio.Task[None]) -> None:
        """As in the service: a background task fails only by a defect."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures.append(error)

    async def _turns(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            self.pipeline.turn()

    def sees(self, what: tuple[Partition, int]) -> None:
        """A POST is written. In at_most_once, a checkpoint that was confirmed covers it."""
        if self.cover is not None:
            runs = restore_covered(self.committer.told[what[0]])
            assert any(first <= what[1] < after for first, after in runs), f"{what} is posted, and not covered"

    def assign(self, *numbers: int) -> None:
        self.ownership.assigned(frozenset(map(partition, numbers)))

    async def revoke(self, *numbers: int) -> None:
        await self.ownership.revoked(frozenset(map(partition, numbers)))
        for number in numbers:
            self.source.position.pop(partition(number), None)

    def poll(self, most: int = 2) -> None:
        self.ownership.records(self.source.batch(most))
        self.check()

    def check(self) -> None:
        """The identities of the architecture, as of now."""
        assert not self.failures, self.failures
        tally, flights = self.pipeline.tally, len(self.pipeline.flights)
        assert tally.consumed.total() == tally.finished() + self.ownership.held, "records"
        made = sum(tally.rendered.values()) + tally.ticks_due
        ended = sum(tally.outcomes.values()) + tally.dropped.total() + tally.ticks_dropped.total()
        assert made == ended + len(self.pipeline.ticks.waiting) + flights, "notifications"
        assert all(intake.out >= 0 for intake in self.ownership.intakes.values())

    async def read(self, ends: Mapping[Partition, int], since_ms: int, take: Callable[[list[Record]], None]) -> int:
        """No history."""
        raise AssertionError("nobody asked to seed")

    async def end(self) -> None:
        """The process is gone, without a word to anybody."""
        self.cuts = False
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class OffsetsOf:
    """A broker's offsets, as the bridge asks for them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def committed(self, topic: str) -> Commits:
        return await self._broker.committed(topic)

    async def logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        return await self._broker.logs_of(partitions)


@asynccontextmanager
async def bridge(broker: Broker, *assigned: int, **options: Any) -> AsyncIterator[Parts]:
    """A bridge with these partitions. The identities hold after every turn of the loop."""
    parts = Parts(broker, **options)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.watch = parts.check
    try:
        if assigned:
            parts.assign(*assigned)
            await turns()
        yield parts
    finally:
        loop.watch = None
        await parts.end()
