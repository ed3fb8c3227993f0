"""The schema of the bridge's own event and the profile `generic`: what the one accepts the other reads whole, and the reverse."""

import copy
import json
import re
from typing import Any

import jsonschema
import pytest
from golden.cases import cases, steps
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from bridge.core.arrival import Arrival
from bridge.core.group import Policy
from bridge.core.mapping.mapper import Mapper
from bridge.core.outcome import InvalidEvent
from bridge.core.profile import compile_profile
from bridge.core.record import Partition, Record
from bridge.core.route import Route
from bridge.core.schema import event_schema
from bridge.core.words import normal
from bridge.profiles import preset_text

SCHEMA = event_schema()
VALID = jsonschema.Draft202012Validator(SCHEMA)
GENERIC = Mapper(Route(compile_profile(preset_text("generic"), "generic"), Policy({})), {}, max_future_ms=0)
PROPERTIES: dict[str, Any] = dict(SCHEMA["properties"])  # type: ignore[call-overload]
WORDS = ("state", "action", "actor", "dial_mode", "optimize_by")
STATISTICS = ("busy_factor", "hit_ratio", "overdial_rate", "time_to_complete")
EXAMPLE: dict[str, Any] = SCHEMA["examples"][0]  # type: ignore[index]
NUMBER = re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})? *", re.ASCII)


def read_whole(value: object) -> bool:
    """Whether the bridge takes an event, and leaves none of its fields out but perhaps a time that is none."""
    record = Record(Partition("t", 0), 1, 1_772_355_600_000, None, json.dumps(value).encode())
    try:
        found = GENERIC.read(record)
    except InvalidEvent:
        return False
    return isinstance(found, Arrival) and not [field for field, _ in found.event.ignored if field != "time"]


def as_documented(value: dict[str, Any]) -> dict[str, Any]:
    """The same as the schema has it: what docs/profiles.md says the bridge reads besides, written in the schema's own way."""
    event = copy.deepcopy(value)
    for name in WORDS:
        if name in event:
            event[name] = word(event[name], PROPERTIES[name]["enum"])
    for name in ("optimize_goal", "notification_interval"):
        if isinstance(event.get(name), str):
            event[name] = number(event[name].rstrip().removesuffix("%") if name == "optimize_goal" else event[name])
    if isinstance(event.get("notifications_enabled"), str):
        event["notifications_enabled"] = {"true": True, "yes": True, "false": False, "no": False}.get(
            normal(event["notifications_enabled"]), event["notifications_enabled"]
        )
    lists = event.get("calling_lists")
    if isinstance(lists, dict):
        event["calling_lists"] = list(lists.values())
    for inner in [
        event.get("statistics"),
        *(event["calling_lists"] if isinstance(event.get("calling_lists"), list) else ()),
    ]:
        for name in STATISTICS if isinstance(inner, dict) else ():
            if isinstance(inner.get(name), str):
                inner[name] = number(inner[name])
    for inner in event["calling_lists"] if isinstance(event.get("calling_lists"), list) else ():
        if isinstance(inner, dict) and inner.get("dbid") == "":
            inner["dbid"] = None
    return event


def word(value: object, known: list[object]) -> object:
    if isinstance(value, str):
        if value in known:
            return value
        if NUMBER.fullmatch(value):
            return number(value)
        return next((each for each in known if isinstance(each, str) and normal(each) == normal(value)), value)
    return value


def number(text: str) -> object:
    return float(text) if NUMBER.fullmatch(text) and len(text) <= 40 else text


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [
            5.0,
            -0.0,
            0.05,
            0.1,
            86_400,
            86_401,
            2**53,
            2**53 + 2,
            "",
            " ",
            "5",
            "5.0",
            "-1",
            "0.3",
            "80 %",
            "x" * 1024,
            "x" * 1025,
        ]
    )
    | st.sampled_from([each for name in WORDS for each in PROPERTIES[name]["enum"]])
    | st.sampled_from(["RUNNING", "not running", "Cm_ReqStartDialing", "yes", "TRUE"])
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "dbid", *STATISTICS, "other"]), inner, max_size=4)
    ),
    max_leaves=6,
)
MEMBERS = sorted(PROPERTIES)


@given(st.dictionaries(st.sampled_from(MEMBERS), ANY, max_size=3), st.sets(st.sampled_from(MEMBERS), max_size=6))
@settings(max_examples=examples(4_000), deadline=None)
def test_the_schema_accepts_an_event_exactly_when_the_bridge_reads_it_whole(
    put: dict[str, Any], gone: set[str]
) -> None:
    value = {**{name: each for name, each in EXAMPLE.items() if name not in gone}, **put}
    event = as_documented(value)
    if isinstance(event.get("time"), bool | list | dict) or (
        isinstance(event.get("time"), int | float) and event["time"] < 0
    ):
        event.pop("time")  # a time that is none is left out, and the record's taken
    assert VALID.is_valid(event) == read_whole(value)


@pytest.mark.parametrize(
    "case", [case for profile, case in cases() if profile == "generic"], ids=lambda case: case.name
)
def test_golden_events_validate_exactly_when_they_are_read_whole(case: Any) -> None:
    for step in steps(case):
        if step.record.value is not None and "invalid" not in step.expected:
            value = json.loads(step.record.value, parse_constant=str)
            if VALID.is_valid(value) or VALID.is_valid(as_documented(value)):
                assert read_whole(value)
            else:
                assert not read_whole(value)
