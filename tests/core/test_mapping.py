"""From a record to an event with its place: profile, campaign group, names, time."""

import json

import pytest
from campaigns import LENIENT, record
from values import changed

from bridge.core.arrival import Arrival
from bridge.core.directory import parse_directory
from bridge.core.event import NAMES
from bridge.core.group import Policy
from bridge.core.mapping.mapper import Mapper
from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.profile import compile_profile
from bridge.core.record import Record
from bridge.core.route import Route
from bridge.core.vocabulary import GroupState, Kind
from bridge.profiles import preset_text

GENERIC = compile_profile(preset_text("generic"), "generic")
FIVE_MINUTES = 300_000
NINE = 1_772_355_600_000  # 2026-03-01T09:00:00Z


def raw(offset: int = 3, timestamp_ms: int = 1_000_000, topic: str = "events", **said: object) -> Record:
    said = {"kind": "change", "state": "Running", "campaign_group_guid": "K5J0"} | said
    return record(offset, value=json.dumps(said).encode(), timestamp_ms=timestamp_ms, topic=topic)


def mapper(directory: str | None = None, policy: Policy = LENIENT, **by_topic: Route) -> Mapper:
    rows = None if directory is None else parse_directory(directory, "directory.csv")
    return Mapper(Route(GENERIC, policy), by_topic, max_future_ms=FIVE_MINUTES, directory=rows)


def arrival(found: object) -> Arrival:
    assert isinstance(found, Arrival)
    return found


def test_an_arrival_carries_all_that_its_lane_needs() -> None:
    one = raw(time=NINE)
    found = arrival(mapper().read(one))
    assert (found.key, found.record, found.policy, found.row, found.fresh) == ("K5J0", one, LENIENT, None, True)
    assert (found.event.kind, found.event.state) == (Kind.CHANGE, GroupState.Running)
    assert found.stamp.partition == one.partition
    assert found.stamp.offset == 3
    assert not arrival(mapper().read(one, fresh=False)).fresh


def test_an_event_of_several_whose_group_cannot_be_told_costs_none_of_the_others() -> None:
    own = compile_profile(
        "key: [tenant_name, campaign_group_dbid]\neach: groups\nevents: [{kind: change}]\n"
        "fields: {campaign_group_guid: id, campaign_group_dbid: number, tenant_name: tenant, state: state}",
        "mine.yaml",
    )
    groups = [{"id": "a", "state": 5}, {"id": "b", "number": 7, "tenant": "acme", "state": 5}]
    several = record(3, value=json.dumps({"groups": groups}).encode(), topic="mine")
    refused, found = mapper(mine=Route(own, LENIENT)).read(several)  # type: ignore[misc]
    assert isinstance(refused, InvalidEvent)
    assert (refused.reason, refused.field) == (Invalid.MISSING_FIELD, "campaign_group_dbid")
    assert (arrival(found).key, arrival(found).number, arrival(found).stamp.part) == ("acme/7", 1, 1)
    assert [one.key for one in mapper(mine=Route(own, LENIENT)).arrivals(several)] == ["acme/7"]


def test_each_topic_has_its_profile_and_that_says_which_paths_it_names() -> None:
    own = compile_profile(
        "key: campaign_group_guid\nfields: {kind: {value: change}, campaign_group_guid: a.b, state: 'key:', "
        "calling_lists: {in: 'c[0].d', name: e}, queue_name: {from: f, when: {g.h: {differs: i}}}}",
        "mine.yaml",
    )
    maps = mapper(mine=Route(own, LENIENT))
    assert (maps.profile("mine"), maps.profile("other")) == (own, GENERIC)
    names = {("a", "b"), (), ("c", "d"), ("c", "d", "e"), ("f",), ("g", "h"), ("i",)}
    assert own.paths == names


def test_records_that_are_no_event_are_skipped_or_refused_as_their_profile_says() -> None:
    assert mapper().read(record(value=None)) is Skip.TOMBSTONE
    with pytest.raises(InvalidEvent) as refused:
        mapper().read(record(value=b"x"))
    assert refused.value.reason is Invalid.BAD_JSON
    with pytest.raises(InvalidEvent) as refused:
        mapper().read(raw(campaign_group_guid=None))
    assert (refused.value.reason, refused.value.field) == (Invalid.MISSING_FIELD, "campaign_group_guid")


def test_a_topic_has_its_own_profile_and_policy_or_the_default() -> None:
    engage = compile_profile(preset_text("genesys-engage"), "genesys-engage")
    special = Policy({"queue_name": "7001"})
    one = mapper(special=Route(GENERIC, special), engage=Route(engage, LENIENT))
    assert arrival(one.read(raw())).policy is LENIENT
    assert arrival(one.read(raw(topic="special"))).policy is special
    assert one.read(raw(topic="engage")) is Skip.NOT_SELECTED


@pytest.mark.parametrize(
    ("time", "timestamp", "expected", "replaced"),
    [
        (NINE, NINE, NINE, 0),
        (NINE - 10**10, NINE, NINE - 10**10, 0),  # the past is not replaced, unless somebody says so
        (NINE + FIVE_MINUTES, NINE, NINE + FIVE_MINUTES, 0),
        (NINE + FIVE_MINUTES + 1, NINE, NINE, 1),
        ("9999-01-01T00:00:00Z", NINE, NINE, 1),
        (NINE, 0, 0, 1),  # 1970 is a time of a record
        ("9999-01-01T00:00:00Z", -1, 253_370_764_800_000, 0),  # the record has none to put in its place
    ],
)
def test_a_time_too_far_ahead_of_its_record_is_replaced_by_the_records_and_counted(
    time: object, timestamp: int, expected: int, replaced: int
) -> None:
    one = mapper()
    found = arrival(one.read(raw(time=time, timestamp_ms=timestamp)))
    assert (found.stamp.time_ms, one.replaced_times) == (expected, replaced)


def test_a_time_too_long_before_its_record_is_replaced_where_a_setting_says_so() -> None:
    one = Mapper(Route(GENERIC, LENIENT), {}, max_future_ms=FIVE_MINUTES, max_past_ms=60_000)
    assert arrival(one.read(raw(time=NINE - 60_000, timestamp_ms=NINE))).stamp.time_ms == NINE - 60_000
    assert one.replaced_times == 0
    assert arrival(one.read(raw(time=NINE - 60_001, timestamp_ms=NINE))).stamp.time_ms == NINE
    assert one.replaced_times == 1


@pytest.mark.parametrize("time", [None, 0, "yesterday"])
def test_an_event_that_nobody_gives_a_time_has_that_of_its_reading(time: object) -> None:
    one = Mapper(Route(GENERIC, LENIENT), {}, max_future_ms=FIVE_MINUTES, now_ms=lambda: NINE)
    assert arrival(one.read(raw(time=time, timestamp_ms=-1))).stamp.time_ms == NINE


def test_an_event_without_a_time_has_its_records() -> None:
    assert arrival(mapper().read(raw(timestamp_ms=77))).stamp.time_ms == 77


DIRECTORY = """match,campaign_group_guid,campaign_group_dbid,group_name,tenant_name
101,K5J0,101,East,Environment
"""


def test_the_directory_gives_a_group_the_ids_by_which_all_profiles_know_it() -> None:
    by_dbid = raw(campaign_group_guid=None, campaign_group_dbid="101")
    found = arrival(mapper(DIRECTORY).read(by_dbid))
    assert found.key == "K5J0"
    assert found.event.campaign_group_guid == "K5J0"
    assert found.row is not None
    assert dict(zip(NAMES, found.row, strict=True))["group_name"] == "East"
    assert found.event.group_name is None, "names stay the event's own: the directory only fills what nobody knows"
    with pytest.raises(InvalidEvent):
        mapper().read(by_dbid)


def test_a_group_that_the_directory_does_not_know_keeps_its_own_ids() -> None:
    found = arrival(mapper(DIRECTORY).read(raw(campaign_group_guid="OTHER")))
    assert (found.key, found.row) == ("OTHER", None)


def test_an_id_that_the_directory_does_not_give_stays_the_events_own() -> None:
    found = arrival(mapper("match,queue_name\nK5J0,7001\n").read(raw(campaign_group_dbid="9")))
    assert (found.key, found.event.campaign_group_dbid) == ("K5J0", "9")


def test_a_new_directory_holds_from_the_next_record_on() -> None:
    one = mapper()
    assert arrival(one.read(raw())).row is None
    one.directory = parse_directory(DIRECTORY, "directory.csv")
    assert one.current_directory() is one.directory
    assert arrival(one.read(raw(campaign_group_guid=None, campaign_group_dbid=101))).key == "K5J0"


def test_an_arrival_leaves_its_record_as_it_was() -> None:
    one = raw(campaign_group_dbid="101")
    copy = changed(one)
    mapper(DIRECTORY).read(one)
    assert one == copy
