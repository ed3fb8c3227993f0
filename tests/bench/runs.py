"""One run of one contender: a backlog worked off, a low rate, nothing to do."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from bench.contenders import Place, running
from bench.machine import Sink, busy, cpu, family, peak
from bench.workload import PARTITIONS, Made, events
from confluent_kafka import Producer
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic
from loopback import wait_until


class Row(msgspec.Struct):
    """What was measured. Rates in events a second, times in milliseconds, `foreign`: cores that others used meanwhile."""

    contender: str
    load: str
    rate: float = 0.0
    cpu_us: float = 0.0  # a event
    share: float = 0.0  # of a core
    mib: float = 0.0
    late: int = 0
    repeated: int = 0
    lost: int = 0
    overlaps: int = 0
    p50: float = 0.0
    p99: float = 0.0
    first_post: float = 0.0  # seconds from the process's start
    foreign: float = 0.0


class Lab:
    """A broker, a sink, and topics with events."""

    def __init__(self, broker: KafkaBroker, sink: Sink, folder: Path) -> None:
        self._broker, self._sink, self._folder = broker, sink, folder
        self._topics: dict[tuple[int, int], str] = {}

    def topic(self, count: int, groups: int) -> str:
        """A topic with so many events, loaded once."""
        if (count, groups) not in self._topics:
            name = make_topic(self._broker.bootstrap, fresh_name("events"), PARTITIONS)
            with self._producer() as producer:
                for made in events(count, groups):
                    _write(producer, name, made)
            self._topics[count, groups] = name
        return self._topics[count, groups]

    @contextmanager
    def _producer(self) -> Iterator[Producer]:
        options = {"bootstrap.servers": self._broker.bootstrap, "enable.idempotence": True, "linger.ms": 0}
        producer = Producer(options)
        yield producer
        producer.flush()

    def _place(self, topic: str) -> Place:
        group = fresh_name(f"bench-{os.getpid()}")
        return Place(self._broker.bootstrap, topic, group, self._sink.url, self._folder / group)

    def _others(self) -> list[int]:
        return [os.getpid(), self._sink.process.pid, *self._broker.pids]

    def backlog(self, contender: str, *, count: int, groups: int, latency: float, failing: float, limit: float) -> Row:
        """Work off a topic with a fresh consumer group, for `limit` seconds at most."""
        topic = self.topic(count, groups)
        self._sink.reset(latency, failing)
        row = Row(contender, f"{groups} groups, {latency:g} ms" + (f", {failing:.0%} fail" if failing else ""))
        with running(contender, self._place(topic)) as process:
            began = time.monotonic()
            wait_until(lambda: _alive(process) and self._sink.counts()["total"] > 0, timeout=60, what="a first POST")
            before, used, all_used = self._sink.counts(), cpu(family(process.pid)), busy() - cpu(self._others())
            while (now := self._sink.counts())["total"] < count and now["now"] - before["first"] < limit * 1e9:
                time.sleep(0.05)
            spent = cpu(family(process.pid)) - used
            row.mib = peak(family(process.pid))
            row.foreign = (busy() - cpu(self._others()) - all_used - spent) / ((now["now"] - before["now"]) / 1e9)
            whole = now["total"] >= count
            time.sleep(0.3 + latency / 1000)  # what comes twice comes now
        end = self._sink.counts()
        row.rate = now["total"] / max(1e-9, (now["last"] - now["first"]) / 1e9)
        row.cpu_us = spent / max(1, now["total"] - before["total"]) * 1e6
        row.share = spent / ((now["now"] - before["now"]) / 1e9)
        row.first_post = before["first"] / 1e9 - began
        row.late, row.repeated, row.overlaps = end["late"], end["repeated"], end["overlaps"]
        row.lost = count - end["total"] + end["repeated"] if whole else 0
        return row

    def trickle(self, contender: str, rate: int, seconds: float) -> Row:
        """Produce at a low rate: from produce() to arrival, and CPU."""
        topic = make_topic(self._broker.bootstrap, fresh_name("trickle"), PARTITIONS)
        self._sink.reset()
        stream = events(round(rate * (seconds + 3)), 200)
        with self._producer() as producer, running(contender, self._place(topic)) as process:
            time.sleep(3)  # start, and join
            _produce(producer, topic, stream, rate, rate * 3)
            time.sleep(1)
            used, all_used, began = cpu(family(process.pid)), busy() - cpu(self._others()), time.monotonic()
            sent = _produce(producer, topic, stream, rate, round(rate * seconds))
            span = time.monotonic() - began
            spent = cpu(family(process.pid)) - used
            foreign = (busy() - cpu(self._others()) - all_used - spent) / span
            time.sleep(1)
            arrived = {
                (int(g), int(n)): int(at) for g, n, at in map(bytes.split, self._sink.ask("/arrivals").splitlines())
            }
            end = self._sink.counts()
        times = sorted((arrived[made] - at) / 1e6 for made, at in sent.items() if made in arrived)
        row = Row(contender, f"{rate} events/s", rate=rate, share=spent / span, foreign=foreign)
        row.lost, row.late, row.repeated = len(sent) - len(times), end["late"], end["repeated"]
        row.p50, row.p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        return row

    def idle(self, contender: str, seconds: float) -> Row:
        """Nothing comes."""
        topic = make_topic(self._broker.bootstrap, fresh_name("idle"), PARTITIONS)
        with running(contender, self._place(topic)) as process:
            time.sleep(8)
            used, began = cpu(family(process.pid)), time.monotonic()
            time.sleep(seconds)
            share = (cpu(family(process.pid)) - used) / (time.monotonic() - began)
            return Row(contender, "idle", share=share, mib=peak(family(process.pid)))


def _alive(process: Any) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"it ended with {process.returncode}")
    return True


def _write(producer: Producer, topic: str, made: Made) -> None:
    while True:
        try:
            producer.produce(topic, made.value, b"g%d" % made.group, partition=made.partition)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _produce(
    producer: Producer, topic: str, stream: Iterator[Made], rate: int, count: int
) -> dict[tuple[int, int], int]:
    """When each was handed to the producer, in nanoseconds."""
    sent, began = {}, time.monotonic()
    for index in range(count):
        time.sleep(max(0.0, began + index / rate - time.monotonic()))
        made = next(stream)
        sent[made.group, made.number] = time.monotonic_ns()
        _write(producer, topic, made)
    producer.flush()
    return sent
