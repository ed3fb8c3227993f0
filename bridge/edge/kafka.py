"""The input: kafka-python's consumer in a thread of its own.

The thread polls, and hands whole batches to the asyncio loop, two at most at a time. Seeks are done by it, between
polls. Everything else (commits, pause and resume, look-ups) is called on the consumer from the loop or its executor,
which kafka-python allows. Records of a partition never arrive before its owner was told of the assignment, nor after it
was told of the loss.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import FencedInstanceIdError, IllegalStateError, KafkaError

from bridge.core.record import Partition, Record
from bridge.edge.consumer import consumer_options, decoded
from bridge.edge.group import Assignor, Listener, Owner, Watchdog, theirs
from bridge.edge.kafka_options import Unreachable, connecting
from bridge.edge.lease import Lease
from bridge.edge.log import get_logger
from bridge.edge.offsets import Offsets
from bridge.edge.parked import never_forget_parked
from bridge.settings import KafkaSettings

log = get_logger(__name__)

POLL_MS = 1000  # shorter polls can make kafka-python forget a join
HANDED_OVER = 2  # batches on their way to the loop
RETRY = 2.0  # seconds between attempts to reach brokers or find topics
MISSING = 10.0  # seconds between looks for topics that do not exist yet
COMMIT = 10.0  # seconds after which an unanswered commit has failed


class Taker(Owner, Protocol):
    """Who takes the records, on the asyncio loop."""

    def records(self, batch: dict[Partition, list[Record]]) -> None:
        """Records, in order within each partition."""


class Input:
    """The input topics, as a member of the consumer group.

    `start` begins to try to join, and goes on trying; `close` leaves. `failed` resolves with the error that ends the
    thread, if one does.
    """

    def __init__(self, kafka: KafkaSettings, lease: Lease, loop: asyncio.AbstractEventLoop) -> None:
        self._settings = kafka
        self._lease = lease
        self._loop = loop
        self._taker: Taker
        self.consumer: KafkaConsumer | None = None  # the one in use
        self._watchdog: Watchdog | None = None
        self._stop = threading.Event()
        self._slots = threading.Semaphore(HANDED_OVER)
        self._errands: deque[Callable[[KafkaConsumer], None]] = deque()
        self._thread = threading.Thread(target=self._run, name="kafka-poll", daemon=True)
        self.offsets = Offsets(lambda: self.consumer, COMMIT)
        self.missing: frozenset[str] = frozenset()  # topics that do not exist
        self.trouble = "not connected yet"  # why it is not a member, for people
        self.polled_at = time.monotonic()  # the thread's last turn
        self.failed: asyncio.Future[BaseException] = loop.create_future()

    def start(self, taker: Taker) -> None:
        """Begin."""
        self._taker = taker
        self._thread.start()

    @property
    def joined(self) -> bool:
        """Whether this is a member of the group, with no rebalance under way, as the broker said lately (the lease)."""
        return self._watchdog is not None and self._watchdog.stable and self._lease.valid()

    @property
    def cluster_id(self) -> str:
        """The cluster's own id; `unknown` where the broker has none."""
        cluster = self.consumer._cluster if self.consumer else None  # noqa: SLF001 (there is no public way)
        return (cluster.cluster_id if cluster else None) or "unknown"

    async def close(self, seconds: float) -> None:
        """Leave the group; the owner is told of the revoke first, if this still is a member."""
        self._stop.set()
        if self._thread.is_alive():
            if self.consumer is not None:  # ends a poll at once
                await asyncio.to_thread(_close, self.consumer, seconds)
            await asyncio.to_thread(self._thread.join, seconds)

    def pause(self, partitions: Collection[Partition]) -> None:
        """Let nothing more of these come, once what was handed over has arrived."""
        self._each(KafkaConsumer.pause, partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        """Let these come again."""
        self._each(KafkaConsumer.resume, partitions)

    def _each(self, call: Callable[[KafkaConsumer, TopicPartition], None], partitions: Collection[Partition]) -> None:
        if self.consumer is not None:
            for partition in theirs(partitions):
                with suppress(IllegalStateError, KeyError):  # taken away meanwhile: the owner is told in a moment
                    call(self.consumer, partition)

    def fail(self, error: BaseException) -> None:
        """Nothing but a restart helps."""
        if not self.failed.done():
            self.failed.set_result(error)

    def begin(self, partition: Partition, offset: int) -> None:
        """Read an assigned, paused partition from `offset` on."""
        (tp,) = theirs([partition])

        def errand(consumer: KafkaConsumer) -> None:
            with suppress(IllegalStateError, KeyError, ValueError):  # seek says ValueError: taken away meanwhile
                consumer.seek(tp, offset)
                consumer.resume(tp)

        self._errands.append(errand)

    # From here on, the thread.

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._session()
        except BaseException as error:  # noqa: BLE001 (a defect, or fenced: the loop must know, or the bridge stands still)
            if not self._stop.is_set():  # kafka-python's calls end in many ways once its loop is closed by `close`
                self._on_loop(self.fail, error)

    def _on_loop(self, call: Callable[..., None], *args: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, *args)

    def _session(self) -> None:
        """One consumer, from its making to its end: at the stop, or when it stands still."""
        assignor = Assignor()
        self.polled_at = time.monotonic()
        try:
            with connecting(self._settings):
                consumer = KafkaConsumer(**consumer_options(self._settings, assignor))
        except (Unreachable, OSError) as error:
            self._troubled(
                "kafka_unreachable",
                f"{error}; see kafka.bootstrap_servers, kafka.security_protocol and what goes with it",
            )
            self._stop.wait(RETRY)
            return
        never_forget_parked(consumer)
        self.consumer = consumer
        self._lease.of(consumer)
        try:
            listener = Listener(consumer, assignor, self._taker, self._loop, self.fail)
            self._subscribe(consumer, listener)
            self._poll(consumer, listener)
        finally:
            self._watchdog = None
            _close(consumer, self._settings.session_timeout)

    def _subscribe(self, consumer: KafkaConsumer, listener: Listener) -> None:
        """Waits until one of the topics exists: a consumer of nothing would not say what is wrong."""
        if self._settings.topic_pattern is not None:
            consumer.subscribe(pattern=self._settings.topic_pattern, listener=listener)
        while self._settings.topic_pattern is None and not self._stop.is_set():
            there = self._existing(consumer)
            if there:
                consumer.subscribe(sorted(there), listener=listener)
                break
            self._stop.wait(RETRY)
        with suppress(KafkaError):
            consumer.topics()  # before the first poll, or the first join may be forgotten

    def _existing(self, consumer: KafkaConsumer) -> set[str]:
        self.polled_at = time.monotonic()
        there: set[str] = set()
        try:
            there = {topic for topic in self._settings.topics if consumer.partitions_for_topic(topic)}
        except KafkaError as error:
            self._troubled("kafka_metadata_failed", f"{type(error).__name__}: {error}")
        self.missing = frozenset(self._settings.topics) - there
        if self.missing:
            names = ", ".join(sorted(self.missing))
            self._troubled(
                "topic_missing", f"{names}: does not exist, or may not be described by this user; see kafka.topics"
            )
        return there

    def _poll(self, consumer: KafkaConsumer, listener: Listener) -> None:
        patience = self._settings.max_poll_interval / 2
        watchdog = self._watchdog = Watchdog(consumer, patience, time.monotonic)
        looked = time.monotonic()
        while not self._stop.is_set():
            while self._errands:
                self._errands.popleft()(consumer)
            batch = self._poll_once(consumer)
            self.polled_at = time.monotonic()
            if batch:
                self._hand_over(batch)
            if self.missing and self.polled_at - looked > MISSING:
                looked = self.polled_at
                self._look_again(consumer, listener)
            if watchdog.stuck():
                self._troubled("kafka_member_stuck", f"no member of the group for {patience:g} s; a new consumer joins")
                self._on_loop(self._taker.lost_all)
                return

    def _poll_once(self, consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
        try:
            batch: dict[TopicPartition, list[Any]] = consumer.poll(POLL_MS)
        except FencedInstanceIdError:
            raise
        # Outages, credentials that are refused from now on, closed by `close`. KeyError: kafka-python 3.0.12 was looking
        # for the committed offset of a partition that a rebalance, or `close`, took away meanwhile.
        except (KafkaError, KeyError) as error:
            if not self._stop.is_set():
                self._troubled("kafka_poll_failed", f"{type(error).__name__}: {error}")
                self._stop.wait(0.2)
            return {}
        return batch

    def _look_again(self, consumer: KafkaConsumer, listener: Listener) -> None:
        before = self.missing
        there = self._existing(consumer)
        if there and self.missing != before:
            consumer.subscribe(sorted(there), listener=listener)

    def _hand_over(self, batch: dict[TopicPartition, list[Any]]) -> None:
        records = {Partition(p.topic, p.partition): [decoded(p, r) for r in found] for p, found in batch.items()}
        while not self._slots.acquire(timeout=0.5):
            if self._stop.is_set():
                return
        self._on_loop(self._arrived, records)

    def _arrived(self, records: dict[Partition, list[Record]]) -> None:
        self._slots.release()
        self._taker.records(records)

    def _troubled(self, event: str, text: str) -> None:
        self.trouble = text
        log.warning(event, reason=text)


def _close(consumer: KafkaConsumer, seconds: float) -> None:
    with suppress(KafkaError, RuntimeError):
        consumer.close(autocommit=False, timeout_ms=round(seconds * 1000))
