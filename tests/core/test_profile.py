"""The profile language: what each form of a source reads."""

import json
import time

import pytest
from msgspec import UNSET

from bridge.core.event import Event
from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.profile import compile_profile
from bridge.core.profile_fields import Unknown
from bridge.core.record import Partition, Record
from bridge.core.vocabulary import Action, DialMode, GroupState, Kind

HEAD = "key: campaign_group_guid\nevents: [{kind: change}]\nfields:\n  campaign_group_guid: id\n  state: {value: Running}\n"


def record(value: object, *, key: bytes | None = None, headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
    return Record(Partition("t", 0), 1, 1_772_355_600_500, key, json.dumps(value).encode(), headers)


def read(fields: str, value: object, *, on_unknown: Unknown = "reject", **parts: object) -> Event:
    """The event that a profile with these further lines of `fields` makes of a value."""
    text = HEAD + "".join(f"  {line}\n" for line in fields.splitlines())
    event = compile_profile(text, "mine.yaml", on_unknown=on_unknown).read(record(value, **parts))  # type: ignore[arg-type]
    assert isinstance(event, Event)
    return event


def refused(fields: str, value: object) -> tuple[Invalid, str]:
    with pytest.raises(InvalidEvent) as caught:
        read(fields, value)
    return caught.value.reason, caught.value.field


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("a.b", {"a": {"b": "x"}}, "x"),
        ("a[1].b", {"a": [0, {"b": "x"}]}, "x"),
        ("a[7].b", {"a": [0]}, None),
        ("\"['a.b'].c\"", {"a.b": {"c": "x"}}, "x"),
        ("a-b.c_d", {"a-b": {"c_d": "x"}}, "x"),
        ("a.b", {"a": None}, None),
        ("a", {"a": ""}, None),
        ("a", {"a": 17}, "17"),
        ("a", {"a": "017"}, "017"),
        ("[a, b]", {"a": None, "b": "x"}, "x"),
        ("[a, b]", {"a": "", "b": "x"}, "x"),
        ("[a, b]", {"a": "y", "b": "x"}, "y"),
        ("{from: [a, b]}", {"b": "x"}, "x"),
        ("{value: fixed}", {}, "fixed"),
        ("{value: 0123}", {}, "0123"),
        ("{value: null}", {}, None),
        ("{from: [a, b]}", {"a": None}, None),
        ("{from: [a, b]}", {}, None),
        ("{from: a, when: {'[0].b': 'yes'}}", {"a": "x"}, None),
        ("{join: [a, b], with: '@'}", {"a": "camp", "b": 3}, "camp@3"),
        ("{join: [a, b]}", {"a": "camp"}, None),
        ("[{join: [a, b]}, a]", {"a": "camp"}, "camp"),
        ("{from: a, match: 'arn:*:campaign/*'}", {"a": "arn:x"}, "never compiled"),
        ("{from: a, match: 'arn:campaign/*'}", {"a": "arn:campaign/c-7"}, "c-7"),
        ("{from: a, match: 'arn:campaign/*'}", {"a": "arn:queue/c-7"}, None),
        ("{from: a, when: {b: 'yes'}}", {"a": "x", "b": "yes"}, "x"),
        ("{from: a, when: {b: 'yes'}}", {"a": "x", "b": "no"}, None),
    ],
)
def test_a_name_is_read_from(source: str, value: dict[str, object], expected: str | None) -> None:
    if expected == "never compiled":
        with pytest.raises(Exception, match="exactly one"):
            read(f"group_name: {source}", {"id": "g", **value})
        return
    assert read(f"group_name: {source}", {"id": "g", **value}).group_name == expected


def test_key_and_headers_are_places_too_and_the_last_header_of_a_name_counts() -> None:
    headers = (("tenant", b"old"), ("tenant", "Köln".encode()))
    event = read('tenant_name: "header:tenant"\ngroup_name: "key:"', {"id": "g"}, key=b"k-1", headers=headers)
    assert (event.tenant_name, event.group_name) == ("Köln", "k-1")
    assert read('tenant_name: "header:tenant"\ngroup_name: "key:"', {"id": "g"}).tenant_name is None
    with pytest.raises(InvalidEvent, match="bad_utf8: key:"):
        read('group_name: "key:"', {"id": "g"}, key=b"\xff")


def test_a_path_that_begins_with_a_number_is_a_wrong_type_as_every_record_is_an_object() -> None:
    assert refused("group_name: '[0].a'", {"id": "g", "0": {"a": "x"}}) == (Invalid.WRONG_TYPE, "[0].a")


def test_other_headers_around_the_one_looked_for_do_not_matter() -> None:
    headers = (("trace", b"1"), ("tenant", b"x"), ("span", b"2"))
    assert read('tenant_name: "header:tenant"', {"id": "g"}, headers=headers).tenant_name == "x"
    assert read('tenant_name: "header:tenants"', {"id": "g"}, headers=headers).tenant_name is None


def test_a_path_through_a_text_is_a_wrong_type_and_not_silently_nothing() -> None:
    assert refused("group_name: a.b", {"id": "g", "a": "text"}) == (Invalid.WRONG_TYPE, "a.b")


@pytest.mark.parametrize("word", ["go", "GO", "Go-Go", "go_go", "gogo", 5, "5"])
def test_words_of_a_profile_ignore_case_and_punctuation_and_know_numbers(word: object) -> None:
    source = "action: {from: s, words: {go: StopDialing, go go: StopDialing, 5: 10, x: StartDialing}}"
    assert read(source, {"id": "g", "s": word}).action is Action.StopDialing


def test_a_profile_with_its_own_words_knows_only_those() -> None:
    source = "action: {from: s, words: {go: StartDialing}}"
    assert refused(source, {"id": "g", "s": "start"}) == (Invalid.UNKNOWN_WORD, "action")
    assert refused(source, {"id": "g", "s": 9}) == (Invalid.UNKNOWN_WORD, "action")
    assert refused(source, {"id": "g", "s": True}) == (Invalid.WRONG_TYPE, "action")


def test_unknown_words_are_refused_or_left_out_by_the_default_and_by_each_source() -> None:
    value = {"id": "g", "m": "telepathic"}
    assert refused("dial_mode: m", value) == (Invalid.UNKNOWN_WORD, "dial_mode")
    assert read("dial_mode: m", value, on_unknown="omit").dial_mode is UNSET
    assert read("dial_mode: {from: m, unknown: omit}", value).dial_mode is UNSET
    with pytest.raises(InvalidEvent, match="unknown_word"):
        read("dial_mode: {from: m, unknown: reject}", value, on_unknown="omit")


def test_a_word_for_null_says_none_and_a_missing_one_says_nothing() -> None:
    source = "dial_mode: {from: m, words: {hand: null, auto: Predict}}"
    assert read(source, {"id": "g", "m": "hand"}).dial_mode is None
    assert read(source, {"id": "g", "m": None}).dial_mode is None
    assert read(source, {"id": "g"}).dial_mode is UNSET
    assert read(source, {"id": "g", "m": "AUTO"}).dial_mode is DialMode.Predict


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("s", 600, 600),
        ("s", 0.85, 0.85),
        ("s", -0.0, 0.0),
        ("s", None, None),
        ("{from: s, divide: 100}", 85, 0.85),
        ("{from: s, divide: 100}", 0.7, 0.007),
        ("{from: s, divide: 100}", 200, 2),
        ("{from: s, as: decimal, divide: 100}", "3.50", 0.035),
        ("{from: s, as: decimal, divide: 100}", "0.00", 0),
        ("{from: s, as: decimal}", "600", 600),
        ("{from: s, multiply: 60}", 2.5, 150),
        ("{value: 0.25}", 0, 0.25),
    ],
)
def test_a_statistic_is_read_and_scaled_without_noise(source: str, value: object, expected: float | None) -> None:
    statistics = read(f"hit_ratio: {source}", {"id": "g", "s": value}).statistics
    assert statistics is not None
    assert repr(statistics.hit_ratio) == repr(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"n": 3, "d": 10}, 0.3),
        ({"n": 1, "d": 3}, 1 / 3),
        ({"n": 10, "d": 5}, 2),
        ({"n": 3, "d": 0}, None),
        ({"n": 0, "d": 0}, None),
        ({"n": None, "d": 10}, None),
        ({"n": 3, "d": None}, None),
        ({"n": 3}, UNSET),
        ({"d": 10}, UNSET),
    ],
)
def test_a_ratio_is_null_where_it_cannot_be_computed(value: dict[str, object], expected: object) -> None:
    statistics = read("hit_ratio: {ratio: [n, d]}\nbusy_factor: {value: 1}", {"id": "g", **value}).statistics
    assert statistics is not None
    assert statistics.hit_ratio == expected


def test_a_ratio_is_scaled_like_any_number() -> None:
    statistics = read(
        "time_to_complete: {ratio: [left, per_hour], multiply: 3600}", {"id": "g", "left": 50, "per_hour": 30}
    )
    assert statistics.statistics is not None
    assert statistics.statistics.time_to_complete == 6000


@pytest.mark.parametrize(
    ("source", "value", "reason"),
    [
        ("s", "0.3", Invalid.WRONG_TYPE),
        ("s", True, Invalid.WRONG_TYPE),
        ("s", [1], Invalid.WRONG_TYPE),
        ("s", -1, Invalid.NEGATIVE),
        ("s", 2**53 + 1, Invalid.BAD_NUMBER),
        ("{from: s, divide: 100}", "3.50", Invalid.WRONG_TYPE),
        ("{from: s, multiply: 60}", 2**52, Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "NaN", Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "", Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "1e999", Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "-0.5", Invalid.NEGATIVE),
        ("{from: s, as: decimal}", False, Invalid.WRONG_TYPE),
    ],
)
def test_a_number_that_is_no_statistic_is_refused(source: str, value: object, reason: Invalid) -> None:
    assert refused(f"hit_ratio: {source}", {"id": "g", "s": value}) == (reason, "hit_ratio")


@pytest.mark.parametrize(("value", "expected"), [(80, 80), (80.0, 80), (None, None)])
def test_a_goal_is_an_integer(value: object, expected: int | None) -> None:
    assert repr(read("optimize_goal: goal", {"id": "g", "goal": value}).optimize_goal) == repr(expected)


@pytest.mark.parametrize(("value", "expected"), [(2.6, 3), ("2.4", 2), (2.5, 2), (3, 3)])
def test_a_goal_may_be_rounded(value: object, expected: int) -> None:
    assert repr(read("optimize_goal: {from: goal, as: rounded}", {"id": "g", "goal": value}).optimize_goal) == repr(
        expected
    )


NINE = 1_772_355_600_000  # 2026-03-01T09:00:00Z


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("t", "2026-03-01T09:00:00Z", NINE),
        ("t", "2026-03-01t09:00:00.5z", NINE + 500),
        ("t", "2026-03-01T11:00:00.123456789+02:00", NINE + 123),
        ("t", "2026-03-01T04:30:00-0430", NINE),
        ("t", "2026-03-01T09:00:00", NINE),
        ("t", "2026-03-01 09:00:00", NINE),
        ("t", "2026-03-01 09:00:00,999999", NINE + 999),
        ("t", 1772355600, NINE),
        ("t", 1772355600.123, NINE + 123),
        ("t", "1772355600.123", NINE + 123),
        ("t", NINE + 7, NINE + 7),
        ("t", (NINE + 7) * 1000 + 999, NINE + 7),
        ("t", (NINE + 7) * 10**6, NINE + 7),
        ("{from: t, as: epoch_ms}", 1772355600, 1772355600),
        ("{from: t, as: epoch_s}", "1544659952.123", 1_544_659_952_123),
        ("[t, u]", None, NINE + 500),
        ("u", None, NINE + 500),
    ],
)
def test_a_time_is_read_in_every_form_and_falls_back_to_the_records(source: str, value: object, expected: int) -> None:
    assert read(f"time: {source}", {"id": "g", "t": value}).time_ms == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("yesterday", Invalid.BAD_TIME),
        ("2026-02-30T09:00:00Z", Invalid.BAD_TIME),
        ("0000-00-00 00:00:00", Invalid.BAD_TIME),
        ("1969-12-31T23:59:59Z", Invalid.BAD_TIME),
        ("2026-W09-7", Invalid.BAD_TIME),
        # As long as the usual form, and not of it.
        ("2026-02-30T09:00:00.123Z", Invalid.BAD_TIME),
        ("1969-12-31T23:59:59.123Z", Invalid.BAD_TIME),
        ("2026-03-01T09:00+01.123Z", Invalid.BAD_TIME),
        ("2026-03-01T09:00:00.1\u0663Z", Invalid.BAD_TIME),
        ("2026-03-01T09:00:00.12\u0663Z", Invalid.BAD_TIME),
        ("2026-03-01T09:00:60.123Z", Invalid.BAD_TIME),
        (-1, Invalid.BAD_TIME),
        (10**30, Invalid.BAD_TIME),
        (1e300, Invalid.BAD_TIME),
        ("", Invalid.BAD_TIME),
        (True, Invalid.WRONG_TYPE),
        ({}, Invalid.WRONG_TYPE),
    ],
)
def test_a_time_that_is_none_is_refused(value: object, reason: Invalid) -> None:
    assert refused("time: t", {"id": "g", "t": value}) == (reason, "time")


@pytest.mark.parametrize("value", [1772355600, "1772355600", "2026-03-01", "20260301T090000Z"])
def test_where_a_profile_says_iso_nothing_else_is_a_time(value: object) -> None:
    assert read("time: {from: t, as: iso}", {"id": "g", "t": "2026-03-01T09:00:00Z"}).time_ms == NINE
    assert refused("time: {from: t, as: iso}", {"id": "g", "t": value}) == (Invalid.BAD_TIME, "time")


def test_a_record_without_any_time_is_refused() -> None:
    given = Record(Partition("t", 0), 1, -1, None, b'{"id": "g"}')
    with pytest.raises(InvalidEvent, match="missing_field: time"):
        compile_profile(HEAD, "mine.yaml").read(given)


ALONE: list[object] = ["x", "xy", "y", "", "1", 1, 1.5, True, None, {}, ["x"], "missing"]
RULES = """
key: campaign_group_guid
events:
  - {when: {type: [run, walk], 'meta.v': {not: 1}}, kind: change}
  - {when: {type: 'stat*', error: null}, kind: statistics}
  - {when: [{shot: true}, {shots: '*'}], kind: snapshot}
  - {when: {new: {differs: old}}, kind: change, fields: {campaign_group_guid: other, action: {value: StopDialing}}}
fields:
  campaign_group_guid: id
  state: {value: Active}
"""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "run"}, Kind.CHANGE),
        ({"type": "walk", "meta": {"v": 2}}, Kind.CHANGE),
        ({"type": "walk", "meta": {"v": 1}}, None),
        ({"type": "walk", "meta": {"v": "1"}}, None),
        ({"type": "RUN"}, None),
        ({"type": "stats.v2"}, Kind.STATISTICS),
        ({"type": "stats.v2", "error": None}, Kind.STATISTICS),
        ({"type": "stats.v2", "error": "x"}, None),
        ({"type": ["stats"]}, None),
        ({"type": "stat" + "x" * 2000}, None),
        ({"shot": True}, Kind.SNAPSHOT),
        ({"shot": "true"}, Kind.SNAPSHOT),
        ({"shot": 1}, None),
        ({"shots": {}}, Kind.SNAPSHOT),
        ({"meta": "text", "type": "run"}, Kind.CHANGE),
        ({"new": "a", "old": "b"}, Kind.CHANGE),
        ({"new": "a", "old": "a"}, None),
        ({}, None),
    ],
)
def test_the_first_rule_whose_conditions_hold_gives_the_kind(value: dict[str, object], expected: Kind | None) -> None:
    event = compile_profile(RULES, "rules.yaml").read(record({"id": "g", **value}))
    assert (event is Skip.NOT_SELECTED) if expected is None else (isinstance(event, Event) and event.kind is expected)


@pytest.mark.parametrize("path", ["type", "['type']", "meta.v", "list[0]"])
@pytest.mark.parametrize(
    "test",
    [
        "x",
        "'1'",
        "'true'",
        "'*'",
        "'x*'",
        "null",
        "[x, y]",
        "{not: x}",
        "{not: '*'}",
        "{not: [x, 1]}",
        "{not: {not: x}}",
    ],
)
def test_a_condition_alone_holds_as_it_does_beside_another(path: str, test: str) -> None:
    """What stands alone is looked at by a shorter way."""

    def selected(when: str, value: object) -> bool:
        rules = f"key: campaign_group_guid\nevents:\n  - {{when: {{{when}}}, kind: change}}\nfields: {{campaign_group_guid: id, state: {{value: Active}}}}\n"
        given = {"type": value, "meta": {"v": value}, "list": [value]} if value != "missing" else {}
        return isinstance(compile_profile(rules, "rules.yaml").read(record({"id": "g", **given})), Event)

    held = [selected(f'"{path}": {test}', value) for value in ALONE]
    assert held == [selected(f'"{path}": {test}, id: "*"', value) for value in ALONE]
    assert True in held


def test_a_rules_own_fields_come_before_the_shared_ones() -> None:
    event = compile_profile(RULES, "rules.yaml").read(record({"id": "g", "other": "h", "new": 1}))
    assert isinstance(event, Event)
    assert (event.campaign_group_guid, event.state, event.action) == ("h", GroupState.Active, Action.StopDialing)


def test_calling_lists_are_read_from_an_array_with_the_same_forms_of_sources() -> None:
    fields = "calling_lists: {in: a.lists, name: [title, n], dbid: i, hit_ratio: {from: pct, divide: 100}}"
    event = read(fields, {"id": "g", "a": {"lists": [{"n": "A", "i": 7, "pct": 25}, {"title": "B", "n": "x"}]}})
    assert event.calling_lists is not None
    assert [(each.name, each.dbid, each.hit_ratio) for each in event.calling_lists] == [
        ("A", "7", 0.25),
        ("B", None, UNSET),
    ]
    assert event.calling_lists[0].time_to_complete is UNSET
    too_many = {"id": "g", "a": {"lists": [{"n": str(number)} for number in range(1001)]}}
    assert refused(fields, too_many) == (Invalid.TOO_LONG, "calling_lists")
    assert refused(fields, {"id": "g", "a": {"lists": ["A"]}}) == (Invalid.WRONG_TYPE, "calling_lists")


@pytest.mark.parametrize("value", [None, b""])
def test_a_tombstone_is_skipped(value: bytes | None) -> None:
    assert compile_profile(HEAD, "mine.yaml").read(Record(Partition("t", 0), 1, 1, b"g", value)) is Skip.TOMBSTONE


def test_a_profile_keeps_its_name_key_and_texts_for_what_is_missing() -> None:
    text = HEAD.replace(
        "key: campaign_group_guid", "key: [tenant_ccid, campaign_group_guid]\nmissing: {queue_name: none}"
    )
    profile = compile_profile(text + "  tenant_ccid: t\n", "/etc/bridge/our-dialler.yaml")
    assert profile.name == "our-dialler"
    assert profile.key == ("tenant_ccid", "campaign_group_guid")
    assert profile.missing == {"queue_name": "none"}


def test_an_integer_beyond_two_to_53_is_no_id_because_most_readers_would_round_it() -> None:
    assert read("group_name: a", {"id": "g", "a": 2**53}).group_name == str(2**53)
    assert refused("group_name: a", {"id": "g", "a": 2**53 + 1}) == (Invalid.BAD_NUMBER, "group_name")


def test_a_time_without_offset_is_utc_wherever_the_bridge_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/New_York")
        time.tzset()
        assert read("time: t", {"id": "g", "t": "2026-03-01 09:00:00"}).time_ms == NINE
    time.tzset()


def test_a_condition_with_many_stars_is_decided_at_once_also_on_a_hostile_text() -> None:
    fields = "group_name: {value: x, when: {a: '*a*a*a*a*a*a*b'}}"
    assert read(fields, {"id": "g", "a": "a" * 1000}).group_name is None
    assert read(fields, {"id": "g", "a": "a" * 900 + "b"}).group_name == "x"


def test_a_payload_without_a_schema_is_not_unwrapped() -> None:
    profile = compile_profile(f"inside: debezium\n{HEAD}", "mine.yaml")
    wrapped = profile.read(record({"schema": {}, "payload": {"id": "inner"}, "id": "outer"}))
    plain = profile.read(record({"payload": {"id": "inner"}, "id": "outer"}))
    assert [isinstance(each, Event) and each.campaign_group_guid for each in (wrapped, plain)] == ["inner", "outer"]


def test_attributes_of_a_cloud_event_can_be_read_and_stray_headers_make_no_binary_one() -> None:
    profile = compile_profile(f'inside: cloudevents\n{HEAD}  group_name: "ce:source"\n', "mine.yaml")
    structured = {"specversion": "1.0", "source": "/a", "data": {"id": "g", "source": "/b"}}
    event = profile.read(record(structured, headers=(("ce_source", b"/c"),)))
    assert isinstance(event, Event)
    assert event.group_name == "/a"
    event = profile.read(record({"id": "g"}, headers=(("ce_specversion", b"1.0"), ("ce_source", b"/c"))))
    assert isinstance(event, Event)
    assert event.group_name == "/c"


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("s", 5, 5.0),
        ("s", 2.5, 2.5),
        ("s", 0, 0.0),
        ("s", -0.0, 0.0),
        ("s", 0.1, 0.1),
        ("s", 86_400, 86_400.0),
        ("s", None, None),
        ("other", 5, None),
        ("{from: s, as: decimal}", "5", 5.0),
        ("{from: s, divide: 1000}", 2500, 2.5),
        ("{from: minutes, multiply: 60}", 5, None),
        ("{from: s, multiply: 60}", 5, 300.0),
        ("{value: 30}", None, 30.0),
        ("[s, {value: 30}]", None, 30.0),
    ],
)
def test_an_interval_is_read_in_seconds_or_scaled_to_them(source: str, value: object, expected: float | None) -> None:
    found = read(f"notification_interval: {source}", {"id": "g", "s": value}).notification_interval
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("source", "value", "reason"),
    [
        ("s", "5", Invalid.WRONG_TYPE),
        ("s", "5s", Invalid.WRONG_TYPE),
        ("s", True, Invalid.WRONG_TYPE),
        ("s", {}, Invalid.WRONG_TYPE),
        ("s", -1, Invalid.NEGATIVE),
        ("s", 0.09, Invalid.BAD_NUMBER),
        ("s", 1e-300, Invalid.BAD_NUMBER),
        ("s", 86_401, Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "5s", Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "inf", Invalid.BAD_NUMBER),
        ("{from: s, multiply: 60}", 1441, Invalid.BAD_NUMBER),
        ("{from: s, divide: 1000}", 5, Invalid.BAD_NUMBER),
    ],
)
def test_a_number_that_is_no_interval_is_refused(source: str, value: object, reason: Invalid) -> None:
    said = f"notification_interval: {source}"
    assert refused(said, {"id": "g", "s": value}) == (reason, "notification_interval")


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("s", True, True),
        ("s", False, False),
        ("s", None, None),
        ("other", True, None),
        ("s", "true", True),
        ("s", "No", False),
        ("{value: false}", None, False),
        ("{from: s, words: {Y: true, N: false}}", "n", False),
        ("{from: s, words: {1: true, 0: false}}", 0, False),
        ("{from: s, words: {1: true, 0: false}}", "1", True),
        ("{from: muted, words: {true: false, false: true}}", None, None),
        ("{from: s, words: {true: false, false: true}}", True, False),
        ("{from: s, words: {true: false, false: true}}", False, True),
        ("{from: s, unknown: omit}", "perhaps", None),
        ("[{value: false, when: {s: muted}}, {value: true}]", "muted", False),
    ],
)
def test_a_switch_is_a_boolean_or_a_word_for_one(source: str, value: object, expected: bool | None) -> None:
    found = read(f"notifications_enabled: {source}", {"id": "g", "s": value}).notifications_enabled
    assert found is expected


@pytest.mark.parametrize(
    ("source", "value", "reason"),
    [
        ("s", 1, Invalid.UNKNOWN_WORD),
        ("s", 0, Invalid.UNKNOWN_WORD),
        ("s", "perhaps", Invalid.UNKNOWN_WORD),
        ("s", 1.0, Invalid.WRONG_TYPE),
        ("s", [True], Invalid.WRONG_TYPE),
        ("{from: s, words: {Y: true, N: false}}", True, Invalid.UNKNOWN_WORD),
    ],
)
def test_what_is_no_switch_is_refused(source: str, value: object, reason: Invalid) -> None:
    said = f"notifications_enabled: {source}"
    assert refused(said, {"id": "g", "s": value}) == (reason, "notifications_enabled")


def test_a_change_of_the_interval_alone_is_no_change_of_the_group() -> None:
    text = HEAD.replace("  state: {value: Running}\n", "") + "  notification_interval: s\n"
    with pytest.raises(InvalidEvent, match="a change says state, action or dial_mode"):
        compile_profile(text, "mine.yaml").read(record({"id": "g", "s": 5}))
    event = compile_profile(text.replace("kind: change", "kind: statistics"), "m").read(record({"id": "g", "s": 5}))
    assert isinstance(event, Event)
    assert event.notification_interval == 5
