"""A campaign group whose notifications nobody answers: it holds up itself, and only itself."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge_process import BridgeProcess
from edge.receivers import Line, Receiver
from edge.scripts import http
from group_events import assert_each_once_in_order, bodies, change, changes
from kafka_broker import KafkaBroker
from kafka_topics import produce
from loopback import PATIENCE, wait_until

STUCK = "STUCK"


def answers_all_but_one_group(line: Line) -> None:
    """204 for every campaign group but STUCK, whose requests get no answer."""
    while True:
        request = line.request()
        if json.loads(request.body)["GSW_CAMPAIGN_GROUP_GUID"] == STUCK:
            line.wait_for_close()
        line.send(http(204))


def resident_bytes(bridge: BridgeProcess) -> int:
    """Linux: the memory that the process has in use now."""
    status = Path(f"/proc/{bridge.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def seconds_for(receiver: Receiver, write: Callable[[], None], count: int) -> float:
    """From the writing of `count` events to the arrival of their notifications, those of STUCK aside."""
    before, began = len(receiver.requests), time.monotonic()
    write()
    wait_until(lambda: len(receiver.requests) >= before + count, timeout=PATIENCE, what=f"{count} more notifications")
    wait_until(lambda: len(others(receiver)) % count == 0, timeout=PATIENCE, what="the last few")
    return time.monotonic() - began


def others(receiver: Receiver) -> list[dict[str, Any]]:
    return [body for body in bodies(receiver) if body["GSW_CAMPAIGN_GROUP_GUID"] != STUCK]


def test_a_group_that_is_never_answered_slows_no_other_partition_and_takes_no_more_memory(
    broker: KafkaBroker, settings_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    count = 1500
    with Receiver(answers_all_but_one_group) as receiver:
        settings = settings_of(receiver.url, partitions=2)
        settings["delivery"] = {"max_buffered_records": 300, "checkpoint_interval": 0.2, "drain_timeout": 8}
        topic = settings["kafka"]["topics"]

        def write(first: int) -> None:
            produce(broker.bootstrap, topic, changes(count, groups=20, first=first), partition=1)

        with BridgeProcess(tmp_path, settings) as bridge:
            bridge.wait_for_line("partition_starts", partition=1)
            seconds_for(receiver, lambda: write(0), count)  # connections are made, code is warm
            alone = seconds_for(receiver, lambda: write(count), count)
            padding = "x" * 2000
            stuck = [(STUCK, change(STUCK, n, padding=padding)) for n in range(5000)]
            produce(broker.bootstrap, topic, stuck, partition=0)  # 12 MB
            bridge.wait_metric("records_held", 300)
            before = resident_bytes(bridge)
            beside = seconds_for(receiver, lambda: write(2 * count), count)
            metrics = bridge.metrics()
            # What waits is read no further than one fetch: the rest stays with the broker.
            assert metrics("records_consumed_total") < 3 * count + 300 + 1000
            assert resident_bytes(bridge) - before < 16 * 1024 * 1024
            assert bridge.stop() == 0

    assert_each_once_in_order(others(receiver), 3 * count)
    # That the rate is the same is judged by `make faults` (tests/faults/test_backlog.py), on a machine that is not busy.
    print(f"{count} notifications took {alone:.2f} s alone, {beside:.2f} s beside a group that is stuck")


def test_a_partition_that_was_paused_is_read_on_once_its_records_are_done(
    broker: KafkaBroker, receiver: Receiver, settings_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    settings = settings_of(receiver.url, partitions=1)
    settings["delivery"] = {"max_buffered_records": 50, "checkpoint_interval": 0.2, "drain_timeout": 8}
    produce(broker.bootstrap, settings["kafka"]["topics"], changes(3000, groups=10))

    with BridgeProcess(tmp_path, settings) as bridge:
        wait_until(lambda: len(receiver.ids) >= 3000, timeout=PATIENCE, what="3000 notifications")
        bridge.wait_metric("records_posted_total", 3000)
        assert bridge.stop() == 0

    assert_each_once_in_order(bodies(receiver), 3000)
