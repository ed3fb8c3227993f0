"""The receiver and the simulator as commands of their own."""

import asyncio
import threading

from rich.console import Console

from bridge.connections import KafkaSettings
from bridge.demo import lines, view
from bridge.demo.receiver import Answer, Arrival, Receiver
from bridge.demo.serve import serving
from bridge.demo.simulate import Simulator
from bridge.demo.surroundings import thread_told_to_stop, told_to_stop
from bridge.demo.traffic import Traffic
from bridge.edge.producer import Producer


def run_receiver(host: str, port: int, answer: Answer, *, raw: bool = False, console: Console | None = None) -> int:
    """Print each notification until Ctrl-C or SIGTERM, then what was odd; 1 if anything was. OSError: port taken.

    `raw`: print the bodies as they came, one a line, and everything else to stderr.
    """
    return asyncio.run(_receive(host, port, answer, raw=raw, console=console or Console()))


async def _receive(host: str, port: int, answer: Answer, *, raw: bool, console: Console) -> int:
    talk = Console(stderr=True) if raw else console

    def show(arrival: Arrival) -> None:
        if raw:
            console.out(arrival.content.decode("utf-8", "replace"), highlight=False)
            view.plain_remarks(arrival, talk)
        else:
            view.plain(arrival, console)

    receiver = Receiver(answer, show)
    stop = asyncio.Event()
    with told_to_stop(stop):
        async with serving(receiver.app, host, port) as bound:
            talk.print(f"receiving on http://{host}:{bound}", markup=False, highlight=False, soft_wrap=True)
            await stop.wait()
    received = receiver.received
    talk.print(f"{received.notifications} notifications: {lines.checks(received)}", markup=False, highlight=False)
    return int(received.odd > 0)


def run_simulate(
    kafka: KafkaSettings,
    topic: str,
    traffic: Traffic,
    rate: float,
    seconds: float | None,
    console: Console | None = None,
) -> int:
    """Write traffic until Ctrl-C, SIGTERM or the end of `seconds`; 1 if a record could not be written.

    Raises `Unreachable` if no broker answers.
    """
    console = console or Console()
    stop = threading.Event()
    producer = Producer(kafka, linger_ms=5)
    simulator = Simulator(producer, topic, traffic, rate)

    console.print(f"writing {rate:g} records a second to {topic}", markup=False, highlight=False, soft_wrap=True)
    try:
        with thread_told_to_stop(stop):
            simulator.run(stop, seconds)
    finally:
        producer.close(10.0)
    failed = f", {simulator.failed} failed ({simulator.error})" if simulator.failed else ""
    console.print(f"{simulator.written} records written{failed}", markup=False, highlight=False, soft_wrap=True)
    return int(simulator.failed > 0)
