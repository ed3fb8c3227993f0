"""A paused partition of which kafka-python 3.0.12 has already fetched more than it has handed out."""

import time
from collections.abc import Callable

import pytest
from group_events import changes
from kafka import KafkaConsumer, TopicPartition
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic, produce

from bridge.edge.parked import before_each_fetch, never_forget_parked


def nothing(consumer: KafkaConsumer) -> None:
    """kafka-python as it is."""


@pytest.mark.parametrize(("mend", "left"), [(nothing, 0), (never_forget_parked, 20)], ids=["stock", "mended"])
def test_what_was_parked_by_a_pause_comes_after_the_resume(
    broker: KafkaBroker, mend: Callable[[KafkaConsumer], None], left: int
) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=2)
    busy, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    produce(broker.bootstrap, topic, changes(30, groups=1), partition=0)
    consumer = KafkaConsumer(
        bootstrap_servers=broker.bootstrap, group_id=None, auto_offset_reset="earliest", max_poll_records=10
    )
    mend(consumer)

    def polled(times: int) -> list[TopicPartition]:
        return [p for _ in range(times) for p, records in consumer.poll(500).items() for _ in records]

    try:
        consumer.assign([busy, other])
        first: list[TopicPartition] = []
        for _ in range(20):
            first = first or polled(1)
        assert first == [busy] * 10
        consumer.pause(busy)
        produce(broker.bootstrap, topic, changes(1, groups=1), partition=1)
        assert polled(4) == [other]
        consumer.resume(busy)
        assert polled(5) == [busy] * left
    finally:
        consumer.close()


def test_a_partition_resumed_within_a_poll_is_read_in_that_poll(broker: KafkaBroker) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=1)
    paused = TopicPartition(topic, 0)
    produce(broker.bootstrap, topic, changes(3, groups=1), partition=0)
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=None, auto_offset_reset="earliest")
    looks: list[float] = []

    def resume_at_the_third() -> None:
        looks.append(time.monotonic())
        if len(looks) == 3:
            consumer.resume(paused)

    try:
        consumer.assign([paused])
        consumer.pause(paused)
        consumer.poll(500)
        before_each_fetch(consumer, resume_at_the_third)
        assert len(consumer.poll(30_000)[paused]) == 3
        assert looks[2] - looks[0] < 5, "every 100 ms, while nothing can be fetched"
    finally:
        consumer.close()
