"""Compiles the `fields` of a profile: which type each field of the event has."""

from collections.abc import Mapping
from typing import Any, TypeVar

from bridge.core.event import NAMES, PERIODS
from bridge.core.origins import compile_getter
from bridge.core.paths import names_on
from bridge.core.profile_fields import FieldType, NumberType, TextType, TimeType, Unknown, WholeType, WordType
from bridge.core.profile_periods import IntervalType, SwitchType
from bridge.core.profile_text import Node, Problems, suggestion
from bridge.core.readers import STATISTICS, ListReaders, Readers
from bridge.core.sources import NOTHING, Reader, Source, compile_source
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, OptimizeBy
from bridge.core.words import ACTIONS, ACTORS, DIAL_MODES, OPTIMIZE_BY, STATES, kind_table, number_table

T = TypeVar("T")
_WORDS = ("kind", "state", "action", "actor", "dial_mode", "optimize_by")
_LIST_FIELDS = ("in", "name", "dbid", "hit_ratio", "time_to_complete")
#: Every field that `fields` may map.
FIELDS = (*_WORDS, "optimize_goal", "time", *NAMES, *STATISTICS, "calling_lists", *PERIODS)

_TEXT, _NUMBER, _WHOLE, _TIME, _INTERVAL = TextType(), NumberType(), WholeType(), TimeType(), IntervalType()
_KIND = WordType(kind_table(), "reject")  # what an event is for is never guessed
_STATES = number_table(GroupState, STATES)
_ACTIONS = number_table(Action, ACTIONS)
_ACTORS = number_table(Actor, ACTORS)
_DIAL_MODES = number_table(DialMode, DIAL_MODES)
_OPTIMIZE_BY = number_table(OptimizeBy, OPTIMIZE_BY)


def compile_readers(
    fields: Mapping[str, Node], on_unknown: Unknown, problems: Problems
) -> tuple[Readers, Mapping[str, Source[Any]]]:
    """The readers of a rule's fields, and of those that are mapped the sources; what is not mapped is never said."""
    sources: dict[str, Source[Any]] = {}

    def reader(field: str, kind: FieldType[T]) -> Reader[T]:
        if field not in fields:
            return NOTHING.read
        source = sources[field] = compile_source(fields[field], field, kind, problems)
        return source.read

    readers = Readers(
        kind=reader("kind", _KIND),
        time=reader("time", _TIME),
        state=reader("state", WordType(_STATES, on_unknown)),
        action=reader("action", WordType(_ACTIONS, on_unknown)),
        actor=reader("actor", WordType(_ACTORS, on_unknown)),
        dial_mode=reader("dial_mode", WordType(_DIAL_MODES, on_unknown)),
        optimize_by=reader("optimize_by", WordType(_OPTIMIZE_BY, on_unknown)),
        optimize_goal=reader("optimize_goal", _WHOLE),
        notification_interval=reader("notification_interval", _INTERVAL),
        notifications_enabled=reader("notifications_enabled", SwitchType(on_unknown)),
        names=tuple((name, reader(name, _TEXT)) for name in NAMES if name in fields),
        statistics=tuple((name, reader(name, _NUMBER)) for name in STATISTICS if name in fields),
        calling_lists=_lists(fields.get("calling_lists"), problems),
    )
    return readers, sources


def _lists(node: Node | None, problems: Problems) -> ListReaders | None:
    if node is None:
        return None
    fields = node.value if isinstance(node.value, dict) else {}
    for name, value in fields.items():
        if name not in _LIST_FIELDS:
            problems.add(value.line, f"calling_lists.{name}", f"unknown key{suggestion(name, _LIST_FIELDS)}")
    if "name" not in fields or "in" not in fields:
        problems.add(
            node.line, "calling_lists", "a mapping with `in`, the path of an array, and `name`, a path in its items"
        )
        return None

    array = compile_getter(fields["in"], "calling_lists.in", problems)
    inner = problems.within(() if array is None else names_on(str(fields["in"].value)))

    def reader(field: str, kind: FieldType[T]) -> Reader[T]:
        source = compile_source(fields[field], f"calling_lists.{field}", kind, inner) if field in fields else NOTHING
        return source.read

    return (
        None
        if array is None
        else ListReaders(
            array=array,
            name=reader("name", _TEXT),
            dbid=reader("dbid", _TEXT),
            hit_ratio=reader("hit_ratio", _NUMBER),
            time_to_complete=reader("time_to_complete", _NUMBER),
        )
    )
