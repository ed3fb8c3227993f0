"""What the tests of the whole bridge share: a receiver of theirs, and settings for one topic."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from broker.committing import Group, ours
from edge import scripts
from edge.receivers import Receiver
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic
from loopback import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Answers 204 at once."""
    with Receiver(scripts.answer(204)) as started:
        yield started


@pytest.fixture
def settings_of(broker: KafkaBroker) -> Callable[..., dict[str, Any]]:
    """Settings for a topic of its own (`partitions`) and a group of its own, which notify `url`."""

    def make(url: str, partitions: int = 4) -> dict[str, Any]:
        topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=partitions)
        return {
            "kafka": {"bootstrap_servers": broker.bootstrap, "topics": topic, "group_id": fresh_name("group")},
            "notifications": {"url": url},
        }

    return make


@pytest.fixture
def group(broker: KafkaBroker) -> Group:
    """A consumer group that commits to a topic of its own."""
    return Group(broker)


@pytest.fixture
def no_thread_stays() -> Iterator[None]:
    """What a test has begun of ours ends with it."""
    before = len(ours())
    yield
    wait_until(lambda: len(ours()) <= before, timeout=60, what=f"the threads end: {ours()}")
