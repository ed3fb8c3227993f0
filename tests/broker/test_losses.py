"""A member that the broker drops while it waits in a rebalance: kafka-python 3.0.12 joins again and says nothing of it."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from broker.group_member import polling
from kafka import AsyncConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import MemberToRemove
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic
from loopback import wait_until

from bridge.edge.losses import always_tell_losses


def nothing(consumer: KafkaConsumer) -> None:
    """kafka-python as it is."""


class Told(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """What a member was told."""

    def __init__(self) -> None:
        self.lost: set[TopicPartition] = set()
        self.given_up: set[TopicPartition] = set()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        pass

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.given_up |= revoked

    async def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.lost |= lost


@pytest.mark.parametrize(("mend", "tells"), [(nothing, False), (always_tell_losses, True)], ids=["stock", "mended"])
def test_a_member_dropped_while_it_waits_for_the_others_is_told_of_its_loss(
    broker: KafkaBroker, mend: Callable[[KafkaConsumer], None], tells: bool
) -> None:
    topic, group = make_topic(broker.bootstrap, fresh_name("events"), partitions=2), fresh_name("group")

    def member(stack: ExitStack) -> tuple[KafkaConsumer, Told]:
        consumer = KafkaConsumer(
            bootstrap_servers=broker.bootstrap,
            group_id=group,
            partition_assignment_strategy=[CooperativeStickyAssignor],
            heartbeat_interval_ms=500,
            max_poll_interval_ms=60_000,
        )
        stack.callback(consumer.close, timeout_ms=2000)
        told = Told()
        consumer.subscribe([topic], listener=told)
        consumer.topics()
        return consumer, told

    with ExitStack() as stack:
        dropped, told = member(stack)
        other, _ = member(stack)
        mend(dropped)
        with polling(dropped):
            wait_until(lambda: len(dropped.assignment()) == 2, timeout=60, what="both, while it is alone")
            with polling(other):
                wait_until(
                    lambda: len(dropped.assignment()) == len(other.assignment()) == 1, timeout=60, what="one each"
                )
            had = dropped.assignment()
            coordinator = dropped._coordinator
            before = coordinator.group_metadata().member_id
            coordinator.request_rejoin()
            # The other polls no more, so the join waits for it. It is on its way once the broker holds it.
            wait_until(coordinator.rebalance_in_progress, timeout=60, what="a join under way")
            admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
            stack.callback(admin.close)
            admin.remove_group_members(group, [MemberToRemove(member_id=before)])
            wait_until(
                lambda: coordinator.group_metadata().member_id not in (before, ""), timeout=60, what="a new membership"
            )
            assert told.lost == (had if tells else set())
            assert told.given_up.isdisjoint(had)  # what it had alone before the other came, it gave up
            assert dropped.assignment() == (set() if tells else had)
