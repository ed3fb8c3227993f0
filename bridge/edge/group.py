"""Rebalances of the consumer group, as kafka-python 3.0.12 reports them.

Call-backs run on kafka-python's own thread, inside its own event loop: only its futures can be awaited there, and
heartbeats go on meanwhile. The budget of a revoke is `kafka.max_poll_interval`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from kafka import AsyncConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import InconsistentGroupProtocolError, KafkaError
from kafka.future import Future
from kafka.structs import MemberState

from bridge.core.record import Partition, Record
from bridge.edge.assignor import Assignor


class Owner(Protocol):
    """Who is told of partitions coming and going, and takes their records, on the asyncio loop."""

    def counted(self, counts: Mapping[str, int]) -> None:
        """Topics have so many partitions, as of a rebalance that began; told also where nothing else changes here."""

    def assigned(self, partitions: frozenset[Partition]) -> None:
        """These are ours from now on, and paused."""

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        """These must be given up; they are kept from the next owner until this returns."""

    def lost(self, partitions: frozenset[Partition]) -> None:
        """These are another's already."""

    def lost_all(self) -> None:
        """The membership is given up as it is: whatever was ours is another's already."""

    def records(self, batch: dict[Partition, list[Record]]) -> None:
        """Records, in order within each partition."""


class Listener(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Carries rebalances from kafka-python's thread to the asyncio loop. `failed` is told there of an owner's defect."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        assignor: Assignor,
        owner: Owner,
        loop: asyncio.AbstractEventLoop,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._failed = failed
        self._consumer = consumer
        self._assignor = assignor
        self._owner = owner
        self._loop = loop

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Paused before anything of them can be fetched: the owner must first know where they start."""
        if assigned:
            self._consumer.pause(*assigned)
            self._loop.call_soon_threadsafe(self._owner.assigned, ours(assigned))

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Waits until the owner has given them up."""
        if revoked:
            await self._on_loop(self._owner.revoked(ours(revoked)))

    async def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        """The default would call revoked, and a commit there fails by construction."""
        self._assignor.forget()
        if lost:
            self._loop.call_soon_threadsafe(self._owner.lost, ours(lost))

    async def _on_loop(self, work: Coroutine[Any, Any, None]) -> None:
        done = Future()

        async def run() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 (nobody else would ever be told)
                self._failed(error)
            finally:
                done.success(None)
                with suppress(KafkaError, RuntimeError):  # closed meanwhile: nobody waits
                    self._consumer.commit_async({})  # sends nothing, but wakes the thread that waits for `done`

        asyncio.run_coroutine_threadsafe(run(), self._loop)
        await done


def ours(partitions: Iterable[TopicPartition]) -> frozenset[Partition]:
    """kafka-python's partitions as the bridge's own."""
    return frozenset(Partition(p.topic, p.partition) for p in partitions)


def theirs(partitions: Iterable[Partition]) -> list[TopicPartition]:
    """The bridge's partitions as kafka-python's."""
    return [TopicPartition(p.topic, p.number) for p in partitions]


def told(error: Exception) -> str:
    """Why a poll failed, for people."""
    text = f"{type(error).__name__}: {error}"
    if not isinstance(error, InconsistentGroupProtocolError):
        return text
    others = "the consumer group has members that are no ocs-bridge, or one that assigns partitions in another way"
    return f"{text}; {others} ({Assignor.name} is this one's): stop them, or see kafka.group_id"


class Watchdog:
    """Tells when a member stands still: kafka-python 3.0.12 can forget a join it has begun, and says nothing.

    `patience` in seconds; `clock` is monotonic.
    """

    def __init__(self, consumer: KafkaConsumer, patience: float, clock: Callable[[], float]) -> None:
        self._consumer = consumer
        self._patience = patience
        self._clock = clock
        self._stable_at = clock()

    @property
    def stable(self) -> bool:
        """Whether the member is in its group and no rebalance is under way."""
        return bool(self._consumer.group_metadata().state is MemberState.STABLE)

    def stuck(self) -> str:
        """What is wrong, once the member has been out of its group for longer than its patience; else empty."""
        if self.stable:
            self._stable_at = self._clock()
        away = self._clock() - self._stable_at > self._patience
        return f"no member of the group for {self._patience:g} s" if away else ""
