"""Offsets of the consumer group: what is committed, what exists, and committing.

Called from the asyncio loop; what blocks goes to its executor.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    RetriableError,
)
from kafka.structs import OffsetAndMetadata

from bridge.core.outcome import Commit, Unavailable
from bridge.core.record import Partition
from bridge.core.runs import Checkpoint
from bridge.core.start import Commits, Log
from bridge.edge.topic_ids import awaited, refreshed, topic_id

LOOKUP_MS = 10_000


class Offsets:
    """`consumer`: the one in use now, or None. `commit_seconds`: after which an unanswered commit has failed."""

    replaced = 0  # plain commits have no producer

    def __init__(self, consumer: Callable[[], KafkaConsumer | None], commit_seconds: float) -> None:
        self._current = consumer
        self._commit_seconds = commit_seconds

    def _consumer(self) -> KafkaConsumer:
        consumer = self._current()
        if consumer is None:
            raise KafkaError("not connected")
        return consumer

    async def committed(self, topic: str) -> Commits:
        """What the group has committed for a topic as it is now. Unavailable."""
        with translated():
            await refreshed(self._consumer(), LOOKUP_MS / 1000)
            return await asyncio.to_thread(self._committed, topic)

    def _committed(self, topic: str) -> Commits:
        consumer = self._consumer()
        identity = topic_id(consumer, topic)
        numbers = sorted(consumer.partitions_for_topic(topic))
        found = {}
        for number in numbers:
            committed = consumer.committed(TopicPartition(topic, number), metadata=True, timeout_ms=LOOKUP_MS)
            if committed is not None and committed.offset >= 0:
                found[number] = Checkpoint(committed.offset, committed.metadata or "")
        return Commits(found, len(numbers), identity)

    async def logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        """What exists of each partition's log. Unavailable."""
        with translated():
            return await asyncio.to_thread(self._logs, [TopicPartition(*p) for p in partitions])

    def _logs(self, partitions: list[TopicPartition]) -> dict[Partition, Log]:
        consumer = self._consumer()
        earliest = consumer.beginning_offsets(partitions, timeout_ms=LOOKUP_MS)
        latest = consumer.end_offsets(partitions, timeout_ms=LOOKUP_MS)
        return {Partition(p.topic, p.partition): Log(earliest[p], latest[p]) for p in partitions}

    async def commit(self, checkpoints: Mapping[Partition, Checkpoint]) -> tuple[Commit, str]:
        """Commit; what became of it, and the error's text. Never raises for the broker's or the network's faults."""
        try:
            future = self._consumer().commit_async(committable(checkpoints))
            return judged(await awaited(future, self._commit_seconds))
        except TimeoutError:
            return Commit.TIMEOUT, f"no answer in {self._commit_seconds:g} s"
        except (KafkaError, RuntimeError) as error:
            return judged(error)

    async def close(self) -> None:
        """The consumer is not its own to close."""

    def highwater(self, partition: Partition) -> int | None:
        """The offset after the last record that can be read, as of the last fetch; None before it."""
        consumer = self._current()
        if consumer is not None:
            with suppress(IllegalStateError, KeyError, AssertionError):
                value: int | None = consumer.highwater(TopicPartition(*partition))
                return value
        return None


@contextmanager
def translated() -> Iterator[None]:
    """kafka-python's errors as `Unavailable`."""
    try:
        yield
    except (KafkaError, RuntimeError, TimeoutError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def committable(checkpoints: Mapping[Partition, Checkpoint]) -> dict[TopicPartition, OffsetAndMetadata]:
    """What to commit, in kafka-python's types."""
    return {TopicPartition(*p): OffsetAndMetadata(c.offset, c.metadata, -1) for p, c in checkpoints.items()}


def judged(value: object) -> tuple[Commit, str]:
    """What a commit's future says. Success is None and nothing else: with the coordinator unknown kafka-python gives the
    future of the look-up, whose value is a node's name, whatever becomes of the commit.
    """
    if value is None:
        return Commit.DONE, ""
    text = f"{type(value).__name__}: {value}"
    if isinstance(value, CommitFailedError | FencedInstanceIdError):
        return Commit.LOST, text
    if not isinstance(value, KafkaError) or isinstance(value, RetriableError | RebalanceInProgressError):
        return Commit.RETRIABLE, text
    return Commit.REFUSED, text
