"""A poll whose partitions are all paused goes on when one is resumed; with Kafka: tests/broker/test_parked.py."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.edge.parked import wake_when_resumed

LONG = 30.0  # seconds that nothing here may take


class Fetcher:
    """Has nothing to read, and finds that out as often as it is asked."""

    def __init__(self, answer: tuple[dict[str, list[int]], bool]) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def fetch_records(self, *_: object, **options: Any) -> Any:
        self.asked.append(options)
        return self.answer


def mended(answer: tuple[dict[str, list[int]], bool], resumed: threading.Event) -> Any:
    fetcher = Fetcher(answer)
    consumer: Any = SimpleNamespace(_fetcher=fetcher, config={"retry_backoff_ms": LONG * 1000})
    wake_when_resumed(consumer, resumed)
    return fetcher


def test_an_idle_poll_ends_as_soon_as_a_partition_is_resumed() -> None:
    resumed = threading.Event()
    fetcher = mended(({}, True), resumed)
    timer = threading.Timer(0.05, resumed.set)
    timer.start()
    began = time.monotonic()

    # Not idle, for kafka-python: it would sleep.
    assert fetcher.fetch_records(500, update_offsets=True, timeout_ms=LONG * 1000) == ({}, False)
    assert 0.04 < time.monotonic() - began < LONG / 2
    assert fetcher.asked == [{"update_offsets": True, "timeout_ms": LONG * 1000}]
    timer.join()


def test_an_idle_poll_waits_no_longer_than_it_may() -> None:
    fetcher = mended(({}, True), threading.Event())
    began = time.monotonic()
    fetcher.fetch_records(timeout_ms=50)
    assert 0.04 < time.monotonic() - began < LONG / 2


@pytest.mark.parametrize("answer", [({"a": [1]}, True), ({}, False)], ids=["records", "a fetch is out"])
def test_a_poll_that_is_not_idle_does_not_wait(answer: tuple[dict[str, list[int]], bool]) -> None:
    fetcher = mended(answer, threading.Event())
    began = time.monotonic()
    assert fetcher.fetch_records(timeout_ms=LONG * 1000) == (answer[0], False)
    assert time.monotonic() - began < LONG / 2


def test_a_resume_of_before_is_none_of_now() -> None:
    """What was resumed before the look is found by it."""
    resumed = threading.Event()
    resumed.set()
    fetcher = mended(({}, True), resumed)
    began = time.monotonic()
    fetcher.fetch_records(timeout_ms=50)
    assert time.monotonic() - began > 0.04
