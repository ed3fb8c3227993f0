"""The events of the benches: the same for every contender, about 400 bytes, each with a number that rises in its group.

The number goes through any correct mapping in the queue's name, the group's in its guid, so the sink can judge order.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

PARTITIONS = 6
BEGIN_MS = 1_795_000_000_000
KINDS = ["statistics"] * 12 + ["loaded", "started", "started", "stopped", "mode_changed"]
MODES = ["predictive", "progressive", "preview", "power"]
OPTIMIZE = ["busy", "overdial", "wait"]


class Made(NamedTuple):
    """One event."""

    group: int
    number: int
    value: bytes

    @property
    def partition(self) -> int:
        """A group lives in one."""
        return self.group % PARTITIONS


def events(count: int, groups: int) -> Iterator[Made]:
    """So many, of groups in random order; the same each time."""
    draw = random.Random(1)
    numbers = [0] * groups
    for index in range(count):
        group = draw.randrange(groups)
        number, numbers[group] = numbers[group], numbers[group] + 1
        event = _event(draw, group, number, BEGIN_MS + index * 5)
        yield Made(group, number, json.dumps(event, separators=(",", ":")).encode())


def _event(draw: random.Random, group: int, number: int, ms: int) -> dict[str, object]:
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return {
        "event": draw.choice(KINDS),
        "at": f"{at:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z",
        "tenant": {"name": "Environment", "ccid": "9350e2fc-a1dd-4c65-8d40-1f75a2e080dd"},
        "group": {"name": f"Spring{group}@Agents{group}", "guid": f"g{group}", "dbid": str(1000 + group)},
        "agents": f"Agents{group}",
        "campaign": f"Spring{group}",
        "queue": f"8001-{number}",
        "mode": draw.choice(MODES),
        "optimize": draw.choice(OPTIMIZE),
        "goal": draw.randint(1, 99),
        "figures": {
            "busy_factor": round(draw.random(), 4),
            "hit_ratio": round(draw.random(), 4),
            "overdial_rate": round(draw.random() / 10, 4),
            "seconds_left": draw.randint(1, 86_400),
        },
    }
