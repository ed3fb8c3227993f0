"""Kafka clients that are not ours, for records that they write and the bridge reads, and the other way round."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from support.processes import run
from support.programs import path_of

Record = tuple[bytes | None, bytes | None]  # key, value

# The partitioner of Java's clients and of kafka-python. Idempotent, since a topic just made may refuse the first batch,
# and a plain producer then writes it behind the second.
_PRODUCER = {"partitioner": "murmur2_random", "enable.idempotence": "true"}


PARTITION_UA = -1  # librdkafka: the partitioner decides


class Refused(Exception):
    """The broker could not be asked; the text says why."""


class ForeignClient(Protocol):
    """`config` are settings of librdkafka, on which both are built."""

    def produce(
        self,
        bootstrap: str,
        topic: str,
        records: Iterable[Record],
        *,
        partition: int | None = None,
        headers: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """Write records, all with the same headers; without `partition` by key."""
        ...

    def read(self, bootstrap: str, topic: str) -> list[Record]:
        """Every record of the topic, each partition in order."""
        ...

    def brokers(self, bootstrap: str, config: Mapping[str, str]) -> int:
        """How many brokers there are. Raises Refused."""
        ...


class Librdkafka:
    """confluent-kafka, inside this process."""

    def produce(
        self,
        bootstrap: str,
        topic: str,
        records: Iterable[Record],
        *,
        partition: int | None = None,
        headers: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """Write records, all with the same headers; without `partition` by key."""
        failed: list[object] = []
        producer = Producer({"bootstrap.servers": bootstrap, **_PRODUCER, **(config or {})})

        def delivered(error: KafkaError | None, _: object) -> None:
            if error is not None:
                failed.append(error)

        for key, value in records:
            producer.produce(
                topic,
                value,
                key,
                partition=PARTITION_UA if partition is None else partition,
                headers=list((headers or {}).items()),
                on_delivery=delivered,
            )
            producer.poll(0)
        left = producer.flush(30)
        assert not failed, failed
        assert not left, f"{left} records were not written"

    def read(self, bootstrap: str, topic: str) -> list[Record]:
        """Every record of the topic, each partition in order."""
        config = {"group.id": "nobody", "enable.auto.commit": False, "enable.partition.eof": True}
        consumer = Consumer({"bootstrap.servers": bootstrap, **config})
        try:
            numbers = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            return [record for number in numbers for record in self._partition(consumer, topic, number)]
        finally:
            consumer.close()

    def _partition(self, consumer: Consumer, topic: str, number: int) -> Iterator[Record]:
        consumer.assign([TopicPartition(topic, number, 0)])
        while True:
            message = consumer.poll(30)
            assert message is not None, f"partition {number} of {topic} does not come to its end"
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                return
            assert error is None, error
            yield message.key(), message.value()

    def brokers(self, bootstrap: str, config: Mapping[str, str]) -> int:
        """How many brokers there are. Raises Refused."""
        reasons: list[str] = []
        settings: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0, **config}
        settings["error_cb"] = lambda error: reasons.append(str(error))
        client = AdminClient(settings)
        try:
            return len(client.list_topics(timeout=5).brokers)
        except KafkaException as error:
            client.poll(0)
            raise Refused(*reasons, str(error)) from error


class Kcat:
    """kcat, in a process of its own for each call."""

    def produce(
        self,
        bootstrap: str,
        topic: str,
        records: Iterable[Record],
        *,
        partition: int | None = None,
        headers: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """The same; neither key nor value may hold a tab or a line break."""
        words = ["-P", "-b", bootstrap, "-t", topic, "-K", "\t", *_settings(_PRODUCER, config or {})]
        words += ["-p", str(partition)] if partition is not None else []
        words += [word for name, value in (headers or {}).items() for word in ("-H", f"{name}={value}")]
        _kcat(*words, stdin=b"".join((key or b"") + b"\t" + (value or b"") + b"\n" for key, value in records))

    def read(self, bootstrap: str, topic: str) -> list[Record]:
        """Every record of the topic, each partition in order; no key is an empty one."""
        lines = _kcat("-C", "-b", bootstrap, "-t", topic, "-e", "-q", "-f", "%k\t%s\n").splitlines()
        return [(key, value) for key, _, value in (line.partition(b"\t") for line in lines)]

    def brokers(self, bootstrap: str, config: Mapping[str, str]) -> int:
        """How many brokers there are. Raises Refused."""
        try:
            listed = _kcat("-L", "-m5", "-b", bootstrap, *_settings(config))
        except subprocess.CalledProcessError as error:
            raise Refused(error.stderr.decode()) from error
        return int(listed.partition(b" brokers")[0].rsplit(maxsplit=1)[-1])


def _settings(*given: Mapping[str, str]) -> list[str]:
    return [word for one in given for name, value in one.items() for word in ("-X", f"{name}={value}")]


def _kcat(*arguments: str, stdin: bytes = b"") -> bytes:
    output: bytes = run(
        [path_of("kcat", "kafkacat"), *arguments], input=stdin, capture_output=True, timeout=30, check=True
    ).stdout
    return output
