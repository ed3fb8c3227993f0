"""Topics as Kafka knows them: by id. A topic that was deleted and made again has another one, and the same name.

kafka-python 3.0.12 learns the ids with its metadata, and fetches by name: it reads on in the new topic as if it were the
old one.
"""

import asyncio
from base64 import urlsafe_b64encode
from contextlib import suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.future import Future


def topic_id(consumer: KafkaConsumer, topic: str) -> str:
    """The id of a topic, as core/runs.py writes it, and as of the last metadata; empty: not known."""
    found = consumer._cluster.topic_id(topic)  # noqa: SLF001 (there is no public way)
    return urlsafe_b64encode(found.bytes).decode().rstrip("=") if found is not None and found.int else ""


async def refreshed(consumer: KafkaConsumer, seconds: float) -> None:
    """Wait for metadata that are asked for from now on, while somebody else polls. TimeoutError, KafkaError."""
    found = await awaited(consumer._cluster.request_update(), seconds)  # noqa: SLF001 (the public way asks for all topics)
    if isinstance(found, BaseException):
        raise found


async def awaited(future: Future, seconds: float) -> object:
    """The value, or the error, of one of kafka-python's futures. TimeoutError."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[object] = loop.create_future()

    def settle(value: object) -> None:
        if not done.done():
            done.set_result(value)

    def resolve(value: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, value)

    future.add_both(resolve)
    async with asyncio.timeout(seconds):
        return await done


class TopicIds:
    """The topics that partitions are read of."""

    def __init__(self) -> None:
        self._begun: dict[TopicPartition, str] = {}

    def begun(self, partition: TopicPartition, identity: str) -> None:
        """It is read from now on, as one of the topic with this id."""
        self._begun[partition] = identity

    def made_again(self, consumer: KafkaConsumer) -> str:
        """What is wrong, if topics are read as if they were still those that were deleted; else empty.

        A paused partition is passed over: it may be one that has not begun yet. The others tell, or itself once it goes on.
        """
        read = consumer.assignment() - consumer.paused()
        ids = {topic: topic_id(consumer, topic) for topic in {partition.topic for partition in read}}
        again = {p.topic for p in read if ids[p.topic] and self._begun.get(p, "") not in ("", ids[p.topic])}
        return f"{', '.join(sorted(again))}: deleted and made again" if again else ""
