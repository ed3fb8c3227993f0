"""Checkpoints without transactions: states first, and when they are all written, the offsets.

A crash in between leaves states that are ahead of the offsets: events after them are posted again, and told as late where
a later one is known already (docs/delivery.md). Nothing fences a member that lost its partitions.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from bridge.connections import KafkaSettings
from bridge.core.outcome import Commit
from bridge.core.record import Partition
from bridge.core.runs import Checkpoint
from bridge.core.saved import StateRecord
from bridge.edge.kafka_options import FAULTS
from bridge.edge.offsets import Offsets, judged
from bridge.edge.producer import Producer
from bridge.edge.transactional import BATCHES, write

ANSWER = 10.0  # seconds to wait for an answer; the producer gives each record up by then
DEADLINE = 15.0  # seconds for all states of a checkpoint, with the making of the producer
CLOSE = 1.0  # seconds


class PlainCommits:
    """`offsets` commits for the input's consumer."""

    replaced = 0  # no producer is ever given up

    def __init__(self, kafka: KafkaSettings, offsets: Offsets, state_topic: str) -> None:
        self._kafka = kafka
        self._offsets = offsets
        self._topic = state_topic
        self._producer: Producer | None = None
        # One thread: what a checkpoint still writes after its deadline is in front of what the next one writes.
        self._thread = ThreadPoolExecutor(1, "kafka-states")

    async def commit(
        self, checkpoints: Mapping[Partition, Checkpoint], states: Sequence[StateRecord] = ()
    ) -> tuple[Commit, str]:
        """What became of it, and the error's text. Never raises for the broker's or the network's faults."""
        if states:
            try:
                async with asyncio.timeout(DEADLINE):
                    error = await asyncio.get_running_loop().run_in_executor(self._thread, self._write, states)
            except TimeoutError:
                return Commit.TIMEOUT, f"states not written in {DEADLINE:g} s"
            if error is not None:
                return judged(error)
        return await self._offsets.commit(checkpoints)

    def _write(self, states: Sequence[StateRecord]) -> Exception | None:
        try:
            if self._producer is None:
                self._producer = Producer(self._kafka, **BATCHES)
            write(self._producer.kafka, self._topic, states, ANSWER)
        except ValueError as error:
            self._end()  # the topic has grown since this producer looked at it, and it would not see that for minutes
            return error
        except FAULTS as error:
            return error
        return None

    def _end(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(CLOSE)

    async def close(self) -> None:
        """Nothing is committed from here on."""
        await asyncio.to_thread(self._end)
        self._thread.shutdown(wait=False, cancel_futures=True)
