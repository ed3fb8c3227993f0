"""The demo as a whole, with the embedded broker and a bridge of a few lines in place of the real one."""

import asyncio
import gc
import io
import json
import os
import signal
import socket
import threading
import time
import warnings
from urllib.parse import urlsplit

import httpx
import pytest
from kafka import KafkaConsumer
from rich.console import Console

from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.core.tally import Tally
from bridge.demo.options import Options
from bridge.demo.run import run_demo
from bridge.edge.kafka_options import Unreachable, connection_options
from bridge.settings import Settings

STATES = {"NotLoaded": 0, "WaitingUnload": 1, "Active": 4, "Running": 5}
ACTIONS = {"LoadCampaign": 7, "UnloadCampaign": 8, "StartDialing": 9, "StopDialing": 10, "SetDialingMode": 11}


class SmallBridge:
    """Posts each change; enough of a bridge to have something to show."""

    def __init__(self, settings: Settings) -> None:
        self.tally = Tally()
        self.settings = settings
        self.stopped = False

    async def run(self, stop: asyncio.Event) -> int:
        options = connection_options(self.settings.kafka)
        consumer = KafkaConsumer(group_id="g", auto_offset_reset="earliest", enable_auto_commit=False, **options)
        consumer.subscribe(self.settings.kafka.topics)
        consumer.topics()  # or the join may be forgotten
        try:
            async with httpx.AsyncClient() as client:
                while not stop.is_set():
                    batches = await asyncio.to_thread(consumer.poll, 1000)
                    for record in (one for batch in batches.values() for one in batch):
                        await self.take(client, record.value)
        finally:
            await asyncio.to_thread(consumer.close)
            self.stopped = True
        return 0

    async def take(self, client: httpx.AsyncClient, value: bytes | None) -> None:
        self.tally.consumed["topic"] += 1
        if value is None:
            self.tally.skipped["tombstone"] += 1
            return
        try:
            event = json.loads(value)
        except ValueError:
            self.tally.quarantined["bad_json"] += 1
            return
        if event["kind"] != "change" or event["state"] == "Warming up":
            self.tally.absorbed += 1
            return
        answer = await client.post(self.settings.notifications.url or "", json=self.notification(event))
        self.tally.posted += 1
        self.tally.post("change", Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.0, answer.status_code))

    def notification(self, event: dict[str, object]) -> dict[str, object]:
        names = {
            f"GSW_{name.upper()}": value
            for name, value in event.items()
            if name.endswith(("name", "guid", "dbid", "ccid"))
        }
        return {
            "GSW_USER_EVENT": "CampaignGroupState",
            "GSW_DATE_TIME": f"{int(str(event['time'])) / 1000:.3f}",
            **names,
            "GSW_CAMPAIGN_GROUP_STATE": STATES.get(str(event["state"]), event["state"]),
            "GSW_CAMPAIGN_GROUP_ACTION": ACTIONS.get(str(event["action"]), event["action"]),
            "GSW_CAMPAIGN_GROUP_ACTOR": 1,
        }


def played(options: Options, make: type[SmallBridge] = SmallBridge) -> tuple[int, str, list[SmallBridge]]:
    bridges: list[SmallBridge] = []
    output = io.StringIO()

    def make_bridge(settings: Settings) -> SmallBridge:
        bridges.append(make(settings))
        return bridges[-1]

    code = run_demo(options, make_bridge, Console(file=output, width=160))
    return code, output.getvalue(), bridges


def test_it_ends_by_itself_with_a_summary_whose_counts_agree() -> None:
    begin = time.monotonic()
    # Few: on a busy machine SmallBridge would not be through with more before the summary.
    code, text, [bridge] = played(Options(seconds=5, rate=30, fail_rate=0))
    assert code == 0, text
    assert 5 <= time.monotonic() - begin < 20
    written = int(text.split("written to Kafka")[1].split()[0])
    assert written >= 120  # four fifths
    assert f"consumed {written}" in text
    assert f"received           {bridge.tally.posted} notifications: {bridge.tally.posted} changes, 0 periodic" in text
    assert "0 with problems, 0 duplicates, 0 out of order" in text
    assert "first notification" in text
    assert "embedded broker: for trying only" in text
    assert text.index("/metrics") < text.index("LoadCampaign") < text.index("written to Kafka")


@pytest.mark.alone  # a port that another test takes up is not refused
def test_it_leaves_no_thread_no_port_and_no_signal_handler_behind(request: pytest.FixtureRequest) -> None:
    # What a shell starts in the background has SIGINT ignored.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, inherited))
    before = set(threading.enumerate()), signal.getsignal(signal.SIGINT)
    _, _, [bridge] = played(Options(seconds=4))
    host, _, port = bridge.settings.kafka.bootstrap_servers[0].partition(":")
    receiver = urlsplit(bridge.settings.notifications.url or "")
    for address in ((host, int(port)), (receiver.hostname or "", receiver.port or 0)):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, 1).close()
    left = [
        thread for thread in set(threading.enumerate()) - before[0] if thread.is_alive() and thread.name != "log-writer"
    ]
    assert left == []
    assert signal.getsignal(signal.SIGINT) is before[1]


def test_sigterm_ends_it_cleanly() -> None:
    threading.Timer(4.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    begin = time.monotonic()
    code, text, [bridge] = played(Options(seconds=60))
    assert time.monotonic() - begin < 20
    assert code == 0
    assert bridge.stopped
    assert "first notification" in text


def test_it_ends_at_once_when_the_bridge_does() -> None:
    class Broken(SmallBridge):
        async def run(self, stop: asyncio.Event) -> int:
            return 3

    code, text, _ = played(Options(seconds=60), Broken)
    assert code == 3
    assert "received           0 notifications" in text


def test_a_bridge_that_fails_is_told_with_its_error() -> None:
    class Failing(SmallBridge):
        async def run(self, stop: asyncio.Event) -> int:
            raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        played(Options(seconds=60), Failing)


def test_no_notification_at_all_is_a_failure() -> None:
    class Mute(SmallBridge):
        async def run(self, stop: asyncio.Event) -> int:
            await stop.wait()
            return 0

    code, _, _ = played(Options(seconds=1), Mute)
    assert code == 1


def test_ports_that_are_taken_are_replaced() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _, text, [bridge] = played(Options(seconds=1, receiver_port=port, admin_port=port))
    assert urlsplit(bridge.settings.notifications.url or "").port != port
    assert bridge.settings.admin.port != port
    assert str(bridge.settings.admin.port) in text


def test_a_broker_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Unreachable, match=address):
        played(Options(broker=address, seconds=1))
    with warnings.catch_warnings():  # kafka-python leaves a socket of each failed attempt to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
