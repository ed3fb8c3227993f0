"""Periodic notifications of a whole process whose wall clock is set while it runs, or whose time zone changes its hour."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from edge.receivers import Receiver
from faults.harness.stepped_clock import Steps
from group_events import change
from kafka_broker import KafkaBroker
from kafka_topics import produce
from periodic import slots, told

SettingsOf = Callable[..., dict[str, Any]]
MODULE = "tests.faults.harness.stepped_clock"
GROUPS = 30
SECONDS = 4.0  # that each clock is looked at
HOUR = 3600.0


@pytest.fixture
def ticking(
    broker: KafkaBroker,
    settings_of: SettingsOf,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> dict[str, Any]:
    """Settings for groups that are told of each second, by a process whose clock is in the file `clock`."""
    monkeypatch.setenv("CLOCK_FILE", str(tmp_path / "clock"))
    settings = settings_of(receiver.url, 1)
    settings["notifications"]["interval"] = 1
    settings["mapping"] = {"max_future": 86_400}
    produce(broker.bootstrap, settings["kafka"]["topics"], [(f"G{n}", change(f"G{n}", n)) for n in range(GROUPS)])
    return settings


class Watch:
    """Periodic notifications from one look to the next."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._seen, self._at = len(told(receiver)[1]), time.monotonic()

    def next(self) -> float:
        """Those of a while, per group and second. Never more than one a group and slot, and no burst."""
        time.sleep(SECONDS)
        count, now = len(told(self._receiver)[1]), time.monotonic()
        new, seconds = count - self._seen, now - self._at
        self._seen, self._at = count, now
        assert new <= GROUPS * (seconds + 2), "a burst"
        for group, found in slots(self._receiver).items():
            assert len(found) == len(set(found)), f"{group}: a slot was told twice"
        return new / GROUPS / seconds


@pytest.mark.long
def test_a_clock_that_is_set_makes_no_burst_and_no_slot_twice(
    ticking: dict[str, Any], receiver: Receiver, tmp_path: Path
) -> None:
    with Steps(tmp_path / "clock") as clock, BridgeProcess(tmp_path / "bridge", ticking, module=MODULE) as bridge:
        bridge.wait_metric("ticks_due_total", 2 * GROUPS, timeout=60)
        watch = Watch(receiver)
        assert watch.next() > 0.5
        clock.seconds = -1.0
        assert watch.next() > 0.4, "a slot later it goes on"
        clock.seconds = HOUR
        assert watch.next() > 0.5
        clock.seconds = 0.0
        watch.next()  # what was on its way
        assert watch.next() == 0.0, "these slots were told before the clock was an hour ahead, or passed over"
        clock.seconds = HOUR + 60
        assert watch.next() > 0.5
        assert bridge.metrics()("clock_jumps_total") >= 3
        assert bridge.stop() == 0


@pytest.mark.parametrize(
    "moment",
    [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)],
    ids=["from-2-to-3", "from-3-to-2"],
)
def test_an_hour_that_a_time_zone_leaves_out_or_repeats_is_no_jump(
    ticking: dict[str, Any], receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: datetime
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    with Steps(tmp_path / "clock") as clock:
        clock.seconds = moment.timestamp() - time.time() - 60
        with BridgeProcess(tmp_path / "bridge", ticking, module=MODULE) as bridge:
            bridge.wait_metric("ticks_due_total", 2 * GROUPS, timeout=60)
            watch = Watch(receiver)
            clock.seconds = moment.timestamp() - time.time() - SECONDS / 2  # the jump of the test's own
            watch.next()
            assert time.time() + clock.seconds > moment.timestamp()
            assert watch.next() > 0.5
            assert bridge.metrics()("clock_jumps_total") <= 1
            last = told(receiver)[1][-1]
            assert abs(float(last.body["GSW_DATE_TIME"]) - last.slot / 1000) < 5
            assert last.slot / 1000 > moment.timestamp()
            assert bridge.stop() == 0
