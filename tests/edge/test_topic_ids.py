"""Whether what is read is still of the topic that it was begun with; without a broker."""

import asyncio
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError
from kafka.future import Future

from bridge.core.outcome import Unavailable
from bridge.edge.offsets import Offsets
from bridge.edge.topic_ids import TopicIds, refreshed, topic_id

OLD, NEW = uuid.UUID(int=1 << 100), uuid.UUID(int=2 << 100)
P0, P1 = TopicPartition("events", 0), TopicPartition("events", 1)


def consumer(identity: uuid.UUID | None, *, paused: frozenset[TopicPartition] = frozenset()) -> Any:
    return SimpleNamespace(
        _cluster=SimpleNamespace(topic_id=lambda _topic: identity), assignment=lambda: {P0, P1}, paused=lambda: paused
    )


def begun(identity: uuid.UUID | None) -> TopicIds:
    ids = TopicIds()
    for partition in (P0, P1):
        ids.begun(partition, topic_id(consumer(identity), "events"))
    return ids


def test_an_id_is_22_characters_and_nothing_where_the_broker_has_none() -> None:
    assert topic_id(consumer(OLD), "events") == "AAAAEAAAAAAAAAAAAAAAAA"
    assert topic_id(consumer(None), "events") == topic_id(consumer(uuid.UUID(int=0)), "events") == ""


def test_a_topic_with_another_id_than_what_is_read_was_begun_with_was_made_again() -> None:
    assert begun(OLD).made_again(consumer(NEW)) == "events: deleted and made again"


@pytest.mark.parametrize(("before", "now"), [(OLD, OLD), (None, NEW), (OLD, None)])
def test_the_same_id_or_one_that_is_not_known_says_nothing(before: uuid.UUID | None, now: uuid.UUID | None) -> None:
    assert begun(before).made_again(consumer(now)) == ""


def test_partitions_that_have_not_begun_or_wait_are_passed_over() -> None:
    assert TopicIds().made_again(consumer(NEW)) == ""
    assert begun(OLD).made_again(consumer(NEW, paused=frozenset({P0, P1}))) == ""
    assert begun(OLD).made_again(consumer(NEW, paused=frozenset({P0}))) != ""


def asked(answer: Future) -> Any:
    return SimpleNamespace(_cluster=SimpleNamespace(request_update=lambda: answer))


def test_metadata_that_could_not_be_had_are_an_error_and_none_that_never_come() -> None:
    asyncio.run(refreshed(asked(Future().success("the cluster")), 1))
    with pytest.raises(KafkaConnectionError):
        asyncio.run(refreshed(asked(Future().failure(KafkaConnectionError("gone"))), 1))
    with pytest.raises(TimeoutError):
        asyncio.run(refreshed(asked(Future()), 0.01))


@pytest.mark.parametrize("error", [KafkaConnectionError("gone"), TimeoutError()])
def test_then_nothing_is_believed_of_what_is_committed(error: Exception) -> None:
    offsets = Offsets(lambda: asked(Future().failure(error)), 1)
    with pytest.raises(Unavailable):
        asyncio.run(offsets.committed("events"))
