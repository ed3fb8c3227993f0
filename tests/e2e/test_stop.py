"""Stops: nothing is posted twice, nothing is missed, and they take no longer than they may."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge_process import BridgeProcess
from edge import scripts
from edge.receivers import Line, Receiver
from group_events import assert_each_once_in_order, bodies, changes
from kafka_broker import KafkaBroker
from kafka_topics import committed, produce
from loopback import wait_until

SettingsOf = Callable[..., dict[str, Any]]
#: But on a busy machine a connection may take half a second.
SHORT_POSTS = {"http": {"timeout": 1.5, "connect_timeout": 1.5}, "delivery": {"drain_timeout": 3.5}}


def slow(line: Line) -> None:
    """Answers each request after 50 ms, those of one group after 100: the others run ahead of it."""
    while True:
        slower = b'"G0"' in line.request().body
        line.wait(0.1 if slower else 0.05)
        line.send(scripts.http(204))


def arrived(receiver: Receiver, count: int, timeout: float = 30) -> None:
    wait_until(lambda: len(receiver.ids) >= count, timeout=timeout, what=f"{count} notifications")


def test_a_stop_under_load_and_a_new_start_post_each_event_exactly_once(
    broker: KafkaBroker, settings_of: SettingsOf, tmp_path: Path
) -> None:
    with Receiver(slow) as receiver:
        settings = settings_of(receiver.url)
        topic = settings["kafka"]["topics"]
        produce(broker.bootstrap, topic, changes(3000, groups=60))

        with BridgeProcess(tmp_path / "first", {**settings, **SHORT_POSTS}) as bridge:
            arrived(receiver, 500)
            began = time.monotonic()
            assert bridge.stop() == 0
            assert time.monotonic() - began < 3.5 + 2
        first = len(receiver.ids)
        assert first < 2500

        with BridgeProcess(tmp_path / "second", settings) as bridge:
            arrived(receiver, 3000)
            # Also those that are answered too late, as on a busy machine.
            metrics = bridge.wait_metric("records_posted_total", 3000 - first)
            assert bridge.stop() == 0

    assert_each_once_in_order(bodies(receiver), 3000)
    assert len(set(receiver.ids)) == 3000
    assert metrics("records_skipped_total", reason="already_done") > 0  # other groups had run ahead of the slow one


def test_what_is_written_while_an_idle_bridge_is_down_is_notified_by_the_next(
    broker: KafkaBroker, receiver: Receiver, settings_of: SettingsOf, tmp_path: Path
) -> None:
    settings = settings_of(receiver.url)
    settings["kafka"]["auto_offset_reset"] = "latest"
    with BridgeProcess(tmp_path / "first", settings) as bridge:
        for number in range(4):  # in any order: each begins as soon as its start is known
            bridge.wait_for_line("partition_starts", partition=number)
        assert bridge.stop() == 0
    topic, group = settings["kafka"]["topics"], settings["kafka"]["group_id"]
    assert set(committed(broker.bootstrap, group, topic)) == {0, 1, 2, 3}

    produce(broker.bootstrap, topic, changes(40, groups=10))

    with BridgeProcess(tmp_path / "second", settings) as bridge:
        arrived(receiver, 40)
        assert bridge.stop() == 0
    assert_each_once_in_order(bodies(receiver), 40)


def test_a_second_signal_ends_it_at_once(broker: KafkaBroker, settings_of: SettingsOf, tmp_path: Path) -> None:
    with Receiver(scripts.never_answer) as receiver:
        settings = settings_of(receiver.url)
        produce(broker.bootstrap, settings["kafka"]["topics"], changes(5, groups=5))
        with BridgeProcess(tmp_path, settings) as bridge:
            receiver.await_requests(1)
            bridge.signal()
            bridge.wait_for_line("stopping")
            began = time.monotonic()
            bridge.signal(signal.SIGINT)
            assert bridge.process.wait(5) == 1
            assert time.monotonic() - began < 1


def test_a_stop_waits_for_the_posts_that_are_out_and_commits_them(
    broker: KafkaBroker, settings_of: SettingsOf, tmp_path: Path
) -> None:
    with Receiver(scripts.never_answer) as receiver:
        settings = {**settings_of(receiver.url), **SHORT_POSTS}
        produce(broker.bootstrap, settings["kafka"]["topics"], changes(5, groups=5))
        with BridgeProcess(tmp_path, settings) as bridge:
            receiver.await_requests(5)
            assert bridge.stop() == 0
        kafka = settings["kafka"]
        done = committed(broker.bootstrap, kafka["group_id"], kafka["topics"])
    assert sum(offset.offset for offset in done.values()) == 5  # each had its one attempt
    assert len(receiver.ids) == 5
    assert bridge.told("post_failed", outcome="ambiguous", reason="read_timeout")
    assert bridge.told("stopped", posted=5)
