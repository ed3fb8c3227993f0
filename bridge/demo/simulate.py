"""Writes made-up campaign traffic to a topic, at a rate, until told to stop."""

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from bridge.demo.traffic import Traffic

#: Records handed over and not acknowledged: above it nothing more is written, as kafka-python has no bound of its own.
MAX_WAITING = 10_000
#: Seconds between two looks at the clock.
TURN = 0.05


class Sends(Protocol):
    """What is needed of a producer (bridge/edge/producer.py)."""

    def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Any = ...) -> Any:
        """Hand over a record; gives a kafka future."""


class Simulator:
    """`written` counts the acknowledged records, `error` is the last failure's text."""

    def __init__(self, producer: Sends, topic: str, traffic: Traffic, rate: float) -> None:
        self.handed = 0
        self.written = 0  # only the producer's thread adds here and to _lost
        self.error = ""
        self._lost = 0
        self._refused = 0
        self._producer = producer
        self._topic = topic
        self._traffic = traffic
        self._rate = rate

    def run(
        self, stop: threading.Event, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write `rate` records a second until `stop` is set or `seconds` are over. Blocks; made for a thread."""
        begin, given = clock(), 0
        while not stop.is_set() and (seconds is None or clock() - begin < seconds):
            # One record at once, so that a slow rate also shows something at once.
            due = 1 + int((clock() - begin) * self._rate)
            # What could not be written in the last second is left out: no burst after an outage.
            given = max(given, due - max(1, int(self._rate)))
            while given < due and self.waiting < MAX_WAITING and not stop.is_set():
                self._write()
                given += 1
            stop.wait(TURN)

    @property
    def failed(self) -> int:
        """Records that were not acknowledged in time, or not even taken."""
        return self._lost + self._refused

    @property
    def waiting(self) -> int:
        """Records handed over of which nobody knows yet whether they are written."""
        return self.handed - self.written - self.failed

    def _write(self) -> None:
        message = self._traffic.next(time.time_ns() // 1_000_000)
        self.handed += 1
        try:
            future = self._producer.send(self._topic, message.key, message.value, message.headers)
        except Exception as error:  # noqa: BLE001 (kafka-python's errors have no importer here; each is counted and told)
            self._refused += 1
            self.error = _told(error)
        else:
            future.add_callback(self._acknowledge)
            future.add_errback(self._give_up)

    def _acknowledge(self, _: object) -> None:
        self.written += 1

    def _give_up(self, error: BaseException) -> None:
        self._lost += 1
        self.error = _told(error)


def _told(error: BaseException) -> str:
    """Its name and text; kafka-python's errors have the name in their text already."""
    name = type(error).__name__
    return str(error) if str(error).startswith(name) else f"{name}: {error}"
