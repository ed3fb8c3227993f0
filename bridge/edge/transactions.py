"""Commits as Kafka transactions, fenced by the generation of the consumer group.

1. Transactions run in a thread of their own, one at a time, each with a deadline: an outage can hold one up for long.
2. Past its deadline a transaction is given up together with its producer and thread. The next producer of the same
   transactional id makes the broker end what was open, one way or the other: its outcome is not known, so nothing of it
   counts as confirmed.
3. The broker refuses a generation that is over: a member that lost its partitions can't write.
"""

import asyncio
import queue
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError, KafkaTimeoutError, ProducerFencedError
from kafka.structs import OffsetAndMetadata

from bridge.config.files import FileError
from bridge.core.ledger import Checkpoint
from bridge.core.outcome import Commit
from bridge.core.record import Partition
from bridge.edge.kafka_options import Unreachable, connecting, connection_options
from bridge.edge.offsets import judged
from bridge.settings import KafkaSettings

#: Milliseconds. An idle transaction takes 12, a producer's first 350 (design notes, kafka-python 3.0.12 on a 4.4 broker).
OPTIONS: dict[str, object] = {
    "acks": "all",
    "delivery_timeout_ms": 4_000,
    "request_timeout_ms": 3_000,
    "max_block_ms": 5_000,
    "linger_ms": 0,
    # A transaction begun right after another waits for its markers by asking again, each time this later.
    "retry_backoff_ms": 10,
}
MAX_TRANSACTION = 10.0  # seconds; a shorter session makes it a quarter of that
DEADLINE = 8.0  # seconds from the call to the answer
GIVEN_UP = 0.5  # seconds for a given up producer to close


def transactional_id(group_id: str) -> str:
    """One for each process: group, host, and a random part, so that no two processes ever fence each other."""
    return f"{group_id}-{socket.gethostname()}-{uuid.uuid4().hex[:8]}"


class Transactions:
    """Commits in transactions. `consumer`: the one in use now. `fenced` is told if another process has this id."""

    def __init__(
        self,
        kafka: KafkaSettings,
        identity: str,
        consumer: Callable[[], KafkaConsumer | None],
        fenced: Callable[[BaseException], None],
        deadline: float = DEADLINE,
    ) -> None:
        self._consumer = consumer
        self._fenced = fenced
        self._deadline = deadline
        self._kafka = kafka
        self._identity = identity
        self._thread = self._new_thread()
        self.replaced = 0  # producers given up

    async def commit(self, checkpoints: Mapping[Partition, Checkpoint]) -> tuple[Commit, str]:
        """What became of it, and the error's text. Never raises for the broker's or the network's faults."""
        consumer = self._consumer()
        if consumer is None:
            return Commit.RETRIABLE, "not connected"
        offsets = {TopicPartition(*p): OffsetAndMetadata(c.offset, c.metadata, -1) for p, c in checkpoints.items()}
        member = consumer.group_metadata()  # in the turn in which the caller read the partitions
        if member.generation_id < 0:  # out of the group, and its owner not told yet: the broker would fence nothing
            return Commit.RETRIABLE, "not a member of the group"
        try:
            async with asyncio.timeout(self._deadline):
                error = await self._thread.run(partial(_transact, offsets, member))
        except asyncio.CancelledError:
            self._give_up()  # it goes on without anyone who hears how it ends
            raise
        except TimeoutError:
            self._give_up()
            return Commit.TIMEOUT, f"transaction given up after {self._deadline:g} s"
        if isinstance(error, ProducerFencedError | FencedInstanceIdError):
            self._fenced(error)
        elif error is not None:
            # In an outage its state can't be trusted: a new one ends what is open. And after a refusal kafka-python
            # 3.0.12 keeps the offsets and sends them with the next transaction's: those of lost partitions, too.
            self._give_up()
        return judged(error)

    def _give_up(self) -> None:
        self._thread.end()
        self._thread = self._new_thread()
        self.replaced += 1

    def _new_thread(self) -> "_Thread":
        return _Thread(partial(_producer, self._kafka, self._identity, self._deadline))

    async def close(self) -> None:
        """Nothing is committed from here on."""
        self._thread.end()
        await asyncio.to_thread(self._thread.join, 2 * GIVEN_UP)


class _Producer(KafkaProducer):  # type: ignore[misc]
    """Waits for each of the broker's answers for `patience` seconds.

    In an outage kafka-python 3.0.12 can drop a request of a transaction (its coordinator is known and can't be reached).
    Its own methods then wait for the answer for ever, also when the producer is closed and the broker is back.
    """

    patience = DEADLINE

    def send_offsets_to_transaction(
        self, offsets: dict[TopicPartition, OffsetAndMetadata], group_metadata: Any
    ) -> None:
        self._answered(self._transaction_manager.send_offsets_to_transaction(offsets, group_metadata))

    def commit_transaction(self) -> None:
        self._answered(self._transaction_manager.begin_commit())

    def abort_transaction(self) -> None:
        self._answered(self._transaction_manager.begin_abort())

    def _answered(self, result: Any) -> None:
        self._sender.wakeup()
        if not result.wait(timeout_ms=self.patience * 1000):
            raise KafkaTimeoutError(f"no answer in {self.patience:g} s")


class _Thread:
    """A daemon thread with a producer of its own, made at its first work: blocked for ever, it does not hold up an exit."""

    def __init__(self, make: Callable[[], KafkaProducer]) -> None:
        self._make = make
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._producer: KafkaProducer | None = None
        self._given_up = False
        self._thread = threading.Thread(target=self._serve, name="kafka-transactions", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
        if self._producer is not None:
            with suppress(KafkaError, RuntimeError, OSError):
                self._producer.close(timeout=GIVEN_UP)

    def run(self, call: Callable[[KafkaProducer], Exception | None]) -> asyncio.Future[Exception | None]:
        """The error that `call` returns, or that making the producer gave."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Exception | None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            if not done.done():
                done.set_result(error)

        def work() -> None:
            try:
                error = call(self._ready())
            except (KafkaError, Unreachable, FileError, OSError, RuntimeError) as problem:
                error = problem
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle, error)

        self._work.put(work)
        return done

    def _ready(self) -> KafkaProducer:
        """The producer. One given up while it was made must do nothing more: it would fence its successor, and commit
        what is old by now.
        """
        if self._producer is None:
            self._producer = self._make()  # from here on `end` closes it
            if not self._given_up:
                self._producer.init_transactions()
        if self._given_up:
            raise RuntimeError("given up")
        return self._producer

    def join(self, seconds: float) -> None:
        """Wait until it has ended, or for so long."""
        self._thread.join(seconds)

    def end(self) -> None:
        """Close the producer and end, as soon as what is running lets it."""
        self._given_up = True
        self._work.put(None)
        if self._producer is not None:  # from here: the thread may be blocked in it
            producer = self._producer
            threading.Thread(target=_close, args=(producer,), name="kafka-close", daemon=True).start()


def _producer(kafka: KafkaSettings, identity: str, patience: float) -> KafkaProducer:
    timeout = min(MAX_TRANSACTION, kafka.session_timeout / 4)
    options = {**connection_options(kafka), **OPTIONS, "transactional_id": identity}
    with connecting(kafka):
        producer = _Producer(**options, transaction_timeout_ms=max(1000, round(timeout * 1000)))
    producer.patience = patience
    return producer


def _transact(
    offsets: dict[TopicPartition, OffsetAndMetadata], member: Any, producer: KafkaProducer
) -> Exception | None:
    """One transaction; the error, after aborting what can be aborted."""
    try:
        producer.begin_transaction()
        producer.send_offsets_to_transaction(offsets, member)
        producer.commit_transaction()
    except (KafkaError, RuntimeError) as error:
        with suppress(KafkaError, RuntimeError):
            producer.abort_transaction()
        return error
    return None


def _close(producer: KafkaProducer) -> None:
    with suppress(KafkaError, RuntimeError, OSError):
        producer.close(timeout=GIVEN_UP)
