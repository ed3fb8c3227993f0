"""Reads the golden cases: plain files that the owner of a receiver can read.

A case is a folder of steps: `event.json` (the record's value), `record.json` (its key, headers, timestamp, topic; or
`"tombstone": true`), and what becomes of it: `notification.json`, or `result.json`. A case of several steps numbers
them: `event-1.json`, `notification-1.json`, …
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bridge.core.record import Partition, Record

GOLDEN = Path(__file__).parent
#: What a record has where record.json does not say: 2026-03-01T09:00:00.500Z.
TIMESTAMP_MS = 1_772_355_600_500


class Step(NamedTuple):
    record: Record
    expected: dict[str, object]
    notified: bool  # whether `expected` is a notification


def cases() -> list[tuple[str, Path]]:
    """(profile, folder of the case)."""
    return [
        (case.parent.name, case)
        for case in sorted(GOLDEN.glob("*/*"))
        if case.is_dir() and case.parent.name != "__pycache__"
    ]


def steps(case: Path) -> Iterator[Step]:
    suffixes = {re.sub(r"^\D*?(-\d+)?\.json$", r"\1", file.name) for file in case.glob("*.json")}
    for offset, suffix in enumerate(sorted(suffixes, key=lambda text: int(text[1:] or 0))):
        notification, result = case / f"notification{suffix}.json", case / f"result{suffix}.json"
        assert notification.exists() != result.exists(), f"{case}: one expectation for each step"
        expected = json.loads((notification if notification.exists() else result).read_text(encoding="utf-8"))
        yield Step(_record(case, suffix, offset), expected, notification.exists())


def _record(case: Path, suffix: str, offset: int) -> Record:
    file, said = case / f"record{suffix}.json", {}
    if file.exists():
        said = json.loads(file.read_text(encoding="utf-8"))
    value = None if said.get("tombstone") else (case / f"event{suffix}.json").read_bytes()
    return Record(
        partition=Partition(said.get("topic", "campaign-groups"), 0),
        offset=offset,
        timestamp_ms=said.get("timestamp_ms", TIMESTAMP_MS),
        key=said["key"].encode() if "key" in said else None,
        value=value,
        headers=tuple((name, text.encode()) for name, text in said.get("headers", [])),
    )
