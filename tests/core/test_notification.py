"""The notification against the page: fields, order, presence, types, and its JSON Schema."""

import json
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from campaigns import FULL, KEY, LENIENT, LISTS, STATISTICS, change, events, stamp
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples
from values import changed

from bridge.core.event import NAMES, CallingList, Event, Statistic, Statistics
from bridge.core.facts import Facts
from bridge.core.groups import GroupTable
from bridge.core.notification import date_time, render
from bridge.core.outcome import InvalidEvent
from bridge.core.schema import notification_schema
from bridge.core.style import Style
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, OptimizeBy

VALIDATOR = jsonschema.Draft202012Validator(notification_schema())
#: The table of the page, row by row, with the statistics of its first table; then the calling lists, which are our choice.
PAGE = [
    "GSW_USER_EVENT",
    "GSW_DATE_TIME",
    "GSW_TENANT_NAME",
    "GSW_TENANT_CCID",
    "GSW_CAMPAIGN_GROUP_NAME",
    "GSW_CAMPAIGN_GROUP_GUID",
    "GSW_CAMPAIGN_GROUP_DBID",
    "GSW_GROUP_NAME",
    "GSW_CAMPAIGN_NAME",
    "GSW_CAMPAIGN_TEMPLATE_NAME",
    "GSW_QUEUE_NAME",
    "GSW_DIAL_MODE",
    "GSW_OPTIMIZE_BY",
    "GSW_OPTIMIZE_GOAL",
    "GSW_CAMPAIGN_GROUP_STATE",
    "GSW_CAMPAIGN_GROUP_ACTION",
    "GSW_CAMPAIGN_GROUP_ACTOR",
    "GSW_STAT_BUSY_FACTOR",
    "GSW_STAT_HIT_RATIO",
    "GSW_STAT_OVERDIAL_RATE",
    "GSW_STAT_TIME_TO_COMPLETE",
    "GSW_CALLING_LISTS",
]
ALWAYS = set(PAGE[:9]) | {"GSW_QUEUE_NAME"} | set(PAGE[14:17])
WHOLE = Facts(
    periodic=False,
    time_ms=1_544_659_952_123,
    names=tuple(FULL.values()),
    state=GroupState.Running,
    action=Action.StartDialing,
    actor=Actor.OcsClient,
    dial_mode=DialMode.Predict,
    optimize_by=OptimizeBy.BusyFactor,
    optimize_goal=80,
    statistics=Statistics(busy_factor=0.85, hit_ratio=0.3, overdial_rate=0.02, time_to_complete=600),
    calling_lists=(CallingList(name="A", dbid="311", hit_ratio=0.3, time_to_complete=None),),
)


def sent(style: Style = Style(), **changes: object) -> dict[str, object]:  # noqa: B008 (frozen)
    """What the receiver reads, of WHOLE with `changes`."""
    found: dict[str, object] = json.loads(render(changed(WHOLE, **changes), style))
    return found


def test_a_whole_notification_is_the_pages_to_the_byte() -> None:
    assert render(WHOLE, Style()).decode() == (
        '{"GSW_USER_EVENT":"CampaignGroupState","GSW_DATE_TIME":"1544659952.123",'
        '"GSW_TENANT_NAME":"<tenant_name>","GSW_TENANT_CCID":"<tenant_ccid>",'
        '"GSW_CAMPAIGN_GROUP_NAME":"<campaign_group_name>","GSW_CAMPAIGN_GROUP_GUID":"<campaign_group_guid>",'
        '"GSW_CAMPAIGN_GROUP_DBID":"<campaign_group_dbid>","GSW_GROUP_NAME":"<group_name>",'
        '"GSW_CAMPAIGN_NAME":"<campaign_name>","GSW_CAMPAIGN_TEMPLATE_NAME":"<campaign_template_name>",'
        '"GSW_QUEUE_NAME":"<queue_name>","GSW_DIAL_MODE":1,"GSW_OPTIMIZE_BY":1,"GSW_OPTIMIZE_GOAL":80,'
        '"GSW_CAMPAIGN_GROUP_STATE":5,"GSW_CAMPAIGN_GROUP_ACTION":9,"GSW_CAMPAIGN_GROUP_ACTOR":1,'
        '"GSW_STAT_BUSY_FACTOR":0.85,"GSW_STAT_HIT_RATIO":0.3,"GSW_STAT_OVERDIAL_RATE":0.02,'
        '"GSW_STAT_TIME_TO_COMPLETE":600,"GSW_CALLING_LISTS":[{"GSW_CALLING_LIST":"A",'
        '"GSW_CALLING_LIST_DBID":"311","GSW_STAT_HIT_RATIO":0.3,"GSW_STAT_TIME_TO_COMPLETE":null}]}'
    )
    assert list(sent()) == PAGE


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (1_544_659_952_123, "1544659952.123"),
        (1_544_659_952_000, "1544659952.000"),
        (1_544_659_952_007, "1544659952.007"),
        (1_544_659_952_120, "1544659952.120"),
        (0, "0.000"),
        (1, "0.001"),
        (999, "0.999"),
        (1000, "1.000"),
        (-1, "-0.001"),
        (-1000, "-1.000"),
        (-1001, "-1.001"),
        (253_402_300_799_999, "253402300799.999"),
    ],
)
def test_a_time_is_seconds_with_three_decimals(time_ms: int, text: str) -> None:
    assert date_time(time_ms) == text


@given(st.integers(-(2**60), 2**60))
def test_any_time_is_exact_and_has_three_decimals(time_ms: int) -> None:
    assert Decimal(date_time(time_ms)) * 1000 == time_ms
    assert len(date_time(time_ms).partition(".")[2]) == 3


@pytest.mark.parametrize(
    ("column", "field"), [(0, "GSW_TENANT_NAME"), (1, "GSW_TENANT_CCID"), (7, "GSW_CAMPAIGN_TEMPLATE_NAME")]
)
def test_a_tenant_that_is_not_set_is_unknown_and_a_template_is_left_out(column: int, field: str) -> None:
    names = list(FULL.values())
    names[column] = None  # type: ignore[call-overload]
    assert sent(names=tuple(names)).get(field) == (None if column == 7 else "Unknown")
    assert sent(Style(unknown_text="undefined"), names=tuple(names)).get(field) == (
        None if column == 7 else "undefined"
    )
    assert (field in sent(names=tuple(names))) is (column != 7)


@pytest.mark.parametrize("state", list(GroupState))
def test_a_dial_mode_is_there_only_while_running(state: GroupState) -> None:
    found = sent(state=state)
    running = state is GroupState.Running
    assert {"GSW_DIAL_MODE", "GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL"} & set(found) == (
        {"GSW_DIAL_MODE", "GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL"} if running else set()
    )
    assert found["GSW_CAMPAIGN_GROUP_STATE"] == state.value


@pytest.mark.parametrize("mode", list(DialMode))
def test_optimization_is_there_only_in_predictive_modes(mode: DialMode) -> None:
    found = sent(dial_mode=mode)
    assert found["GSW_DIAL_MODE"] == mode.value
    assert ("GSW_OPTIMIZE_BY" in found, "GSW_OPTIMIZE_GOAL" in found) == ((mode in {1, 5, 10},) * 2)


def test_without_a_dial_mode_there_is_no_optimization_and_each_part_of_it_stands_alone() -> None:
    assert {"GSW_DIAL_MODE", "GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL"}.isdisjoint(sent(dial_mode=None))
    assert "GSW_OPTIMIZE_BY" not in sent(optimize_by=None)
    assert "GSW_OPTIMIZE_GOAL" in sent(optimize_by=None)
    assert "GSW_OPTIMIZE_GOAL" not in sent(optimize_goal=None)


def test_numbers_that_are_zero_are_there() -> None:
    assert sent(dial_mode=DialMode.NoDialMode)["GSW_DIAL_MODE"] == 0
    found = sent(optimize_by=OptimizeBy.NoOptimizationMethod, optimize_goal=0, statistics=Statistics(hit_ratio=0))
    assert (found["GSW_OPTIMIZE_BY"], found["GSW_OPTIMIZE_GOAL"], found["GSW_STAT_HIT_RATIO"]) == (0, 0, 0)


@pytest.mark.parametrize("action", list(Action))
def test_a_periodic_notification_has_action_0_or_the_one_set(action: Action) -> None:
    assert sent(periodic=True, action=action)["GSW_CAMPAIGN_GROUP_ACTION"] == 0
    assert sent(Style(periodic_action=None), periodic=True, action=action)["GSW_CAMPAIGN_GROUP_ACTION"] == action.value
    style = Style(periodic_action=Action.StartDialing)
    assert sent(style, periodic=True, action=action)["GSW_CAMPAIGN_GROUP_ACTION"] == 9
    assert sent(style, periodic=False, action=action)["GSW_CAMPAIGN_GROUP_ACTION"] == action.value


@pytest.mark.parametrize(("mode", "sent_of_none"), [("always", [None] * 4), ("known", []), ("omit", [])])
def test_statistics_that_nobody_gave_are_null_or_not_there_at_all(mode: Any, sent_of_none: list[None]) -> None:
    found = sent(Style(missing_statistics=mode), statistics=None)
    assert [value for name, value in found.items() if name.startswith("GSW_STAT_")] == sent_of_none


@pytest.mark.parametrize(
    ("style", "others"),
    [
        (Style(), [None] * 3),
        (Style(missing_statistics="known"), [None] * 3),
        (Style(missing_statistics="omit"), []),
    ],
)
def test_once_one_statistic_is_known_the_others_are_null_or_left_out(style: Style, others: list[None]) -> None:
    found = sent(style, statistics=Statistics(overdial_rate=0.02))
    given = {name: value for name, value in found.items() if name.startswith("GSW_STAT_")}
    assert given.pop("GSW_STAT_OVERDIAL_RATE") == 0.02
    assert list(given.values()) == others


@pytest.mark.parametrize("style", [Style(), Style(missing_statistics="omit")], ids=["null", "omit"])
def test_a_statistic_that_cannot_be_computed_is_null_never_0_and_never_left_out(style: Style) -> None:
    found = sent(style, statistics=Statistics(hit_ratio=None))
    assert found["GSW_STAT_HIT_RATIO"] is None


def test_calling_lists_stand_under_the_key_of_the_settings_and_only_where_there_are_some() -> None:
    assert "GSW_CALLING_LISTS" not in sent(calling_lists=())
    found = sent(Style(calling_lists_key="LISTS"))
    assert list(found)[-1] == "LISTS"
    assert "GSW_CALLING_LISTS" not in found


def test_a_calling_list_has_its_name_its_dbid_if_known_and_two_statistics() -> None:
    lists = (CallingList(name="A"), CallingList(name="B", dbid="", hit_ratio=0))
    assert sent(calling_lists=lists)["GSW_CALLING_LISTS"] == [
        {"GSW_CALLING_LIST": "A", "GSW_STAT_HIT_RATIO": None, "GSW_STAT_TIME_TO_COMPLETE": None},
        {
            "GSW_CALLING_LIST": "B",
            "GSW_CALLING_LIST_DBID": "",
            "GSW_STAT_HIT_RATIO": 0,
            "GSW_STAT_TIME_TO_COMPLETE": None,
        },
    ]
    omit = sent(Style(missing_statistics="omit"), calling_lists=lists)
    assert omit["GSW_CALLING_LISTS"] == [
        {"GSW_CALLING_LIST": "A"},
        {"GSW_CALLING_LIST": "B", "GSW_CALLING_LIST_DBID": "", "GSW_STAT_HIT_RATIO": 0},
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(600, b"600"), (600.0, b"600.0"), (0.85, b"0.85"), (0, b"0"), (2**53, b"9007199254740992")]
)
def test_a_number_is_written_as_it_came(value: Statistic, text: bytes) -> None:
    body = render(changed(WHOLE, statistics=Statistics(time_to_complete=value)), Style())
    assert b'"GSW_STAT_TIME_TO_COMPLETE":' + text + b"," in body


FACTS = st.builds(
    Facts,
    periodic=st.booleans(),
    time_ms=st.integers(0, 253_402_300_799_999),
    names=st.tuples(
        *(st.text(max_size=5) if n not in {0, 1, 7} else st.none() | st.text(max_size=5) for n in range(9))
    ),
    state=st.sampled_from(list(GroupState)),
    action=st.sampled_from(list(Action)),
    actor=st.sampled_from(list(Actor)),
    dial_mode=st.none() | st.sampled_from(list(DialMode)),
    optimize_by=st.none() | st.sampled_from(list(OptimizeBy)),
    optimize_goal=st.none() | st.integers(0, 2**53),
    statistics=st.none() | STATISTICS,
    calling_lists=LISTS,
)


KNOWN = Style(missing_statistics="known", periodic_action=None)


@settings(max_examples=examples(200))
@given(FACTS, st.sampled_from([Style(), KNOWN, Style(missing_statistics="omit", periodic_action=Action.LoadCampaign)]))
def test_every_notification_validates_and_has_the_pages_order(facts: Facts, style: Style) -> None:
    found = json.loads(render(facts, style))
    VALIDATOR.validate(found)
    assert list(found) == [name for name in PAGE if name in found]
    assert set(found) >= ALWAYS
    for name in ("STATE", "ACTION", "ACTOR"):
        assert type(found[f"GSW_CAMPAIGN_GROUP_{name}"]) is int
    if style.missing_statistics == "always" or (facts.statistics is not None and style.missing_statistics == "known"):
        assert len([name for name in found if name.startswith("GSW_STAT_")]) == 4


@settings(max_examples=examples(150))
@given(st.lists(events(st.integers(0, 2**41)), min_size=1, max_size=5))
def test_whatever_events_a_table_has_merged_its_notifications_validate(made: list[Event]) -> None:
    table = GroupTable()
    for offset, event in enumerate(made):
        try:
            facts = table.merge(KEY, event, stamp(event.time_ms, offset), LENIENT)
        except InvalidEvent:
            continue
        if facts is not None:
            VALIDATOR.validate(json.loads(render(facts, Style())))


@pytest.mark.parametrize(
    "broken",
    [
        {"GSW_USER_EVENT": "CampaignGroup"},
        {"GSW_DATE_TIME": 1544659952.123},
        {"GSW_DATE_TIME": "1544659952.12"},
        {"GSW_CAMPAIGN_GROUP_STATE": "5"},
        {"GSW_CAMPAIGN_GROUP_STATE": 6},
        {"GSW_CAMPAIGN_GROUP_STATE": 4},
        {"GSW_DIAL_MODE": 2},
        {"GSW_STAT_HIT_RATIO": -0.1},
        {"GSW_QUEUE_NAME": None},
        {"EXTRA": 1},
    ],
    ids=str,
)
def test_the_schema_these_tests_rely_on_refuses_what_the_page_does_not_allow(broken: dict[str, object]) -> None:
    assert VALIDATOR.is_valid(sent())
    assert not VALIDATOR.is_valid(sent() | broken)


def test_the_names_of_the_table_are_those_of_the_page_in_its_order() -> None:
    assert [f"GSW_{name.upper()}" for name in NAMES] == PAGE[2:11]
    assert list(json.loads(render(WHOLE, Style()))) == PAGE


def test_an_event_becomes_the_notification_of_its_time() -> None:
    table = GroupTable()
    facts = table.merge(KEY, change(7, state=GroupState.Active, **FULL), stamp(1_544_659_952_001), LENIENT)
    assert facts is not None
    assert json.loads(render(facts, Style()))["GSW_DATE_TIME"] == "1544659952.001"


def test_the_key_of_the_calling_lists_is_no_other_fields() -> None:
    with pytest.raises(ValueError, match="GSW_QUEUE_NAME is a field of its own"):
        render(WHOLE, Style(calling_lists_key="GSW_QUEUE_NAME"))
