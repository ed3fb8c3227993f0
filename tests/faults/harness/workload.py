"""The producer of a case: changes of campaign groups, each group's numbered upwards, and where Kafka put them."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import confluent_kafka
from faults.harness.history import Place, Produced
from group_events import change


class Workload:
    """Writes to `topic`; group n lives in partition first_partition + n % partitions.

    `pad`: characters that make records larger. `prefix`: of the names of groups.
    """

    def __init__(
        self, bootstrap: str, topic: str, *, partitions: int, groups: int, pad: int = 0, prefix: str = "G"
    ) -> None:
        self.topic = topic
        self.partitions = partitions
        self.groups = groups
        self.prefix = prefix
        self.first_partition = 0
        self.produced: list[Produced] = []
        self.failures: list[str] = []
        self.topic_id = ""  # of the topic that was made again
        self._pad = {"padding": "x" * pad} if pad else {}
        self._next = 0
        self._options: dict[str, str | int | float | bool] = {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,  # an outage may neither repeat nor reorder what is produced
            "delivery.timeout.ms": 110_000,
            "linger.ms": 2,
            "queue.buffering.max.messages": 2_000_000,
            "log_level": 2,
            "topic.metadata.refresh.interval.ms": 1000,
            "transaction.timeout.ms": 120_000,
        }
        self._producer = confluent_kafka.Producer(self._options)
        self._transactional: confluent_kafka.Producer | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def produce(self, count: int) -> None:
        """Write so many, in turn over the groups, as fast as it goes; returns when all are acknowledged."""
        self._write(count)
        self.flush()

    def transaction(self, count: int, *, commit: bool) -> None:
        """So many in a transaction of another producer; aborted ones were never produced."""
        if self._transactional is None:
            name = {"transactional.id": f"{self.topic}-producer"}
            self._transactional = confluent_kafka.Producer({**self._options, **name})
            self._transactional.init_transactions(30)
        usual, self._producer = self._producer, self._transactional
        kept, first = self.produced, self._next
        self._producer.begin_transaction()
        try:
            self.produced = []
            self.produce(count)
            if commit:
                self._producer.commit_transaction(30)
                kept.extend(self.produced)
            else:
                self._producer.abort_transaction(30)
                self._next = first
        finally:
            self._producer, self.produced = usual, kept

    def start(self, rate: float) -> None:
        """Write `rate` events a second until `stop`."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(rate,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more; returns when all are acknowledged."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join(10)
            self._thread = None
        self.flush()

    def flush(self, timeout: float = 60) -> None:
        """Wait until all is acknowledged; AssertionError if something was refused."""
        assert self._producer.flush(timeout) == 0, "Kafka does not acknowledge"
        assert not self.failures, self.failures[:3]

    def _run(self, rate: float) -> None:
        began, written = time.monotonic(), 0
        while not self._stop.wait(0.01):
            due = int((time.monotonic() - began) * rate) - written
            self._write(due)
            written += due

    def _write(self, count: int) -> None:
        for number in range(self._next, self._next + count):
            index, sequence = number % self.groups, number // self.groups
            group = f"{self.prefix}{index}"
            value = change(group, sequence, **self._pad)
            written = round(time.time() * 1000)
            acknowledged = self._acknowledgement(group, sequence, written)
            partition = self.first_partition + index % self.partitions
            self._producer.produce(self.topic, value, group, partition, on_delivery=acknowledged, timestamp=written)
            if number % 1000 == 0:
                self._producer.poll(0)
        self._next += count
        self._producer.poll(0)

    def _acknowledgement(self, group: str, sequence: int, written: int) -> Callable[[Any, Any], None]:
        """`written`: our own time, since of a batch sent twice Kafka tells the time of its last record for all."""

        def acknowledged(error: Any, message: Any) -> None:
            if error is not None:
                self.failures.append(str(error))
                return
            place = Place(message.topic(), message.partition())
            identity = f"{place.topic}/{place.number}/{message.offset()}/{written}"
            self.produced.append(
                Produced(identity, place, message.offset(), group, sequence, written / 1000, self.topic_id)
            )

        return acknowledged

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._producer.purge()
        self._producer.flush(1)
