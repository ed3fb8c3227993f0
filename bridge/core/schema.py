"""JSON Schemas (draft 2020-12) of what comes in and what goes out, built from the vocabulary.

`event_schema` says what a new upstream should write; the bridge reads a little more (any case of a word, more names for
the same thing), so a valid event is always accepted, but an accepted one need not be valid.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum

from bridge.core.limits import MAX_CALLING_LISTS, MAX_INTERVAL, MAX_NAME_CHARACTERS, MAX_NUMBER, MIN_INTERVAL
from bridge.core.notification_schema import notification_schema
from bridge.core.schema_parts import DRAFT, LIST_STATISTICS, NAMES, STATISTICS, Schema, legend, number
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy
from bridge.core.words import ACTIONS, ACTORS, DIAL_MODES, OPTIMIZE_BY, STATES

__all__ = ["event_schema", "notification_schema"]


def event_schema() -> Schema:
    """The bridge's own event: one JSON object a record, read by the profile `generic`."""
    _, guid, guid_example = NAMES["campaign_group_guid"]
    properties: Schema = {
        "kind": {
            "description": "change: a request, notified now; one with a state and no action is a report. report: how the "
            "campaign group is now, notified where it differs from what is known. statistics: kept, sent with the next "
            "notification. snapshot: a periodic notification made upstream, sent now.",
            "enum": [kind.value for kind in Kind],
        },
        "time": _time(),
        **{name: _name(text, example, nullable=True) for name, (_, text, example) in NAMES.items()},
        "campaign_group_guid": {**_name(guid, guid_example, nullable=False), "minLength": 1},
        "state": _words("State after the event.", GroupState, STATES),
        "action": _words("The request that caused the event.", Action, ACTIONS),
        "actor": _words("Who caused it: 1 only for an OCS client.", Actor, ACTORS),
        "dial_mode": _words("Dial mode; null = one that OCS has no number for.", DialMode, DIAL_MODES),
        "optimize_by": _words("Optimization method, for predictive modes.", OptimizeBy, OPTIMIZE_BY),
        "optimize_goal": {
            "description": "Goal of the optimization in percent or seconds, not as a fraction.",
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": MAX_NUMBER,
            "examples": [80],
        },
        "statistics": {
            "description": "Statistics of the campaign group. What is left out stays as it was.",
            "type": ["object", "null"],
            "properties": _statistics(STATISTICS),
        },
        "calling_lists": _calling_lists(),
        **_periods(),
        "event_id": _name(
            "The event's own id, the same wherever it is written again: the notification carries it, so that a repetition can be "
            "recognised.",
            "e-1",
            nullable=True,
        ),
    }
    return {
        "$schema": DRAFT,
        "title": "Campaign group event",
        "description": "Further members are allowed and ignored. A member that is left out is not said.",
        "type": "object",
        "properties": properties,
        "required": ["kind", "campaign_group_guid"],
        "if": {"properties": {"kind": {"const": Kind.CHANGE.value}}},
        "then": {"anyOf": [_said("state", [None]), _said("action", _no_action()), {"required": ["dial_mode"]}]},
        "examples": [_event_example()],
    }


def _said(name: str, nothing: list[object]) -> Schema:
    return {"required": [name], "properties": {name: {"not": {"enum": nothing}}}}


def _no_action() -> list[object]:
    words = (word for word, action in ACTIONS.items() if action is Action.NoRequest)
    return [None, Action.NoRequest.value, Action.NoRequest.name, *words]


def _time() -> Schema:
    return {
        "description": "When it occurred: ISO-8601 (UTC where it has no offset), or seconds, milliseconds, microseconds or "
        "nanoseconds since the epoch, told apart by their size. Left out: the record's timestamp.",
        "anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}, {"type": "null"}],
        "examples": ["2026-03-01T09:00:00.123Z", 1772355600123, 1772355600.123],
    }


def _name(text: str, example: str, *, nullable: bool) -> Schema:
    types = ["string", "integer", "null"] if nullable else ["string", "integer"]
    return {
        "description": text,
        "type": types,
        "maxLength": MAX_NAME_CHARACTERS,
        "minimum": -MAX_NUMBER,
        "maximum": MAX_NUMBER,
        "examples": [example],
    }


def _words(text: str, vocabulary: type[IntEnum], common: Mapping[str, IntEnum | None]) -> Schema:
    names = [member.name for member in vocabulary]
    return {
        "description": f"{text} {legend(vocabulary)}",
        "enum": [
            *(member.value for member in vocabulary),
            *names,
            *(word for word in common if word not in names),
            None,
        ],
    }


def _statistics(names: Iterable[str]) -> Schema:
    return {name: number(STATISTICS[name][1], STATISTICS[name][2]) for name in names}


def _calling_lists() -> Schema:
    return {
        "description": "Calling lists of the campaign group with their own statistics.",
        "type": ["array", "null"],
        "maxItems": MAX_CALLING_LISTS,
        "items": {
            "type": "object",
            "properties": {
                "name": {**_name("Calling list; unique in its group.", "Spring-A", nullable=False), "minLength": 1},
                "dbid": _name("DBID of the calling list.", "311", nullable=True),
                **_statistics(LIST_STATISTICS),
            },
            "required": ["name"],
        },
    }


def _periods() -> Schema:
    return {
        "notification_interval": {
            "description": "Seconds between periodic notifications of this campaign group from now on; 0: none. "
            "Left out or null: as it was.",
            "anyOf": [
                {"const": 0},
                {"type": "number", "minimum": MIN_INTERVAL, "maximum": MAX_INTERVAL},
                {"type": "null"},
            ],
            "examples": [5],
        },
        "notifications_enabled": {
            "description": "Whether this campaign group has notifications at all from now on. "
            "Left out or null: as it was.",
            "type": ["boolean", "null"],
            "examples": [False],
        },
    }


def _event_example() -> Schema:
    return {
        "kind": Kind.CHANGE.value,
        "time": "2026-03-01T09:00:00.123Z",
        **{name: example for name, (_, _, example) in NAMES.items()},
        "state": GroupState.Running.name,
        "action": Action.StartDialing.name,
        "actor": Actor.OcsClient.name,
        "dial_mode": DialMode.Predict.name,
        "optimize_by": OptimizeBy.BusyFactor.name,
        "optimize_goal": 80,
        "statistics": {name: example for name, (_, _, example) in STATISTICS.items()},
        "calling_lists": [{"name": "Spring-A", "dbid": "311", "hit_ratio": 0.3, "time_to_complete": None}],
    }
