"""The state topic, off the loop: whether it is there and as it must be, and what it has."""

import asyncio

from bridge.connections import KafkaSettings
from bridge.core.saved import Restored
from bridge.edge.compacted import CompactedTopic
from bridge.edge.kafka_options import unavailable
from bridge.edge.restore import Restore
from bridge.edge.restoring import Progress


class StateTopic:
    """`replication_factor`: when the bridge makes it; -1: the brokers' default."""

    def __init__(self, kafka: KafkaSettings, topic: str, replication_factor: int) -> None:
        self._topic = CompactedTopic(kafka, topic, replication_factor, "state.topic")
        self._restore = Restore(kafka, self._topic)

    async def ensure(self, partitions: int) -> None:
        """The topic is there, compacted, with at least so many partitions; made or grown if need be.

        Unavailable: Kafka does not answer. StateTopicError: somebody must mend it, with the command in the text.
        """
        with unavailable():
            await asyncio.to_thread(self._topic.ensure, partitions)

    async def restore(self, number: int) -> Restored:
        """What a partition has; any number of them at a time. Unavailable, StateTopicError."""
        return await self._restore.restore(number)

    @property
    def restoring(self) -> dict[int, Progress]:
        """How far each partition is that is restored now."""
        return {restoring.number: restoring.progress for restoring in self._restore.wanted}
