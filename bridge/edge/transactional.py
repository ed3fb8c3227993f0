"""One transaction of kafka-python's producer: states of campaign groups, and the offsets that go with them.

Nothing here waits for ever, and all of it runs in the thread of its caller (bridge/edge/transactions.py).
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from kafka import KafkaProducer, TopicPartition
from kafka.codec import has_lz4
from kafka.errors import KafkaError, KafkaTimeoutError, UnknownError
from kafka.structs import OffsetAndMetadata

from bridge.connections import KafkaSettings
from bridge.core.saved import StateRecord
from bridge.edge.batches import begin_batches
from bridge.edge.compacted import MEND
from bridge.edge.kafka_options import connecting, connection_options

AT_ONCE = 500  # states on their way: they are in memory several times over
MAX_TRANSACTION = 10.0  # seconds; a shorter session makes it a quarter of that

#: Nothing is sent before `flush` is called. lz4 costs nothing more, and makes restoring cheaper.
BATCHES: dict[str, object] = {
    "batch_size": 256 * 1024,  # of the halves of one that is too large
    "linger_ms": 1_000,
    "compression_type": "lz4" if has_lz4() else None,
    "allow_auto_create_topics": False,  # it would not be compacted
}

#: Milliseconds. An idle transaction takes 12, a producer's first 350 (design notes, kafka-python 3.0.12 on a 4.4 broker).
OPTIONS: dict[str, object] = {
    **BATCHES,
    "acks": "all",
    "delivery_timeout_ms": 4_000,
    "request_timeout_ms": 3_000,
    "max_block_ms": 5_000,
    # A transaction begun right after another waits for its markers by asking again, each time this later.
    "retry_backoff_ms": 10,
}


class TransactionalProducer(KafkaProducer):  # type: ignore[misc]
    """Waits for each of the broker's answers for `patience` seconds.

    In an outage kafka-python 3.0.12 can drop a request of a transaction (its coordinator is known and can't be reached).
    Its own methods then wait for the answer for ever, also when the producer is closed and the broker is back.
    """

    patience: float

    def send_offsets_to_transaction(
        self, offsets: dict[TopicPartition, OffsetAndMetadata], group_metadata: Any
    ) -> None:
        """As kafka-python's, but KafkaTimeoutError."""
        self._answered(self._transaction_manager.send_offsets_to_transaction(offsets, group_metadata))

    def commit_transaction(self) -> None:
        """As kafka-python's, but KafkaTimeoutError."""
        self._answered(self._transaction_manager.begin_commit())

    def abort_transaction(self) -> None:
        """As kafka-python's, but KafkaTimeoutError."""
        self._answered(self._transaction_manager.begin_abort())

    def _answered(self, result: Any) -> None:
        self._sender.wakeup()
        if not result.wait(timeout_ms=self.patience * 1000):
            raise KafkaTimeoutError(f"no answer in {self.patience:g} s")


def longest(kafka: KafkaSettings) -> float:
    """Seconds after which the broker aborts a transaction that nobody ends."""
    return max(1.0, min(MAX_TRANSACTION, kafka.session_timeout / 4))


def transactional_producer(kafka: KafkaSettings, identity: str, patience: float) -> TransactionalProducer:
    """For one transaction after the other under the id `identity`. Raises Unreachable."""
    options = {**connection_options(kafka), **OPTIONS, "transactional_id": identity}
    with connecting(kafka):
        producer = TransactionalProducer(**options, transaction_timeout_ms=round(longest(kafka) * 1000))
    producer.patience = patience
    return producer


class Transaction(NamedTuple):
    """What is written together. `member`: of the group as it was when the caller read what it owns."""

    offsets: dict[TopicPartition, OffsetAndMetadata]
    member: Any
    topic: str
    states: Sequence[StateRecord]

    def run(self, producer: TransactionalProducer) -> Exception | None:
        """Commit it; the error, after aborting what can be aborted."""
        try:
            producer.begin_transaction()
            write(producer, self.topic, self.states, producer.patience)
            producer.send_offsets_to_transaction(self.offsets, self.member)
            producer.commit_transaction()
        except (KafkaError, RuntimeError, ValueError) as error:  # ValueError: a partition that is not known (yet)
            with suppress(KafkaError, RuntimeError):
                producer.abort_transaction()
            return error
        return None


def write(producer: KafkaProducer, topic: str, states: Sequence[StateRecord], seconds: float) -> None:
    """Have states written, or raise the first error. `seconds`: to wait for answers, all together."""
    deadline = time.monotonic() + seconds
    for begin in range(0, len(states), AT_ONCE):
        _write(producer, topic, states[begin : begin + AT_ONCE], max(0.0, deadline - time.monotonic()))


def _write(producer: KafkaProducer, topic: str, states: Sequence[StateRecord], seconds: float) -> None:
    try:
        written = begin_batches(producer, topic, states)
    except KafkaTimeoutError as error:  # nothing is told of the topic
        raise KafkaTimeoutError(f"Kafka knows no state topic {topic}; if it is gone, {MEND}") from error
    _flush(producer, seconds)
    for futures in written:
        futures.settled(seconds)


def _flush(producer: KafkaProducer, seconds: float) -> None:
    """Let everything be sent now. Of a batch that the topic finds too large (max.message.bytes) kafka-python sends the
    halves, but 3.0.12's flush() raises UnknownError where it waits for the whole.
    """
    while True:
        try:
            producer.flush(seconds)
        except UnknownError:
            continue
        return
