"""The JSON Schema (draft 2020-12) of a profile: what an editor completes and underlines.

It is built from what the compiler of profiles goes by, so a key that one knows the other knows too. It is wider than the
compiler where it can't see what that sees: paths, numbers in texts, which of two spellings of a word holds.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum

from bridge.core.envelopes import Envelope
from bridge.core.event import NAMES
from bridge.core.mapping.event_reader import STATISTICS
from bridge.core.profile import _IDS, _KEYS, _RULE_KEYS, _TENANTS
from bridge.core.profile_fields import NumberType, TextType, TimeType, WholeType, WordType
from bridge.core.profile_periods import IntervalType, SwitchType
from bridge.core.profile_readers import _LIST_FIELDS, FIELDS
from bridge.core.schema_parts import DRAFT, Schema
from bridge.core.schema_parts import NAMES as NAME_TEXTS
from bridge.core.schema_parts import STATISTICS as STATISTIC_TEXTS
from bridge.core.sources import _COMMON, _ORIGINS
from bridge.core.times import TimeFormat
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy
from bridge.core.words import ACTIONS, ACTORS, DIAL_MODES, OPTIMIZE_BY, STATES

#: The options that a field's sources may have.
_OPTIONS: dict[str, frozenset[str]] = {
    **dict.fromkeys(NAMES, TextType.options),
    **dict.fromkeys(("kind", "state", "action", "actor", "dial_mode", "optimize_by"), WordType.options),
    **dict.fromkeys(STATISTICS, NumberType.options),
    "optimize_goal": WholeType.options,
    "time": TimeType.options,
    "notification_interval": IntervalType.options,
    "notifications_enabled": SwitchType.options,
    "event_id": TextType.options,
}
_LIST_OPTIONS = {"name": TextType.options, "dbid": TextType.options}
_VOCABULARIES: dict[str, tuple[type[IntEnum], Mapping[str, IntEnum | None]]] = {
    "state": (GroupState, STATES),
    "action": (Action, ACTIONS),
    "actor": (Actor, ACTORS),
    "dial_mode": (DialMode, DIAL_MODES),
    "optimize_by": (OptimizeBy, OPTIMIZE_BY),
}
_TEXTS = {
    "kind": "What the event is for: change, report, statistics or snapshot.",
    "time": "When it occurred; left out: the record's timestamp.",
    "state": "State after the event.",
    "action": "The request that caused the event.",
    "actor": "Who caused it: 1 only for an OCS client.",
    "dial_mode": "Dial mode.",
    "optimize_by": "Optimization method.",
    "optimize_goal": "Goal of the optimization, an integer in percent or seconds.",
    "calling_lists": "Where the array of calling lists is, and where in an item its fields are.",
    "notification_interval": "Seconds between periodic notifications of this campaign group; 0: none.",
    "notifications_enabled": "Whether this campaign group has notifications at all.",
    "event_id": "What makes the X-GSW-Event-Id: the same for the same event.",
    **{name: text for name, (_, text, _) in NAME_TEXTS.items()},
    **{name: text for name, (_, text, _) in STATISTIC_TEXTS.items()},
}

_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_PATH: Schema = {"$ref": "#/$defs/path"}
_PATHS: Schema = {"anyOf": [_PATH, {"type": "array", "items": _PATH, "minItems": 1}]}
#: What is known of an option's value, whichever field it is of.
_OPTION_SCHEMAS: dict[str, Schema] = {
    "from": {"description": "A path, or several of which the first that has a value counts.", **_PATHS},
    "value": {"description": "A constant.", **_SCALAR},
    "join": {
        "description": "Paths, and constants as {value: text}, whose texts are joined.",
        "type": "array",
        "items": {"anyOf": [_PATH, {"$ref": "#/$defs/constant"}]},
        "minItems": 2,
    },
    "sum": {"description": "Paths whose numbers are added.", "type": "array", "items": _PATH, "minItems": 2},
    "difference": {
        "description": "[from this, take that]",
        "type": "array",
        "items": _PATH,
        "minItems": 2,
    },
    "invalid": {"description": "What becomes of a value that can't be read.", "enum": ["reject", "omit"]},
    "default": {"description": "What every other word means.", **_SCALAR},
    "decimal": {"description": "What stands before the decimals.", "enum": ["point", "comma"]},
    "zone": {
        "description": "The time zone of times without an offset: UTC, or such as Europe/Berlin.",
        "type": "string",
    },
    "with": {"description": "What stands between joined texts; @ where it is left out.", **_TEXT},
    "ratio": {"description": "[numerator, denominator]", "type": "array", "items": _PATH, "minItems": 2, "maxItems": 2},
    "match": {"description": "A text with a *, which stands for the value.", "type": "string"},
    "when": {"$ref": "#/$defs/when"},
    "words": {
        "description": "The platform's words, each with what it means, or null.",
        "type": "object",
        "minProperties": 1,
    },
    "unknown": {"description": "What becomes of other words.", "enum": ["reject", "omit"]},
    "multiply": {"description": "A number above 0.", "type": ["number", "string"]},
    "divide": {"description": "A number above 0.", "type": ["number", "string"]},
}
_AS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*STATISTICS, "notification_interval"), ("number", "decimal", "percent", "duration")),
    "optimize_goal": ("whole", "rounded"),
    "time": tuple(TimeFormat),
}


def profile_schema() -> Schema:
    """A profile, as docs/profiles.md describes it."""
    known = _root()
    return {
        "$schema": DRAFT,
        "title": "Profile of ocs-bridge",
        "description": "Where in the records of a platform the fields of a campaign group event stand.",
        **_object({name: known.get(name, {}) for name in _KEYS}, required=["key"]),
        "$defs": {"path": _path(), "when": _when(), "test": _test(), "fields": _fields(), "constant": _constant()},
    }


def _root() -> dict[str, Schema]:
    ids: Schema = {"enum": [*_IDS, *_TENANTS]}
    envelope: Schema = {"anyOf": [{"enum": [*Envelope]}, {"type": "string", "pattern": f"^{Envelope.JSON_TEXT} ."}]}
    return {
        "key": {
            "description": "What tells one campaign group from another: an id, and a tenant where ids repeat between tenants.",
            "anyOf": [ids, {"type": "array", "items": ids, "minItems": 1}],
        },
        "inside": {
            "description": "What stands around the JSON, outermost first.",
            "anyOf": [envelope, {"type": "array", "items": envelope}, {"type": "null"}],
        },
        "each": {
            "description": "The path of the array whose items are events of their own; . is the JSON itself.",
            **_PATH,
        },
        "missing": {
            "description": "Text that is sent for a name that nobody knows.",
            **_object({name: {"description": _TEXTS[name], **_TEXT} for name in NAMES}),
        },
        "events": {
            "description": "Rules: the first that fits a record reads it; records that no rule fits are skipped.",
            "type": "array",
            "minItems": 1,
            "items": _rule(),
        },
        "fields": {"$ref": "#/$defs/fields"},
    }


def _rule() -> Schema:
    known: dict[str, Schema] = {
        "when": {"$ref": "#/$defs/when"},
        "kind": {"description": _TEXTS["kind"], "anyOf": [{"enum": _kinds()}, *_sources("kind", _OPTIONS["kind"])[1:]]},
        "fields": {"$ref": "#/$defs/fields"},
    }
    return _object({name: known.get(name, {}) for name in _RULE_KEYS})


def _kinds() -> list[str]:
    return [kind.value for kind in Kind]


def _fields() -> Schema:
    properties = {name: _field(name, _OPTIONS[name]) for name in FIELDS if name in _OPTIONS}
    return {
        "description": "Fields of the event, and where they stand.",
        **_object({**properties, "calling_lists": _lists()}),
    }


def _lists() -> Schema:
    fields = {name: _field(name, _LIST_OPTIONS.get(name, NumberType.options)) for name in _LIST_FIELDS if name != "in"}
    return {"description": _TEXTS["calling_lists"], **_object({"in": _PATH, **fields}, required=["in"])}


def _field(name: str, options: Iterable[str]) -> Schema:
    return {"description": _TEXTS.get(name, ""), "anyOf": _sources(name, options)}


def _sources(name: str, options: Iterable[str]) -> list[Schema]:
    """A path, a mapping with options, or a list of these."""
    allowed = sorted(_COMMON | frozenset(options))
    mapping: Schema = {
        **_object({option: _option(name, option) for option in allowed}),
        "oneOf": [{"required": [origin]} for origin in _ORIGINS if origin in allowed],
    }
    inner: Schema = {"anyOf": [_PATH, mapping, {"type": "array", "minItems": 1}]}
    return [_PATH, mapping, {"type": "array", "minItems": 1, "items": inner}]


def _option(name: str, option: str) -> Schema:
    if option == "as":
        return {"description": "How it is written.", "enum": list(_AS.get(name, _AS["hit_ratio"]))}
    schema = _OPTION_SCHEMAS.get(option, {})
    if option == "words":
        return {**schema, "additionalProperties": {"enum": _meanings(name)}}
    return schema


def _meanings(name: str) -> list[object]:
    if name == "kind":
        return [*_kinds(), None]
    if name == "notifications_enabled":
        return [True, False, "true", "false", "yes", "no", None]
    vocabulary, common = _VOCABULARIES[name]
    words = dict.fromkeys([*(member.name for member in vocabulary), *common])
    return [*words, *(member.value for member in vocabulary), *(str(member.value) for member in vocabulary), None]


def _object(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    needed: Schema = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **needed}


def _path() -> Schema:
    return {
        "description": "a.b into objects, a[0].b or a[name=x].b into arrays, a['odd.name'], header:name, key:, ce:name or record:a.b.",
        "type": "string",
        "minLength": 1,
    }


def _constant() -> Schema:
    return {
        "description": "A constant among joined texts.",
        **_object({"value": {"type": "string"}}, required=["value"]),
    }


def _when() -> Schema:
    tests: Schema = {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/test"}}
    return {
        "description": "Paths and their tests, which must all hold, or a list of such mappings, of which one must.",
        "anyOf": [tests, {"type": "array", "items": {"$ref": "#/$defs/when"}}],
    }


def _test() -> Schema:
    test: Schema = {"$ref": "#/$defs/test"}
    return {
        "description": "A text, a text with *, null (not there), a list of these, {not: ...} or {differs: path}.",
        "anyOf": [
            _SCALAR,
            {"type": "array", "items": test},
            _object({"not": test}, required=["not"]),
            _object({"differs": _PATH}, required=["differs"]),
        ],
    }
