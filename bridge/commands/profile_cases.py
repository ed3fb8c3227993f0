"""Cases of a profile: folders of plain files that say what becomes of records (tests/golden/README.md)."""

import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bridge.commands.record_files import Defaults, NoRecord, described
from bridge.core.record import Record
from bridge.offline import Offline

#: What a record has where its file does not say: 2026-03-01T09:00:00.500Z.
TIMESTAMP_MS = 1_772_355_600_500
_DEFAULTS = Defaults("campaign-groups", TIMESTAMP_MS)
_FILE = re.compile(r"(?:event|record|notification|result)(-\d+)?\.json")
_EVENTS, _OUTCOMES = "events.ndjson", "outcomes.ndjson"
#: What a line of outcomes.ndjson says of a notification, and the field that says it.
SUMMARY = {
    "action": "GSW_CAMPAIGN_GROUP_ACTION",
    "state": "GSW_CAMPAIGN_GROUP_STATE",
    "dial_mode": "GSW_DIAL_MODE",
    "optimize_by": "GSW_OPTIMIZE_BY",
    "optimize_goal": "GSW_OPTIMIZE_GOAL",
}


class Step(NamedTuple):
    """A record, and what is to become of it. `notified`: `expected` is a notification."""

    record: Record
    expected: dict[str, object]
    notified: bool
    name: str = ""


class BadCase(Exception):
    """A case that can't be run; the text says which file, and why."""


def cases(folder: Path) -> list[Path]:
    """The cases in a folder, at any depth; it may be one itself."""
    places = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    return sorted(place for place in places if by_lines(place) or _suffixes(place))


def by_lines(case: Path) -> bool:
    """Whether the case has its steps as lines, with outcomes that say no more of a notification than `summary`."""
    return (case / _EVENTS).is_file()


def summary(outcome: dict[str, object]) -> dict[str, object]:
    """What outcomes.ndjson says of a notification; a result is said as it is."""
    if "GSW_USER_EVENT" not in outcome:
        return outcome
    return {word: outcome[field] for word, field in SUMMARY.items() if field in outcome}


def steps(case: Path) -> Iterator[Step]:
    """The steps of a case, in order. BadCase."""
    return _lines(case) if by_lines(case) else _files(case)


def differences(case: Path, offline: Offline) -> list[str]:
    """Lines of what differs from what is expected, step by step. BadCase."""
    found: list[str] = []
    for step in steps(case):
        outcomes = [one.expected() for one in offline.map(step.record)]
        if by_lines(case):
            outcomes = [summary(outcome) for outcome in outcomes]
        outcome: dict[str, object] = outcomes[0] if len(outcomes) == 1 else {"events": outcomes}
        place = f"{case.name}{f'/{step.name}' if step.name else ''}"
        expected, became = _pretty(step.expected), _pretty(outcome)
        found += difflib.unified_diff(expected, became, f"{place}, expected", f"{place}, found", lineterm="")
    return found


def _pretty(outcome: dict[str, object]) -> list[str]:
    """As text, since the order of the fields counts, and 600 is not 600.0."""
    return json.dumps(outcome, indent=1, ensure_ascii=False).splitlines()


def _suffixes(case: Path) -> list[str]:
    """`-1`, `-2`, … or an empty text, for each step that has files."""
    names = (_FILE.fullmatch(path.name) for path in case.iterdir())
    return sorted({name[1] or "" for name in names if name}, key=lambda suffix: int(suffix[1:] or 0))


def _files(case: Path) -> Iterator[Step]:
    for offset, suffix in enumerate(_suffixes(case)):
        notification, result = case / f"notification{suffix}.json", case / f"result{suffix}.json"
        if notification.exists() == result.exists():
            raise BadCase(f"{case}: a step needs one of {notification.name} and {result.name}")
        expected = notification if notification.exists() else result
        record = _record(case, suffix, offset, None)
        yield Step(record, _object(_read(expected), expected), notification.exists(), expected.name)


def _lines(case: Path) -> Iterator[Step]:
    values, outcomes = _read(case / _EVENTS).splitlines(), _read(case / _OUTCOMES).splitlines()
    if len(values) != len(outcomes):
        raise BadCase(f"{case}: {_EVENTS} has {len(values)} lines, {_OUTCOMES} {len(outcomes)}")
    for offset, (value, outcome) in enumerate(zip(values, outcomes, strict=True)):
        expected = _object(outcome, case / _OUTCOMES)
        yield Step(_record(case, "", offset, value), expected, "action" in expected, f"line {offset + 1}")


def _record(case: Path, suffix: str, offset: int, value: bytes | None) -> Record:
    said, event = case / f"record{suffix}.json", case / f"event{suffix}.json"
    if value is None and event.exists():
        value = _read(event)
    elif value is None and not said.exists():
        raise BadCase(f"{case}: a step needs {event.name}, or {said.name} with a value or a tombstone")
    try:
        return described(_read(said) if said.exists() else b"{}").record(offset, _DEFAULTS, value)
    except NoRecord as error:
        raise BadCase(f"{said}: {error}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadCase(f"{path}: {error.strerror}") from None


def _object(text: bytes, path: Path) -> dict[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadCase(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise BadCase(f"{path}: a JSON object is expected")
    return found
