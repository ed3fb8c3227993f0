"""A defect of the bridge itself ends it with exit code 1: it must not go on as if nothing had been."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvloop
from edge.receivers import Receiver
from group_events import changes
from kafka_broker import KafkaBroker
from kafka_topics import produce

from bridge.core.profile import Profile
from bridge.service import Bridge
from bridge.settings import Settings


def test_a_defect_in_a_callback_of_the_loop_ends_the_bridge(
    broker: KafkaBroker,
    receiver: Receiver,
    settings_of: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_of(receiver.url)
    produce(broker.bootstrap, settings["kafka"]["topics"], changes(10, groups=2))
    monkeypatch.setattr(Profile, "opening", property(lambda _: 1 / 0))  # where each record's reading begins
    settings["kafka"] |= {"bootstrap_servers": [broker.bootstrap], "topics": [settings["kafka"]["topics"]]}
    settings["kafka"] |= {"auto_offset_reset": "earliest"}
    settings["admin"] = {"host": "127.0.0.1", "port": 0}

    async def run() -> int:
        async with asyncio.timeout(30):
            return await Bridge(Settings(**settings)).run(asyncio.Event())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(run()) == 1
    assert not receiver.requests
