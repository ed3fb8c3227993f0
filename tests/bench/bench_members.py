"""How long the partitions of a large consumer group stand still: joins and leaves, with the bridge's assignor and a real broker.

Members are consumers in threads of one process: the group protocol is the real one, the CPU is shared by all of them, so on
machines of their own they are faster.
"""

import threading
import time

import pytest
from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic
from loopback import wait_until

from bridge.connections import KafkaSettings
from bridge.edge.assignor import Assignor
from bridge.edge.consumer import consumer_options

PARTITIONS = 1000


class Member(ConsumerRebalanceListener):  # type: ignore[misc]
    """Polls until it is told to leave."""

    def __init__(self, broker: str, topic: str, group: str) -> None:
        settings = KafkaSettings(bootstrap_servers=[broker], topics=[topic], group_id=group)
        self._consumer = KafkaConsumer(**consumer_options(settings, Assignor()))
        self._consumer.subscribe([topic], listener=self)
        self._consumer.topics()
        self._leave = threading.Event()
        self.partitions: frozenset[int] = frozenset()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def on_partitions_assigned(self, assigned: object) -> None:
        """Asked of the consumer when it is wanted."""

    def on_partitions_revoked(self, revoked: object) -> None:
        """Nothing to drain."""

    def _run(self) -> None:
        while not self._leave.is_set():
            self._consumer.poll(timeout_ms=1000)
            self.partitions = frozenset(p.partition for p in self._consumer.assignment())
        self._consumer.close()
        self.partitions = frozenset()

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(30)


def spread(members: list[Member]) -> bool:
    """Whether every partition has one owner, and loads differ by one at most."""
    loads = [len(member.partitions) for member in members]
    return (
        sum(loads) == PARTITIONS == len(frozenset().union(*(m.partitions for m in members)))
        and max(loads) - min(loads) <= 1
    )


def seconds(members: list[Member], timeout: float = 120) -> float:
    """Until they are spread."""
    began = time.monotonic()
    wait_until(lambda: spread(members), timeout=timeout, what=f"{len(members)} members have {PARTITIONS} partitions")
    return time.monotonic() - began


@pytest.mark.timeout(900)
def test_members_of_a_large_group(broker: KafkaBroker) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("large"), PARTITIONS)
    group = fresh_name("large-group")
    members: list[Member] = []
    print(
        f"\n{PARTITIONS} partitions; seconds until all are owned and even\n| members | all join at once | one more joins | one leaves |\n| --- | --- | --- | --- |"
    )
    for count in (1, 3, 10, 30):
        members += [Member(broker.bootstrap, topic, group) for _ in range(count - len(members))]
        together = seconds(members)
        members.append(Member(broker.bootstrap, topic, group))
        joined = seconds(members)
        leaver = members.pop()
        began = time.monotonic()
        leaver.leave()
        left = time.monotonic() - began + seconds(members)
        print(f"| {count} | {together:.1f} | {joined:.1f} | {left:.1f} |", flush=True)
    for member in members:
        member.leave()
