"""What is learnt before a partition is read: where it starts, what the last owner knew, and what the history says."""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pytest
from bridge_of_parts import EPOCH, GENERIC
from campaigns import LENIENT
from group_events import change
from virtual_time import now, run

from bridge.core.campaign_group import CampaignGroup
from bridge.core.mapping.mapper import Mapper
from bridge.core.outcome import StateTopicError, Unavailable
from bridge.core.record import Partition, Record
from bridge.core.route import Route
from bridge.core.runs import Checkpoint, write
from bridge.core.saved import Restored
from bridge.core.stamp import Stamp
from bridge.core.start import Commits, Log, Start
from bridge.core.tally import Tally
from bridge.core.vocabulary import GroupState
from bridge.ports import Clock
from bridge.starting import REPAIR, RETRY, Starter

P0, P1 = Partition("events", 0), Partition("events", 1)
NOW = round(EPOCH * 1000)


class Kafka:
    """Offsets, state topic and history of the test's own. `asked`: in order; `errors`: raised first, by what is asked."""

    def __init__(self) -> None:
        self.commits: dict[Partition, Checkpoint] = {}
        self.counts = {"events": 2}
        self.topic_ids: dict[str, str] = {}
        self.groups: list[CampaignGroup] = []
        self.bad = 0
        self.history: list[list[Record]] = []
        self.asked: list[tuple[object, ...]] = []
        self.errors: dict[str, list[Exception]] = {}

    def _ask(self, what: str, *arguments: object) -> None:
        self.asked.append((what, *arguments))
        if self.errors.get(what):
            raise self.errors[what].pop(0)

    def times(self, what: str) -> int:
        return sum(asked[0] == what for asked in self.asked)

    async def committed(self, topic: str) -> Commits:
        self._ask("committed", topic)
        found = {p.number: c for p, c in self.commits.items() if p.topic == topic}
        return Commits(found, self.counts[topic], self.topic_ids.get(topic, ""))

    async def logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        self._ask("logs")
        return dict.fromkeys(partitions, Log(0, 100))

    async def ensure(self, partitions: int) -> None:
        self._ask("ensure", partitions)

    async def restore(self, number: int) -> Restored:
        self._ask("restore", number)
        return Restored(groups=self.groups, records=7 * len(self.groups), bad=self.bad, seconds=1.5)

    async def read(self, ends: Mapping[Partition, int], since_ms: int, take: Callable[[list[Record]], None]) -> int:
        self._ask("history", dict(ends), since_ms)
        for batch in self.history:
            take(batch)
        return sum(map(len, self.history))


def starter(kafka: Kafka, *, kept: bool = True, seed_ms: int = 0) -> Starter:
    mapper = Mapper(Route(GENERIC, LENIENT), {}, max_future_ms=300_000)
    clock = Clock(lambda: EPOCH, now)
    states = kafka if kept else None
    return Starter(kafka, states, kafka, mapper, Tally(), reset="latest", seed_ms=seed_ms, clock=clock)


def event(offset: int, value: str, partition: Partition = P0, age_ms: int = 0) -> Record:
    return Record(partition, offset, NOW - age_ms, None, value.encode(), (), len(value))


def restored(key: str = "G1", **fields: Any) -> CampaignGroup:
    at = Stamp(NOW - 1000, P0, 5)
    return CampaignGroup(key=key, number=0, state=GroupState.Running, changed=at, named=at, count=2, **fields)


def start(offset: int = 7, *, first: bool = True, partition: Partition = P0) -> dict[Partition, Start]:
    return {partition: Start(offset, (), 2, "latest" if first else "committed")}


def by_key(groups: Collection[CampaignGroup]) -> dict[str, CampaignGroup]:
    return {group.key: group for group in groups}


# Where partitions start


def test_each_partition_starts_where_its_group_committed_it_before_anything_of_the_state_is_asked() -> None:
    kafka = Kafka()
    kafka.commits[P0] = Checkpoint(42, write(2, 42, (), (), 1_790_000_000_123))
    one = starter(kafka)
    found = run(one.starts([P0, P1]))
    assert (found[P0].offset, found[P0].told_until_ms, found[P0].latest) == (42, 1_790_000_000_123, 100)
    assert (found[P1].offset, found[P1].origin) == (100, "latest")
    assert [asked[0] for asked in kafka.asked] == ["logs", "committed", "ensure"]
    assert one.count == 2


def test_a_partition_that_was_added_since_the_first_start_is_read_from_its_beginning() -> None:
    kafka = Kafka()
    kafka.commits, kafka.counts = {P0: Checkpoint(42, write(1, 42, ()))}, {"events": 2}
    found = run(starter(kafka).starts([P0, P1]))
    assert (found[P1].offset, found[P1].origin) == (0, "added_later")


def test_a_topic_that_was_made_again_is_known_by_its_id_also_where_kafka_deleted_its_commits() -> None:
    kafka = Kafka()
    kafka.commits, kafka.topic_ids = {P0: Checkpoint(42, write(2, 42, ()))}, {"events": "A" * 22}
    one = starter(kafka)
    assert run(one.starts([P0, P1]))[P1].topic_id == "A" * 22
    kafka.commits, kafka.topic_ids = {}, {"events": "B" * 22}
    found = run(one.starts([P0, P1]))
    assert {(start.offset, start.origin, start.topic_id) for start in found.values()} == {(0, "made_again", "B" * 22)}
    assert {start.origin for start in run(one.starts([P0, P1])).values()} == {"latest"}, "it was told once"


def test_the_state_topic_has_as_many_partitions_as_the_largest_topic_and_topics_that_differ_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kafka = Kafka()
    kafka.counts = {"events": 2, "more": 5}
    one = starter(kafka)
    run(one.starts([P0, Partition("more", 0)]))
    assert kafka.asked[-1] == ("ensure", 5)
    assert capsys.readouterr().err.count("topics_not_co_partitioned") == 1


def test_a_count_that_the_leader_of_the_group_told_is_not_turned_back_by_older_metadata() -> None:
    kafka = Kafka()
    one = starter(kafka)
    one.counts["events"] = 3
    run(one.starts([P0]))
    assert (one.count, kafka.asked[-1]) == (3, ("ensure", 3))
    kafka.counts["events"] = 4
    run(one.starts([P0]))
    assert (one.count, kafka.asked[-1]) == (4, ("ensure", 4))


def test_without_a_state_topic_none_is_asked_for() -> None:
    kafka = Kafka()
    one = starter(kafka, kept=False)
    run(one.starts([P0]))
    assert run(one.known(0, start())).groups == []
    assert kafka.times("ensure") == kafka.times("restore") == 0


@pytest.mark.parametrize("what", ["logs", "committed", "ensure", "restore", "history"])
def test_what_does_not_answer_is_asked_again_every_second(what: str) -> None:
    async def scenario() -> None:
        kafka = Kafka()
        kafka.errors[what] = [Unavailable("away")] * 3
        one, began = starter(kafka, seed_ms=1), now()
        starts = await one.starts([P0])
        await one.known(0, starts)
        assert now() == began + 3 * RETRY
        assert kafka.times(what) == 4
        assert one.trouble == ""

    run(scenario())


def test_a_state_topic_that_somebody_must_mend_is_trouble_until_it_is_mended() -> None:
    async def scenario() -> None:
        kafka = Kafka()
        kafka.errors["ensure"] = [StateTopicError("run: mend"), StateTopicError("run: mend more")]
        one = starter(kafka)
        task = asyncio.create_task(one.starts([P0]))
        await asyncio.sleep(REPAIR / 2)
        assert one.trouble == "run: mend"
        await asyncio.sleep(REPAIR)
        assert one.trouble == "run: mend more"
        await asyncio.sleep(REPAIR)
        assert task.done()
        assert one.trouble == ""

    run(scenario())


# What is known


def test_what_the_last_owner_knew_is_known_and_need_not_be_saved() -> None:
    kafka = Kafka()
    kafka.groups, kafka.bad = [restored("G1"), restored("G2")], 3
    one = starter(kafka)
    run(one.starts([P0]))
    known = run(one.known(0, start(first=False)))
    assert set(by_key(known.groups)) == {"G1", "G2"}
    assert known.changed == {}
    tally = one._tally
    assert (tally.states_read, tally.states_restored, tally.states_bad) == (14, 2, 3)
    assert (tally.restore_seconds, tally.seeded) == (1.5, 0)


def test_the_history_is_read_from_so_long_ago_up_to_where_partitions_start_that_start_for_the_first_time() -> None:
    kafka = Kafka()
    one = starter(kafka, seed_ms=60_000)
    more = Partition("more", 0)
    run(one.known(0, start(7) | start(9, first=False, partition=more)))
    assert kafka.asked[-1] == ("history", {P0: 7}, NOW - 60_000)


@pytest.mark.parametrize(("first", "kept"), [(True, True), (True, False), (False, False), (False, True)])
def test_it_is_read_at_a_first_start_and_where_nothing_is_kept_at_each(first: bool, kept: bool) -> None:
    kafka = Kafka()
    run(starter(kafka, kept=kept, seed_ms=1).known(0, start(first=first)))
    assert kafka.times("history") == (first or not kept)


def test_no_history_is_read_unless_that_is_set() -> None:
    kafka = Kafka()
    run(starter(kafka).known(0, start()))
    assert kafka.times("history") == 0


def test_groups_of_the_history_are_known_as_if_they_had_been_seen_then_and_are_to_be_saved() -> None:
    kafka = Kafka()
    measured = json.dumps({"kind": "statistics", "campaign_group_guid": "G1", "statistics": {"hit_ratio": 0.5}})
    kafka.history = [
        [event(0, change("G1", 1), age_ms=9000), event(1, "no event", age_ms=8000)],
        [event(2, measured, age_ms=7000), Record(P0, 3, NOW, b"key", None, (), 3)],
    ]
    one = starter(kafka, seed_ms=60_000)
    run(one.starts([P0]))
    known = run(one.known(0, start()))
    (group,) = known.groups
    assert (group.key, group.state, group.seen_ms, group.dormant) == ("G1", GroupState.Running, NOW - 7000, False)
    assert group.statistics is not None
    assert (group.statistics.hit_ratio, group.included, group.count) == (0.5, {"events": 3}, 2)
    assert known.changed == {"G1": group}
    assert one._tally.seeded == 4


def test_what_was_restored_is_not_turned_back_by_the_history() -> None:
    kafka = Kafka()
    kafka.groups = [restored("G1")]
    old = json.dumps({**json.loads(change("G1", 0, state="Active")), "time": (NOW - 5000) / 1000})
    kafka.history = [[event(0, old, age_ms=5000)]]
    one = starter(kafka, seed_ms=60_000)
    run(one.starts([P0]))
    (group,) = run(one.known(0, start())).groups
    assert group.state is GroupState.Running


def test_a_record_of_the_history_without_a_timestamp_is_none_of_the_future_or_the_past_before_the_epoch() -> None:
    kafka = Kafka()
    text = change("G1", 1, time="2026-03-01T10:00:00Z").encode()
    kafka.history = [[Record(P0, 0, -1, None, text, (), len(text))]]
    (group,) = run(starter(kafka, seed_ms=60_000).known(0, start())).groups
    assert group.seen_ms == 0
