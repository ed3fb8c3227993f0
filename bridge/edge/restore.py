"""Reading partitions of the state topic to their ends: what the last owner knew of its campaign groups.

1. The end is asked for read_uncommitted: records of a transaction that is still open count. It is then read
   read_committed, so that transaction is waited for, however it ends.
2. Positions decide, not records: aborted records, markers and compaction leave the last offsets empty.
3. The last record of a key counts. If that is none of ours, the group is not known.
4. All partitions share one thread and two connections, which the first that is wanted begins and the last one ends.
"""

import threading
import time
from contextlib import suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError, RetriableError

from bridge.connections import KafkaSettings
from bridge.core.outcome import StateTopicError, Unavailable
from bridge.core.saved import Restored
from bridge.edge.compacted import MEND, CompactedTopic
from bridge.edge.consumer import standalone_consumer
from bridge.edge.kafka_options import FAULTS
from bridge.edge.restoring import Restoring

LOOKUP_MS = 10_000
POLL_MS = 200  # also how soon a restore that nobody waits for any more ends
BATCH = 500  # records: with 2,000, a restore takes a tenth more CPU
AGAIN = 0.2  # seconds
CLOSE_MS = 1_000
#: Seconds without progress. Brokers end a transaction of ours that is left open after 10 s, and look every 10 s.
STALLED = 30.0


class Restore:
    """Restores any number of partitions at a time. `restore` is called on the loop."""

    def __init__(self, kafka: KafkaSettings, topic: CompactedTopic) -> None:
        self._kafka = kafka
        self._topic = topic
        self._lock = threading.Lock()  # over the next two
        self._waiting: list[Restoring] = []
        self._thread: threading.Thread | None = None
        self.wanted: set[Restoring] = set()  # of the loop

    async def restore(self, number: int) -> Restored:
        """What partition `number` has. Unavailable, StateTopicError."""
        restoring = Restoring(self._topic.name, number)
        self.wanted.add(restoring)
        with self._lock:
            self._waiting.append(restoring)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kafka-restore", daemon=True)
                self._thread.start()
        try:
            return await restoring.done
        finally:
            restoring.wanted = False
            self.wanted.discard(restoring)

    # From here on, the thread.

    def _run(self) -> None:
        reader = _Reader(self._kafka, self._topic)
        while self._next(reader):
            error: BaseException
            try:
                reader.turn()
                continue
            except AuthorizationError as problem:
                error = StateTopicError(self._topic.forbidden(type(problem).__name__))
            except FAULTS as problem:
                error = Unavailable(f"{type(problem).__name__}: {problem}")
            except BaseException as problem:  # noqa: BLE001 (a defect: those who wait must know)
                error = problem
            reader.fail(error)
        reader.close()

    def _next(self, reader: "_Reader") -> bool:
        """Take over what came, one of each number; False: nobody wants anything any more, and the thread ends."""
        reader.forget()
        with self._lock:
            for restoring in list(self._waiting):
                if restoring.number not in reader.partitions or not restoring.wanted:
                    self._waiting.remove(restoring)
                    if restoring.wanted:
                        reader.partitions[restoring.number] = restoring
            if not reader.partitions:
                self._thread = None
            return bool(reader.partitions)


class _Reader:
    """Two consumers and the partitions they read."""

    def __init__(self, kafka: KafkaSettings, topic: CompactedTopic) -> None:
        self.partitions: dict[int, Restoring] = {}
        self._kafka = kafka
        self._topic = topic
        self._consumers: tuple[KafkaConsumer, KafkaConsumer] | None = None

    def turn(self) -> None:
        """Read on a little, in all of them."""
        if self._consumers is None:
            self._consumers = _consumers(self._kafka)
        ends, reader = self._consumers
        if fresh := [p for p in self.partitions.values() if not p.begun]:
            self._begin(ends, reader, fresh)
        if not self.partitions:
            return
        try:
            for partition, records in reader.poll(POLL_MS).items():
                self.partitions[partition.partition].take(records)
        except RetriableError:  # an outage, which may be over before anything has stalled
            time.sleep(AGAIN)
        now = time.monotonic()
        for restoring in list(self.partitions.values()):
            self._look(reader, restoring, now)
        self._assign(reader)

    def _begin(self, ends: KafkaConsumer, reader: KafkaConsumer, fresh: list[Restoring]) -> None:
        known = ends.partitions_for_topic(self._topic.name) or ()
        for restoring in fresh:
            if restoring.number not in known:
                text = f"state topic {self._topic.name} has no partition {restoring.number}; if it is gone, {MEND}"
                restoring.fail(Unavailable(text))
                del self.partitions[restoring.number]
        self._assign(reader)
        partitions = {self._partition(r): r for r in fresh if r.number in known}
        earliest = ends.beginning_offsets(list(partitions), timeout_ms=LOOKUP_MS)
        latest = ends.end_offsets(list(partitions), timeout_ms=LOOKUP_MS)
        for partition, restoring in partitions.items():
            reader.seek(partition, earliest[partition])
            restoring.begin(earliest[partition], latest[partition])

    def _assign(self, reader: KafkaConsumer) -> None:
        wanted = [self._partition(restoring) for restoring in self.partitions.values()]
        if wanted and set(wanted) != reader.assignment():
            reader.assign(wanted)

    def _look(self, reader: KafkaConsumer, restoring: Restoring, now: float) -> None:
        restoring.reached(reader.position(self._partition(restoring), timeout_ms=LOOKUP_MS), now)
        if restoring.ended:
            restoring.finish()
        elif now - restoring.moved > STALLED:
            restoring.fail(Unavailable(f"{restoring} for {STALLED:g} s: no leader, or a transaction that nobody ends"))
        else:
            return
        del self.partitions[restoring.number]

    def _partition(self, restoring: Restoring) -> TopicPartition:
        return TopicPartition(self._topic.name, restoring.number)

    def forget(self) -> None:
        """Those that nobody waits for."""
        self.partitions = {number: p for number, p in self.partitions.items() if p.wanted}

    def fail(self, error: BaseException) -> None:
        """All of them."""
        for restoring in self.partitions.values():
            restoring.fail(error)
        self.partitions.clear()
        self.close()

    def close(self) -> None:
        """End the connections; the next turn makes new ones."""
        consumers, self._consumers = self._consumers, None
        for consumer in consumers or ():
            with suppress(KafkaError, RuntimeError, OSError):
                consumer.close(autocommit=False, timeout_ms=CLOSE_MS)


def _consumers(kafka: KafkaSettings) -> tuple[KafkaConsumer, KafkaConsumer]:
    """One that looks up ends, and one that reads."""
    own = {"metadata_max_age_ms": 30_000, "max_poll_records": BATCH}
    ends = standalone_consumer(kafka, own, isolation="read_uncommitted")
    try:
        return ends, standalone_consumer(kafka, own)
    except BaseException:
        ends.close(autocommit=False, timeout_ms=CLOSE_MS)
        raise
