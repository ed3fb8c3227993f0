"""The JSON Schema of the notification, as the bridge sends it with the default settings."""

from enum import IntEnum

from bridge.core.schema_parts import DRAFT, LIST_STATISTICS, NAMES, STATISTICS, Schema, legend, number
from bridge.core.vocabulary import PREDICTIVE, Action, Actor, DialMode, GroupState, OptimizeBy

_TEMPLATE = NAMES["campaign_template_name"][0]
_STATE, _MODE = "GSW_CAMPAIGN_GROUP_STATE", "GSW_DIAL_MODE"
_OPTIMIZE = ("GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL")


def notification_schema(calling_lists_key: str = "GSW_CALLING_LISTS") -> Schema:
    """The body of each POST. `calling_lists_key` is the setting notifications.calling_lists_key."""
    properties: Schema = {
        "GSW_USER_EVENT": {"const": "CampaignGroupState"},
        "GSW_DATE_TIME": {
            "description": "When it occurred: UTC seconds since the epoch with three decimals.",
            "type": "string",
            "pattern": r"^[0-9]+\.[0-9]{3}$",
            "examples": ["1544659952.123"],
        },
        **{
            key: {"description": text, "type": "string", "examples": [example]} for key, text, example in NAMES.values()
        },
        _MODE: _enumeration("Dial mode, only while running.", DialMode),
        _OPTIMIZE[0]: _enumeration("Optimization method, only in predictive modes.", OptimizeBy),
        _OPTIMIZE[1]: {
            "description": "Goal of the optimization in percent or seconds, only in predictive modes.",
            "type": "integer",
            "minimum": 0,
            "examples": [80],
        },
        _STATE: _enumeration("State of the campaign group.", GroupState),
        "GSW_CAMPAIGN_GROUP_ACTION": _enumeration("The request behind it; 0 in periodic notifications.", Action),
        "GSW_CAMPAIGN_GROUP_ACTOR": _enumeration("Who caused it; 0 also for automatic actions.", Actor),
        **_statistics(STATISTICS),
        calling_lists_key: _calling_lists(),
    }
    optional = {_TEMPLATE, _MODE, *_OPTIMIZE, *_statistics(STATISTICS), calling_lists_key}
    return {
        "$schema": DRAFT,
        "title": "CampaignGroupState",
        "description": "State of a campaign group, as Genesys Outbound Contact Server reports it.",
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
        "allOf": [
            _only_with(_STATE, [GroupState.Running], [_MODE]),
            _only_with(_MODE, sorted(PREDICTIVE), list(_OPTIMIZE)),
        ],
        "examples": [_example(calling_lists_key)],
    }


def _enumeration(text: str, vocabulary: type[IntEnum]) -> Schema:
    return {
        "description": f"{text} {legend(vocabulary)}",
        "type": "integer",
        "enum": [member.value for member in vocabulary],
    }


def _only_with(name: str, values: list[IntEnum] | list[GroupState] | list[DialMode], fields: list[str]) -> Schema:
    """`fields` are there only while `name` has one of `values`."""
    return {
        "if": {"properties": {name: {"enum": [int(value) for value in values]}}, "required": [name]},
        "else": {"not": {"anyOf": [{"required": [field]} for field in fields]}},
    }


def _statistics(names: tuple[str, ...] | dict[str, tuple[str, str, float]]) -> Schema:
    return {STATISTICS[name][0]: number(STATISTICS[name][1], STATISTICS[name][2]) for name in names}


def _calling_lists() -> Schema:
    return {
        "description": "Calling lists of the campaign group with their statistics; left out where there are none.",
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {
                "GSW_CALLING_LIST": {"description": "Calling list.", "type": "string"},
                "GSW_CALLING_LIST_DBID": {"description": "DBID of the calling list, if known.", "type": "string"},
                **_statistics(LIST_STATISTICS),
            },
            "required": ["GSW_CALLING_LIST"],
            "additionalProperties": False,
        },
    }


def _example(calling_lists_key: str) -> Schema:
    names = {key: example for key, _, example in NAMES.values()}
    return {
        "GSW_USER_EVENT": "CampaignGroupState",
        "GSW_DATE_TIME": "1772355600.123",
        **names,
        _MODE: DialMode.Predict.value,
        _OPTIMIZE[0]: OptimizeBy.BusyFactor.value,
        _OPTIMIZE[1]: 80,
        _STATE: GroupState.Running.value,
        "GSW_CAMPAIGN_GROUP_ACTION": Action.StartDialing.value,
        "GSW_CAMPAIGN_GROUP_ACTOR": Actor.OcsClient.value,
        **{key: example for key, _, example in STATISTICS.values()},
        calling_lists_key: [
            {
                "GSW_CALLING_LIST": "Spring-A",
                "GSW_CALLING_LIST_DBID": "311",
                "GSW_STAT_HIT_RATIO": 0.3,
                "GSW_STAT_TIME_TO_COMPLETE": None,
            }
        ],
    }
