"""How the poll thread waits after a poll that brought few records, on a consumer that brings what it is told to."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from bridge.connections import KafkaSettings
from bridge.edge import kafka
from bridge.edge.fetching import FEW
from bridge.edge.kafka import Input
from bridge.edge.lease import Lease

LINGER = 0.05


class Still:
    """A watchdog that finds nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def stuck(self) -> str | None:
        return None


def waits(monkeypatch: pytest.MonkeyPatch, records: int, linger: float) -> list[float]:
    """Seconds that the thread was asked to wait for, in ten polls of so many records."""

    async def scenario() -> list[float]:
        source: Any = Input(KafkaSettings(poll_linger=linger), Lease(3), asyncio.get_running_loop())
        asked: list[float] = []
        polls = iter(range(10))

        def poll_once(_: Any) -> dict[TopicPartition, list[Any]]:
            if next(polls, None) is None:
                source._stop.set()
                return {}
            return {TopicPartition("t", 0): [None] * records} if records else {}

        def wait(seconds: float) -> bool:
            asked.append(seconds)
            return False

        monkeypatch.setattr(kafka, "Watchdog", Still)
        monkeypatch.setattr(source, "_poll_once", poll_once)
        source._taker = SimpleNamespace(records=None)
        monkeypatch.setattr(source._hand_over, "batch", lambda *_: None)
        monkeypatch.setattr(source._stop, "wait", wait)
        monkeypatch.setattr(source._ids, "made_again", lambda _: "")
        source._poll(None, None)
        return asked

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("records", "linger", "expected"),
    [
        pytest.param(1, LINGER, [LINGER] * 10, id="few"),
        pytest.param(FEW - 1, LINGER, [LINGER] * 10, id="just few"),
        pytest.param(FEW, LINGER, [], id="many"),
        pytest.param(0, LINGER, [], id="none"),
        pytest.param(1, 0.0, [0.0] * 10, id="switched off"),
    ],
)
def test_only_a_poll_that_brought_few_records_is_followed_by_a_wait(
    monkeypatch: pytest.MonkeyPatch, records: int, linger: float, expected: list[float]
) -> None:
    assert waits(monkeypatch, records, linger) == expected


def test_the_wait_ends_when_the_input_is_closed() -> None:
    async def scenario() -> float:
        source = Input(KafkaSettings(poll_linger=1.0), Lease(3), asyncio.get_running_loop())
        began = time.monotonic()
        await source.close(5)
        source._stop.wait(1.0)
        return time.monotonic() - began

    assert asyncio.run(scenario()) < 1.0
