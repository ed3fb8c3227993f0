"""The readers of a rule as one function of straight-line code, written and compiled once per profile.

A call for each field and for what it is made of costs three times what an event is read in here. So the code does in place
what nearly every record needs: look a name up in an object, and take a short text, a known word, a number as it is.
Rule 1. It decides nothing else. What its shortcuts don't know is asked of the field's own reader; where an object is missing
its members are; and any other thing out of the ordinary is left to `Readers.event`, the definition of what is read.
Rule 2. Nothing of a profile gets into the code but texts, by their `repr`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from bridge.core.event import NAMES, Event, Statistics
from bridge.core.outcome import InvalidEvent
from bridge.core.paths import Input
from bridge.core.readers import NO_ACTION, STATISTICS, Readers
from bridge.core.sources import NOTHING, Source
from bridge.core.vocabulary import Kind

Sources = Mapping[str, Source[Any]]

#: Of these, an event does not tell "not said" from "said to be none".
_ALIKE = (*NAMES, "time", "state", "action", "actor", "notification_interval", "notifications_enabled")
_FIELDS = ("kind", *_ALIKE, "dial_mode", "optimize_by", "optimize_goal", *STATISTICS)
_VALUES = {
    "time_ms": "given.record.timestamp_ms if time is None else time",
    "statistics": f"None if {' is '.join(STATISTICS)} is UNSET else Statistics({', '.join(STATISTICS)})",
    "calling_lists": "lists(given)",
}


def straight(sources: Sources, readers: Readers) -> Callable[[Input], Event]:
    """What `readers.event` does, faster. `sources`: those of the fields that are mapped."""
    names: dict[str, object] = {
        "UNSET": UNSET, "EMPTY": {}, "NO_ACTION": NO_ACTION, "CHANGE": Kind.CHANGE,
        "Event": Event, "Statistics": Statistics, "Kind": Kind, "InvalidEvent": InvalidEvent,
        "any_event": readers.event, "lists": readers.lists, "said": _said,
    }  # fmt: skip
    objects = _objects(sources)
    lines = ["tree = given.tree", *(line for steps in objects for line in _object(steps, objects))]
    for field in _FIELDS:
        lines += _field(field, sources.get(field, NOTHING), objects, names)
    lines += [
        "if kind.__class__ is not Kind or (time is None and given.record.timestamp_ms < 0):",
        "    return any_event(given)",
        "if kind is CHANGE and state is None and action in NO_ACTION and dial_mode is UNSET:",
        "    return any_event(given)",
        f"return Event({', '.join(_VALUES.get(name, name) for name in Event.__struct_fields__)})",
    ]
    return _made(lines, names)


def _made(lines: list[str], names: dict[str, object]) -> Callable[[Input], Event]:
    body = "\n".join(f"        {line}" for line in lines)
    code = f"def event(given):\n    try:\n{body}\n    except InvalidEvent:\n        return any_event(given)"
    exec(code, names)  # noqa: S102 (see rule 2)
    made: Callable[[Input], Event] = names["event"]  # type: ignore[assignment]
    return made


def _objects(sources: Sources) -> list[tuple[str, ...]]:
    """The names that lead to each object that fields stand in, outer objects first."""
    found = {source.steps[:depth] for source in sources.values() for depth in range(1, len(source.steps))}
    return sorted(found)


def _variable(steps: tuple[str, ...], objects: list[tuple[str, ...]]) -> str:
    return f"object{objects.index(steps)}" if steps else "tree"


def _object(steps: tuple[str, ...], objects: list[tuple[str, ...]]) -> list[str]:
    own = _variable(steps, objects)
    return [
        f"{own} = {_variable(steps[:-1], objects)}.get({steps[-1]!r})",
        f"if type({own}) is not dict:",
        f"    if {own} is not None:",
        "        return any_event(given)",
        f"    {own} = EMPTY",
    ]


def _field(field: str, source: Source[Any], objects: list[tuple[str, ...]], names: dict[str, object]) -> list[str]:
    """Sets the variable `field`."""
    alike = field in _ALIKE
    missing = "None" if alike else "UNSET"
    if source is NOTHING:
        return [f"{field} = {missing}"]
    names[f"read_{field}"] = source.read
    asked = f"said(read_{field}(given))" if alike else f"read_{field}(given)"
    if not source.steps or source.converter is None:
        return [f"{field} = {asked}"]
    value = f"value = {_variable(source.steps[:-1], objects)}.get({source.steps[-1]!r}, UNSET)"
    rest = f"{missing} if value is UNSET else {asked}"
    if not source.converter.shortcut:
        return [value, f"{field} = {rest}"]
    names[f"own_{field}"] = source.converter.own
    shortcut = source.converter.shortcut.replace("own(", f"own_{field}(")
    return [value, f"{field} = {shortcut}", f"if {field} is None:", f"    {field} = {rest}"]


def _said(value: object) -> object:
    return None if value is UNSET else value
