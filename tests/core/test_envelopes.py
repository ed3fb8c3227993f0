"""What stands around the JSON of a platform, as brokers and libraries really write it, and records of several events."""

import base64
import json
from typing import Any

import pytest

from bridge.core.event import Event
from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.profile import Profile, ProfileError, compile_profile
from bridge.core.record import Partition, Record
from bridge.profiles import preset_text

Headers = tuple[tuple[str, bytes], ...]
DATA = {"kind": "change", "campaign_group_guid": "G-1", "state": "Running", "queue_name": "???>>>~~~ü"}
STD = {"specversion": "1.0", "id": "1", "source": "/x", "type": "t.change", "time": "2026-03-01T09:00:00Z"}
CLOUDEVENTS = compile_profile(preset_text("cloudevents"), "cloudevents")
ROW = {"campaign_id": "TEST1", "active": "Y"}


def record(value: object, headers: Headers = ()) -> Record:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Record(Partition("t", 0), 1, 1_772_355_600_500, None, raw, headers)


def read(value: object, headers: Headers = (), profile: Profile = CLOUDEVENTS) -> Event:
    event = profile.read(record(value, headers))
    assert isinstance(event, Event)
    return event


def packed(encode: Any) -> str:
    text: str = encode(json.dumps(DATA, ensure_ascii=False).encode()).decode()
    return text


def amqp(code: int, text: bytes) -> bytes:
    return bytes([code]) + len(text).to_bytes(1 if code < 0xB0 else 4, "big") + text


@pytest.mark.parametrize(
    "value",
    [
        {**STD, "data": DATA},
        {**STD, "data": json.dumps(DATA)},
        {**STD, "datacontenttype": "text/plain", "data": json.dumps(DATA)},
        {**STD, "data_base64": packed(base64.b64encode)},
        {**STD, "data": None, "data_base64": packed(base64.b64encode)},
        {**STD, "data_base64": packed(base64.urlsafe_b64encode).rstrip("=")},
        {**STD, "data_base64": packed(base64.encodebytes)},
    ],
)
def test_data_of_a_structured_event_may_be_json_or_text_or_base64_of_any_kind(value: object) -> None:
    event = read(value)
    assert (event.campaign_group_guid, event.queue_name, event.event_id) == ("G-1", "???>>>~~~ü", "/x#1")


@pytest.mark.parametrize("prefix", ["ce_", "ce-", "CE_", "cloudEvents:", "cloudEvents_"])
@pytest.mark.parametrize("code", [None, 0xA1, 0xA3, 0xB1, 0xB3, ord('"')])
def test_attributes_of_a_binary_event_are_read_in_the_spelling_of_every_binding(prefix: str, code: int | None) -> None:
    def coded(text: str) -> bytes:
        raw = text.encode()
        return raw if code is None else b'"' + raw + b'"' if code == ord('"') else amqp(code, raw)

    event = read({k: v for k, v in DATA.items() if k != "kind"}, tuple((prefix + k, coded(v)) for k, v in STD.items()))
    assert (event.kind, event.time_ms, event.event_id) == ("change", 1_772_355_600_000, "/x#1")


def test_a_time_in_a_header_may_be_amqps() -> None:
    moment = b"\x83" + (1_772_355_600_123).to_bytes(8, "big")
    event = read(DATA, (("ce_specversion", b"1.0"), ("ce_type", b"t.change"), ("ce_time", moment)))
    assert (event.time_ms, event.event_id) == (1_772_355_600_123, None)


@pytest.mark.parametrize("odd", [b"\xff\xfe", b"\xa1\x07short", b"\xa1\x01\xff", b"\x83\x00"])
def test_attributes_that_nobody_reads_may_be_anything_and_one_that_is_read_costs_itself_only(odd: bytes) -> None:
    head = (("ce_specversion", b"1.0"), ("ce_type", b"t.change"))
    assert read(DATA, (*head, ("ce_subject", odd))).ignored == ()
    event = read(DATA, (*head, ("ce_time", odd)))
    assert (event.time_ms, event.ignored) == (1_772_355_600_500, (("time", Invalid.BAD_UTF8),))


def test_a_condition_on_what_is_no_text_just_does_not_hold() -> None:
    with pytest.raises(InvalidEvent, match="missing_field: kind"):
        read({"campaign_group_guid": "G"}, (("ce_specversion", b"1.0"), ("ce_type", b"\xff.change\xff")))
    text = "key: campaign_group_guid\nevents: [{when: {'key:': x}, kind: change}, {kind: statistics}]\n"
    profile = compile_profile(f"{text}fields: {{campaign_group_guid: id, state: {{value: 5}}}}", "mine.yaml")
    found = profile.read(Record(Partition("t", 0), 1, 1, b"\xff", b'{"id": "g"}'))
    assert isinstance(found, Event)
    assert found.kind == "statistics"


def test_what_is_structured_is_read_so_whatever_its_headers_say() -> None:
    headers = tuple((f"ce_{name}", text.encode()) for name, text in STD.items())
    assert read({**STD, "id": "2", "data": DATA}, headers).event_id == "/x#2"


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (DATA, Invalid.MISSING_FIELD, "no CloudEvent"),
        (STD, Invalid.MISSING_FIELD, "without data"),
        ({**STD, "data": None}, Invalid.MISSING_FIELD, "without data"),
        ({**STD, "data": 7}, Invalid.NOT_AN_OBJECT, "neither a JSON object nor a text"),
        ({**STD, "data": "Spring"}, Invalid.BAD_JSON, "Expecting value"),
        ({**STD, "data": "\ud83d"}, Invalid.NOT_AN_OBJECT, "nor a text"),
        ({**STD, "data": [DATA]}, Invalid.NOT_AN_OBJECT, "no object"),
        ({**STD, "data_base64": "a"}, Invalid.BAD_JSON, "not base64"),
        ({**STD, "data_base64": "ü"}, Invalid.BAD_JSON, "not base64"),
        (b"[1", Invalid.BAD_JSON, ""),
    ],
)
def test_what_is_no_cloud_event_says_why(value: object, reason: Invalid, detail: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        read(value)
    assert refused.value.reason is reason
    assert detail in refused.value.detail


def test_a_batch_of_cloud_events_is_as_many_events_in_order() -> None:
    batch = [{**STD, "id": str(n), "data": {**DATA, "campaign_group_guid": f"G-{n}"}} for n in range(3)]
    found = CLOUDEVENTS.read_all(record([*batch, 7, {**STD, "data": 1}]))
    assert [one.campaign_group_guid for one in found if isinstance(one, Event)] == ["G-0", "G-1", "G-2"]
    assert [one.reason for one in found if isinstance(one, InvalidEvent)] == [
        Invalid.MISSING_FIELD,
        Invalid.NOT_AN_OBJECT,
    ]


HEAD = "key: campaign_group_guid\nevents: [{kind: change}]\n"
ITEM = "fields: {campaign_group_guid: id, state: s, tenant_ccid: 'record:tenant', group_name: {from: 'record:items[-1].id'}}\n"


def guids(found: list[Any]) -> list[object]:
    return [one.campaign_group_guid if isinstance(one, Event) else one.reason for one in found]


def test_each_event_of_an_array_is_one_and_the_record_around_it_can_be_read() -> None:
    profile = compile_profile(f"{HEAD}each: items\n{ITEM}", "mine.yaml")
    items = [{"id": "a", "s": 5}, {"id": "b", "s": "odd"}, 7, {"id": "c", "s": 4}]
    found = profile.read_all(record({"tenant": "acme", "items": items}))
    assert guids(found) == ["a", Invalid.UNKNOWN_WORD, Invalid.NOT_AN_OBJECT, "c"]
    assert isinstance(found[0], Event)
    assert (found[0].tenant_ccid, found[0].group_name) == ("acme", "c")
    assert guids(profile.read_all(record({"items": {"id": "a", "s": 5}}))) == ["a"]
    without: list[dict[str, object]] = [{}, {"items": None}, {"items": []}]
    for nothing in without:
        assert profile.read_all(record(nothing)) == [Skip.NOT_SELECTED]
    with pytest.raises(InvalidEvent, match="not_an_object"):
        profile.read_all(record([1]))
    assert guids([profile.read(record({"items": [{"id": "a", "s": 5}]}))]) == ["a"]
    with pytest.raises(InvalidEvent, match="unknown_word"):
        profile.read(record({"items": [{"id": "a", "s": "odd"}]}))


def test_each_event_of_an_array_that_is_the_whole_record() -> None:
    profile = compile_profile(f"{HEAD}each: .\nfields: {{campaign_group_guid: id, state: s}}\n", "mine.yaml")
    assert guids(profile.read_all(record([{"id": "a", "s": 5}, {"id": "b", "s": 4}]))) == ["a", "b"]
    assert guids(profile.read_all(record({"id": "a", "s": 5}))) == ["a"]
    with pytest.raises(InvalidEvent, match="not_an_object"):
        compile_profile(f"{HEAD}fields: {{campaign_group_guid: id, state: s}}\n", "mine.yaml").read(record([]))


def test_each_event_inside_envelopes_and_batches() -> None:
    profile = compile_profile(f"inside: cloudevents\n{HEAD}each: items\n{ITEM}", "mine.yaml")
    event = {**STD, "data": {"items": [{"id": "a", "s": 5}, {"id": "b", "s": 4}]}}
    assert guids(profile.read_all(record(event))) == ["a", "b"]
    assert guids(profile.read_all(record([event, event]))) == ["a", "b", "a", "b"]
    row = compile_profile(
        f"inside: [cloudevents, debezium_row]\n{HEAD}fields: {{campaign_group_guid: id, state: s}}", "m"
    )
    deleted = {**STD, "data": {"op": "d", "before": {"id": "a"}, "after": None}}
    assert row.read_all(record([deleted])) == [Skip.NOT_SELECTED]


def test_json_in_a_text() -> None:
    profile = compile_profile(f"inside: json_text body.message\n{HEAD}{ITEM}", "mine.yaml")
    event = read({"tenant": "acme", "body": {"message": '{"id": "a", "s": 5}'}}, profile=profile)
    assert (event.campaign_group_guid, event.tenant_ccid) == ("a", "acme")
    assert read({"body": {"message": {"id": "a", "s": 5}}}, profile=profile).campaign_group_guid == "a"
    for odd, reason in ((None, Invalid.MISSING_FIELD), ("{", Invalid.BAD_JSON), (7, Invalid.NOT_AN_OBJECT)):
        with pytest.raises(InvalidEvent) as refused:
            read({"body": {"message": odd}}, profile=profile)
        assert (refused.value.reason, refused.value.field) == (reason, "body.message")
    with pytest.raises(InvalidEvent, match="not_an_object"):
        read([], profile=profile)
    with pytest.raises(ProfileError, match="inside: no path"):
        compile_profile(f"inside: json_text\n{HEAD}{ITEM}", "mine.yaml")


def test_rows_that_debezium_captured_are_read_by_any_profile() -> None:
    profile = compile_profile(preset_text("debezium+generic"), "generic")
    for change in (
        {"op": "u", "before": None, "after": DATA},
        {"schema": {}, "payload": {"op": "c", "after": DATA}},
        {**DATA, "__op": "u", "__table": "groups"},
        {**DATA, "__deleted": "false"},
    ):
        assert read(change, profile=profile).campaign_group_guid == "G-1"
    for gone in ({"op": "d", "before": DATA, "after": None}, {**DATA, "__deleted": "true"}, {"op": "t"}):
        assert profile.read(record(gone)) is Skip.NOT_SELECTED
    no_rows: list[object] = [DATA, []]
    for odd in no_rows:
        with pytest.raises(InvalidEvent, match="no change of a row"):
            profile.read(record(odd))


def test_flattened_rows_are_read_as_the_changes_they_were() -> None:
    profile = compile_profile(
        "inside: debezium\nkey: campaign_group_guid\nevents: [{when: {source.table: camps, op: [c, u]}, kind: change}]\n"
        "fields: {campaign_group_guid: after.campaign_id, time: source.ts_ms, state: {from: after.active, words: {Y: 5}}}\n",
        "mine.yaml",
    )
    event = read({**ROW, "__op": "u", "__table": "camps", "__source_ts_ms": 1_772_355_600_000}, profile=profile)
    assert (event.campaign_group_guid, event.state, event.time_ms) == ("TEST1", 5, 1_772_355_600_000)
    gone = {**ROW, "__op": "d", "__table": "camps", "__deleted": "true"}
    assert profile.read(record(gone)) is Skip.NOT_SELECTED


def test_presets_are_read_inside_several_envelopes() -> None:
    profile = compile_profile(preset_text("cloudevents+debezium+generic"), "generic")
    assert read({**STD, "data": {"op": "u", "after": DATA}}, profile=profile).campaign_group_guid == "G-1"
    vicidial = compile_profile(preset_text("cloudevents+vicidial"), "vicidial")
    assert vicidial.read(record({**STD, "data": {}})) is Skip.NOT_SELECTED
    for name in ("debezium+none-such", "generic+debezium", "cloudevents+cloudevents", "debezium+vicidial", "debezium+"):
        with pytest.raises(KeyError):
            preset_text(name)
