"""The profile language: what each form of a source reads."""

import json
import time

import pytest
from msgspec import UNSET

from bridge.core.event import CallingList, Event, Statistics
from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.profile import ProfileError, compile_profile
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


def left_out(fields: str, value: object) -> tuple[Invalid, str]:
    """Why the one field of an event that could not be read was left out, and which. A profile may say that it costs the event."""
    event = read(fields, value)
    ((field, reason),) = event.ignored
    if fields.startswith(f"{field}: {{from: "):
        strict = fields.replace("{from: ", "{invalid: reject, from: ")
        assert refused(strict, value)[0] is reason
    return reason, field


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
        ("{from: a, match: 'arn:*:campaign/*'}", {"a": "arn:x"}, None),
        ("{from: a, match: 'arn:*:campaign/*'}", {"a": "arn:7:campaign/c-7"}, "7"),
        ("{from: a, match: 'arn:*:campaign/(*)'}", {"a": "arn:7:campaign/c-7"}, "c-7"),
        ("{from: a, match: 'arn:*:*:campaign/(*)/*'}", {"a": "arn:7:8:campaign/c-7/run/1"}, "c-7"),
        ("{from: a, match: 'Spring (*)'}", {"a": "Spring (7)"}, "7"),
        ("a[-1].b", {"a": [{"b": "x"}, {"b": "y"}]}, "y"),
        ("a[-3]", {"a": ["x", "y"]}, None),
        ("a[name=HIT].b", {"a": [1, {"name": "MISS", "b": "x"}, {"name": "HIT", "b": "y"}]}, "y"),
        ("a[id=7].b", {"a": [{"id": "8", "b": "x"}, {"id": 7.0, "b": "y"}]}, "y"),
        ("\"a[name='x].y'].b\"", {"a": [{"name": "x].y", "b": "z"}]}, "z"),
        ("a[at=12:30].b", {"a": [{"at": "12:30", "b": "z"}]}, "z"),
        ("a[name=NONE].b", {"a": [{"name": "HIT", "b": "y"}]}, None),
        ("a", {"a": 101.0}, "101"),
        ("record:a.b", {"a": {"b": "x"}}, "x"),
        ("{join: [a, {value: East}, b], with: '-'}", {"a": "camp", "b": 3.0}, "camp-East-3"),
        ("{from: a, match: 'arn:campaign/*'}", {"a": "arn:campaign/c-7"}, "c-7"),
        ("{from: a, match: 'arn:campaign/*'}", {"a": "arn:queue/c-7"}, None),
        ("{from: a, when: {b: 'yes'}}", {"a": "x", "b": "yes"}, "x"),
        ("{from: a, when: {b: 'yes'}}", {"a": "x", "b": "no"}, None),
    ],
)
def test_a_name_is_read_from(source: str, value: dict[str, object], expected: str | None) -> None:
    assert read(f"group_name: {source}", {"id": "g", **value}).group_name == expected


def test_key_and_headers_are_places_too_and_the_last_header_of_a_name_counts() -> None:
    headers = (("tenant", b"old"), ("tenant", "Köln".encode()))
    event = read('tenant_name: "header:tenant"\ngroup_name: "key:"', {"id": "g"}, key=b"k-1", headers=headers)
    assert (event.tenant_name, event.group_name) == ("Köln", "k-1")
    without = read('tenant_name: "header:tenant"\ngroup_name: "key:"', {"id": "g"})
    assert (without.tenant_name, without.group_name) == (None, None)
    odd = read('group_name: "key:"', {"id": "g"}, key=b"\xff")
    assert (odd.group_name, odd.ignored) == (None, (("group_name", Invalid.BAD_UTF8),))


def test_a_path_that_begins_with_a_number_is_a_wrong_type_as_every_record_is_an_object() -> None:
    assert left_out("group_name: '[0].a'", {"id": "g", "0": {"a": "x"}}) == (Invalid.WRONG_TYPE, "group_name")


def test_other_headers_around_the_one_looked_for_do_not_matter() -> None:
    headers = (("trace", b"1"), ("tenant", b"x"), ("span", b"2"))
    assert read('tenant_name: "header:tenant"', {"id": "g"}, headers=headers).tenant_name == "x"
    assert read('tenant_name: "header:tenants"', {"id": "g"}, headers=headers).tenant_name is None


def test_a_path_through_a_text_is_a_wrong_type_and_not_silently_nothing() -> None:
    assert left_out("group_name: a.b", {"id": "g", "a": "text"}) == (Invalid.WRONG_TYPE, "group_name")
    assert left_out("group_name: 'a[x=1]'", {"id": "g", "a": {}}) == (Invalid.WRONG_TYPE, "group_name")
    assert refused("action: a.b", {"id": "g", "a": "text"}) == (Invalid.WRONG_TYPE, "a.b")


@pytest.mark.parametrize("word", ["go", "GO", "Go-Go", "go_go", "gogo", 5, "5"])
def test_words_of_a_profile_ignore_case_and_punctuation_and_know_numbers(word: object) -> None:
    source = "action: {from: s, words: {go: StopDialing, go go: StopDialing, 5: 10, x: StartDialing}}"
    assert read(source, {"id": "g", "s": word}).action is Action.StopDialing


def test_a_profile_with_its_own_words_knows_only_those() -> None:
    source = "action: {from: s, words: {go: StartDialing}}"
    assert refused(source, {"id": "g", "s": "start"}) == (Invalid.UNKNOWN_WORD, "action")
    assert refused(source, {"id": "g", "s": 9}) == (Invalid.UNKNOWN_WORD, "action")
    assert refused(source, {"id": "g", "s": True}) == (Invalid.WRONG_TYPE, "action")


def test_an_unknown_word_of_a_setting_is_left_out_and_of_a_change_refused_unless_said_otherwise() -> None:
    value = {"id": "g", "m": "telepathic"}
    assert read("dial_mode: m", value).dial_mode is UNSET
    assert left_out("dial_mode: m", value) == (Invalid.UNKNOWN_WORD, "dial_mode")
    assert refused("dial_mode: {from: m, unknown: reject}", value) == (Invalid.UNKNOWN_WORD, "dial_mode")
    assert refused("dial_mode: {from: m, invalid: reject}", value) == (Invalid.UNKNOWN_WORD, "dial_mode")
    assert refused("action: m", value) == (Invalid.UNKNOWN_WORD, "action")
    omitted = read("action: m", value, on_unknown="omit")
    assert (omitted.action, omitted.ignored) == (None, (("action", Invalid.UNKNOWN_WORD),))
    with pytest.raises(InvalidEvent, match="unknown_word"):
        read("action: {from: m, unknown: reject}", value, on_unknown="omit")
    with pytest.raises(InvalidEvent, match="wrong_type"):
        read("action: m", {"id": "g", "m": []}, on_unknown="omit")


def test_words_that_a_profile_leaves_out_on_purpose_are_not_counted() -> None:
    assert read("action: {from: m, unknown: omit}", {"id": "g", "m": "x"}).ignored == ()
    found = read("action: {from: m, words: {go: 9}, default: 10}", {"id": "g", "m": "x"})
    assert (found.action, found.ignored) == (Action.StopDialing, ())
    assert read("dial_mode: {from: m, words: {go: 1}, default: null}", {"id": "g", "m": "x"}).dial_mode is None
    assert refused("action: {from: m, words: {go: 9}, default: 10}", {"id": "g", "m": []})[0] is Invalid.WRONG_TYPE


@pytest.mark.parametrize(
    "fields",
    [
        "state: {from: m, words: {edited: null, go: Running}}",
        "state: {from: m, words: {go: Running}, default: null}",
        "kind: {from: m, words: {edited: null, go: change}}",
    ],
)
def test_a_record_whose_state_or_kind_means_nothing_is_passed_over(fields: str) -> None:
    text = HEAD.replace("events: [{kind: change}]\n", "").replace("  state: {value: Running}\n", "")
    kind = "" if "kind" in fields else "  kind: {value: change}\n"
    profile = compile_profile(f"{text}{kind}  {fields}\n  action: {{value: Start}}\n", "mine.yaml")
    assert profile.read(record({"id": "g", "m": "edited"})) is Skip.PASSED_OVER
    assert isinstance(profile.read(record({"id": "g", "m": "go"})), Event)


def test_statistics_are_kept_whatever_the_state_beside_them_means() -> None:
    text = HEAD.replace("kind: change", "kind: statistics").replace(
        "{value: Running}", "{from: m, words: {edited: null}}"
    )
    event = compile_profile(f"{text}  hit_ratio: hits\n", "mine.yaml").read(
        record({"id": "g", "m": "edited", "hits": 0.3})
    )
    assert isinstance(event, Event)
    assert (event.state, event.statistics) == (None, Statistics(hit_ratio=0.3))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5.0, 5),
        ("5.0", 5),
        (" 5 ", 5),
        ("4", 4),
        ("running", 5),
        (True, None),
        ("-5", None),
        ("0.5", None),
        (5.5, None),
    ],
)
def test_a_number_means_the_state_of_that_number_however_it_is_written(value: object, expected: int | None) -> None:
    given = "key: campaign_group_guid\nevents: [{kind: change}]\nfields: {campaign_group_guid: id, state: s}"
    profile = compile_profile(given, "mine.yaml")
    if expected is None:
        with pytest.raises(InvalidEvent):
            profile.read(record({"id": "g", "s": value}))
    else:
        event = profile.read(record({"id": "g", "s": value}))
        assert isinstance(event, Event)
        assert event.state == expected


def test_one_point_zero_is_one_and_not_ten() -> None:
    assert read("dial_mode: m", {"id": "g", "m": "1.0"}).dial_mode is DialMode.Predict
    assert left_out("dial_mode: m", {"id": "g", "m": "1.5"}) == (Invalid.UNKNOWN_WORD, "dial_mode")


def test_a_boolean_is_a_word_where_the_profile_has_one_for_it() -> None:
    source = "action: {from: on, words: {true: StartDialing, false: StopDialing}}"
    assert read(source, {"id": "g", "on": True}).action is Action.StartDialing
    assert read(source, {"id": "g", "on": "FALSE"}).action is Action.StopDialing


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
        ("s", "0.3", 0.3),
        ("s", " 5.0 ", 5),
        ("s", ".5", 0.5),
        ("s", "-0", 0),
        ("{from: s, divide: 100}", "3.50", 0.035),
        ("{from: s, as: percent}", "30 %", 0.3),
        ("{from: s, as: percent}", "12.5%", 0.125),
        ("{from: s, as: percent}", 30, 0.3),
        ("{from: s, as: percent, decimal: comma}", "30,5 %", 0.305),
        ("{from: s, decimal: comma}", "1.234,5", 1234.5),
        ("{from: s, decimal: comma}", "0,85", 0.85),
        ("{from: s, decimal: comma}", 0.85, 0.85),
        ("{from: s, as: duration}", "01:10:00", 4200),
        ("{from: s, as: duration}", "10:30", 630),
        ("{from: s, as: duration}", "1.02:00:00.5", 93600.5),
        ("{from: s, as: duration}", "PT10M", 600),
        ("{from: s, as: duration}", "P1DT0.5S", 86400.5),
        ("{from: s, as: duration}", "P2W", 1209600),
        ("{from: s, as: duration}", "70 min", 4200),
        ("{from: s, as: duration}", "1h 10m", 4200),
        ("{from: s, as: duration}", "1 hour, 10 minutes and 5 seconds", 4205),
        ("{from: s, as: duration}", "1,5 h", 5400),
        ("{from: s, as: duration}", "600", 600),
        ("{from: s, as: duration}", 600, 600),
        ("{from: s, as: duration, divide: 2}", "PT10M", 300),
        ("{sum: [s, s]}", "1.5", 3),
        ("{sum: [s, s, s], divide: 3}", 2, 2),
        ("{sum: [s, s], as: duration}", "PT1M", 120),
        ("{difference: [s, s]}", 5, 0),
        ("{ratio: [s, {sum: [s, s]}]}", 5, 0.5),
        ("{ratio: [s, {sum: [s, {difference: [s, s]}]}], as: percent}", "50 %", 1),
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
        ("s", "N/A", Invalid.BAD_NUMBER),
        ("s", "30,5", Invalid.BAD_NUMBER),
        ("s", "30 %", Invalid.BAD_NUMBER),
        ("s", "", Invalid.BAD_NUMBER),
        ("s", "1" * 300, Invalid.BAD_NUMBER),
        ("s", True, Invalid.WRONG_TYPE),
        ("s", [1], Invalid.WRONG_TYPE),
        ("s", -1, Invalid.NEGATIVE),
        ("s", 2**53 + 1, Invalid.BAD_NUMBER),
        ("s", float("nan"), Invalid.BAD_NUMBER),
        ("s", float("inf"), Invalid.BAD_NUMBER),
        ("{from: s, multiply: 60}", 2**52, Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "NaN", Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "1e999", Invalid.BAD_NUMBER),
        ("{from: s, as: decimal}", "-0.5", Invalid.NEGATIVE),
        ("{from: s, as: decimal}", False, Invalid.WRONG_TYPE),
        ("{from: s, decimal: comma}", "1,234,5", Invalid.BAD_NUMBER),
        ("{from: s, decimal: comma}", "12.34", Invalid.BAD_NUMBER),
        ("{from: s, as: percent}", "%", Invalid.BAD_NUMBER),
        ("{from: s, as: percent}", "-1 %", Invalid.NEGATIVE),
        ("{from: s, as: duration}", "P1M", Invalid.BAD_NUMBER),
        ("{from: s, as: duration}", "10 parsecs", Invalid.BAD_NUMBER),
        ("{from: s, as: duration}", "soon", Invalid.BAD_NUMBER),
        ("{from: s, as: duration}", "", Invalid.BAD_NUMBER),
        ("{from: s, as: duration}", "P", Invalid.BAD_NUMBER),
        ("{from: s, as: duration}", "-5", Invalid.NEGATIVE),
        ("{from: s, as: duration}", {}, Invalid.WRONG_TYPE),
        ("{difference: [zero, s]}", 5, Invalid.NEGATIVE),
    ],
)
def test_a_number_that_is_no_statistic_becomes_null(source: str, value: object, reason: Invalid) -> None:
    given = {"id": "g", "s": value, "zero": 0}
    assert left_out(f"hit_ratio: {source}", given) == (reason, "hit_ratio")
    assert read(f"hit_ratio: {source}", given).statistics == Statistics(hit_ratio=None)


def test_a_sum_is_said_where_all_of_it_is() -> None:
    for kind in ("sum", "difference"):
        fields = f"hit_ratio: {{{kind}: [a, b]}}"
        assert read(fields, {"id": "g", "a": 1}).statistics is None
        assert read(fields, {"id": "g", "a": 1, "b": None}).statistics == Statistics(hit_ratio=None)
    assert read("hit_ratio: {ratio: [{sum: [a, b]}, c]}", {"id": "g", "a": 1, "c": 2}).statistics is None


@pytest.mark.parametrize(("value", "expected"), [(80, 80), (80.0, 80), ("80", 80), ("80 %", 80), (None, None)])
def test_a_goal_is_an_integer(value: object, expected: int | None) -> None:
    assert repr(read("optimize_goal: goal", {"id": "g", "goal": value}).optimize_goal) == repr(expected)


@pytest.mark.parametrize(("value", "expected"), [(2.6, 3), ("2.4", 2), (2.5, 2), (3, 3)])
def test_a_goal_may_be_rounded(value: object, expected: int) -> None:
    assert repr(read("optimize_goal: {from: goal, as: rounded}", {"id": "g", "goal": value}).optimize_goal) == repr(
        expected
    )


def test_a_goal_may_be_scaled_and_one_with_a_fraction_is_left_out() -> None:
    assert read("optimize_goal: {from: goal, multiply: 100}", {"id": "g", "goal": 0.07}).optimize_goal == 7
    assert read("optimize_goal: {from: goal, divide: 1000, as: rounded}", {"id": "g", "goal": 1501}).optimize_goal == 2
    assert left_out("optimize_goal: {from: goal}", {"id": "g", "goal": 0.8}) == (Invalid.WRONG_TYPE, "optimize_goal")
    assert read("optimize_goal: goal", {"id": "g", "goal": 0.8}).optimize_goal is UNSET


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
        ("{from: t, as: epoch_ms}", 1772355600000.0, NINE),
        ("{from: t, as: epoch_s}", "1544659952.123", 1_544_659_952_123),
        ("t", " 1772355600 ", NINE),
        ("t", "2026-03-01T10:00:00.123+01:00[Europe/Berlin]", NINE + 123),
        ("t", "2026-03-01T09:00:00Z[Etc/UTC]", NINE),
        ("t", "2026-03-01T10:00:00[Europe/Berlin]", NINE),
        ("t", "20260301T090000Z", NINE),
        ("t", "20260301T100000.5+0100", NINE + 500),
        ("t", "Sun, 01 Mar 2026 09:00:00 GMT", NINE),
        ("t", "1 mar 2026 04:30 -0430", NINE),
        ("{from: t, as: date}", "2026-03-01", NINE - 9 * 3_600_000),
        ("{from: t, as: date}", "20260301", NINE - 9 * 3_600_000),
        ("{from: t, as: date}", "2026-03-01T09:00:00Z", NINE),
        ("{from: t, as: date, zone: Europe/Berlin}", "2026-03-01", NINE - 10 * 3_600_000),
        ("{from: t, zone: UTC}", "2026-03-01T09:00:00", NINE),
        ("{from: t, zone: Europe/Berlin}", "2026-03-01 10:00:00", NINE),
        ("{from: t, zone: Europe/Berlin}", "2026-03-01 09:00:00Z", NINE),
        ("{from: t, zone: Europe/Berlin}", "2026-03-01T10:00:00.123", NINE + 123),
        # Of an hour that occurs twice the first; a time that is skipped as if the clock had gone on.
        ("{from: t, zone: Europe/Berlin}", "2026-10-25T02:30:00", 1_792_888_200_000),
        ("{from: t, zone: Europe/Berlin}", "2026-03-29T02:30:00", 1_774_747_800_000),
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
        ("1999-12-31T23:59:59.999Z", Invalid.BAD_TIME),
        ("0001-01-01T00:00:00+14:00", Invalid.BAD_TIME),
        (0, Invalid.BAD_TIME),
        ("0", Invalid.BAD_TIME),
        (946684799999, Invalid.BAD_TIME),
        (float("nan"), Invalid.BAD_TIME),
        (float("inf"), Invalid.BAD_TIME),
        ("2026-03-01", Invalid.BAD_TIME),
        ("2026-03-01T10:00:00[Europe/Atlantis]", Invalid.BAD_TIME),
        ("2026-03-01T10:00:00[../../etc/passwd]", Invalid.BAD_TIME),
        ("Sun, 31 Feb 2026 09:00:00 GMT", Invalid.BAD_TIME),
        ("01 Mar 2026 09:00:00 PST", Invalid.BAD_TIME),
        ("1" * 300, Invalid.BAD_TIME),
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
def test_a_time_that_is_none_leaves_the_records(value: object, reason: Invalid) -> None:
    assert left_out("time: {from: t}", {"id": "g", "t": value}) == (reason, "time")
    assert read("time: t", {"id": "g", "t": value}).time_ms == NINE + 500
    if isinstance(value, str):
        assert left_out("time: {from: t, zone: Europe/Berlin}", {"id": "g", "t": value}) == (reason, "time")


@pytest.mark.parametrize("value", [1772355600, "1772355600", "2026-03-01"])
def test_where_a_profile_says_iso_nothing_else_is_a_time(value: object) -> None:
    assert read("time: {from: t, as: iso}", {"id": "g", "t": "2026-03-01T09:00:00Z"}).time_ms == NINE
    assert left_out("time: {from: t, as: iso}", {"id": "g", "t": value}) == (Invalid.BAD_TIME, "time")


def test_a_record_without_any_time_leaves_it_open() -> None:
    given = Record(Partition("t", 0), 1, -1, None, b'{"id": "g"}')
    event = compile_profile(HEAD, "mine.yaml").read(given)
    assert isinstance(event, Event)
    assert event.time_ms == -1


def test_the_first_of_several_places_that_can_be_read_counts_and_what_was_passed_over_is_said() -> None:
    event = read("time: [t, u]\nhit_ratio: [a, b]", {"id": "g", "t": 0, "u": "2026-03-01T09:00:00Z", "a": -1, "b": 0.5})
    assert (event.time_ms, event.statistics) == (NINE, Statistics(hit_ratio=0.5))
    assert set(event.ignored) == {("time", Invalid.BAD_TIME), ("hit_ratio", Invalid.NEGATIVE)}


@pytest.mark.parametrize("first", ["", "ARCHIVING", [], -1, 5.5])
def test_where_one_place_says_no_state_that_is_known_the_next_is_asked(first: object) -> None:
    text = HEAD.replace("{value: Running}", "[s, t]")
    profile = compile_profile(text, "mine.yaml")
    found = profile.read(record({"id": "g", "s": first, "t": "paused"}))
    assert isinstance(found, Event)
    assert (found.state, found.ignored) == (GroupState.Active, ())
    with pytest.raises(InvalidEvent) as refused:
        profile.read(record({"id": "g", "s": first, "t": "flying"}))
    assert refused.value.field == "state"


def test_what_tells_the_group_or_the_change_is_never_left_out() -> None:
    for text in (
        HEAD + "  action: {from: s, invalid: omit}\n",
        HEAD.replace("guid: id", "guid: {from: id, invalid: omit}"),
    ):
        with pytest.raises(ProfileError, match="always rejected"):
            compile_profile(text, "mine.yaml")
    assert refused("action: s", {"id": "g", "s": 1.5}) == (Invalid.WRONG_TYPE, "action")
    with pytest.raises(InvalidEvent, match="wrong_type: campaign_group_guid"):
        compile_profile(HEAD, "mine.yaml").read(record({"id": 1.5}))


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
    assert left_out(fields, too_many) == (Invalid.TOO_LONG, "calling_lists")
    assert len(read(fields, too_many).calling_lists or ()) == 1000


def test_what_is_wrong_in_one_calling_list_costs_that_list_or_value_only() -> None:
    lists = [{"n": "A", "h": -1, "i": []}, 7, {"h": 0.5}, {"n": {}}, {"n": "B", "h": "0.5"}]
    event = read("calling_lists: {in: lists, name: n, dbid: i, hit_ratio: h}", {"id": "g", "lists": lists})
    assert event.calling_lists == (CallingList(name="A", hit_ratio=None), CallingList(name="B", hit_ratio=0.5))
    assert event.ignored == (
        ("calling_lists.dbid", Invalid.WRONG_TYPE),
        ("calling_lists.hit_ratio", Invalid.NEGATIVE),
        ("calling_lists", Invalid.WRONG_TYPE),
        ("calling_lists.name", Invalid.MISSING_FIELD),
        ("calling_lists.name", Invalid.WRONG_TYPE),
    )
    for odd in ("none", 7, True):
        given = {"id": "g", "lists": odd}
        assert left_out("calling_lists: {in: lists, name: n}", given) == (Invalid.WRONG_TYPE, "calling_lists")
    through = {"id": "g", "lists": "text"}
    assert left_out("calling_lists: {in: lists.all, name: n}", through) == (Invalid.WRONG_TYPE, "calling_lists")
    assert read("calling_lists: {in: lists, name: n}", {"id": "g", "lists": None}).calling_lists is None


def test_calling_lists_may_stand_in_an_object_by_their_names() -> None:
    by_name = {"Spring-A": {"h": 0.3, "title": "A"}, "": {"h": 1}, "x" * 1025: {}, "Spring-B": {"title": "B"}}
    event = read("calling_lists: {in: lists, hit_ratio: h}", {"id": "g", "lists": by_name})
    assert event.calling_lists == (CallingList(name="Spring-A", hit_ratio=0.3), CallingList(name="Spring-B"))
    assert event.ignored == (
        ("calling_lists.name", Invalid.MISSING_FIELD),
        ("calling_lists.name", Invalid.TOO_LONG),
    )
    event = read("calling_lists: {in: lists, name: title}", {"id": "g", "lists": by_name})
    assert [one.name for one in event.calling_lists or ()] == ["A", "B"]
    given = {"id": "g", "lists": [{"h": 1}]}
    assert left_out("calling_lists: {in: lists, hit_ratio: h}", given) == (Invalid.WRONG_TYPE, "calling_lists")


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
    assert left_out("group_name: a", {"id": "g", "a": 2**53 + 1}) == (Invalid.BAD_NUMBER, "group_name")


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


def test_the_detail_of_what_eventbridge_delivers_is_unwrapped_and_no_other_detail() -> None:
    profile = compile_profile(f"inside: eventbridge\n{HEAD}", "mine.yaml")
    wrapped = profile.read(record({"detail-type": "t", "detail": {"id": "inner"}, "id": "outer"}))
    plain = profile.read(record({"detail": {"id": "inner"}, "id": "outer"}))
    text = profile.read(record({"detail-type": "t", "detail": "none", "id": "outer"}))
    found = [isinstance(each, Event) and each.campaign_group_guid for each in (wrapped, plain, text)]
    assert found == ["inner", "outer", "outer"]


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
        ("s", "5", 5.0),
        ("{from: s, as: duration}", "PT5M", 300.0),
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
        ("s", "5s", Invalid.BAD_NUMBER),
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
def test_a_number_that_is_no_interval_is_left_out(source: str, value: object, reason: Invalid) -> None:
    said = f"notification_interval: {source}"
    assert left_out(said, {"id": "g", "s": value}) == (reason, "notification_interval")


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
        ("s", 1.0, Invalid.UNKNOWN_WORD),
        ("s", [True], Invalid.WRONG_TYPE),
        ("{from: s, words: {Y: true, N: false}}", True, Invalid.WRONG_TYPE),
    ],
)
def test_what_is_no_switch_is_left_out(source: str, value: object, reason: Invalid) -> None:
    said = f"notifications_enabled: {source}"
    assert left_out(said, {"id": "g", "s": value}) == (reason, "notifications_enabled")


def test_a_change_of_the_interval_alone_is_no_change_of_the_group() -> None:
    text = HEAD.replace("  state: {value: Running}\n", "") + "  notification_interval: s\n"
    with pytest.raises(InvalidEvent, match="a change says state, action or dial_mode"):
        compile_profile(text, "mine.yaml").read(record({"id": "g", "s": 5}))
    event = compile_profile(text.replace("kind: change", "kind: statistics"), "m").read(record({"id": "g", "s": 5}))
    assert isinstance(event, Event)
    assert event.notification_interval == 5
