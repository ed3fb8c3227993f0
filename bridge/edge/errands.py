"""What others ask of the thread that polls, since a consumer's positions are that thread's."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import IllegalStateError


class Errands:
    """Asked from any thread; `run` by the one that polls, between polls and within them."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[KafkaConsumer], None]] = deque()

    def run(self, consumer: KafkaConsumer) -> None:
        """Do all that waits now; some of it waits again."""
        for _ in range(len(self._waiting)):
            self._waiting.popleft()(consumer)

    def begin(self, partition: TopicPartition, offset: int, first: Callable[[], None]) -> None:
        """Read an assigned, paused partition from `offset` on. `first` is called before."""

        def errand(consumer: KafkaConsumer) -> None:
            first()
            with suppress(IllegalStateError, KeyError, ValueError):  # seek says ValueError: taken away meanwhile
                consumer.seek(partition, offset)
                consumer.resume(partition)

        self._waiting.append(errand)

    def once_read(self, partition: TopicPartition, offset: int, then: Callable[[], None]) -> None:
        """`then` is called once all there is of a partition before `offset` was handed out; never, if it is lost before.

        Positions decide: where a log ends with the marker of a transaction, no record comes that would tell.
        """

        def errand(consumer: KafkaConsumer) -> None:
            state = consumer._subscription.assignment.get(partition)  # noqa: SLF001 (position() may ask the brokers, and wait)
            if state is not None and state.position is not None and state.position.offset >= offset:
                then()
            elif state is not None:
                self._waiting.append(errand)

        self._waiting.append(errand)
