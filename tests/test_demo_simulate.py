"""The simulator: its rate, its stop, and what it says of records that can't be written."""

import asyncio
import io
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from kafka import KafkaConsumer, TopicPartition
from rich.console import Console

from bridge.connections import KafkaSettings
from bridge.demo import run, simulate
from bridge.demo.broker import API_VERSION, EmbeddedBroker
from bridge.demo.commands import run_simulate
from bridge.demo.simulate import Simulator
from bridge.demo.traffic import Traffic
from bridge.edge.kafka_options import connection_options


class Fate:
    """A kafka future whose end is known already, or never comes."""

    def __init__(self, end: str) -> None:
        self.end = end

    def add_callback(self, call: Callable[[object], None]) -> None:
        if self.end == "written":
            call(None)

    def add_errback(self, call: Callable[[BaseException], None]) -> None:
        if self.end == "lost":
            call(TimeoutError("no answer"))


class Sink:
    def __init__(self, end: str = "written") -> None:
        self.end = end
        self.sent: list[float] = []

    def send(self, *_: object) -> Fate:
        self.sent.append(time.monotonic())
        if self.end == "refused":
            raise ValueError("unknown topic")
        return Fate(self.end)


@pytest.mark.parametrize("rate", [5, 100, 2000])
def test_it_writes_at_the_rate_it_was_told(rate: float) -> None:
    sink = Sink()
    simulator = Simulator(sink, "t", Traffic(), rate)
    simulator.run(threading.Event(), seconds=2.0)
    assert 2 * rate * 0.9 <= simulator.written <= 2 * rate + 1
    halfway = sink.sent[0] + 1.0
    assert 0.8 * rate <= sum(at < halfway for at in sink.sent) <= 1.2 * rate + 1


def test_the_first_record_is_written_at_once_at_the_slowest_rate() -> None:
    simulator = Simulator(Sink(), "t", Traffic(), 0.01)
    simulator.run(threading.Event(), seconds=0.1)
    assert simulator.written == 1


def test_it_stops_when_told_to() -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    begin = time.monotonic()
    Simulator(Sink(), "t", Traffic(), 100).run(stop, seconds=60)
    assert 0.3 <= time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("end", "text"), [("lost", "TimeoutError: no answer"), ("refused", "ValueError: unknown topic")]
)
def test_records_that_are_not_written_are_counted_and_told(end: str, text: str) -> None:
    simulator = Simulator(Sink(end), "t", Traffic(), 100)
    simulator.run(threading.Event(), seconds=0.5)
    assert simulator.written == 0
    assert simulator.failed == simulator.handed > 40
    assert simulator.error == text


def test_the_summary_waits_for_the_acknowledgements_of_records_that_the_bridge_has_read_already() -> None:
    simulator = Simulator(Sink("never"), "t", Traffic(), 5)
    simulator.run(threading.Event(), seconds=0.1)
    bridge = SimpleNamespace(tally=SimpleNamespace(consumed=Counter(read=0), finished=lambda: 0))

    async def waits() -> bool:
        settled = asyncio.create_task(run._settled(bridge, simulator))
        await asyncio.sleep(0.2)
        waited = not settled.done()
        simulator.written = simulator.handed
        bridge.tally.consumed["read"] = simulator.written
        bridge.tally.finished = lambda: simulator.written
        await settled
        return waited

    assert simulator.waiting == 1
    assert asyncio.run(waits())
    assert simulator.waiting == 0


def test_it_hands_over_no_more_than_the_bound_while_nothing_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "MAX_WAITING", 20)
    simulator = Simulator(Sink("open"), "t", Traffic(), 1000)
    simulator.run(threading.Event(), seconds=0.5)
    assert simulator.handed == 20


def test_after_an_outage_it_does_not_catch_up_in_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "MAX_WAITING", 20)
    sink = Sink("open")
    simulator = Simulator(sink, "t", Traffic(), 100)

    def back() -> None:
        sink.end = "written"
        simulator.written = simulator.handed

    threading.Timer(2.5, back).start()
    simulator.run(threading.Event(), seconds=3.5)
    assert simulator.handed <= 20 + 100 + 100 + 10


@pytest.fixture
def kafka() -> Iterator[KafkaSettings]:
    broker = EmbeddedBroker()
    yield KafkaSettings(bootstrap_servers=[broker.address], properties={"api_version": API_VERSION})
    broker.close()


def records(kafka: KafkaSettings, topic: str, number: int) -> list[tuple[int, bytes]]:
    """Partition and key of the records of a topic, as many as asked for."""
    consumer = KafkaConsumer(auto_offset_reset="earliest", **connection_options(kafka))
    consumer.assign([TopicPartition(topic, partition) for partition in range(4)])
    found: list[tuple[int, bytes]] = []
    deadline = time.monotonic() + 10
    while len(found) < number and time.monotonic() < deadline:
        found += [(record.partition, record.key) for batch in consumer.poll(500).values() for record in batch]
    consumer.close()
    return found


def test_the_command_writes_to_a_broker_and_every_group_stays_in_its_partition(kafka: KafkaSettings) -> None:
    output = io.StringIO()
    assert run_simulate(kafka, "campaigns", Traffic(groups=20), 300, 1.0, Console(file=output, width=100)) == 0
    written = int(output.getvalue().splitlines()[-1].split()[0])
    assert written >= 270
    found = records(kafka, "campaigns", written)
    assert len(found) == written
    assert len({key for _, key in found}) == 20 == len(set(found))
    assert len({partition for partition, _ in found}) > 1


def test_the_command_ends_with_ctrl_c_and_says_what_it_wrote(kafka: KafkaSettings) -> None:
    output = io.StringIO()
    before = signal.getsignal(signal.SIGINT)
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert run_simulate(kafka, "campaigns", Traffic(), 50, None, Console(file=output)) == 0
    assert "records written" in output.getvalue()
    assert signal.getsignal(signal.SIGINT) is before
