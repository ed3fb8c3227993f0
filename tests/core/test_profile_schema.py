"""The two JSON Schemas: valid themselves, true of what the bridge reads and sends, and no wider than the page."""

import json

import jsonschema
import pytest

from bridge.core.event import NAMES, Event
from bridge.core.group import Policy
from bridge.core.groups import GroupTable
from bridge.core.notification import render
from bridge.core.profile import compile_profile
from bridge.core.record import Partition, Record
from bridge.core.schema import event_schema, notification_schema
from bridge.core.stamp import Stamp
from bridge.core.style import Style
from bridge.profiles import preset_text

Schema = dict[str, object]


def example(schema: Schema) -> dict[str, object]:
    examples = schema["examples"]
    assert isinstance(examples, list)
    found: dict[str, object] = examples[0]
    return found


def valid(schema: Schema, value: object) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema", [event_schema(), notification_schema(), notification_schema("LISTS")], ids=["event", "sent", "key"]
)
def test_a_schema_is_a_schema_and_its_example_an_example(schema: Schema) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(example(schema))


def test_the_example_of_the_event_is_read_and_becomes_a_notification_with_every_field_in_the_schemas_order() -> None:
    value = json.dumps(example(event_schema())).encode()
    record = Record(Partition("t", 0), 0, -1, None, value)
    event = compile_profile(preset_text("generic"), "generic.yaml").read(record)
    assert isinstance(event, Event)
    facts = GroupTable().merge("k", event, Stamp(event.time_ms, record.partition, 0), Policy({}))
    assert facts is not None
    sent = json.loads(render(facts, Style()))
    schema = notification_schema()
    assert valid(schema, sent)
    assert isinstance(schema["properties"], dict)
    assert list(sent) == list(schema["properties"])


def test_the_event_schema_has_every_name_of_the_event() -> None:
    properties = event_schema()["properties"]
    assert isinstance(properties, dict)
    statistics = properties["statistics"]["properties"]
    known = {*properties, *statistics} - {"statistics", "calling_lists"}
    assert known == {*Event.__struct_fields__, *statistics} - {"statistics", "calling_lists", "time_ms", "ignored"} | {
        "time"
    }
    assert set(NAMES) <= known


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "heartbeat"},
        {"kind": None},
        {"state": 6},
        {"state": "sleeping"},
        {"state": True},
        {"action": 21},
        {"actor": 2},
        {"dial_mode": 12},
        {"optimize_goal": 0.8},
        {"group_name": {}},
        {"group_name": "x" * 1025},
        {"time": True},
        {"statistics": {"hit_ratio": -1}},
        {"statistics": {"hit_ratio": "0.3"}},
        {"statistics": []},
        {"calling_lists": [{"dbid": "1"}]},
        {"calling_lists": {}},
        {"notification_interval": "5s"},
        {"notification_interval": -1},
        {"notification_interval": 0.05},
        {"notification_interval": 86_401},
        {"notification_interval": True},
        {"notifications_enabled": 1},
        {"notifications_enabled": "yes"},
    ],
)
def test_an_event_with_a_wrong_member_is_not_valid(change: dict[str, object]) -> None:
    assert not valid(event_schema(), {**example(event_schema()), **change})


@pytest.mark.parametrize(
    "said",
    [
        *({"notification_interval": seconds} for seconds in (None, 0, 0.1, 5, 86_400)),
        *({"notifications_enabled": switch} for switch in (None, True, False)),
    ],
    ids=str,
)
def test_an_event_may_say_how_often_its_group_is_told_of_and_whether_at_all(said: dict[str, object]) -> None:
    value = {"kind": "statistics", "campaign_group_guid": "g", **said}
    assert valid(event_schema(), value)
    record = Record(Partition("t", 0), 0, 0, None, json.dumps(value).encode())
    event = compile_profile(preset_text("generic"), "generic.yaml").read(record)
    assert isinstance(event, Event)
    assert {name: getattr(event, name) for name in said} == said


@pytest.mark.parametrize("missing", ["kind", "campaign_group_guid"])
def test_an_event_without_kind_or_guid_is_not_valid(missing: str) -> None:
    assert not valid(
        event_schema(), {name: value for name, value in example(event_schema()).items() if name != missing}
    )


def test_a_change_says_state_action_or_dial_mode_and_statistics_need_not() -> None:
    bare = {"kind": "change", "campaign_group_guid": "g"}
    assert not valid(event_schema(), bare)
    assert not valid(event_schema(), {**bare, "state": None, "action": 0})
    assert valid(event_schema(), {**bare, "kind": "statistics"})
    for said in ({"state": 0}, {"action": "load"}, {"dial_mode": None}):
        assert valid(event_schema(), {**bare, **said})


@pytest.mark.parametrize(
    "change",
    [
        {"GSW_CAMPAIGN_GROUP_STATE": 4},  # no dial mode but while running
        {"GSW_DIAL_MODE": 2},  # no optimization but in predictive modes
        {"GSW_DATE_TIME": "1544659952"},
        {"GSW_DATE_TIME": 1544659952.123},
        {"GSW_USER_EVENT": "CampaignStarted"},
        {"GSW_CAMPAIGN_GROUP_ACTION": 21},
        {"GSW_STAT_HIT_RATIO": -0.1},
        {"GSW_CAMPAIGN_GROUP_DBID": 101},
        {"GSW_TENANT_NAME": None},
        {"GSW_CALLING_LISTS": []},
        {"GSW_CALLING_LISTS": [{"GSW_CALLING_LIST_DBID": "1"}]},
        {"COLOUR": "green"},
    ],
)
def test_a_notification_that_breaks_a_rule_of_the_page_is_not_valid(change: dict[str, object]) -> None:
    assert not valid(notification_schema(), {**example(notification_schema()), **change})


def test_only_what_the_page_calls_optional_may_be_missing() -> None:
    schema, sent = notification_schema(), example(notification_schema())
    optional = [name for name in sent if valid(schema, {key: value for key, value in sent.items() if key != name})]
    assert optional == [
        *("GSW_CAMPAIGN_TEMPLATE_NAME", "GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL"),
        *("GSW_STAT_BUSY_FACTOR", "GSW_STAT_HIT_RATIO", "GSW_STAT_OVERDIAL_RATE", "GSW_STAT_TIME_TO_COMPLETE"),
        "GSW_CALLING_LISTS",
    ]
