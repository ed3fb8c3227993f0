"""From the threads of Kafka to the loop: calls in their order, and batches of records, of which two at most are on their way."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue

from kafka import TopicPartition

from bridge.core.record import Partition, Record

HANDED_OVER = 2  # batches on their way to the loop
NAP = 0.0003  # seconds of the interpreter for the loop, which has records to take
Records = dict[Partition, list[Record]]


class HandOver:
    """Used by one thread at a time. Once `stop` is set, nothing is waited for any more."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        self._loop = loop
        self._stop = stop
        self._slots: SimpleQueue[None] = SimpleQueue()  # a Semaphore is Python code
        for _ in range(HANDED_OVER):
            self._slots.put(None)

    def call(self, call: Callable[..., None], *args: object) -> None:
        """Have something called on the loop, after all that was handed over before."""
        try:  # noqa: SIM105 (three calls fewer on the way of each batch)
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:  # the loop is closed
            pass

    def batch(self, batch: Mapping[TopicPartition, list[Record]], take: Callable[[Records], None]) -> None:
        """Have records of a poll taken on the loop; waits while it has no time for more."""
        while not self._slot(0.5):
            if self._stop.is_set():
                return
        self._pass_on(batch, take)

    def at_once(self, batch: Mapping[TopicPartition, list[Record]], take: Callable[[Records], None]) -> bool:
        """The same, but nothing is taken where it would have to wait: False. The loop gets the interpreter to take them with."""
        room = self._slot(0)
        if room:
            self._pass_on(batch, take)
            time.sleep(NAP)
        return room

    def _slot(self, seconds: float) -> bool:
        try:
            self._slots.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _pass_on(self, batch: Mapping[TopicPartition, list[Record]], take: Callable[[Records], None]) -> None:
        self.call(self._arrived, take, {Partition(tp.topic, tp.partition): found for tp, found in batch.items()})

    def _arrived(self, take: Callable[[Records], None], records: Records) -> None:
        self._slots.put(None)
        take(records)
