"""The loop: records become events, wait in their lanes, are merged and posted, and are settled.

All state here belongs to the asyncio loop. A fixed number of senders take the heads of lanes in turn; what needs no POST
is settled on the way, without a task or a wait.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from bridge.core.arrival import Arrival
from bridge.core.facts import Facts
from bridge.core.gate import Gate
from bridge.core.groups import GroupTable
from bridge.core.identity import arrival_id, event_id, said_id
from bridge.core.intake import Intake
from bridge.core.lanes import Lane, Lanes
from bridge.core.mapping.mapper import Mapper
from bridge.core.notification import render
from bridge.core.outcome import Drop, InvalidEvent, Reason, Return, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Record
from bridge.core.schedule import Due
from bridge.core.style import Style
from bridge.core.switches import Switches
from bridge.core.tally import Done, Fate, Tally
from bridge.flights import Flights
from bridge.ports import SYSTEM, Clock, Covering, Poster, Quarantine, Report, Rules
from bridge.reader import Reader
from bridge.ticks import Ticks
from bridge.uncovered import Uncovered
from bridge.work import Item, Tick, Work

TURN = 256  # events settled without a POST before other work of the loop gets its turn
# Looked up once, as in core/campaigns/derivation.py.
_LEASE: Final = Reason.LEASE
_POSTED: Final = Done.POSTED
_ABSORBED: Final = Done.ABSORBED
_REPEATED: Final = Skip.REPEATED


class Pipeline:
    """From admitted records, and slots that are due, to outcomes."""

    def __init__(
        self,
        *,
        mapper: Mapper,
        style: Style,
        poster: Poster,
        quarantine: Quarantine,
        report: Report,
        gate: Gate,
        switches: Switches,
        rules: Rules,
        clock: Clock = SYSTEM,
    ) -> None:
        self.gate = gate
        self.flights = Flights()
        self.table = GroupTable(saved=rules.saved)
        self.lanes: Lanes[Work] = Lanes()
        self.tally = Tally()
        self.ticks = Ticks(self.table, self._push, self.lanes, self.tally, gate, switches, round(rules.ttl * 1000))
        self.cluster_id = "unknown"
        #: After each record that is done of a partition that has more waiting, or is paused.
        self.settled: Callable[[Intake], None] = lambda _: None
        self.cover: Covering = Uncovered()
        self._reader = Reader(
            mapper,
            quarantine,
            report,
            self.tally,
            posts=rules.enabled,
            push=self._push,
            done=self._done,
            landed=self.flights.wake,
        )
        self.admit = self._reader.admit
        self._style = style
        self._poster = poster
        self._report = report
        self._switches = switches
        self._rules = rules
        self._clock = clock
        self._wall, self._monotonic = clock
        self._idle: list[asyncio.Future[None]] = []

    @property
    def replaced_times(self) -> int:
        """Events whose time lay too far ahead of their record's."""
        return self._reader.mapper.replaced_times

    @property
    def busy(self) -> bool:
        """Whether every sender has something to do."""
        return not self._idle

    def now_ms(self) -> int:
        """The wall clock in milliseconds since the epoch."""
        return int(self._wall() * 1000 + 0.5)

    def turn(self) -> None:
        """Look what is due, and whether senders may go on: to be called a few times a second."""
        self.ticks.turn(self._clock.now())
        self.nudge()

    def _push(self, item: Work) -> None:
        head = self.lanes.push(item.arrival.key if isinstance(item, Item) else item.due.key, item)
        if head and self._idle:
            self._idle.pop().set_result(None)

    async def send(self) -> None:
        """One sender: serves lanes until it is cancelled. As many POSTs are out at most as there are senders."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker: this is a coroutine of a task)
        loop = asyncio.get_running_loop()
        turn = 0
        while True:
            lane = None if self.why_held() else self.lanes.take()
            if lane is None:
                turn = 0
                idle = loop.create_future()
                self._idle.append(idle)
                await idle
                continue
            item = lane.queue[0]
            if not isinstance(item, Item):  # asked so, as to be one's very class is what is found out soonest
                facts = self.ticks.tell(item, self.now_ms())
            elif item.posts and not self.cover.covers(lane):
                continue
            else:
                facts = self._merge(item)
            if facts is None:
                self.lanes.settle(lane)
                turn += 1
                if turn % TURN == 0:
                    await asyncio.sleep(0)
                continue
            turn = 0
            await self._post(task, lane, item, facts)

    def why_held(self) -> str | None:
        """Why no POST may begin now; None: one may. What is out may yet be repeated by a crash, as what ended may."""
        return self.gate.why_closed(self._monotonic(), len(self.flights))

    def nudge(self) -> None:
        """Wake senders for heads that wait: to be called when the gate may have opened."""
        for _ in range(min(len(self._idle), self.lanes.ready)):
            self._idle.pop().set_result(None)

    def _merge(self, item: Item) -> Facts | None:
        """Merge the head of a lane; the facts to post, or None if it needs no POST: then it is settled."""
        arrival = item.arrival
        if self._rules.drop_repeats and arrival.fresh and self._repeats(arrival):
            self._skip(item, Skip.REPEATED)
            return None
        if not arrival.fresh and arrival.number < 0 and self.table.includes(arrival.key, arrival.record):
            return None
        try:
            facts = self.table.merge(
                arrival.key, arrival.event, arrival.stamp, arrival.policy, arrival.row, self.now_ms()
            )
        except InvalidEvent as error:
            if arrival.fresh:
                self._reader.put_aside(item.intake, arrival.record, error, item.several)
            return None
        group = self.table.get(arrival.key)
        assert group is not None  # noqa: S101 (for the type checker: it was merged)
        self.ticks.look(group)
        if not arrival.fresh or item.intake.gone:
            return None
        if facts is None:
            self._settle(item, _ABSORBED)
        elif not self._rules.enabled or not self._switches.enabled(group):
            self._skip(item, Skip.DISABLED)
        elif arrival.record.timestamp_ms >= 0 and self._age(arrival.record) > self._rules.max_age:
            self._skip(item, Skip.TOO_OLD)
        else:
            return facts
        return None

    def _repeats(self, arrival: Arrival) -> bool:
        said = said_id(arrival)
        return said is not None and self.table.repeats(arrival.key, said)

    def _skip(self, item: Item, why: Skip) -> None:
        self._report.skipped(item.arrival.record, item.arrival.key, why)
        self._settle(item, why)

    def _settle(self, item: Item, fate: Fate) -> None:
        """An event is done, and so is its record, unless it holds others that are not."""
        if self._rules.drop_repeats and (said := said_id(item.arrival)) is not None and fate is not _REPEATED:
            self.table.remember(item.arrival.key, said)
        if item.several is None:
            self.tally.end(fate)
            self._done(item.intake, item.arrival.record)
            return
        last = item.several.ended(fate)
        if last is not None:
            item.several.let_go(item.intake)
            self.tally.end(last)
            self._done(item.intake, item.arrival.record)
            self.flights.wake()

    def _age(self, record: Record) -> float:
        return self._wall() - record.timestamp_ms / 1000

    async def _post(self, sender: asyncio.Task[None], lane: Lane[Work], item: Work, facts: Facts) -> None:
        kind = "periodic" if facts.periodic else "change"
        origin: Record | Due
        if isinstance(item, Item):
            origin, late = item.arrival.record, 0.0
            self.tally.rendered[kind] += 1
            identity = arrival_id(self.cluster_id, item.arrival)
            if item.several is not None:
                item.several.begin(item.intake)
        else:
            origin, late = item.due, self._wall() - item.due.due_ms / 1000
            identity = event_id(self.cluster_id, origin)
        body = render(facts, self._style)
        self._report.sending(facts, identity)
        self.flights.begin(sender, item.intake, ticks=not isinstance(item, Item))
        outcome = await self._poster.post(body, identity, self.gate.lease)
        if outcome.reason is _LEASE:
            self._not_posted(lane, item)
        else:
            self._posted(lane, item, kind, outcome)
            age = self._age(item.arrival.record) if isinstance(item, Item) else late
            self._report.sent(origin, kind, lane.key, identity, outcome, age)
        if isinstance(item, Item) and item.several is not None:
            item.intake.parts_out -= 1
        self.flights.end(sender)

    def _posted(self, lane: Lane[Work], item: Work, kind: str, outcome: Outcome) -> None:
        self.tally.post(kind, outcome)
        self.gate.posted(outcome, self._monotonic())
        self.lanes.settle(lane)
        if isinstance(item, Item) and not item.intake.gone:
            self._settle(item, _POSTED)

    def _not_posted(self, lane: Lane[Work], item: Work) -> None:
        """The lease ran out before the write: the partition's owner, this one or the next, still has it to post."""
        if isinstance(item, Tick):
            self.tally.ticks_dropped[Drop.LEASE] += 1
            self.lanes.settle(lane)
            return
        self.tally.dropped[_LEASE] += 1
        if not item.intake.leaving:
            self.lanes.put_back(lane)
            return
        self.cover.take_back(item)
        self.lanes.settle(lane)
        if not item.intake.gone and _handed_back(item):
            self.tally.returned[Return.LEASE] += 1
        if item.several is not None:  # the others of its record can't be posted here either
            several = item.several
            self.lanes.release(lambda other: isinstance(other, Item) and other.several is several)
            self.flights.wake()

    def _done(self, intake: Intake, record: Record) -> None:
        intake.settle(record.offset)
        self.cover.ended()
        if intake.backlog or intake.paused:
            self.settled(intake)

    def release(self, intakes: Collection[Intake], why: Drop, *, begun: bool = True) -> int:
        """Take what waits of these partitions out of the lanes and of the backlog; how many records are handed back.

        `begun`: also the other events of records of which one was posted.
        """
        gone = {id(intake) for intake in intakes}
        released = self.lanes.release(lambda item: id(item.intake) in gone and (begun or not _begun(item)))
        items = [item for item in released if isinstance(item, Item)]
        self.ticks.release([item for item in released if isinstance(item, Tick)], why)
        for item in items:
            self.cover.take_back(item)
        back = sum([_handed_back(item) for item in items])
        for intake in intakes:
            back += len(intake.backlog)
            intake.backlog.clear()
        return back


def _handed_back(item: Item) -> bool:
    """Whether the record of an event that is handed back is one more of those that are."""
    return item.arrival.fresh if item.several is None else item.several.hand_back(item.intake)


def _begun(item: Work) -> bool:
    return isinstance(item, Item) and item.several is not None and item.several.begun
