"""Periodic notifications: each slot of an active group once, with what is known of it, whoever owns it."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import campaigns
import pytest
from bridge_of_parts import DELIVERED, EPOCH, Broker, Parts, bridge, partition
from virtual_time import run, turns

from bridge.core.gate import Gate
from bridge.core.groups import GroupTable
from bridge.core.intake import Intake
from bridge.core.ledger import Ledger
from bridge.core.outcome import Drop
from bridge.core.post_outcome import Outcome
from bridge.core.record import Partition, Record
from bridge.core.schedule import Due
from bridge.core.share import Share
from bridge.core.switches import Switches
from bridge.core.tally import Tally
from bridge.core.vocabulary import GroupState
from bridge.ports import Now
from bridge.ticks import Ticks
from bridge.work import Tick, Work

INTERVAL = 10.0


def statistics(group: str, **values: float | None) -> str:
    return json.dumps({"kind": "statistics", "campaign_group_guid": group, "statistics": values})


def unload(group: str) -> str:
    return json.dumps({"kind": "change", "campaign_group_guid": group, "action": "UnloadCampaign"})


@asynccontextmanager
async def owner(broker: Broker, *numbers: int, interval: float = INTERVAL, **options: Any) -> AsyncIterator[Parts]:
    """A bridge that reads what is written, with a receiver that answers at once, and commits every second."""
    async with bridge(broker, *numbers, interval=interval, **options) as parts:

        async def at_once() -> Outcome:
            return DELIVERED

        async def read() -> None:
            while True:
                parts.poll(100)
                await asyncio.sleep(0.1)

        parts.poster.end = at_once
        more = [asyncio.create_task(read()), asyncio.create_task(parts.ownership.keep_checkpoints(1.0))]
        parts.tasks += more
        yield parts


def held(parts: Parts) -> asyncio.Event:
    """From now on the receiver answers nothing until this is set."""
    hold = asyncio.Event()

    async def end() -> Outcome:
        await hold.wait()
        return DELIVERED

    parts.poster.end = end
    return hold


def slots(broker: Broker, group: str = "G1") -> list[float]:
    """Seconds since the beginning, of the slots that were told."""
    return [start / 1000 - EPOCH for told, start, _ in broker.ticks if told == group]


def test_a_running_group_is_told_each_slot_with_what_is_known_of_it() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        async with owner(broker, 0):
            await asyncio.sleep(25)
            broker.write(0, value=statistics("G1", hit_ratio=0.25, busy_factor=None))
            await asyncio.sleep(20)
        found = slots(broker)
        assert found[0] <= 10
        assert [b - a for a, b in pairwise(found)] == [INTERVAL] * (len(found) - 1)
        assert len(found) in (4, 5)
        first, last = broker.ticks[0][2], broker.ticks[-1][2]
        assert first["GSW_STAT_HIT_RATIO"] is None
        assert (last["GSW_STAT_HIT_RATIO"], last["GSW_STAT_BUSY_FACTOR"]) == (0.25, None)
        assert (last["GSW_CAMPAIGN_GROUP_STATE"], last["GSW_CAMPAIGN_GROUP_ACTION"]) == (5, 0)
        assert last["GSW_CAMPAIGN_GROUP_ACTOR"] == 0
        assert last["GSW_QUEUE_NAME"] == "0"
        told_at = float(last["GSW_DATE_TIME"]) - EPOCH
        assert found[-1] <= told_at < found[-1] + INTERVAL + 0.1

    run(scenario())


def test_an_unloaded_group_is_not_told_any_more() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        async with owner(broker, 0) as parts:
            await asyncio.sleep(15)
            told = len(slots(broker))
            broker.write(0, value=unload("G1"))
            await asyncio.sleep(60)
            assert told >= 1
            assert len(slots(broker)) == told
            assert parts.pipeline.tally.ticks_due == told

    run(scenario())


def test_one_that_waits_behind_an_unload_is_dropped() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        async with owner(broker, 0) as parts:
            await asyncio.sleep(1)
            hold = held(parts)
            broker.write(0)
            broker.write(0, value=unload("G1"))
            await asyncio.sleep(INTERVAL)
            assert len(parts.pipeline.ticks.waiting) == 1
            hold.set()
            await asyncio.sleep(1)
            assert parts.pipeline.tally.ticks_dropped == {Drop.INACTIVE: 1}
            assert slots(broker) == []

    run(scenario())


def test_one_that_still_waits_when_the_next_is_due_is_superseded_and_a_change_never_is() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        async with owner(broker, 0) as parts:
            await asyncio.sleep(1)
            hold = held(parts)
            broker.write(0)
            broker.write(0)
            await asyncio.sleep(5 * INTERVAL)
            assert len(parts.pipeline.ticks.waiting) == 1
            assert parts.pipeline.tally.ticks_dropped == {Drop.SUPERSEDED: 4}
            hold.set()
            await asyncio.sleep(0.5)
            assert len(broker.posted) == 3, "the changes"
            assert len(slots(broker)) == 1, "the last slot alone"

    run(scenario())


def test_periodic_and_change_notifications_of_a_group_keep_their_order() -> None:
    async def scenario() -> None:
        broker = Broker()
        for _ in range(3):
            broker.write(0)
        async with owner(broker, 0, senders=8) as parts:
            await asyncio.sleep(60)
            assert parts.pipeline.tally.ticks_due == len(slots(broker))
            assert len(parts.poster.out) == 0  # the poster asserts that a group has one POST out at a time

    run(scenario())


@pytest.mark.parametrize("end", ["stop", "revoke", "crash"])
def test_a_takeover_repeats_no_slot_and_misses_one_at_most(end: str) -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(40):
            broker.write(0, f"G{n}")
        for _ in range(4):
            async with owner(broker, 0) as parts:
                await asyncio.sleep(37)
                if end == "revoke":
                    await parts.revoke(0)
                elif end == "stop":
                    await parts.ownership.stop()
        told = Counter((group, start) for group, start, _ in broker.ticks)
        assert max(told.values()) == 1
        for n in range(40):
            gaps = [round((b - a) / INTERVAL) for a, b in pairwise(slots(broker, f"G{n}"))]
            assert max(gaps) <= 2, gaps
            assert len(gaps) >= 12

    run(scenario())


def test_what_is_known_survives_a_crash_and_is_told_without_a_new_event() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        broker.write(0, value=statistics("G1", hit_ratio=0.5))
        async with owner(broker, 0):
            await asyncio.sleep(15)
        before = broker.ticks[-1][2]
        async with owner(broker, 0) as parts:
            await asyncio.sleep(15)
            assert parts.pipeline.tally.consumed.total() == 0
        after = broker.ticks[-1][2]
        assert after.pop("GSW_DATE_TIME") != before.pop("GSW_DATE_TIME")
        assert after == before

    run(scenario())


def test_slots_are_told_by_a_successor_whose_clock_is_behind_only_once() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(40):
            broker.write(0, f"G{n}")
        async with owner(broker, 0) as parts:
            await asyncio.sleep(35)
            await parts.ownership.stop()
        async with bridge(broker) as behind:
            behind.stepped = -4.0
            behind.assign(0)
        broker.began += 4  # so is everything from now on
        async with owner(broker, 0):
            await asyncio.sleep(35)
        assert max(Counter((group, start) for group, start, _ in broker.ticks).values()) == 1

    run(scenario())


@pytest.mark.parametrize("step", [3600.0, 2.0, -1.0, -3600.0])
def test_a_clock_that_is_set_makes_no_burst_and_repeats_no_slot(step: float) -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(100):
            broker.write(0, f"G{n}")
        async with owner(broker, 0) as parts:
            await asyncio.sleep(30)
            parts.stepped = step
            before = len(broker.ticks)
            most = 0
            for _ in range(40):
                seen = len(broker.ticks)
                await asyncio.sleep(0.5)
                most = max(most, len(broker.ticks) - seen)
            assert most <= 25, "100 groups in 10 s are about 5 in half a second"
            assert max(Counter((group, start) for group, start, _ in broker.ticks).values()) == 1
            assert (len(broker.ticks) > before) is (step > -3600), "an hour back: those slots were told"
            assert parts.pipeline.tally.clock_jumps == (abs(step) > 1)

    run(scenario())


def test_without_the_lease_no_slot_is_told_or_caught_up() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        async with owner(broker, 0) as parts:
            await asyncio.sleep(1)
            parts.owned = False
            await asyncio.sleep(35)
            assert broker.ticks == []
            parts.owned = True
            await asyncio.sleep(INTERVAL)
            assert len(broker.ticks) == 1
            assert parts.pipeline.tally.ticks_dropped[Drop.LEASE] in (3, 4)

    run(scenario())


def test_an_unloaded_group_is_forgotten_after_its_time_to_live_and_downtime_does_not_count() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        broker.write(0, value=unload("G1"))
        async with owner(broker, 0, ttl=3600.0) as parts:
            await asyncio.sleep(1000)
            await parts.ownership.stop()
        await asyncio.sleep(30 * 3600)
        async with owner(broker, 0, ttl=3600.0) as parts:
            await asyncio.sleep(2000)
            assert len(parts.pipeline.table) == 1
            await parts.ownership.stop()
        await asyncio.sleep(30 * 3600)
        async with owner(broker, 0, ttl=3600.0) as parts:
            await asyncio.sleep(400)
            assert len(parts.pipeline.table) == 1
            await asyncio.sleep(400)
            assert len(parts.pipeline.table) == 0
            assert broker.states[0] == {}
            assert parts.pipeline.table.expired == 1

    run(scenario(), seconds=400_000)


def test_after_the_input_grew_a_group_is_told_only_once_an_event_shows_where_it_lives() -> None:
    async def scenario() -> None:
        broker = Broker(1)
        broker.write(0, "G1")
        broker.write(0, "G2")
        async with owner(broker, 0) as parts:
            await asyncio.sleep(5)
            await parts.ownership.stop()
        broker.partitions = 2
        broker.logs[partition(1)] = []
        broker.states[1] = {}
        broker.ticks.clear()
        async with owner(broker, 0, 1):
            await asyncio.sleep(25)
            assert broker.ticks == []
            broker.write(0, value=statistics("G1", hit_ratio=1))
            await asyncio.sleep(15)
            assert {group for group, _, _ in broker.ticks} == {"G1"}

    run(scenario())


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_no_slot_is_told_twice_and_each_tells_the_statistics_that_were_known(seed: int) -> None:
    async def scenario() -> None:
        rng = random.Random(seed)
        broker = Broker()
        known: dict[str, list[float]] = {}
        interval = rng.choice([2.0, 5.0])
        for _ in range(rng.randrange(2, 6)):
            async with owner(broker, 0, 1, interval=interval, drain=3.0) as parts:
                for _ in range(rng.randrange(1, 12)):
                    number = rng.randrange(2)
                    group = f"P{number}G{rng.randrange(3)}"
                    if group not in known or rng.random() < 0.3:
                        broker.write(number, group)
                        known.setdefault(group, [])
                    else:
                        known[group].append(value := rng.randrange(1000) / 1000)
                        broker.write(number, value=statistics(group, hit_ratio=value))
                    await asyncio.sleep(rng.choice([0, 0.2, 3, 11]))
                if rng.random() < 0.5:
                    await parts.ownership.stop()
                elif rng.random() < 0.5:
                    await parts.revoke(0)
            for group, _, body in broker.ticks:
                said = body.get("GSW_STAT_HIT_RATIO")
                assert said is None or said in known[group]
        async with owner(broker, 0, 1, interval=interval):
            await asyncio.sleep(12)
        await turns()
        assert max(Counter((group, start) for group, start, _ in broker.ticks).values()) == 1
        for group, values in known.items():
            last = [body for told, _, body in broker.ticks if told == group][-1]
            assert last.get("GSW_STAT_HIT_RATIO") == (values[-1] if values else None), "the last that was written"

    run(scenario())


def test_an_unload_that_waited_in_the_log_at_a_takeover_comes_before_any_slot() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0)
        async with owner(broker, 0, interval=2.0):
            await asyncio.sleep(5)
        told = len(broker.ticks)
        for _ in range(50):
            broker.write(0, "other")
        broker.write(0, value=unload("G1"))
        async with owner(broker, 0, interval=2.0, records=5) as parts:  # reads slowly
            await asyncio.sleep(30)
            assert parts.pipeline.tally.finished() >= 50
        assert [group for group, _, _ in broker.ticks[told:] if group == "G1"] == []

    run(scenario())


# By themselves: two topics of a number, several owners, and clocks


class Alone:
    """Ticks of groups that run, without lanes, POSTs and a loop. Times in seconds after START."""

    START = 1_772_355_600.0

    def __init__(self, *, interval: float = INTERVAL, ttl: float = 0.0, queued: set[str] | None = None) -> None:
        self.table = GroupTable()
        self.tally, self.gate = Tally(), Gate(max_unconfirmed=9)
        self.pushed: list[Tick] = []
        self.queued = set[str]() if queued is None else queued
        switches = Switches(
            interval=interval, intervals={}, disabled=(), periodic_states=(4, 5), directory=lambda: None
        )
        self.ticks = Ticks(self.table, self._push, self.queued, self.tally, self.gate, switches, round(ttl * 1000))

    def _push(self, work: Work) -> None:
        assert isinstance(work, Tick)
        self.pushed.append(work)

    def owns(
        self, topic: str = "events", number: int = 0, *, at: float = 0.0, told: float = 0.0, end: int = 0
    ) -> Intake:
        """A partition is ours; `told`: until when its last owner told."""
        intake = Intake(Partition(topic, number), Ledger(0), Share(10, 1000))
        told_ms = self.ms(told) if told else 0
        self.ticks.begin(intake, told_ms, self.ms(at), end)
        return intake

    def hear(
        self, key: str = "G1", number: int = 0, *, at: float = 0.0, state: GroupState = GroupState.Running
    ) -> None:
        event = campaigns.change(self.ms(at), state=state)
        self.table.merge(key, event, campaigns.stamp(self.ms(at), 0, number), campaigns.LENIENT, None, self.ms(at))
        self.look(key)

    def look(self, key: str = "G1") -> None:
        group = self.table.get(key)
        assert group is not None
        self.ticks.look(group)

    def ms(self, at: float) -> int:
        return round((self.START + at) * 1000)

    def turns(self, since: float, until: float, *, ahead: float = 0.0) -> list[float]:
        """Turns ten times a second, with the wall's clock `ahead`; when what they told was due. Each is told at once."""
        found = []
        for n in range(round(since * 10), round(until * 10)):
            self.ticks.turn(Now(self.START + n / 10 + ahead, n / 10))
            for tick in self.pushed:
                assert self.ticks.tell(tick, self.ms(n / 10 + ahead)) is not None
                found.append(tick.due.due_ms / 1000 - self.START)
            self.pushed.clear()
        return found


def test_a_partition_that_leaves_hands_its_number_to_the_other_topic_s() -> None:
    alone = Alone()
    states, progress = alone.owns("states"), alone.owns("progress")
    alone.hear()
    assert len(alone.turns(0, 30)) == 3
    owner, other = (
        (states, progress) if states.ledger.told_until_ms > progress.ledger.told_until_ms else (progress, states)
    )
    alone.ticks.end(owner, [other])
    alone.ticks.end(owner, [])  # not its any more
    before = owner.ledger.told_until_ms
    assert len(alone.turns(30, 60)) == 3
    assert owner.ledger.told_until_ms == before
    assert other.ledger.told_until_ms >= alone.ms(50)
    alone.ticks.end(other, [])
    assert alone.turns(60, 90) == []
    assert alone.tally.ticks_dropped[Drop.REVOKED] == 3


def test_a_number_that_leaves_and_comes_back_is_told_of_from_then_on() -> None:
    alone = Alone()
    alone.ticks.end(alone.owns(), [])
    alone.ticks.forget(["G1"])
    alone.owns(at=100)
    alone.hear(at=100)
    assert all(100 < due <= 110 for due in alone.turns(100, 110))


def test_what_a_number_had_before_it_left_is_not_waited_for_when_it_comes_back() -> None:
    alone = Alone()
    alone.ticks.end(alone.owns(end=50), [])
    alone.owns(at=1)
    alone.hear(at=1)
    assert len(alone.turns(1, 21)) == 2


@pytest.mark.parametrize(
    ("told", "first"),
    [
        pytest.param(0.0, 0.0, id="not-known"),
        pytest.param(-20.0, 0.0, id="before"),
        pytest.param(35.0, 35.0, id="by-a-clock-that-is-ahead"),
        pytest.param(61.0, 0.0, id="by-a-clock-that-was-wrong"),
    ],
)
def test_slots_are_told_that_are_due_after_the_takeover_and_after_the_last_that_was_told(
    told: float, first: float
) -> None:
    alone = Alone()
    alone.owns(told=told)
    alone.hear()
    found = alone.turns(0, 60)
    assert first < found[0] <= first + INTERVAL
    assert len(found) == round((60 - first) / INTERVAL) or len(found) == int((60 - first) / INTERVAL)


def test_the_second_topic_of_a_number_can_only_hold_back_what_the_first_allows() -> None:
    alone = Alone()
    alone.owns("states", told=35.0)
    alone.owns("progress", at=1)
    alone.hear()
    assert alone.turns(1, 60)[0] > 35


def test_what_a_group_has_in_one_number_says_nothing_of_others() -> None:
    alone = Alone()
    alone.owns(number=0, told=35.0)
    alone.owns(number=1)
    alone.hear("G1", 1)
    assert alone.turns(0, 30)[0] <= INTERVAL


def test_slots_wait_for_both_topics_of_a_number_to_be_read_up_to_the_takeover_but_for_one_interval_at_most() -> None:
    for behind in ("states", "progress"):
        alone = Alone()
        intakes = {topic: alone.owns(topic, end=5) for topic in ("states", "progress")}
        for topic, intake in intakes.items():
            for offset in range(5 if topic != behind else 4):
                intake.ledger.see(offset)
        alone.hear()
        assert alone.turns(0, 10) == []
        assert alone.tally.ticks_dropped[Drop.STARTING] == 1
        assert len(alone.turns(10, 30)) == 2, "what never comes is not waited for"


def test_what_ends_with_no_record_is_not_waited_for_once_the_rest_is_in_its_lanes() -> None:
    alone = Alone()
    intake = alone.owns(end=5)
    alone.hear()
    intake.ledger.see(0)
    intake.backlog.append(Record(intake.partition, 1, 0, None, None, (), 0))
    alone.ticks.was_read(intake)
    assert alone.turns(0, 10) == [], "a record waits for its lane"
    assert alone.tally.ticks_dropped[Drop.STARTING] == 1

    for read in (False, True):
        alone = Alone()
        intake = alone.owns(end=5)
        alone.hear()
        if read:
            alone.ticks.was_read(intake)
        assert len(alone.turns(0, 10)) == read
    alone.ticks.end(intake, [])
    alone.ticks.was_read(intake)  # of a number that left


def test_what_was_read_after_the_takeover_is_not_looked_at_again() -> None:
    alone = Alone(interval=100.0)
    intake = alone.owns(end=1)
    intake.ledger.see(0)
    alone.hear()
    assert len(alone.turns(0, 100)) == 1
    intake.ledger.end = 0
    assert len(alone.turns(100, 200)) == 1


def test_an_interval_below_a_millisecond_is_one() -> None:
    alone = Alone(interval=0.0001)
    alone.owns()
    alone.hear()
    assert len(alone.turns(0, 1)) in (9, 10), "one a turn: of those that passed, the last"


def test_an_owner_without_slots_says_each_minute_that_it_is_at_work() -> None:
    alone = Alone()
    intake = alone.owns()
    alone.turns(0, 1)
    assert intake.ledger.told_until_ms == alone.ms(0)
    alone.turns(1, 60)
    assert intake.ledger.told_until_ms == alone.ms(0)
    alone.turns(60, 62)
    assert intake.ledger.told_until_ms == alone.ms(60.1)


def test_telling_with_a_clock_that_went_back_does_not_turn_back_until_when_was_told() -> None:
    alone = Alone()
    intake = alone.owns()
    alone.hear()
    alone.turns(0, 30)
    told = intake.ledger.told_until_ms
    (tick,) = [Tick(intake, Due("G1", 0, 0, 10_000))]
    assert alone.ticks.tell(tick, alone.ms(3)) is not None
    assert intake.ledger.told_until_ms == told


@pytest.mark.parametrize("ahead", [3600.0, 1.5, -1.5, -3600.0])
def test_a_jump_of_the_clock_is_counted_and_slots_that_it_passed_over_are_dropped(ahead: float) -> None:
    alone = Alone(interval=1.0)
    alone.owns()
    alone.hear()
    alone.turns(0, 5)
    due = alone.tally.ticks_due
    alone.turns(5, 5.1, ahead=ahead)
    assert alone.tally.clock_jumps == 1
    assert alone.tally.ticks_dropped[Drop.CLOCK] == (ahead > 0) == alone.tally.ticks_due - due
    alone.turns(5.1, 10, ahead=ahead)
    assert alone.tally.clock_jumps == 1
    assert max(alone.tally.ticks_dropped.values(), default=0) <= 1


class Waiting(set[str]):
    """Keys of which something waits; counts how often an idle group is looked for among them."""

    looks = 0

    def __contains__(self, key: object) -> bool:
        self.looks += 1
        return super().__contains__(key)


@pytest.mark.parametrize(("ttl", "times"), [(10.0, 12), (3600.0, 2), (0.0, 0)])
def test_idle_groups_are_looked_for_once_a_minute_or_as_often_as_they_expire(ttl: float, times: int) -> None:
    waiting = Waiting(["G1"])
    alone = Alone(ttl=ttl, queued=waiting)
    alone.owns()
    alone.hear("G1", at=-2 * ttl, state=GroupState.NotLoaded)
    alone.turns(0, 120)
    assert waiting.looks == times
    assert alone.table.get("G1") is not None


def test_groups_that_turn_up_in_two_partition_numbers_are_named_in_the_log_once_a_minute(
    capfd: pytest.CaptureFixture[str],
) -> None:
    alone = Alone()
    alone.turns(0, 1)
    for at in range(1, 121):
        alone.hear("G1", at % 2, at=at)
        alone.turns(at, at + 1)
    alone.turns(121, 200)
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(line["event"], line["level"], line["so_far"]) for line in told] == [
        ("campaign_groups_split", "warning", 59),
        ("campaign_groups_split", "warning", 119),
    ]
    assert all(line["partitions_by_group"] in ({"G1": [0, 1]}, {"G1": [1, 0]}) for line in told)


def test_an_idle_group_expires_unless_something_of_it_waits_and_is_not_told_from_then_on() -> None:
    alone = Alone(ttl=10.0)
    alone.owns()
    for key in ("G1", "G2"):
        alone.hear(key, state=GroupState.NotLoaded)
    alone.queued.add("G2")
    alone.hear("G0", at=0)
    alone.hear("G0", at=1, state=GroupState.NotLoaded)
    alone.turns(0, 25)
    assert [group.key for group in alone.table] == ["G2"]
    assert alone.ticks.schedule._plans == {}
    alone.hear("G2", at=25)
    alone.queued.clear()
    alone.turns(25, 60)
    assert [group.key for group in alone.table] == ["G2"]


def test_a_group_that_was_forgotten_leaves_nothing_in_the_schedule() -> None:
    alone = Alone()
    alone.owns()
    alone.hear()
    alone.ticks.forget(alone.table.drop(0))
    assert alone.turns(0, 30) == []
    assert alone.tally.ticks_due == 0


def test_what_waits_is_told_for_the_last_slot_that_was_due_meanwhile() -> None:
    alone = Alone()
    alone.owns()
    alone.hear()
    for seconds in range(60):
        alone.ticks.turn(Now(alone.START + seconds, seconds))
    (tick,) = alone.pushed
    assert alone.ms(40) < tick.due.start_ms + INTERVAL * 1000 <= alone.ms(60)
    assert alone.tally.ticks_dropped == {Drop.SUPERSEDED: 5}
    assert alone.ticks.tell(tick, alone.ms(60)) is not None
    assert alone.ticks.waiting == {}


def test_a_group_of_a_number_that_is_not_ours_is_not_told() -> None:
    alone = Alone()
    alone.owns(number=1)
    alone.hear(number=0)
    assert alone.turns(0, 30) == []
    assert alone.ticks.periods(next(iter(alone.table))).next_ms is None


def test_the_periods_of_a_group_are_those_of_now() -> None:
    alone = Alone()
    alone.owns()
    alone.hear()
    (group,) = alone.table
    enabled, interval, due = alone.ticks.periods(group)
    assert (enabled, interval) == (True, INTERVAL)
    assert due is not None
    assert alone.turns(0, INTERVAL) == [due / 1000 - alone.START]
    alone.hear(at=1, state=GroupState.NotLoaded)
    assert alone.ticks.periods(group) == (True, 0.0, None)


def test_when_the_input_grows_what_waits_for_its_turn_is_not_told() -> None:
    alone = Alone()
    alone.owns()
    alone.hear()
    alone.ticks.turn(Now(alone.START, 0))
    alone.ticks.turn(Now(alone.START + 10, 10))
    (tick,) = alone.pushed
    alone.ticks.grow(4)
    assert alone.ticks.tell(tick, alone.ms(10)) is None
    assert alone.tally.ticks_dropped == {Drop.INACTIVE: 1}
    alone.pushed.clear()
    assert alone.turns(11, 40) == []
    alone.hear(at=40)
    assert len(alone.turns(40, 60)) == 2
