"""Periodic notifications: each active campaign group's, once a slot, in the order of its lane.

1. Only slots are told that were due after this owner took over, and after the last time its predecessor told of.
2. A notification that still waits when the next one is due is superseded: one of a group waits at most.
3. What it tells is what is known when its turn comes; a group that is not active any more by then is not told.
4. No slot is begun without the lease: those due meanwhile are dropped, not caught up.
"""

from collections.abc import Callable, Container, Iterable

from bridge.core.campaign_group import CampaignGroup
from bridge.core.facts import Facts
from bridge.core.gate import Gate
from bridge.core.groups import GroupTable
from bridge.core.intake import Intake
from bridge.core.listing import Periods
from bridge.core.merging import standing_facts
from bridge.core.outcome import Drop
from bridge.core.schedule import Due, Schedule
from bridge.core.switches import Switches
from bridge.core.tally import Tally
from bridge.edge.log import get_logger
from bridge.ports import Now
from bridge.work import Tick, Work

log = get_logger(__name__)

JUMP = 1000  # milliseconds that the wall clock may step in a turn before it counts as a jump
TRUSTED = 60_000  # milliseconds that a predecessor's clock may be ahead of ours
LOOK = 60_000  # milliseconds between looks at the whole table, at most


class _Behind:
    """Since when a number is ours, and the ends of its logs at that time; `read`: those that are known to be read."""

    def __init__(self, since_ms: int) -> None:
        self.since_ms = since_ms
        self.ends: list[tuple[Intake, int]] = []
        self.read: set[Intake] = set()

    def waits(self) -> bool:
        """Whether something of what stood in the logs may not be in its lane yet."""
        return any(
            intake.ledger.end < end and (intake not in self.read or bool(intake.backlog)) for intake, end in self.ends
        )


class Ticks:
    """The periodic notifications of the partitions that are owned.

    `push` takes what waits for its turn; `queued` has the keys of groups that anything waits of. `ttl_ms`: time to live
    of idle groups; 0: for ever.
    """

    def __init__(
        self,
        table: GroupTable,
        push: Callable[[Work], None],
        queued: Container[str],
        tally: Tally,
        gate: Gate,
        switches: Switches,
        ttl_ms: int,
    ) -> None:
        self.schedule = Schedule()
        self.waiting: dict[str, Tick] = {}  # by key: in its lane, not at its head yet
        self._table = table
        self._push_into_lane = push
        self._queued = queued
        self._tally = tally
        self._gate = gate
        self._switches = switches
        self._ttl_ms = ttl_ms
        self._owners: dict[int, Intake] = {}
        self._after: dict[int, int] = {}  # by number: milliseconds; slots due up to then were another's
        self._behind: dict[int, _Behind] = {}  # by number: taken over, and not caught up yet
        self._before: Now | None = None  # the last turn
        self._looked_ms = 0

    # Partition numbers

    def begin(self, intake: Intake, told_until_ms: int, now_ms: int, end: int) -> None:
        """A partition number is ours. `told_until_ms`: when its last owner was at work (0: not known).

        What stands in its log up to the offset `end` is read first, but for no longer than a group's interval.
        """
        number = intake.partition.number
        self._behind.setdefault(number, _Behind(now_ms)).ends.append((intake, end))
        trusted = told_until_ms if told_until_ms <= now_ms + TRUSTED else 0  # from a clock that was wrong
        self._owners[number] = intake
        self._after[number] = max(now_ms, trusted, self._after.get(number, 0))

    def was_read(self, intake: Intake) -> None:
        """All that stood in a partition's log when it began has come, if there was any record of it left."""
        behind = self._behind.get(intake.partition.number)
        if behind is not None:
            behind.read.add(intake)

    def end(self, intake: Intake, others: Iterable[Intake]) -> None:
        """One partition of a number begins to leave. `others`: those of that number that stay."""
        number = intake.partition.number
        if self._owners.get(number) is not intake:
            return
        del self._owners[number]
        for other in others:
            self._owners[number] = other
            return
        self._after.pop(number, None)
        self._behind.pop(number, None)

    def forget(self, keys: Iterable[str]) -> None:
        """These groups are not in the table any more."""
        for key in keys:
            self.schedule.forget(key)

    # Groups

    def look(self, group: CampaignGroup) -> None:
        """What is known of a group changed: it may be due at other times, or never."""
        interval = self._switches.interval(group)
        if not interval:
            self.schedule.drop(group.key)
        elif group.number in self._owners:
            self.schedule.keep(group.key, max(1, round(interval * 1000)), self._after[group.number])

    def look_at_all(self) -> None:
        """The directory changed."""
        for group in self._table:
            self.look(group)

    def grow(self, count: int) -> None:
        """The input has so many partitions: groups may live elsewhere now, and are not told until an event shows it."""
        if self._table.grow(count):
            self.look_at_all()

    def periods(self, group: CampaignGroup) -> Periods:
        """When a group has notifications, as of now."""
        switches = self._switches
        return Periods(switches.enabled(group), switches.interval(group), self.schedule.next_of(group.key))

    # Turns

    def turn(self, now: Now) -> None:
        """Put what is due into the lanes. To be called a few times a second."""
        now_ms = now.ms
        if self._jumped(now, now_ms):
            return
        for due in self.schedule.due(now_ms):
            self._tally.ticks_due += 1
            self._push(due)
        for intake in self._owners.values():
            if now_ms - intake.ledger.told_until_ms > TRUSTED:
                intake.ledger.told_until_ms = now_ms
        self._look_round(now_ms)

    def _jumped(self, now: Now, now_ms: int) -> bool:
        before, self._before = self._before, now
        if before is None:
            return False
        step = round((now.wall - before.wall - (now.monotonic - before.monotonic)) * 1000)
        if abs(step) > JUMP:
            log.warning("clock_jumped", seconds=round(step / 1000, 3))
            self._tally.clock_jumps += 1
        if step <= JUMP:
            return False  # back: no slot that was told is due again
        missed = self.schedule.skip(now_ms)
        self._tally.ticks_due += missed
        self._tally.ticks_dropped[Drop.CLOCK] += missed
        return True

    def _push(self, due: Due) -> None:
        group = self._table.get(due.key)
        owner = self._owners.get(group.number) if group is not None else None
        if owner is None:
            self._tally.ticks_dropped[Drop.REVOKED] += 1
        elif not self._caught_up(due, owner.partition.number):
            self._tally.ticks_dropped[Drop.STARTING] += 1
        elif not self._gate.lease():
            self._tally.ticks_dropped[Drop.LEASE] += 1
        elif tick := self.waiting.get(due.key):
            self._tally.ticks_dropped[Drop.SUPERSEDED] += 1
            tick.due = due
        else:
            tick = self.waiting[due.key] = Tick(owner, due)
            self._push_into_lane(tick)

    def _caught_up(self, due: Due, number: int) -> bool:
        """Whether what waited at the takeover is in its lanes, before what is due now; a whole slot is not waited for."""
        behind = self._behind.get(number)
        if behind is None:
            return True
        if due.due_ms < behind.since_ms + due.interval_ms and behind.waits():
            return False
        del self._behind[number]
        return True

    def _look_round(self, now_ms: int) -> None:
        """Forget groups whose time to live is over; tell of those that live in two places."""
        if now_ms - self._looked_ms < min(LOOK, self._ttl_ms or LOOK):
            return
        self._looked_ms = now_ms
        if self._ttl_ms:
            self.forget(self._table.expire(now_ms, self._ttl_ms, self._queued))
        if groups := self._table.moved:
            log.warning("campaign_groups_split", partitions_by_group=groups.copy(), so_far=self._table.split)
            groups.clear()

    # At the head of its lane

    def tell(self, tick: Tick, now_ms: int) -> Facts | None:
        """What a notification whose turn has come tells; None: nothing, and that is counted."""
        self.waiting.pop(tick.due.key, None)
        group = self._table.get(tick.due.key)
        if group is None or group.state is None or not self._switches.interval(group):
            self._tally.ticks_dropped[Drop.INACTIVE] += 1
            return None
        tick.intake.ledger.told_until_ms = max(now_ms, tick.intake.ledger.told_until_ms)
        return standing_facts(group, group.state, now_ms)

    def release(self, ticks: Iterable[Tick], why: Drop) -> None:
        """These were taken out of their lanes."""
        for tick in ticks:
            self.waiting.pop(tick.due.key, None)
            self._tally.ticks_dropped[why] += 1
