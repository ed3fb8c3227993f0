"""Commits as Kafka transactions, fenced by the generation of the consumer group: offsets, and states of groups.

1. Transactions run in a thread of their own, one at a time, each with a deadline: an outage can hold one up for long.
2. Past its deadline a transaction is given up together with its producer and thread. The next producer of the same
   transactional id makes the broker end what was open, one way or the other: its outcome is not known, so nothing of it
   counts as confirmed.
3. The broker refuses a generation that is over: a member that lost its partitions can't write.
4. What is of one partition number is in one transaction. Where there are many states, each takes some of the numbers.
"""

import asyncio
import queue
import socket
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from kafka import KafkaConsumer
from kafka.errors import FencedInstanceIdError, KafkaError, ProducerFencedError

from bridge.connections import KafkaSettings
from bridge.core.outcome import Commit
from bridge.core.record import Partition
from bridge.core.runs import Checkpoint
from bridge.core.saved import StateRecord
from bridge.edge.kafka_options import FAULTS
from bridge.edge.offsets import committable, judged
from bridge.edge.producer import close
from bridge.edge.transactional import Transaction, TransactionalProducer, longest, transactional_producer

DEADLINE = 8.0  # seconds from the call to the answer …
STATES_A_SECOND = 5_000  # … and a second more for so many states; a tenth of what one core sends when it is free
MOST = 20_000  # states in a transaction, if they are of more than one number: half a second
GIVEN_UP = 0.5  # seconds for a given up producer to close


def transactional_id(group_id: str) -> str:
    """One for each process: group, host, and a random part, so that no two processes ever fence each other."""
    return f"{group_id}-{socket.gethostname()}-{uuid.uuid4().hex[:8]}"


class Transactions:
    """Commits in transactions. `consumer`: the one in use now. `fenced` is told if another process has this id.

    `state_topic`: where states go; their partitions are known to be there.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        identity: str,
        consumer: Callable[[], KafkaConsumer | None],
        fenced: Callable[[BaseException], None],
        state_topic: str,
        deadline: float = DEADLINE,
    ) -> None:
        self._state_topic = state_topic
        self._consumer = consumer
        self._fenced = fenced
        self._deadline = deadline
        self._kafka = kafka
        self._identity = identity
        self._thread = self._new_thread()
        self.replaced = 0  # producers given up

    async def commit(
        self, checkpoints: Mapping[Partition, Checkpoint], states: Sequence[StateRecord] = ()
    ) -> tuple[Commit, str]:
        """What became of it, and the error's text. Never raises for the broker's or the network's faults."""
        consumer = self._consumer()
        if consumer is None:
            return Commit.RETRIABLE, "not connected"
        member = consumer.group_metadata()  # in the turn in which the caller read the partitions
        if member.generation_id < 0:  # out of the group, and its owner not told yet: the broker would fence nothing
            return Commit.RETRIABLE, "not a member of the group"
        result = Commit.DONE, ""
        for part, its_states in divided(checkpoints, states, MOST):
            result = await self._transact(Transaction(committable(part), member, self._state_topic, its_states))
            if result[0] is not Commit.DONE:
                break
        return result

    async def _transact(self, transaction: Transaction) -> tuple[Commit, str]:
        deadline = self._seconds(len(transaction.states))
        try:
            async with asyncio.timeout(deadline):
                error = await self._thread.run(transaction.run)
        except asyncio.CancelledError:
            self._give_up()  # it goes on without anyone who hears how it ends
            raise
        except TimeoutError:
            self._give_up()
            return Commit.TIMEOUT, f"transaction given up after {deadline:g} s"
        if isinstance(error, ProducerFencedError | FencedInstanceIdError):
            self._fenced(error)
        elif error is not None:
            # In an outage its state can't be trusted: a new one ends what is open. And after a refusal kafka-python
            # 3.0.12 keeps the offsets and sends them with the next transaction's: those of lost partitions, too.
            self._give_up()
        return judged(error)

    def _seconds(self, states: int) -> float:
        """To wait for so many states: not beyond the transaction's own end, as then the broker aborts it."""
        return max(self._deadline, min(self._deadline + states / STATES_A_SECOND, longest(self._kafka) - 0.5))

    def _give_up(self) -> None:
        self._thread.end()
        self._thread = self._new_thread()
        self.replaced += 1

    def _new_thread(self) -> "_Thread":
        return _Thread(partial(transactional_producer, self._kafka, self._identity, self._deadline))

    async def close(self) -> None:
        """Nothing is committed from here on."""
        self._thread.end()
        await asyncio.to_thread(self._thread.join, 2 * GIVEN_UP)


Part = tuple[dict[Partition, Checkpoint], list[StateRecord]]


def divided(checkpoints: Mapping[Partition, Checkpoint], states: Sequence[StateRecord], most: int) -> list[Part]:
    """Parts with at most so many states, where that needs no partition number to be divided."""
    if len(states) <= most:
        return [(dict(checkpoints), list(states))]
    numbers: dict[int, Part] = {}
    for partition, checkpoint in checkpoints.items():
        numbers.setdefault(partition.number, ({}, []))[0][partition] = checkpoint
    for state in states:
        numbers.setdefault(state.number, ({}, []))[1].append(state)
    parts: list[Part] = [({}, [])]
    for its_checkpoints, its_states in numbers.values():
        if parts[-1][1] and its_states and len(parts[-1][1]) + len(its_states) > most:
            parts.append(({}, []))
        parts[-1][0].update(its_checkpoints)
        parts[-1][1].extend(its_states)
    return parts


class _Thread:
    """A daemon thread with a producer of its own, made at its first work: blocked for ever, it does not hold up an exit."""

    def __init__(self, make: Callable[[], TransactionalProducer]) -> None:
        self._make = make
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._producer: TransactionalProducer | None = None
        self._given_up = False
        self._thread = threading.Thread(target=self._serve, name="kafka-transactions", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # the states of a checkpoint would lie in memory until the next one has made its own
        if self._producer is not None:
            _close(self._producer)

    def run(self, call: Callable[[TransactionalProducer], Exception | None]) -> asyncio.Future[Exception | None]:
        """The error that `call` returns, or that making the producer gave."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Exception | None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            if not done.done():
                done.set_result(error)

        def work() -> None:
            try:
                error = call(self._ready())
            except FAULTS as problem:
                error = problem
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle, error)

        self._work.put(work)
        return done

    def _ready(self) -> TransactionalProducer:
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


def _close(producer: TransactionalProducer) -> None:
    with suppress(KafkaError, RuntimeError, OSError):
        close(producer, GIVEN_UP)
