"""The traffic of a case with periodic notifications, and what arrived of it."""

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import confluent_kafka
import msgspec
from edge.receivers import EVENT_ID, Request
from faults.harness.recorder import WALL
from group_events import change


class Written(msgspec.Struct):
    """What Kafka has, by group, in order. Times are those of the records, in seconds since the epoch.

    `values`: None is an unload, from which on there is none. `loads`: when it was loaded again. `loaded`: those that are.
    """

    values: dict[str, list[tuple[float, float | None]]]
    loads: dict[str, list[float]]
    loaded: set[str]


class Tick(msgspec.Struct, frozen=True):
    """A periodic notification that arrived: `slot` in seconds since the epoch."""

    group: str
    slot: float
    at: float
    value: float | None
    member: str


class Traffic:
    """Loads `groups` groups, then writes statistics, and now and then an unload and a load, until `stop`."""

    def __init__(self, bootstrap: str, topic: str, *, partitions: int, groups: int, rate: float, seed: int = 1) -> None:
        self._groups = [f"G{n}" for n in range(groups)]
        self.written = Written(defaultdict(list), defaultdict(list), set(self._groups))
        self._partitions = partitions
        self._topic = topic
        self._rate = rate
        self._random = random.Random(seed)
        self._number = 0
        self._producer = confluent_kafka.Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 2, "log_level": 2}
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def load(self) -> None:
        """Every group is running."""
        for group in self._groups:
            self._change(group, "Running", "StartDialing", None)
        assert self._producer.flush(30) == 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert self._producer.flush(30) == 0

    def _run(self) -> None:
        began, written = time.monotonic(), 0
        while not self._stop.wait(0.02):
            for _ in range(int((time.monotonic() - began) * self._rate) - written):
                self._one(self._random.choice(self._groups))
                written += 1
            self._producer.poll(0)

    def _one(self, group: str) -> None:
        written = self.written
        if self._random.random() < 0.03:
            if group in written.loaded:
                written.loaded.remove(group)
                self._change(group, "NotLoaded", "UnloadCampaign", lambda at: written.values[group].append((at, None)))
            else:
                written.loaded.add(group)
                self._change(group, "Running", "StartDialing", written.loads[group].append)
            return
        self._number += 1
        value = self._number / 1000
        body = {"kind": "statistics", "campaign_group_guid": group, "statistics": {"time_to_complete": value}}
        if group in written.loaded:
            self._write(group, json.dumps(body), lambda at: written.values[group].append((at, value)))
        else:  # those of a group that is not loaded are dropped
            self._write(group, json.dumps(body), None)

    def _change(self, group: str, state: str, action: str, note: Callable[[float], None] | None) -> None:
        self._number += 1
        self._write(group, change(group, self._number, state=state, action=action), note)

    def _write(self, group: str, value: str, note: Callable[[float], None] | None) -> None:
        """`note` is told the record's time once Kafka has it."""

        def acknowledged(error: Any, message: Any) -> None:
            assert error is None, error
            if note is not None:
                note(message.timestamp()[1] / 1000)

        partition = int(group[1:]) % self._partitions
        self._producer.produce(self._topic, value, group, partition, on_delivery=acknowledged)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._producer.flush(1)


class Arrivals(msgspec.Struct):
    """What a receiver saw, in order of arrival."""

    ticks: list[Tick]
    loads: dict[str, list[tuple[float, bool]]]  # by group: when a change arrived, and whether it was loaded by it


def arrivals(requests: Iterable[Request]) -> Arrivals:
    found = Arrivals([], defaultdict(list))
    for request in requests:
        if not request.complete:
            continue
        body = json.loads(request.body)
        group, at = body["GSW_CAMPAIGN_GROUP_GUID"], request.at + WALL
        if body["GSW_CAMPAIGN_GROUP_ACTION"] == 0:
            slot = int((request.header(EVENT_ID) or "").rsplit("/", 1)[1]) / 1000
            value = body.get("GSW_STAT_TIME_TO_COMPLETE")
            found.ticks.append(Tick(group, slot, at, value, request.header("user-agent") or ""))
        else:
            found.loads[group].append((at, body["GSW_CAMPAIGN_GROUP_STATE"] != 0))
    return found
