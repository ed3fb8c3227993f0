"""The input: kafka-python's consumer in a thread of its own.

The thread polls, hands batches to the asyncio loop (hand_over.py; few records go there from within `poll`, fetching.py), and seeks
between polls. Everything else (commits, pause and resume, look-ups) is called on the consumer from the loop or its executor, which
kafka-python allows. Records of a partition never arrive before its owner was told of the assignment, nor after it was told of the loss.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import FencedInstanceIdError, IllegalStateError, KafkaError

from bridge.connections import KafkaSettings
from bridge.core.record import Partition
from bridge.edge.assignor import Assignor
from bridge.edge.consumer import consumer_options, leave
from bridge.edge.errands import Errands
from bridge.edge.fetched import fetch_records
from bridge.edge.fetching import Fetching
from bridge.edge.first_look import Batch
from bridge.edge.group import Listener, Owner, Watchdog, theirs, told
from bridge.edge.hand_over import HandOver
from bridge.edge.kafka_options import Unreachable, connecting
from bridge.edge.lease import Lease
from bridge.edge.log import get_logger
from bridge.edge.losses import always_tell_losses
from bridge.edge.offsets import Offsets
from bridge.edge.parked import before_each_fetch, never_forget_parked
from bridge.edge.topic_ids import TopicIds

log = get_logger(__name__)

POLL_MS = 1000  # shorter polls can make kafka-python forget a join
RETRY = 2.0  # seconds between attempts to reach brokers or find topics
MISSING = 10.0  # seconds between looks for topics that do not exist yet
COMMIT = 10.0  # seconds after which an unanswered commit has failed


class Input:
    """The input topics, as a member of the consumer group.

    `start` begins to try to join, and goes on trying; `close` leaves. `failed` resolves with the error that ends the
    thread, if one does.
    """

    def __init__(self, kafka: KafkaSettings, lease: Lease, loop: asyncio.AbstractEventLoop) -> None:
        self._settings = kafka
        self._lease = lease
        self._loop = loop
        self._taker: Owner
        self.consumer: KafkaConsumer | None = None  # the one in use
        self._watchdog: Watchdog | None = None
        self._stop = threading.Event()
        self._resumed = threading.Event()
        self._hand_over = HandOver(loop, self._stop)
        self._ids = TopicIds()
        self._renewal = ""  # why a new consumer has to begin
        self._errands = Errands()
        self._thread = threading.Thread(target=self._run, name="kafka-poll", daemon=True)
        self.offsets = Offsets(lambda: self.consumer, COMMIT)
        self.missing: frozenset[str] = frozenset()  # topics that do not exist
        self.trouble = "not connected yet"  # why it is not a member, for people
        self.polled_at = time.monotonic()  # the thread's last turn
        self.failed: asyncio.Future[BaseException] = loop.create_future()

    def start(self, taker: Owner) -> None:
        """Begin."""
        self._taker = taker
        self._thread.start()

    @property
    def joined(self) -> bool:
        """Whether this is a member, with no rebalance under way, as the broker said lately (the lease)."""
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
                await asyncio.to_thread(leave, self.consumer, seconds)
            await asyncio.to_thread(self._thread.join, seconds)

    def pause(self, partitions: Collection[Partition]) -> None:
        """Let nothing more of these come, once what was handed over has arrived."""
        self._each(KafkaConsumer.pause, partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        """Let these come again."""
        self._each(KafkaConsumer.resume, partitions)
        self._resumed.set()

    def _each(self, call: Callable[[KafkaConsumer, TopicPartition], None], partitions: Collection[Partition]) -> None:
        if self.consumer is not None:
            for partition in theirs(partitions):
                with suppress(IllegalStateError, KeyError):  # taken away meanwhile: the owner is told in a moment
                    call(self.consumer, partition)

    def fail(self, error: BaseException) -> None:
        """Nothing but a restart helps."""
        if not self.failed.done():
            self.failed.set_result(error)

    def renew(self, why: str) -> None:
        """Let a new consumer begin: what this one reads can't be believed."""
        self._renewal = why

    def begin(self, partition: Partition, offset: int, topic_id: str) -> None:
        """Read an assigned, paused partition from `offset` on, as long as its topic has this id."""
        (tp,) = theirs([partition])
        self._errands.begin(tp, offset, lambda: self._ids.begun(tp, topic_id))

    def once_read(self, partition: Partition, offset: int, call: Callable[[], None]) -> None:
        """Call on the loop, once all there is of a partition before `offset` was handed over; never, if it is lost before."""
        (tp,) = theirs([partition])
        self._errands.once_read(tp, offset, lambda: self._hand_over.call(call))

    # From here on, the thread.

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._session()
        except BaseException as error:  # noqa: BLE001 (a defect, or fenced: the loop must know, or the bridge stands still)
            if not self._stop.is_set():  # kafka-python's calls end in many ways once its loop is closed by `close`
                self._hand_over.call(self.fail, error)

    def _session(self) -> None:
        """One consumer, from its making to its end: at the stop, or when it stands still."""
        self._ids, self._renewal = TopicIds(), ""
        assignor = Assignor(lambda counts: self._hand_over.call(self._taker.counted, counts))
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
        before_each_fetch(consumer, lambda: self._errands.run(consumer))
        always_tell_losses(consumer)
        fetch_records(consumer)
        Fetching(consumer, self._give_few, self._resumed, self._settings.poll_linger)
        self.consumer = consumer
        self._lease.of(consumer)
        try:
            listener = Listener(consumer, assignor, self._taker, self._loop, self.fail)
            self._subscribe(consumer, listener)
            self._poll(consumer, listener)
        finally:
            self._watchdog = None
            leave(consumer, self._settings.session_timeout)

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
        watchdog = self._watchdog = Watchdog(consumer, self._settings.max_poll_interval / 2, time.monotonic)
        looked = time.monotonic()
        while not self._stop.is_set():
            self._errands.run(consumer)  # here too: a poll within a rebalance looks for no records
            batch = self._poll_once(consumer)
            self.polled_at = time.monotonic()
            if batch:
                self._hand_over.batch(batch, self._taker.records)
            if self.missing and self.polled_at - looked > MISSING:
                looked = self.polled_at
                self._look_again(consumer, listener)
            if why := watchdog.stuck() or self._ids.made_again(consumer) or self._renewal:
                self._troubled("kafka_consumer_given_up", f"{why}; a new one joins")
                self._hand_over.call(self._taker.lost_all)
                return

    def _poll_once(self, consumer: KafkaConsumer) -> Batch:
        try:
            batch: Batch = consumer.poll(POLL_MS)
        except FencedInstanceIdError:
            raise
        # Outages, credentials that are refused from now on, closed by `close`. KeyError: kafka-python 3.0.12 was looking
        # for the committed offset of a partition that a rebalance, or `close`, took away meanwhile.
        except (KafkaError, KeyError) as error:
            if not self._stop.is_set():
                self._troubled("kafka_poll_failed", told(error))
                self._stop.wait(0.2)
            return {}
        return batch

    def _give_few(self, batch: Batch) -> bool:
        return self._hand_over.at_once(batch, self._taker.records)

    def _look_again(self, consumer: KafkaConsumer, listener: Listener) -> None:
        before = self.missing
        there = self._existing(consumer)
        if there and self.missing != before:
            consumer.subscribe(sorted(there), listener=listener)

    def _troubled(self, event: str, text: str) -> None:
        self.trouble = text
        log.warning(event, reason=text)
