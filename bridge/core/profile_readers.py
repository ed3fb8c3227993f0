"""Compiles the `fields` of a profile: which type each field of the event has."""

from collections.abc import Mapping
from typing import Any

from bridge.core.event import NAMES, PERIODS
from bridge.core.mapping.calling_lists import ListReader
from bridge.core.mapping.event_reader import STATISTICS, EventReader
from bridge.core.origins import compile_getter
from bridge.core.outcome import Invalid, Skip
from bridge.core.paths import names_on
from bridge.core.profile_fields import FieldType, NumberType, TextType, TimeType, Unknown, WholeType, WordType
from bridge.core.profile_periods import IntervalType, SwitchType
from bridge.core.profile_text import Node, Problems, suggestion
from bridge.core.sources import NOTHING, Source, compile_source
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, OptimizeBy
from bridge.core.words import ACTIONS, ACTORS, DIAL_MODES, OPTIMIZE_BY, STATES, kind_table, number_table

_WORDS = ("kind", "state", "action", "actor", "dial_mode", "optimize_by")
_LIST_FIELDS = ("in", "name", "dbid", "hit_ratio", "time_to_complete")
#: Every field that `fields` may map.
FIELDS = (*_WORDS, "optimize_goal", "time", *NAMES, *STATISTICS, "calling_lists", *PERIODS, "event_id")
#: Fields of which a value can be left out, with those of a calling list.
IGNORABLE = (*FIELDS, *(f"calling_lists.{name}" for name in _LIST_FIELDS[1:]))
#: Why it is.
UNREADABLE = (
    Invalid.BAD_UTF8,
    Invalid.TOO_LONG,
    Invalid.MISSING_FIELD,
    Invalid.WRONG_TYPE,
    Invalid.UNKNOWN_WORD,
    Invalid.BAD_NUMBER,
    Invalid.NEGATIVE,
    Invalid.BAD_TIME,
)
#: What tells which change it is. Which campaign group it is of, the profile's key says.
CHANGE = frozenset({"kind", "state", "action"})

_TEXT, _NUMBER = TextType(), NumberType()
_STATES = number_table(GroupState, STATES)
_ACTIONS = number_table(Action, ACTIONS)
_TYPES: dict[str, FieldType[Any]] = {
    "kind": WordType(kind_table(), "reject", Skip.PASSED_OVER),  # what an event is for is never guessed
    "time": TimeType(),
    "actor": WordType(number_table(Actor, ACTORS)),
    "dial_mode": WordType(number_table(DialMode, DIAL_MODES)),
    "optimize_by": WordType(number_table(OptimizeBy, OPTIMIZE_BY)),
    "optimize_goal": WholeType(),
    "notification_interval": IntervalType(),
    "notifications_enabled": SwitchType(),
    "event_id": _TEXT,
    **dict.fromkeys(NAMES, _TEXT),
    **dict.fromkeys(STATISTICS, _NUMBER),
}


def compile_readers(
    fields: Mapping[str, Node], key: tuple[str, ...], on_unknown: Unknown, problems: Problems
) -> EventReader:
    """The reader of a rule's events; what is not mapped is never said."""
    types: dict[str, FieldType[Any]] = {
        **_TYPES,
        "state": WordType(_STATES, on_unknown, Skip.PASSED_OVER),
        "action": WordType(_ACTIONS, on_unknown),
    }
    sources = {
        name: compile_source(node, name, types[name], problems, needed=name in CHANGE or name in key)
        for name, node in fields.items()
        if name in types
    }
    return EventReader(sources, _lists(fields.get("calling_lists"), problems))


def _lists(node: Node | None, problems: Problems) -> ListReader | None:
    if node is None:
        return None
    fields = node.value if isinstance(node.value, dict) else {}
    for name, value in fields.items():
        if name not in _LIST_FIELDS:
            problems.add(value.line, f"calling_lists.{name}", f"unknown key{suggestion(name, _LIST_FIELDS)}")
    if "in" not in fields:
        problems.add(
            node.line,
            "calling_lists",
            "a mapping with `in`, the path of an array or object, and the fields of its items; an array's need `name`",
        )
        return None

    lists = compile_getter(fields["in"], "calling_lists.in", problems)
    inner = problems.within(() if lists is None else names_on(str(fields["in"].value)))

    def source(field: str, kind: FieldType[Any]) -> Source[Any]:
        given = fields.get(field)
        return NOTHING if given is None else compile_source(given, f"calling_lists.{field}", kind, inner)

    named = source("name", _TEXT).read if "name" in fields else None
    numbers = (source("hit_ratio", _NUMBER).read, source("time_to_complete", _NUMBER).read)
    return None if lists is None else ListReader(lists, named, source("dbid", _TEXT).read, *numbers)
