"""The loop: records become events, wait in their lanes, are merged and posted, and are settled.

All state here belongs to the asyncio loop. A fixed number of senders take the heads of lanes in turn; what needs no POST
is settled on the way, without a task or a wait.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from bridge.core.groups import Facts, GroupTable
from bridge.core.identity import event_id
from bridge.core.intake import Intake
from bridge.core.lanes import Lane, Lanes
from bridge.core.mapping import Arrival, Mapper
from bridge.core.notification import Style, render
from bridge.core.outcome import InvalidEvent, Outcome, Skip
from bridge.core.record import Record
from bridge.core.tally import Tally
from bridge.core.vocabulary import Kind

TURN = 256  # events settled without a POST before other work of the loop gets its turn


class Poster(Protocol):
    """Makes the one attempt."""

    async def post(self, body: bytes, event_id: str) -> Outcome:
        """Never raises for the network's or the receiver's faults; if cancelled, cuts the POST and says so."""


class Quarantine(Protocol):
    """Keeps what is no event."""

    def put(self, record: Record, error: InvalidEvent, done: Callable[[], None]) -> None:
        """Keep the record, then call `done` on the loop."""


class Report(Protocol):
    """Is told of each POST: logs and histograms."""

    def sending(self, facts: Facts, event_id: str) -> None:
        """A POST is about to begin."""

    def sent(self, record: Record, kind: str, group: str, event_id: str, outcome: Outcome, age_seconds: float) -> None:
        """It ended; `group` is the group's key, `age_seconds` the time since the record's timestamp."""


class Item(msgspec.Struct, gc=False):
    """An arrival in its lane, with the partition it must be settled in."""

    intake: Intake
    arrival: Arrival


class Pipeline:
    """`enabled` false: events are merged and counted, nothing is posted. `wall`: seconds since the epoch."""

    def __init__(
        self,
        *,
        mapper: Mapper,
        style: Style,
        poster: Poster,
        quarantine: Quarantine,
        report: Report,
        enabled: bool,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.table = GroupTable()
        self.lanes: Lanes[Item] = Lanes()
        self.tally = Tally()
        self.cluster_id = "unknown"
        self.settled: Callable[[Intake], None] = lambda _: None  # after each record that is done
        self._mapper = mapper
        self._style = style
        self._poster = poster
        self._quarantine = quarantine
        self._report = report
        self._enabled = enabled
        self._wall = wall
        self._out: dict[asyncio.Task[None], Item] = {}
        self._idle: list[asyncio.Future[None]] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def in_flight(self) -> int:
        """POSTs that have begun and not ended."""
        return len(self._out)

    @property
    def replaced_times(self) -> int:
        """Events whose time lay too far ahead of their record's."""
        return self._mapper.replaced_times

    def admit(self, intake: Intake) -> None:
        """Take over what the partition's share of the buffers allows."""
        while taken := intake.take():
            record, fresh = taken
            if fresh:
                self._read(intake, record)
            else:
                self._read_again(intake, record)

    def _read(self, intake: Intake, record: Record) -> None:
        try:
            arrival = self._mapper.read(record)
        except InvalidEvent as error:
            self._put_aside(intake, record, error)
            return
        if isinstance(arrival, Skip):
            self.tally.skipped[arrival] += 1
            self._done(intake, record)
            return
        self._push(Item(intake, arrival))

    def _read_again(self, intake: Intake, record: Record) -> None:
        """A record that was done before a restart: what it says of its group is learnt again, nothing is posted."""
        self.tally.skipped[Skip.ALREADY_DONE] += 1
        try:
            arrival = self._mapper.read(record, fresh=False)
        except InvalidEvent:
            return  # quarantined before the restart
        if not isinstance(arrival, Skip):
            self._push(Item(intake, arrival))

    def _push(self, item: Item) -> None:
        self.lanes.push(item.arrival.key, item)
        if self._idle:
            self._idle.pop().set_result(None)

    async def send(self) -> None:
        """One sender: serves lanes until it is cancelled. As many POSTs are out at most as there are senders."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker: this is a coroutine of a task)
        loop = asyncio.get_running_loop()
        turn = 0
        while True:
            lane = self.lanes.take()
            if lane is None:
                turn = 0
                idle = loop.create_future()
                self._idle.append(idle)
                await idle
                continue
            item = lane.queue[0]
            facts = self._merge(item)
            if facts is None:
                self.lanes.settle(lane)
                turn += 1
                if turn % TURN == 0:
                    await asyncio.sleep(0)
                continue
            turn = 0
            self._out[task] = item
            await self._post(lane, item, facts)
            del self._out[task]
            self._wake()

    def _merge(self, item: Item) -> Facts | None:
        """Merge the head of a lane; the facts to post, or None if it needs no POST: then it is settled."""
        arrival = item.arrival
        try:
            facts = self.table.merge(arrival.key, arrival.event, arrival.stamp, arrival.policy, arrival.row)
        except InvalidEvent as error:
            if arrival.fresh:
                self._put_aside(item.intake, arrival.record, error)
            return None
        if facts is not None and arrival.fresh and self._enabled:
            return facts
        if arrival.fresh and not item.intake.gone:
            if facts is None:
                self.tally.absorbed += 1
            else:
                self.tally.skipped[Skip.DISABLED] += 1
            self._done(item.intake, arrival.record)
        return None

    async def _post(self, lane: Lane[Item], item: Item, facts: Facts) -> None:
        record = item.arrival.record
        kind = "periodic" if item.arrival.event.kind is Kind.SNAPSHOT else "change"
        identity = event_id(self.cluster_id, record)
        body = render(facts, self._style)
        self.tally.rendered[kind] += 1
        self._report.sending(facts, identity)
        item.intake.out += 1
        outcome = await self._poster.post(body, identity)
        item.intake.out -= 1
        self.tally.post(kind, outcome)
        self.lanes.settle(lane)
        if not item.intake.gone:
            self.tally.posted += 1
            self._done(item.intake, record)
        age = self._wall() - record.timestamp_ms / 1000
        self._report.sent(record, kind, item.arrival.key, identity, outcome, age)

    def _put_aside(self, intake: Intake, record: Record, error: InvalidEvent) -> None:
        intake.out += 1

        def done() -> None:
            intake.out -= 1
            if not intake.gone:
                self.tally.quarantined[error.reason] += 1
                self._done(intake, record)
            self._wake()

        self._quarantine.put(record, error, done)

    def _done(self, intake: Intake, record: Record) -> None:
        intake.settle(record.offset)
        self.settled(intake)

    def release(self, intakes: Collection[Intake]) -> int:
        """Take what waits of these partitions out of the lanes and of the backlog; how many records are handed back."""
        gone = {id(intake) for intake in intakes}
        items = self.lanes.release(lambda item: id(item.intake) in gone)
        back = sum(item.arrival.fresh for item in items)
        for intake in intakes:
            back += len(intake.backlog)
            intake.backlog.clear()
        return back

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
        tasks = [task for task, item in self._out.items() if id(item.intake) in gone]
        for task in tasks:
            task.cancel()
        return len(tasks)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
