"""Periodic notifications: how late they begin, what they cost, and what a campaign group takes of memory and of a turn.

The whole bridge but Kafka: its parts as app.py puts them together, a receiver and a scraper in processes of their own.
Printed, with no mark to pass; wrong results fail. `make bench-parts ARGS=-k ticks`.
"""

import asyncio
import gc
import multiprocessing
import time
import tracemalloc
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any

import pytest
import uvloop
from bench.bench_post import ANSWER
from group_events import change

from bridge.app import Parts, build, mapper
from bridge.connections import HttpSettings, KafkaSettings
from bridge.core.arrival import Arrival
from bridge.core.campaign_group import CampaignGroup
from bridge.core.intake import Intake
from bridge.core.ledger import Ledger
from bridge.core.mapping.mapper import Mapper
from bridge.core.record import Partition, Record
from bridge.core.share import Share
from bridge.ports import Now
from bridge.service import TURN
from bridge.settings import AdminSettings, NotificationSettings, Settings

SPAWN = multiprocessing.get_context("spawn")
PARTITION = Partition("campaign-group-events", 0)
STATISTICS = {"busy_factor": 0.81, "hit_ratio": 0.3, "overdial_rate": 0.02, "time_to_complete": 600}


class Answering(asyncio.Protocol):
    """A receiver that costs as little as can be: each read that ends a JSON object is a notification."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"}"):
            self.transport.write(ANSWER)


def serve(told: Connection) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(forever())


@pytest.fixture
def url() -> Iterator[str]:
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=serve, args=(there,), daemon=True)
    process.start()
    assert here.poll(30)
    yield f"http://127.0.0.1:{here.recv()}/ocs"
    process.terminate()
    process.join(10)


def settings_for(receiver: str, interval: float) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=["127.0.0.1:1"], topics=[PARTITION.topic]),
        notifications=NotificationSettings(url=receiver, interval=interval),
        http=HttpSettings(),
        admin=AdminSettings(host="127.0.0.1", port=0),
    )


def owning(receiver: str, interval: float, groups: int) -> Parts:
    """A bridge that owns a partition with so many running groups, which it has read as records."""
    settings = settings_for(receiver, interval)
    reads = mapper(settings.mapping, None)
    parts = build(settings, reads, lambda _: None)
    parts.pipeline.gate.lease = lambda: True
    intake = Intake(PARTITION, Ledger(0), Share(10**6, 10**9))
    parts.ownership.intakes[PARTITION] = intake
    parts.pipeline.ticks.begin(intake, 0, round(time.time() * 1000), 0)
    learn(parts, reads, groups)
    return parts


def learn(parts: Parts, reads: Mapper, groups: int) -> list[CampaignGroup]:
    """As the pipeline does with each event."""
    table, found = parts.pipeline.table, []
    for number in range(groups):
        text = change(f"6f1c2a52-9b1e-4d0a-8f4e-{number:012}", number, statistics=STATISTICS).encode()
        record = Record(PARTITION, number, round(time.time() * 1000), None, text, (), len(text))
        arrival = reads.read(record)
        assert isinstance(arrival, Arrival)
        table.merge(arrival.key, arrival.event, arrival.stamp, arrival.policy, arrival.row, record.timestamp_ms)
        group = table.get(arrival.key)
        assert group is not None
        parts.pipeline.ticks.look(group)
        found.append(group)
    table.unsaved(PARTITION.number)  # as after a checkpoint
    return found


def scrape(metrics: str, seconds: float, told: Connection) -> None:
    """A scraper: one a second. Tells how long each took."""
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        with urllib.request.urlopen(metrics, timeout=10) as answer:
            assert b"gsw_stat_hit_ratio" in answer.read()
        took.append(time.monotonic() - began)
        time.sleep(max(0.0, 1 - took[-1]))
    told.send(took)


class Seen:
    """The pipeline's report from now on: lateness of each notification in seconds, and the slots by group."""

    def __init__(self, parts: Parts) -> None:
        self.late: list[float] = []
        self.slots: dict[str, list[int]] = {}
        self._report = parts.report
        parts.pipeline._report = self  # as it is compiled, no method of it can be replaced

    def __getattr__(self, name: str) -> Any:
        return getattr(self._report, name)

    def sent(self, origin: Any, kind: str, group: str, event_id: str, outcome: Any, age_seconds: float) -> None:
        assert outcome.status == 200, outcome
        self.late.append(age_seconds)
        self.slots.setdefault(group, []).append(origin.start_ms)
        self._report.sent(origin, kind, group, event_id, outcome, age_seconds)


@asynccontextmanager
async def working(parts: Parts) -> AsyncIterator[None]:
    """With its senders and its pages; both end with it, or a failure would be waited for, and never be told."""
    senders = [asyncio.create_task(parts.pipeline.send()) for _ in range(64)]
    try:
        await parts.admin.start()
        yield
    finally:
        for task in senders:
            task.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        await parts.admin.stop()
        await parts.poster.close()


async def run(parts: Parts, seconds: float, *, scraped: bool) -> tuple[float, list[float]]:
    """Let it work; the CPU share of this process, and the seconds that scrapes took."""
    process, here, took = None, None, list[float]()
    if scraped:
        here, there = SPAWN.Pipe()
        page = f"http://127.0.0.1:{parts.admin.port}/metrics"
        process = SPAWN.Process(target=scrape, args=(page, seconds, there), daemon=True)
        process.start()
    began, cpu = time.monotonic(), time.process_time()
    while time.monotonic() < began + seconds:
        await asyncio.sleep(TURN)
        parts.pipeline.turn()
        parts.pipeline.gate.confirmed(parts.pipeline.gate.unconfirmed)  # as checkpoints do
    share = (time.process_time() - cpu) / (time.monotonic() - began)
    if process is not None and here is not None:
        assert await asyncio.to_thread(here.poll, 30), "the scraper failed"
        took = here.recv()
        await asyncio.to_thread(process.join, 10)
    return share, took


@pytest.mark.parametrize("groups", [1_000, 10_000])
def test_lateness_and_cpu_at_an_interval_of_10_s(url: str, groups: int) -> None:
    async def scenario() -> None:
        parts = owning(url, 10, groups)
        async with working(parts):
            await run(parts, 2, scraped=False)
            seen = Seen(parts)
            for scraped in (False, True):
                seen.late.clear()
                share, took = await run(parts, 30, scraped=scraped)
                p50, p99 = median(seen.late), quantiles(seen.late, n=100)[98]
                print(
                    f"\n{groups} groups at 10 s{', a scrape each second' if scraped else ''}: {len(seen.late)} notifications,"
                    f" late p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, worst {max(seen.late) * 1000:.0f} ms;"
                    f" {share * 100:.1f} % of a core"
                    + (
                        f"; a scrape takes {median(took) * 1000:.0f} ms, the longest {max(took) * 1000:.0f}"
                        if took
                        else ""
                    )
                )
        assert parts.pipeline.tally.ticks_dropped.total() == 0
        assert len(seen.slots) == groups
        assert all(b - a == 10_000 for slots in seen.slots.values() for a, b in pairwise(slots))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


def micros(call: Callable[[], object], times: int) -> float:
    """CPU of one call in microseconds, the median of five rounds."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            call()
        rounds.append((time.process_time() - began) / times * 1e6)
    return median(rounds)


def test_cost_of_a_turn_with_100_000_groups_of_which_none_is_due() -> None:
    async def scenario() -> None:
        parts = owning("http://127.0.0.1:1", 86_400, 100_000)
        pipeline, monotonic = parts.pipeline, time.monotonic()
        slots = [pipeline.ticks.schedule.next_of(group.key) for group in pipeline.table]
        # An hour before anything is due; what comes round in a turn is still done.
        wall = min(slot for slot in slots if slot is not None) / 1000 - 3600
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            pipeline.ticks.turn(Now(wall + turns * TURN, monotonic + turns * TURN))
            pipeline.nudge()

        pipeline.ticks._owners[PARTITION.number].ledger.told_until_ms = 0
        cost = micros(turn, round(120 / TURN))  # two minutes of turns, with the looks for expired groups
        assert pipeline.tally.ticks_due == 0
        look = micros(pipeline.ticks.look_at_all, 1)
        print(
            f"\n100,000 groups, none due: {cost:.1f} us CPU a turn, {cost / TURN / 1e4:.3f} % of a core;"
            f" a directory read anew holds the loop up for {look / 1000:.0f} ms"
        )
        await parts.poster.close()

    asyncio.run(scenario())


def test_memory_of_a_group() -> None:
    async def scenario() -> None:
        parts = owning("http://127.0.0.1:1", 10, 100)  # what is made once
        reads = mapper(settings_for("http://127.0.0.1:1", 10).mapping, None)
        gc.collect()
        tracemalloc.start()
        groups = learn(parts, reads, 20_000)
        gc.collect()
        traced, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(parts.pipeline.table) == 20_000
        print(f"\nmemory of a group with statistics and its schedule: {(traced - 8 * len(groups)) / 19_900:.0f} bytes")
        await parts.poster.close()

    asyncio.run(scenario())
