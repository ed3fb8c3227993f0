"""Members coming and going under load, and the defects of kafka-python 3.0.12 that bridge/edge/group.py works around."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from edge import scripts
from edge.receivers import Line, Receiver
from group_events import assert_each_once_in_order, bodies, changes
from kafka import AsyncConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic, produce
from loopback import wait_until

from bridge.edge.assignor import Assignor


def slow(line: Line) -> None:
    """Answers each request after 20 ms."""
    while True:
        line.request()
        line.wait(0.02)
        line.send(scripts.http(204))


@pytest.mark.long
def test_members_that_come_and_go_under_load_post_each_event_once_and_in_order(
    broker: KafkaBroker, settings_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    with Receiver(slow) as receiver:
        settings = settings_of(receiver.url, partitions=6)
        topic = settings["kafka"]["topics"]
        produce(broker.bootstrap, topic, changes(2000, groups=40))

        with BridgeProcess(tmp_path / "a", settings) as a, BridgeProcess(tmp_path / "b", settings) as b:
            b.wait_metric("records_posted_total", 50)
            a.wait_metric("records_posted_total", 50)
            produce(broker.bootstrap, topic, changes(2000, groups=40, first=2000))
            with BridgeProcess(tmp_path / "c", settings) as c:
                c.wait_metric("partitions_assigned", 1)
                produce(broker.bootstrap, topic, changes(1000, groups=40, first=4000))
                c.wait_metric("records_posted_total", 50)
                assert a.stop() == 0
                assert c.metrics()("rebalances_total", event="lost") == 0
                assert c.stop() == 0
            wait_until(lambda: len(receiver.ids) >= 5000, timeout=60, what="5000 notifications")
            b.wait_metric("partitions_assigned", 6)
            assert b.stop() == 0
        revoked = [line for member in (a, b) for line in member.told("partitions_revoked")]

    assert len(revoked) > 2  # not only at their stops
    assert_each_once_in_order(bodies(receiver), 5000)


def test_a_member_that_is_killed_is_replaced_and_nothing_is_missed(
    broker: KafkaBroker, settings_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    with Receiver(slow) as receiver:
        settings = settings_of(receiver.url, partitions=4)
        topic = settings["kafka"]["topics"]
        with BridgeProcess(tmp_path / "a", settings) as a, BridgeProcess(tmp_path / "b", settings) as b:
            for member in (a, b):
                member.wait_metric("partitions_assigned", 1)
            produce(broker.bootstrap, topic, changes(600, groups=20))
            a.wait_metric("records_posted_total", 50)
            a.process.kill()
            wait_until(
                lambda: len({n["GSW_QUEUE_NAME"] for n in bodies(receiver)}) == 600, timeout=60, what="all 600 events"
            )
            assert b.stop() == 0
        repeated = len(receiver.ids) - len(set(receiver.ids))
    assert repeated < 200  # posted since the last checkpoint, 0.2 s before


class Owners(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Who has which partition, as the members are told; `clashes`: given to one while another still had it."""

    owners: dict[TopicPartition, str]
    clashes: set[TopicPartition]

    def __init__(self, name: str, owners: dict[TopicPartition, str], clashes: set[TopicPartition]) -> None:
        self.name, self.owners, self.clashes = name, owners, clashes
        self.assignor: Any = None
        self.consumer: Any = None
        self.lost = threading.Event()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.clashes |= {p for p in assigned if self.owners.get(p, self.name) != self.name}
        self.owners.update(dict.fromkeys(assigned, self.name))

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self.consumer._net.sleep(1)  # a drain
        for partition in revoked:
            if self.owners.get(partition) == self.name:
                del self.owners[partition]

    async def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.lost.set()
        self.assignor.forget()


def test_a_member_that_lost_its_partitions_gets_none_while_another_still_has_them(broker: KafkaBroker) -> None:
    """With the stock assignor that hangs on the order of the members' ids: tests/edge/test_group.py."""
    topic, group = make_topic(broker.bootstrap, fresh_name("events"), partitions=4), fresh_name("group")
    owners: dict[TopicPartition, str] = {}
    clashes: set[TopicPartition] = set()
    stop, stalls = threading.Event(), threading.Event()

    def member(told: Owners) -> None:
        told.assignor = Assignor()
        told.consumer = KafkaConsumer(
            bootstrap_servers=broker.bootstrap,
            group_id=group,
            enable_auto_commit=False,
            max_poll_interval_ms=3000,
            session_timeout_ms=3000,
            heartbeat_interval_ms=200,
            partition_assignment_strategy=[told.assignor],
        )
        told.consumer.subscribe([topic], listener=told)
        told.consumer.topics()
        while not stop.is_set():
            told.consumer.poll(1000)
            if told.name == "stalled" and stalls.is_set():
                stalls.clear()
                for partition in told.consumer.assignment():  # the broker gives them to the other
                    del owners[partition]
                time.sleep(4)  # longer than max_poll_interval: the defect begins with a loss
        told.consumer.close(autocommit=False)

    def shared() -> bool:
        return sorted(owners.values()) == ["live", "live", "stalled", "stalled"]

    members = [Owners(name, owners, clashes) for name in ("live", "stalled")]
    threads = [threading.Thread(target=member, args=(told,)) for told in members]
    try:
        for thread in threads:
            thread.start()
        wait_until(shared, timeout=60, what="both have two partitions")
        clashes.clear()
        stalls.set()
        assert members[1].lost.wait(15)
        wait_until(shared, timeout=60, what="both have two partitions again")
    finally:
        stop.set()
        for thread in threads:
            thread.join(15)
    assert not clashes
