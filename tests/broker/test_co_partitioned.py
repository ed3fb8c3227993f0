"""Two input topics over several members: whoever has a partition number of one has it of the other, as Kafka sees it."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pytest
from bridge_process import BridgeProcess
from broker.group_member import Member, settings_for
from edge.receivers import Receiver
from group_events import bodies, change
from kafka import KafkaAdminClient
from kafka.errors import InconsistentGroupProtocolError, KafkaError
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic, produce
from loopback import wait_until

Homes = dict[int, set[str]]  # of each partition number the members that have any of it


class Watch:
    """What the broker says of the group, again and again; keeps whether a number was ever at two members."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        self._group = group
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.apart: list[Homes] = []
        self.stable = 0  # answers with the group stable
        self.partitions: dict[str, set[tuple[str, int]]] = {}  # of each member, lately

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            with suppress(KafkaError):  # the broker's first group: its coordinator is still to come
                self._look()

    def _look(self) -> None:
        group = self._admin.describe_groups([self._group])[self._group]
        if group["group_state"] != "Stable":
            self.partitions = {}
            return
        self.stable += 1
        found = {
            member["member_id"]: {
                (part["topic"], number)
                for part in member["member_assignment"]["assigned_partitions"]
                for number in part["partitions"]
            }
            for member in group["members"]
        }
        homes = homes_of(found)
        if any(len(members) > 1 for members in homes.values()):
            self.apart.append(homes)
        self.partitions = found

    def wait(self, members: int, partitions: int) -> dict[str, set[tuple[str, int]]]:
        """Until the group is stable with so many members that have so many partitions, as even as can be."""

        def come() -> bool:
            found = self.partitions
            loads = [len({number for _, number in parts}) for parts in found.values()]
            return (
                len(found) == members and sum(map(len, found.values())) == partitions and max(loads) - min(loads) <= 1
            )

        wait_until(come, timeout=60, what=f"{partitions} partitions at {members} members")
        return self.partitions

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)
        self._admin.close()


def homes_of(partitions: dict[str, set[tuple[str, int]]]) -> Homes:
    homes: Homes = defaultdict(set)
    for member, parts in partitions.items():
        for _, number in parts:
            homes[number].add(member)
    return dict(homes)


@contextmanager
def two_topics(broker: KafkaBroker, url: str, states: int, statistics: int) -> Iterator[tuple[dict[str, Any], Watch]]:
    """Settings for two topics with so many partitions, and a watch over their group, which sees no number apart."""
    topics = [
        make_topic(broker.bootstrap, fresh_name("states"), partitions=states),
        make_topic(broker.bootstrap, fresh_name("statistics"), partitions=statistics),
    ]
    group = fresh_name("group")
    kafka = {"bootstrap_servers": broker.bootstrap, "topics": topics, "group_id": group}
    with Watch(broker.bootstrap, group) as watch:
        yield {"kafka": {**kafka, "properties": {"metadata_max_age_ms": 1000}}, "notifications": {"url": url}}, watch
    assert watch.stable > 5
    assert watch.apart == []


def test_numbers_stay_together_while_members_join_leave_and_are_killed(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    with (
        two_topics(broker, receiver.url, states=5, statistics=3) as (settings, watch),
        BridgeProcess(tmp_path / "a", settings) as a,
    ):
        watch.wait(members=1, partitions=8)
        with BridgeProcess(tmp_path / "b", settings) as b:
            watch.wait(members=2, partitions=8)
            with BridgeProcess(tmp_path / "c", settings) as c:
                before = watch.wait(members=3, partitions=8)
                assert a.stop() == 0
                after = watch.wait(members=2, partitions=8)
                assert all(before[member] <= after[member] for member in after)  # nothing moved that need not
                b.process.kill()
                watch.wait(members=1, partitions=8)
                assert c.stop() == 0


def test_partitions_added_to_one_topic_go_to_who_has_their_number_and_to_both_are_spread(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    with (
        two_topics(broker, receiver.url, states=4, statistics=2) as (settings, watch),
        BridgeProcess(tmp_path / "a", settings) as a,
        BridgeProcess(tmp_path / "b", settings) as b,
    ):
        states, statistics = settings["kafka"]["topics"]
        before = watch.wait(members=2, partitions=6)
        told = a.wait_for_line("topics_not_co_partitioned")["reason"]
        assert f"{states} has 4, {statistics} has 2" in told
        grow(broker, {statistics: 4})
        after = watch.wait(members=2, partitions=8)
        assert homes_of(after) == homes_of(before)
        grow(broker, {states: 6, statistics: 6})
        last = watch.wait(members=2, partitions=12)
        assert all(after[member] <= last[member] for member in last)
        for bridge in (a, b):
            assert bridge.stop() == 0
            assert bridge.told("partitions_lost") == []


def grow(broker: KafkaBroker, counts: dict[str, int]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_partitions(counts)
    admin.close()


def test_during_a_rolling_change_of_topics_numbers_stay_together(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    with two_topics(broker, receiver.url, states=4, statistics=4) as (settings, watch):
        old = {**settings, "kafka": {**settings["kafka"], "topics": settings["kafka"]["topics"][:1]}}
        with BridgeProcess(tmp_path / "old1", old) as old1, BridgeProcess(tmp_path / "old2", old) as old2:
            watch.wait(members=2, partitions=4)
            with BridgeProcess(tmp_path / "new1", settings) as new1:
                wait_until(lambda: sum(map(len, watch.partitions.values())) == 8, timeout=60, what="both topics")
                assert old1.stop() == 0
                with BridgeProcess(tmp_path / "new2", settings) as new2:
                    new2.wait_metric("partitions_assigned", 4)
                    assert old2.stop() == 0
                    watch.wait(members=2, partitions=8)
                    assert new2.stop() == 0
                assert new1.stop() == 0


def test_a_consumer_that_assigns_in_another_way_is_refused(
    broker: KafkaBroker, receiver: Receiver, settings_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    settings = settings_of(receiver.url)
    kafka = settings_for(broker.bootstrap, settings["kafka"]["topics"], settings["kafka"]["group_id"])
    with BridgeProcess(tmp_path, settings) as bridge:
        bridge.wait_ready()
        foreign = Member(kafka)
        with pytest.raises(InconsistentGroupProtocolError):
            wait_until(lambda: bool(foreign.consumer.poll(200)), timeout=60, what="refused")
        foreign.consumer.close(autocommit=False)
        assert bridge.metrics()("rebalances_total", event="lost") == 0
        assert bridge.stop() == 0


def test_a_bridge_in_the_group_of_another_application_says_what_is_wrong(
    broker: KafkaBroker, receiver: Receiver, settings_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    settings = settings_of(receiver.url)
    kafka = settings_for(broker.bootstrap, settings["kafka"]["topics"], settings["kafka"]["group_id"])
    with Member(kafka), BridgeProcess(tmp_path, settings) as bridge:
        reason = bridge.wait_for_line("kafka_poll_failed")["reason"]
        assert "INCONSISTENT_GROUP_PROTOCOL" in reason or "InconsistentGroupProtocolError" in reason
        assert "kafka.group_id" in reason
        status, text = bridge.probe("readyz")
        assert (status, "kafka.group_id" in text) == (503, True)
        assert bridge.stop() == 0


PROGRESS = """
key: campaign_group_guid
events:
  - when: {type: progress}
    kind: statistics
fields:
  campaign_group_guid: campaign
  hit_ratio: hits
"""


def test_states_and_statistics_from_two_topics_come_in_one_notification_whoever_has_the_group(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    groups = 40
    profile = tmp_path / "progress.yaml"
    profile.write_text(PROGRESS)
    with two_topics(broker, receiver.url, states=3, statistics=3) as (settings, watch):
        states, statistics = settings["kafka"]["topics"]
        settings["mapping"] = {"profile": "generic", "profiles": {statistics: str(profile)}}
        with BridgeProcess(tmp_path / "a", settings) as a, BridgeProcess(tmp_path / "b", settings) as b:
            watch.wait(members=2, partitions=6)
            hits = {
                f"G{n}": json.dumps({"type": "progress", "campaign": f"G{n}", "hits": n / 100}) for n in range(groups)
            }
            produce(broker.bootstrap, statistics, hits.items())
            both = (a, b)
            wait_until(
                lambda: sum(bridge.metrics()("records_absorbed_total") for bridge in both) == groups,
                timeout=20,
                what="all statistics are known",
            )
            produce(broker.bootstrap, states, [(f"G{n}", change(f"G{n}", n)) for n in range(groups)])
            wait_until(lambda: len(receiver.ids) == groups, timeout=60, what="all are notified")
            posted = [bridge.metrics()("records_posted_total") for bridge in both]
            for bridge in both:
                assert bridge.stop() == 0
    told = {n["GSW_CAMPAIGN_GROUP_GUID"]: n["GSW_STAT_HIT_RATIO"] for n in bodies(receiver)}
    assert told == {f"G{n}": n / 100 for n in range(groups)}
    assert all(posted)
