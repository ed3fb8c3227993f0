"""The loop: records become events, wait in their lanes, are merged and posted, and are settled.

All state here belongs to the asyncio loop. A fixed number of senders take the heads of lanes in turn; what needs no POST
is settled on the way, without a task or a wait.
"""

import asyncio
from collections.abc import Callable, Collection

from bridge.core.gate import Gate
from bridge.core.groups import Facts, GroupTable
from bridge.core.identity import event_id
from bridge.core.intake import Intake
from bridge.core.lanes import Lane, Lanes
from bridge.core.ledger import Seen
from bridge.core.mapping import Mapper
from bridge.core.notification import Style, render
from bridge.core.outcome import InvalidEvent, Outcome, Reason, Return, Skip
from bridge.core.record import Record
from bridge.core.tally import Tally
from bridge.core.vocabulary import Kind
from bridge.flights import Flights
from bridge.ports import SYSTEM, Clock, Covering, Item, Poster, Quarantine, Report, Uncovered

TURN = 256  # events settled without a POST before other work of the loop gets its turn


class Pipeline:
    """`enabled` false, or an event more than `max_age` seconds old: merged and counted, not posted."""

    def __init__(
        self,
        *,
        mapper: Mapper,
        style: Style,
        poster: Poster,
        quarantine: Quarantine,
        report: Report,
        gate: Gate,
        enabled: bool,
        max_age: float = float("inf"),
        clock: Clock = SYSTEM,
    ) -> None:
        self.gate = gate
        self.flights = Flights()
        self.table = GroupTable()
        self.lanes: Lanes[Item] = Lanes()
        self.tally = Tally()
        self.cluster_id = "unknown"
        self.settled: Callable[[Intake], None] = lambda _: None  # after each record that is done
        self.cover: Covering = Uncovered()
        self._mapper = mapper
        self._style = style
        self._poster = poster
        self._quarantine = quarantine
        self._report = report
        self._enabled = enabled
        self._max_age = max_age
        self._clock = clock
        self._idle: list[asyncio.Future[None]] = []

    @property
    def replaced_times(self) -> int:
        """Events whose time lay too far ahead of their record's."""
        return self._mapper.replaced_times

    def admit(self, intake: Intake) -> None:
        """Take over what the partition's share of the buffers allows."""
        while taken := intake.take():
            record, seen = taken
            if seen:
                self._read(intake, record)
            else:
                self._read_again(intake, record, seen)

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
        self._push(Item(intake, arrival, posts=self._enabled and arrival.event.kind is not Kind.STATISTICS))

    def _read_again(self, intake: Intake, record: Record, seen: Seen) -> None:
        """A record that was done before a restart: what it says of its group is learnt again, nothing is posted."""
        self.tally.skipped[Skip.UNKNOWN if seen is Seen.UNKNOWN else Skip.ALREADY_DONE] += 1
        if seen is Seen.UNKNOWN:
            self._report.unknown(record)
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
            lane = self._take()
            if lane is None:
                turn = 0
                idle = loop.create_future()
                self._idle.append(idle)
                await idle
                continue
            item = lane.queue[0]
            if item.posts and not self.cover.covers(lane):
                continue
            facts = self._merge(item)
            if facts is None:
                self.lanes.settle(lane)
                turn += 1
                if turn % TURN == 0:
                    await asyncio.sleep(0)
                continue
            turn = 0
            await self._post(task, lane, item, facts)

    def _take(self) -> Lane[Item] | None:
        """The next head, while the gate is open."""
        return None if self.gate.why_closed(self._clock.monotonic()) else self.lanes.take()

    def nudge(self) -> None:
        """Wake senders for heads that wait: to be called when the gate may have opened."""
        for _ in range(min(len(self._idle), self.lanes.ready)):
            self._idle.pop().set_result(None)

    def _merge(self, item: Item) -> Facts | None:
        """Merge the head of a lane; the facts to post, or None if it needs no POST: then it is settled."""
        arrival = item.arrival
        try:
            facts = self.table.merge(arrival.key, arrival.event, arrival.stamp, arrival.policy, arrival.row)
        except InvalidEvent as error:
            if arrival.fresh:
                self._put_aside(item.intake, arrival.record, error)
            return None
        if not arrival.fresh or item.intake.gone:
            return None
        if facts is None:
            self.tally.absorbed += 1
        elif not self._enabled:
            self.tally.skipped[Skip.DISABLED] += 1
        elif arrival.record.timestamp_ms >= 0 and self._age(arrival.record) > self._max_age:
            self.tally.skipped[Skip.TOO_OLD] += 1
        else:
            return facts
        self._done(item.intake, arrival.record)
        return None

    def _age(self, record: Record) -> float:
        return self._clock.wall() - record.timestamp_ms / 1000

    async def _post(self, sender: asyncio.Task[None], lane: Lane[Item], item: Item, facts: Facts) -> None:
        record = item.arrival.record
        kind = "periodic" if item.arrival.event.kind is Kind.SNAPSHOT else "change"
        identity = event_id(self.cluster_id, record)
        body = render(facts, self._style)
        self.tally.rendered[kind] += 1
        self._report.sending(facts, identity)
        self.flights.begin(sender, item.intake)
        outcome = await self._poster.post(body, identity, self.gate.lease)
        if outcome.reason is Reason.LEASE:
            self.tally.dropped[Reason.LEASE] += 1
            self._not_posted(lane, item)
        else:
            self._posted(lane, item, kind, outcome)
            self._report.sent(record, kind, item.arrival.key, identity, outcome, self._age(record))
        self.flights.end(sender)

    def _posted(self, lane: Lane[Item], item: Item, kind: str, outcome: Outcome) -> None:
        self.tally.post(kind, outcome)
        self.gate.posted(outcome, self._clock.monotonic())
        self.lanes.settle(lane)
        if not item.intake.gone:
            self.tally.posted += 1
            self._done(item.intake, item.arrival.record)

    def _not_posted(self, lane: Lane[Item], item: Item) -> None:
        """The lease ran out before the write: the partition's owner, this one or the next, still has it to post."""
        if not item.intake.leaving:
            self.lanes.put_back(lane)
            return
        self.cover.take_back(item)
        self.lanes.settle(lane)
        if not item.intake.gone:
            self.tally.returned[Return.LEASE] += 1

    def _put_aside(self, intake: Intake, record: Record, error: InvalidEvent) -> None:
        intake.out += 1

        def done() -> None:
            intake.out -= 1
            if not intake.gone:
                self.tally.quarantined[error.reason] += 1
                self._done(intake, record)
            self.flights.wake()

        self._quarantine.put(record, error, done)

    def _done(self, intake: Intake, record: Record) -> None:
        intake.settle(record.offset)
        self.cover.ended()
        self.settled(intake)

    def release(self, intakes: Collection[Intake]) -> int:
        """Take what waits of these partitions out of the lanes and of the backlog; how many records are handed back."""
        gone = {id(intake) for intake in intakes}
        items = self.lanes.release(lambda item: id(item.intake) in gone)
        back = sum(item.arrival.fresh for item in items)
        for item in items:
            self.cover.take_back(item)
        for intake in intakes:
            back += len(intake.backlog)
            intake.backlog.clear()
        return back
