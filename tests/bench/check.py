"""Whether an event has become dearer: CPU of the pipeline beside that of a reference workload, by turns in one process.

The ratio hardly depends on the machine, nor on what else it does: of many short slices of both the cheapest counts. No
Kafka, and no socket: those are not ours to save. `make bench-check`; exit code 1 where the ratio is above BOUND.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop
from bench.machine import HERE
from bench.workload import PARTITIONS, events

from bridge.app import Parts, build, mapper
from bridge.connections import KafkaSettings
from bridge.core.intake import Intake
from bridge.core.ledger import Ledger
from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.core.record import Partition, Record
from bridge.core.share import Share
from bridge.edge.metrics import COMPILED
from bridge.settings import AdminSettings, MappingSettings, NotificationSettings, Settings

EVENTS, SLICE = 12_000, 60
#: What an event costs in units of the reference: 2.7 to 2.9 measured, compiled 1.3 to 1.5. Half more is no noise.
BOUND = 1.8 if COMPILED else 4.2


class Posted:
    """A receiver that has taken everything at once."""

    _outcome = Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.001, 200)

    async def post(self, *_: Any) -> Outcome:
        return self._outcome


def reference(value: bytes) -> bytes:
    """What any Python program would do with an event: read it with the standard library, pick members, write them."""
    event = json.loads(value)
    picked = {f"GSW_{name.upper()}": event[name] for name in ("at", "agents", "campaign", "queue", "mode", "goal")}
    return json.dumps(picked | event["group"] | event["figures"]).encode()


def records() -> list[Record]:
    made, offsets = [], [0] * PARTITIONS
    for event in events(EVENTS, 200):
        where = Partition("events", event.partition)
        now = round(time.time() * 1000)
        made.append(Record(where, offsets[where.number], now, None, event.value, (), len(event.value)))
        offsets[where.number] += 1
    return made


def owning() -> Parts:
    """The bridge as app.py puts it together, with every partition its own, and without Kafka and a receiver."""
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=["127.0.0.1:1"], topics=["events"]),
        notifications=NotificationSettings(url="http://127.0.0.1:1/", interval=0),
        mapping=MappingSettings(profile=str(HERE / "campaigns.yaml")),
        admin=AdminSettings(host="127.0.0.1", port=0),
    )
    parts = build(settings, mapper(settings.mapping, None), lambda _: None)
    parts.pipeline.gate.lease = lambda: True
    parts.pipeline._poster = Posted()
    for number in range(PARTITIONS):
        intake = Intake(Partition("events", number), Ledger(0), Share(10**6, 10**9))
        parts.ownership.intakes[intake.partition] = intake
        parts.pipeline.ticks.begin(intake, 0, round(time.time() * 1000), 0)
    return parts


async def measured() -> tuple[float, float]:
    """The cheapest slice of the pipeline, and of the reference."""
    parts, ours, theirs = owning(), list[float](), list[float]()
    senders = [asyncio.create_task(parts.pipeline.send()) for _ in range(64)]
    await asyncio.sleep(0)
    made = records()
    for some in (made[first : first + SLICE] for first in range(0, EVENTS, SLICE)):
        batch: dict[Partition, list[Record]] = {}
        for record in some:
            batch.setdefault(record.partition, []).append(record)
        began = time.thread_time()
        parts.ownership.records(batch)
        while parts.ownership.held:  # noqa: ASYNC110 (each turn is work of the senders)
            await asyncio.sleep(0)
        ours.append((time.thread_time() - began) / SLICE * 1e6)
        parts.pipeline.gate.confirmed(parts.pipeline.gate.unconfirmed)
        began = time.thread_time()
        for record in some:
            reference(record.value or b"")
        theirs.append((time.thread_time() - began) / SLICE * 1e6)
    assert parts.pipeline.tally.posted == EVENTS
    for sender in senders:
        sender.cancel()
    return min(ours), min(theirs)


def main() -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ours, theirs = runner.run(measured())
    ratio = ours / theirs
    how = "compiled" if COMPILED else "interpreted"
    print(f"an event, {how}: {ours:.1f} us CPU, the reference: {theirs:.1f} us, ratio {ratio:.2f}, at most {BOUND}")
    return int(ratio > BOUND)


if __name__ == "__main__":
    sys.exit(main())
