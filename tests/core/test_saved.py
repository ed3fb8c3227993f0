"""Campaign groups as records of the state topic: nothing is lost on the way, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw
from support.examples import examples
from values import changed, fields_of

from bridge.core.campaign_group import CampaignGroup
from bridge.core.event import NAMES, CallingList, Event, Statistics
from bridge.core.facts import Facts
from bridge.core.group import Before, KnownList, Policy
from bridge.core.groups import GroupTable
from bridge.core.limits import MAX_INTERVAL, MAX_NAME_CHARACTERS, MAX_NUMBER, MIN_INTERVAL
from bridge.core.merging import standing_facts
from bridge.core.notification import render
from bridge.core.record import Partition
from bridge.core.saved import MAX_BYTES, MAX_EXTRA, BadState, load, save
from bridge.core.stamp import Stamp
from bridge.core.style import Style
from bridge.core.vocabulary import Action, DialMode, GroupState, Kind, OptimizeBy

KEY = "Environment/OutboundGroup"
NAMES_SAID = ("Environment", "c", "OutboundGroup", "guid", "123", "Agents", "Campaign", None, "Queue")
INPUT = Partition("campaign-group-events", 3)
FULL = CampaignGroup(
    key=KEY,
    number=3,
    names=NAMES_SAID,
    shown=(*NAMES_SAID[:7], "Template", "Queue"),
    named=Stamp(1_790_000_000_005, INPUT, 1005),
    state=GroupState.Running,
    dial_mode=DialMode.Predict,
    optimize_by=OptimizeBy.BusyFactor,
    optimize_goal=80,
    changed=Stamp(1_790_000_000_001, INPUT, 1001),
    previous=Before(GroupState.Active, None, OptimizeBy.WaitTime, 20),
    statistics=Statistics(busy_factor=0.8, hit_ratio=None, time_to_complete=3600),
    measured=Stamp(1_790_000_000_004, INPUT, 1004),
    calling_lists={
        "A": KnownList(CallingList(name="A", dbid="7", hit_ratio=0.3), Stamp(1_790_000_000_002, INPUT, 1002))
    },
    unloaded=Stamp(1_780_000_000_000, INPUT, 7),
    interval=5.0,
    enabled=True,
    seen_ms=1_790_000_000_100,
    topic="campaign-group-events",
    after=1006,
    elsewhere={"other-events": 7},
    count=6,
    recent=("e-1", "e-2"),
    action=Action.StartDialing,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.just("x" * MAX_NAME_CHARACTERS)
numbers = st.integers(0, MAX_NUMBER) | st.floats(0, MAX_NUMBER)
statistics = st.just(UNSET) | st.none() | numbers
moments = st.integers(0, 253_402_300_799_999)
stamps = st.builds(Stamp, moments, st.builds(Partition, texts, st.integers(0, 10_000)), st.integers(0, 2**63 - 1))
names = st.tuples(*[st.none() | texts] * len(NAMES))
states = st.none() | st.sampled_from(GroupState)
modes = st.none() | st.sampled_from(DialMode)
lists = st.lists(
    st.builds(
        KnownList,
        st.builds(CallingList, name=texts, dbid=st.none() | texts, hit_ratio=statistics, time_to_complete=statistics),
        stamps,
    ),
    max_size=3,
)
groups = st.builds(
    CampaignGroup,
    key=texts.filter(bool),
    number=st.integers(0, 10_000),
    names=names,
    shown=names,
    named=st.none() | stamps,
    state=states,
    dial_mode=modes,
    optimize_by=st.none() | st.sampled_from(OptimizeBy),
    optimize_goal=st.none() | st.integers(0, MAX_NUMBER),
    changed=st.none() | stamps,
    previous=st.builds(
        Before, states, modes, st.none() | st.sampled_from(OptimizeBy), st.none() | st.integers(0, MAX_NUMBER)
    ),
    statistics=st.none()
    | st.builds(
        Statistics,
        busy_factor=statistics,
        hit_ratio=statistics,
        overdial_rate=statistics,
        time_to_complete=statistics,
    ),
    measured=st.none() | stamps,
    calling_lists=lists.map(lambda found: {known.values.name: known for known in found}),
    unloaded=st.none() | stamps,
    interval=st.none() | st.just(0.0) | st.floats(MIN_INTERVAL, MAX_INTERVAL),
    enabled=st.none() | st.booleans(),
    recent=st.lists(texts, max_size=16).map(tuple),
    seen_ms=moments,
    count=st.integers(0, 10_000),
).flatmap(
    lambda group: st.dictionaries(texts, st.integers(0, 2**63 - 1), max_size=3).map(
        lambda included: with_included(group, included)
    )
)


def with_included(group: CampaignGroup, included: dict[str, int]) -> CampaignGroup:
    (topic, after), *others = included.items() or {None: 0}.items()
    return changed(group, topic=topic, after=after, elsewhere=dict(others))


def loaded(group: CampaignGroup) -> CampaignGroup:
    return load(group.key.encode(), save(group), group.number)


def exact(group: CampaignGroup) -> str:
    """Equal only where 5 and 5.0, None and UNSET are told apart."""
    return repr(group)


@given(groups)
def test_any_group_is_read_back_as_it_was(group: CampaignGroup) -> None:
    assert exact(loaded(group)) == exact(group)


def test_no_field_of_a_group_is_forgotten() -> None:
    kept = {name: getattr(loaded(FULL), name) for name in fields_of(FULL)}
    default = CampaignGroup(KEY, 3)

    for name, value in kept.items():
        assert value == getattr(FULL, name), name
        if name not in {"key", "number", "dormant", "version", "extra"}:
            assert getattr(FULL, name) != getattr(default, name), f"{name}: the example does not show that it is kept"


def test_whether_a_group_is_dormant_is_decided_anew() -> None:
    asleep = changed(FULL, dormant=True)

    assert loaded(asleep) == FULL


def test_a_group_that_nothing_is_known_of_takes_few_bytes() -> None:
    assert save(CampaignGroup("k", 0)) == b'{"v":1}'


def test_the_record_says_in_words_what_a_person_looks_for() -> None:
    said = json.loads(save(FULL))

    assert said["v"] == 1
    assert said["names"]["campaign_group_name"] == "OutboundGroup"
    assert (said["state"], said["state_name"], said["dial_mode"]) == (5, "Running", 1)
    assert said["statistics"] == {"busy_factor": 0.8, "hit_ratio": None, "time_to_complete": 3600}
    assert said["shown"] == {"campaign_template_name": "Template"}
    assert said["changed_at"] == [1_790_000_000_001, "campaign-group-events", 3, 1001]
    assert said["included"] == {"campaign-group-events": 1006, "other-events": 7}


def test_events_are_written_of_calling_lists_only_where_they_are_not_that_of_the_statistics() -> None:
    at, other = Stamp(5, INPUT, 5), Stamp(4, INPUT, 4)

    def written(measured: Stamp | None, *stamps: Stamp) -> object:
        known = {f"{n}": KnownList(CallingList(name=f"{n}"), stamp) for n, stamp in enumerate(stamps)}
        group = changed(FULL, measured=measured, calling_lists=known)
        assert loaded(group) == group
        return json.loads(save(group)).get("lists_at")

    assert written(at, at, at) is None
    assert written(at, at, other) == [None, [4, "campaign-group-events", 3, 4]]
    assert written(None, other) == [[4, "campaign-group-events", 3, 4]]


def test_an_event_that_said_several_things_is_one_object() -> None:
    at = Stamp(5, INPUT, 5)
    lists = {name: KnownList(CallingList(name=name), at) for name in "AB"}
    group = loaded(changed(FULL, named=at, changed=at, measured=at, calling_lists=lists))

    stamps = [group.named, group.changed, group.measured, *(known.stamp for known in group.calling_lists.values())]
    assert {id(stamp) for stamp in stamps} == {id(group.named)}


# A restart changes nothing that is told


def stamp(offset: int, time_ms: int | None = None) -> Stamp:
    return Stamp(offset * 1000 if time_ms is None else time_ms, INPUT, offset)


POLICY = Policy({"tenant_name": "T"}, "none")
EVENTS: list[dict[str, Any]] = [
    {"kind": Kind.CHANGE, "state": GroupState.Active, "dial_mode": DialMode.Predict, "group_name": "G"},
    {"kind": Kind.CHANGE, "state": GroupState.Running, "optimize_by": None, "optimize_goal": 80},
    {"kind": Kind.STATISTICS, "statistics": Statistics(hit_ratio=0.5), "group_name": "Renamed"},
    {"kind": Kind.STATISTICS, "calling_lists": (CallingList(name="A", hit_ratio=None),)},
    {"kind": Kind.CHANGE, "state": GroupState.Running, "dial_mode": DialMode.Progress},
    {"kind": Kind.SNAPSHOT, "statistics": Statistics(busy_factor=1, hit_ratio=None)},
    {"kind": Kind.CHANGE, "state": GroupState.NotLoaded},
    {"kind": Kind.STATISTICS, "statistics": Statistics(hit_ratio=0.1)},
]


def merge(table: GroupTable, number: int, said: dict[str, Any], time_ms: int) -> Facts | None:
    at = stamp(number, time_ms)
    return table.merge(KEY, Event(time_ms=time_ms, **said), at, POLICY, now_ms=time_ms)


def restarted(table: GroupTable) -> GroupTable:
    anew = GroupTable()
    anew.restore([loaded(group) for group in table], 0, 0)
    return anew


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.sampled_from(EVENTS[:5] + EVENTS[6:]), st.integers(0, 6)), min_size=1, max_size=8))
def test_a_restart_between_any_two_events_changes_no_byte_of_what_is_told(
    events: list[tuple[dict[str, Any], int]],
) -> None:
    steady, moved = GroupTable(), GroupTable()
    for number, (said, time_ms) in enumerate(events):
        expected, found = merge(steady, number, said, time_ms), merge(moved, number, said, time_ms)
        again = merge(moved, number, said, time_ms)  # as after a crash before the offset was committed
        assert [render(facts, Style()) for facts in (found, again) if facts] == [
            render(expected, Style()) for _ in range(2) if expected
        ]
        moved = restarted(moved)
        for before, after in zip(steady, moved, strict=True):
            assert exact(after) == exact(before)
            if before.state is not None:
                told = [standing_facts(group, before.state, 5000) for group in (before, after)]
                assert render(told[0], Style()) == render(told[1], Style())


# Versions


NEXT = {
    **json.loads(save(FULL)),
    "v": 2,
    "agents": {"logged_in": 12, "huge": 10**400, "text": "ä\n"},
    "pace": [1.50, None, {"": []}],
    "paused": False,
}


def test_a_record_of_the_next_version_survives_a_round_trip() -> None:
    group = load(KEY.encode(), json.dumps(NEXT).encode(), 3)
    group.state = GroupState.Active

    written = json.loads(save(group))

    assert written == {**NEXT, "state": 4, "state_name": "Active"}
    assert changed(group, state=GroupState.Running, version=1, extra={}) == FULL


def test_names_and_members_that_only_the_next_version_has_are_no_obstacle() -> None:
    said = json.loads(save(FULL))
    said["names"]["site"] = "Berlin"
    said["statistics"]["wait"] = 1
    said["calling_lists"][0]["filter"] = "F"
    said["changed_at"].append("more")

    group = load(KEY.encode(), json.dumps({**said, "v": 2}).encode(), 3)

    assert changed(group, version=1) == FULL


# What is none


def record(**said: object) -> bytes:
    return json.dumps({"v": 1, **said}).encode()


@pytest.mark.parametrize(
    ("written", "restored"),
    [([4, None], Before(GroupState.Active, None)), ([5, 1], Before(GroupState.Running, DialMode.Predict))],
)
def test_what_was_before_is_read_from_a_record_of_the_first_bridges_too(
    written: list[object], restored: Before
) -> None:
    """They kept the state and the mode only."""
    group = load(KEY.encode(), record(state=5, before=written), 3)
    assert group.previous == restored
    assert json.loads(save(group))["before"] == [*written, None, None]


def test_what_was_before_may_have_more_fields_in_a_later_version() -> None:
    assert load(KEY.encode(), record(before=[5, 1, 1, 80, "new"]), 3).previous == Before(
        GroupState.Running, DialMode.Predict, OptimizeBy.BusyFactor, 80
    )


NONE_OF_OURS: dict[str, bytes] = {
    "empty": b"",
    "text": b"hello",
    "another object": b'{"name": "x"}',
    "an array": b"[1]",
    "null": b"null",
    "cut off": save(FULL)[:-1],
    "not UTF-8": b'{"v": 1, "state_name": "\xff"}',
    "not UTF-8 in what is not known": b'{"v": 2, "new": "\xff"}',
    "nested too deep": b'{"v": 2, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "version 0": record(v=0),
    "version as text": record(v="1"),
    "version that no reader could write": record(v=2**70),
    "state 6": record(state=6),
    "dial mode as text": record(dial_mode="Predict"),
    "negative statistic": record(statistics={"hit_ratio": -0.1}),
    "statistic beyond doubles": b'{"v":1,"statistics":{"hit_ratio":1e400}}',
    "statistic too large to be exact": record(statistics={"hit_ratio": 2**53 + 1}),
    "offset beyond 64 bits": record(included={"t": 2**63}),
    "negative offset": record(changed_at=[1, "t", 0, -1]),
    "stamp too short": record(changed_at=[1, "t", 0]),
    "interval of a year": record(interval=31_536_000),
    "name too long": record(names={"queue_name": "x" * (MAX_NAME_CHARACTERS + 1)}),
    "calling list without a name": record(calling_lists=[{"dbid": "1"}], measured_at=[1, "t", 0, 1]),
    "calling list in no event": record(calling_lists=[{"name": "A"}]),
    "calling list in no event, and one that is": record(
        calling_lists=[{"name": "A"}, {"name": "B"}], lists_at=[[1, "t", 0, 1], None]
    ),
    "more events than calling lists": record(calling_lists=[{"name": "A"}], lists_at=[[1, "t", 0, 1], [2, "t", 0, 2]]),
    "state before that is none": record(before=[7, None]),
    "state before without its mode": record(before=[4]),
    "goal before that is negative": record(before=[4, None, None, -1]),
    "goal before that is too large": record(before=[4, None, None, 2**53 + 1]),
    "too large": record(state_name="x" * MAX_BYTES),
    "too much that is not known": record(v=2, new="x" * MAX_EXTRA),
    "too much that is not known, by its name": record(v=2, **{"x" * MAX_EXTRA: 1}),
}


@pytest.mark.parametrize("value", NONE_OF_OURS.values(), ids=NONE_OF_OURS)
def test_what_is_no_group_is_refused_with_a_reason(value: bytes) -> None:
    with pytest.raises(BadState) as refused:
        load(KEY.encode(), value, 3)
    assert 0 < len(str(refused.value)) < 200


@pytest.mark.parametrize("key", [b"", b"\xff"], ids=["empty", "not UTF-8"])
def test_a_key_that_is_none_is_refused(key: bytes) -> None:
    with pytest.raises(BadState):
        load(key, save(FULL), 3)


GOOD = save(FULL)


@settings(max_examples=examples(500))
@given(st.binary(max_size=40), st.integers(0, len(GOOD)), st.integers(0, 40))
def test_a_damaged_record_is_refused_or_read_as_one_that_can_be_written_again(junk: bytes, at: int, cut: int) -> None:
    try:
        group = load(KEY.encode(), GOOD[:at] + junk + GOOD[at + cut :], 3)
    except BadState:
        return
    assert exact(loaded(group)) == exact(group)


def test_a_group_of_too_many_calling_lists_is_saved_with_those_heard_of_last() -> None:
    many = {
        name: KnownList(CallingList(name=name), stamp(n))
        for n in range(2000)
        for name in [f"{n} ".ljust(MAX_NAME_CHARACTERS, "ä")]
    }
    group = loaded(changed(FULL, calling_lists=many))

    kept = [known.stamp.offset for known in group.calling_lists.values()]
    assert sorted(kept) == list(range(2000 - len(kept), 2000))
    assert len(kept) >= 200
    assert MAX_BYTES / 2 < len(save(group)) <= MAX_BYTES
    assert changed(group, calling_lists=FULL.calling_lists) == FULL


def test_extra_fields_are_raw_json_that_is_written_as_it_came() -> None:
    group = changed(FULL, version=3, extra={"b": Raw(b"1.50"), "a": Raw(b'{"x" : 1}')})

    assert save(group).endswith(b',"b":1.50,"a":{"x" : 1}}')
