"""Periodic notifications as a receiver sees them, and what a campaign group's series say at a scrape."""

import json
from collections import defaultdict
from typing import Any

import httpx
import msgspec
from bridge_process import BridgeProcess
from edge.receivers import EVENT_ID, Receiver
from loopback import wait_until
from prometheus_client.parser import text_string_to_metric_families

Told = dict[str, Any]  # a notification


class Tick(msgspec.Struct, frozen=True):
    """A periodic notification: `slot` in milliseconds since the epoch, `at` in monotonic seconds."""

    group: str
    slot: int
    at: float
    body: Told


def told(receiver: Receiver) -> tuple[list[Told], list[Tick]]:
    """Changes and periodic notifications so far, in order of arrival."""
    changes, ticks = [], []
    for request in list(receiver.requests):
        if not request.complete:
            continue
        body = json.loads(request.body)
        if body["GSW_CAMPAIGN_GROUP_ACTION"]:
            changes.append(body)
        else:
            slot = int((request.header(EVENT_ID) or "").rsplit("/", 1)[1])
            ticks.append(Tick(body["GSW_CAMPAIGN_GROUP_GUID"], slot, request.at, body))
    return changes, ticks


def ticks(receiver: Receiver, group: str = "G") -> list[Tick]:
    """Those of one group."""
    return [tick for tick in told(receiver)[1] if tick.group == group]


def slots(receiver: Receiver) -> dict[str, list[int]]:
    """Slots that were told, by group."""
    found: dict[str, list[int]] = defaultdict(list)
    for tick in told(receiver)[1]:
        found[tick.group].append(tick.slot)
    return dict(found)


def next_tick(receiver: Receiver, group: str = "G", *, timeout: float = 15, more: int = 1) -> Tick:
    """The `more`th that comes from now on."""
    count = len(ticks(receiver, group)) + more
    wait_until(lambda: len(ticks(receiver, group)) >= count, timeout=timeout, what=f"a tick of {group}")
    return ticks(receiver, group)[count - 1]


def wait_ticks(receiver: Receiver, count: int, group: str = "G", *, timeout: float = 15) -> list[Tick]:
    """Those of one group, once there are so many."""
    wait_until(lambda: len(ticks(receiver, group)) >= count, timeout=timeout, what=f"{count} ticks of {group}")
    return ticks(receiver, group)


def without_date(body: Told) -> Told:
    """All that it says but when."""
    return {name: value for name, value in body.items() if name != "GSW_DATE_TIME"}


def gauges(bridge: BridgeProcess) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The series of campaign groups at one scrape."""
    text = httpx.get(f"{bridge.admin}/metrics", timeout=5).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        if family.name.startswith("gsw_")
        for sample in family.samples
    }
