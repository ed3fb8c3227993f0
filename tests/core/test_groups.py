"""The table of campaign groups: merging once or twice, late and refused events, and what is told of each."""

import itertools

import pytest
from campaigns import FULL, KEY, LENIENT, STRICT, change, events, record, snapshot, stamp, statistics
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples
from values import copied

from bridge.core.campaign_group import CampaignGroup
from bridge.core.campaigns.naming import derived_dbid
from bridge.core.event import NAMES, CallingList, Event, Statistics
from bridge.core.facts import Facts
from bridge.core.group import Policy
from bridge.core.groups import MOST_UNSAVED, GroupTable
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.record import Partition
from bridge.core.stamp import Stamp
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy

Arrivals = list[tuple[Event, Stamp]]
MANY = settings(max_examples=examples(150))


def merge(table: GroupTable, event: Event, offset: int = 0, number: int = 0, policy: Policy = LENIENT) -> Facts | None:
    return table.merge(KEY, event, stamp(event.time_ms, offset, number), policy)


def told(table: GroupTable, event: Event, offset: int = 0, policy: Policy = LENIENT) -> Facts:
    facts = merge(table, event, offset, policy=policy)
    assert facts is not None
    return facts


def known(table: GroupTable) -> CampaignGroup:
    group = table.get(KEY)
    assert group is not None
    return group


def running() -> GroupTable:
    """Loaded at 10, started at 20 in mode Predict."""
    table = GroupTable()
    merge(table, change(10, action=Action.LoadCampaign, **FULL), 1)
    merge(table, change(20, action=Action.StartDialing, dial_mode=DialMode.Predict), 2)
    return table


def test_ids_of_events_are_remembered_with_their_group() -> None:
    table = running()
    table.remember(KEY, "e-1")
    table.remember("nobody", "e-1")
    assert table.repeats(KEY, "e-1")
    assert not table.repeats(KEY, "e-2")
    assert not table.repeats("nobody", "e-1")


# Merged twice


@st.composite
def arrivals(draw: st.DrawFn) -> Arrivals:
    """Events of one group as they stand in one or two topics: times in any order, offsets rising."""
    made = draw(st.lists(events(), min_size=1, max_size=8))
    topics = [draw(st.sampled_from(["events", "more"])) for _ in made]
    return [(e, Stamp(e.time_ms, Partition(t, 0), n)) for n, (e, t) in enumerate(zip(made, topics, strict=True))]


def attempt(table: GroupTable, event: Event, at: Stamp) -> Facts | None | str:
    try:
        return table.merge(KEY, event, at, LENIENT)
    except InvalidEvent as error:
        return str(error)


@MANY
@given(arrivals())
def test_merging_the_last_event_again_changes_nothing_and_tells_the_same(made: Arrivals) -> None:
    table = GroupTable()
    for event, at in made:
        first = attempt(table, event, at)
        before = copied(table.get(KEY))
        assert attempt(table, event, at) == first
        assert table.get(KEY) == before


@MANY
@given(arrivals(), st.data())
def test_an_owner_that_restores_the_table_goes_on_as_the_old_one_would_have(
    made: Arrivals, data: st.DataObject
) -> None:
    old, again = GroupTable(), GroupTable()
    facts = [attempt(old, event, at) for event, at in made]
    crash = data.draw(st.integers(0, len(made) - 1))
    for event, at in made[: crash + 1]:  # all merged, but the last one's offset was not committed
        attempt(again, event, at)
    restored = GroupTable()
    restored.restore([copied(group) for group in again], 0, 0)
    assert [attempt(restored, event, at) for event, at in made[crash:]] == facts[crash:]
    assert restored.get(KEY) == old.get(KEY)


@MANY
@given(arrivals(), events())
def test_a_refused_event_leaves_no_trace(made: Arrivals, event: Event) -> None:
    table, policy = GroupTable(), Policy({"queue_name": "q"})
    for earlier, at in made[1:]:
        attempt(table, earlier, at)
    before = copied(attributes(table))
    try:
        table.merge(KEY, event, stamp(event.time_ms, 99), policy)
    except InvalidEvent:
        assert attributes(table) == before


def attributes(table: GroupTable) -> dict[str, object]:
    """All of them, compiled or not."""
    found = {name: getattr(table, name) for name in dir(table) if not name.startswith("__")}
    return {name: value for name, value in found.items() if not callable(value)}


# Order per kind of knowledge


def test_a_late_change_tells_its_own_fields_and_turns_nothing_back() -> None:
    table = running()
    merge(table, statistics(25, statistics=Statistics(hit_ratio=0.5)), 3)
    before = copied(known(table))

    facts = told(
        table,
        change(15, state=GroupState.Active, action=Action.StopDialing, actor=Actor.OcsClient, queue_name="old"),
        4,
    )

    assert (facts.time_ms, facts.state, facts.action, facts.actor) == (15, GroupState.Active, Action.StopDialing, 1)
    assert (facts.dial_mode, facts.optimize_by, facts.optimize_goal, facts.statistics) == (None, None, None, None)
    assert facts.calling_lists == ()
    assert facts.names == (*list(FULL.values())[:-1], "old"), "its own name, and what it lacks from what is known"
    before.after = 5  # only how far the log is merged
    assert known(table) == before
    assert table.late == 1


@pytest.mark.parametrize("kind", [Kind.REPORT, Kind.CHANGE])
@pytest.mark.parametrize("state", list(GroupState))
def test_a_late_report_is_not_notified_and_turns_nothing_back_but_fills_names(kind: Kind, state: GroupState) -> None:
    table = GroupTable()
    merge(table, change(20, state=GroupState.Running, action=Action.StartDialing, dial_mode=DialMode.Predict), 1)
    assert merge(table, Event(kind=kind, time_ms=15, state=state, dial_mode=DialMode.Power, queue_name="q"), 2) is None
    assert (known(table).state, known(table).dial_mode) == (GroupState.Running, DialMode.Predict)
    assert "q" in known(table).shown
    assert (table.late, table.unchanged) == (1, 0)


@pytest.mark.parametrize("kind", [Kind.CHANGE, Kind.REPORT, Kind.STATISTICS])
def test_a_late_name_fills_a_gap_but_replaces_no_newer_one(kind: Kind) -> None:
    table = GroupTable()
    merge(table, change(20, state=GroupState.Active, campaign_name="new"), 1)
    merge(
        table,
        Event(kind=kind, time_ms=10, state=GroupState.Active, campaign_name="old", queue_name="q", group_name="g"),
        2,
    )
    assert dict(zip(NAMES, known(table).names, strict=True))["campaign_name"] == "new"
    facts = told(table, change(30, state=GroupState.Running), 3)
    assert {"new", "q", "g"} <= set(facts.names)


def test_the_labels_of_a_groups_series_are_not_turned_back_by_a_late_change() -> None:
    table = GroupTable()
    merge(table, change(20, state=GroupState.Active, campaign_name="new"), 1)
    assert "old" in told(table, change(10, action=Action.LoadCampaign, campaign_name="old"), 2).names
    assert "new" in known(table).shown
    assert "old" not in known(table).shown


def test_older_statistics_overwrite_nothing() -> None:
    table = running()
    merge(table, statistics(30, statistics=Statistics(hit_ratio=0.3), calling_lists=(CallingList(name="A"),)), 3)
    older = CallingList(name="A", hit_ratio=9)
    merge(table, statistics(29, statistics=Statistics(hit_ratio=0.9, busy_factor=1), calling_lists=(older,)), 4)
    assert known(table).statistics == Statistics(hit_ratio=0.3)
    assert known(table).calling_lists["A"].values == CallingList(name="A")


def test_each_calling_list_has_its_own_order() -> None:
    table = running()
    merge(table, statistics(30, calling_lists=(CallingList(name="A", hit_ratio=0.1),)), 3)
    merge(
        table,
        statistics(25, calling_lists=(CallingList(name="A", hit_ratio=0.9), CallingList(name="B", hit_ratio=0.2))),
        4,
    )
    facts = told(table, change(40, action=Action.StopDialing), 5)
    assert [(values.name, values.hit_ratio) for values in facts.calling_lists] == [("A", 0.1), ("B", 0.2)]


def test_statistics_that_come_after_a_newer_change_are_merged_all_the_same() -> None:
    table = running()
    merge(table, statistics(15, statistics=Statistics(hit_ratio=0.3)), 3)
    assert told(table, change(30, action=Action.StopDialing), 4).statistics == Statistics(hit_ratio=0.3)


def test_the_statistics_of_a_late_change_are_news_where_none_newer_are_known() -> None:
    table = running()
    merge(table, change(15, state=GroupState.Active, statistics=Statistics(hit_ratio=0.3)), 3)
    assert known(table).statistics == Statistics(hit_ratio=0.3)
    merge(table, change(12, state=GroupState.Active, statistics=Statistics(hit_ratio=0.9)), 4)
    assert known(table).statistics == Statistics(hit_ratio=0.3)


@pytest.mark.parametrize(("first", "second", "state"), [(5, 6, 4), (6, 5, 5)])
def test_equal_times_in_one_partition_are_decided_by_the_offset(first: int, second: int, state: int) -> None:
    table = GroupTable()
    merge(table, change(10, state=GroupState.Running), first)
    merge(table, change(10, state=GroupState.Active), second)
    assert known(table).state == state


def test_equal_times_of_two_topics_are_decided_by_arrival() -> None:
    table = GroupTable()
    table.merge(KEY, change(10, state=GroupState.Running), stamp(10, 9, topic="a"), LENIENT)
    table.merge(KEY, change(10, state=GroupState.Active), stamp(10, 1, topic="b"), LENIENT)
    assert known(table).state is GroupState.Active
    assert table.late == 0


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2])), ids=str)
def test_what_is_known_in_the_end_does_not_depend_on_the_order_of_arrival(order: tuple[int, ...]) -> None:
    made = [
        change(
            10, state=GroupState.Active, dial_mode=DialMode.Power, campaign_name="a", statistics=Statistics(hit_ratio=1)
        ),
        change(20, state=GroupState.Running, dial_mode=DialMode.Predict, campaign_name="b"),
        statistics(30, campaign_name="c", statistics=Statistics(hit_ratio=3)),
    ]
    table = GroupTable()
    for n in order:
        merge(table, made[n], n)
    group = known(table)
    assert (group.state, group.dial_mode, group.names[NAMES.index("campaign_name")]) == (5, DialMode.Predict, "c")
    assert group.statistics == Statistics(hit_ratio=3)


# Snapshots


def test_a_snapshot_is_told_as_periodic_with_the_state_it_says_or_the_one_known() -> None:
    table = running()
    said = told(table, snapshot(30, state=GroupState.Active), 3)
    assert (said.periodic, said.state, said.action) == (True, GroupState.Active, Action.StartDialing)
    assert told(table, snapshot(31), 4).state is GroupState.Active


def test_a_snapshot_of_a_group_whose_state_nobody_said_is_refused() -> None:
    table = GroupTable()
    merge(table, statistics(1, statistics=Statistics(hit_ratio=0.1)))
    with pytest.raises(InvalidEvent) as refused:
        merge(table, snapshot(2), 1)
    assert (refused.value.reason, refused.value.field) == (Invalid.MISSING_FIELD, "state")


def test_a_late_snapshot_without_a_state_has_the_one_that_is_known() -> None:
    table = running()
    facts = told(table, snapshot(15), 3)
    assert (facts.state, facts.periodic, facts.time_ms) == (GroupState.Running, True, 15)
    assert known(table).changed == stamp(20, 2)


# Statistics


def test_a_value_stays_until_it_is_replaced_and_null_replaces() -> None:
    table = running()
    merge(table, statistics(30, statistics=Statistics(busy_factor=0.8, hit_ratio=0.3, time_to_complete=600)), 3)
    merge(table, statistics(31, statistics=Statistics(hit_ratio=None, overdial_rate=0)), 4)
    assert told(table, change(32, action=Action.StopDialing), 5).statistics == Statistics(
        busy_factor=0.8, hit_ratio=None, overdial_rate=0, time_to_complete=600
    )


def test_a_groups_statistics_are_unknown_until_the_first_are_said() -> None:
    table = running()
    assert told(table, change(30, action=Action.StopDialing), 3).statistics is None
    facts = told(table, change(31, action=Action.StartDialing, statistics=Statistics(hit_ratio=1)), 4)
    assert facts.statistics == Statistics(hit_ratio=1)


def test_statistics_are_absorbed_without_being_told_also_before_any_state_is_known() -> None:
    table = GroupTable()
    assert merge(table, statistics(1, statistics=Statistics(hit_ratio=0.3)), policy=STRICT) is None
    assert known(table).state is None
    facts = told(table, change(2, state=GroupState.Running, **FULL), 1, policy=STRICT)
    assert facts.statistics == Statistics(hit_ratio=0.3)


def test_unloading_drops_the_statistics_but_tells_its_own() -> None:
    table = running()
    lists = (CallingList(name="A", hit_ratio=0.1),)
    merge(table, statistics(30, statistics=Statistics(hit_ratio=0.3), calling_lists=lists), 3)
    own, own_lists = Statistics(busy_factor=0.9), (CallingList(name="B"),)

    facts = told(table, change(40, action=Action.UnloadCampaign, statistics=own, calling_lists=own_lists), 4)

    assert (facts.state, facts.statistics, facts.calling_lists) == (GroupState.NotLoaded, own, own_lists)
    assert (known(table).statistics, known(table).calling_lists) == (None, {})
    merge(table, statistics(41, statistics=Statistics(hit_ratio=0.4)), 5)
    loaded = told(table, change(50, action=Action.LoadCampaign), 6)
    assert (loaded.statistics, loaded.calling_lists) == (None, ())


@pytest.mark.parametrize("state", [GroupState.WaitingUnload, GroupState.UnloadInProgress, GroupState.InActive])
def test_a_group_that_is_only_about_to_be_unloaded_keeps_its_statistics(state: GroupState) -> None:
    table = running()
    merge(table, statistics(30, statistics=Statistics(hit_ratio=0.3)), 3)
    assert told(table, change(40, state=state), 4).statistics == Statistics(hit_ratio=0.3)


def test_late_statistics_of_an_earlier_loading_are_not_those_of_the_next() -> None:
    table = running()
    merge(table, change(40, action=Action.UnloadCampaign), 3)
    merge(table, change(50, action=Action.LoadCampaign), 4)
    merge(table, statistics(39, statistics=Statistics(hit_ratio=0.3), calling_lists=(CallingList(name="A"),)), 5)
    assert (known(table).statistics, known(table).calling_lists) == (None, {})
    merge(table, statistics(45, statistics=Statistics(hit_ratio=0.4)), 6)
    assert known(table).statistics == Statistics(hit_ratio=0.4)


def test_a_late_unload_takes_no_statistics_and_leaves_none_of_its_own() -> None:
    table = running()
    merge(table, statistics(30, statistics=Statistics(hit_ratio=0.3)), 3)
    facts = told(table, change(5, action=Action.UnloadCampaign, calling_lists=(CallingList(name="Z"),)), 4)
    assert (facts.state, facts.statistics) == (GroupState.NotLoaded, None)
    assert (known(table).statistics, known(table).calling_lists) == (Statistics(hit_ratio=0.3), {})


def test_ratios_above_one_are_passed_on_and_counted_but_not_those_of_a_refused_event() -> None:
    table = GroupTable()
    high = Statistics(busy_factor=1.5, hit_ratio=1, overdial_rate=2, time_to_complete=600)
    merge(table, statistics(1, statistics=high, calling_lists=(CallingList(name="A", hit_ratio=3),)))
    assert table.above_one == 3
    with pytest.raises(InvalidEvent):
        merge(table, change(2, state=GroupState.Active, statistics=high), 1, policy=STRICT)
    assert table.above_one == 3


# Dial mode and optimization


def test_dial_mode_and_optimization_are_kept_and_taken_back_by_null() -> None:
    table = running()
    merge(table, change(30, state=GroupState.Running, optimize_by=OptimizeBy.BusyFactor, optimize_goal=80), 3)
    facts = told(table, change(31, action=Action.StartDialing), 4)
    assert (facts.dial_mode, facts.optimize_by, facts.optimize_goal) == (DialMode.Predict, OptimizeBy.BusyFactor, 80)
    facts = told(table, change(32, state=GroupState.Running, dial_mode=None, optimize_by=None, optimize_goal=None), 5)
    assert (facts.dial_mode, facts.optimize_by, facts.optimize_goal) == (None, None, None)
    assert facts.action is Action.SetDialingMode


def test_statistics_events_say_nothing_of_the_dial_mode() -> None:
    table = running()
    merge(table, statistics(30, dial_mode=DialMode.Power, state=GroupState.Active), 3)
    assert (known(table).dial_mode, known(table).state) == (DialMode.Predict, GroupState.Running)


def test_an_actor_that_is_not_said_is_unknown() -> None:
    table = running()
    assert told(table, change(30, state=GroupState.Active), 3).actor is Actor.Unknown
    assert told(table, change(31, state=GroupState.Running, actor=Actor.OcsClient), 4).actor is Actor.OcsClient


# Names


def test_a_name_comes_from_the_event_then_the_table_then_the_directory_then_the_policy() -> None:
    table, policy = GroupTable(), Policy({"queue_name": "policy", "group_name": "policy"}, on_missing="rest")
    row = tuple({"group_name": "directory", "campaign_name": "directory"}.get(name) for name in NAMES)
    merge(table, statistics(1, campaign_group_name="known", campaign_name="known"))

    facts = table.merge(KEY, change(2, state=GroupState.Active, campaign_name="event"), stamp(2, 1), policy, row)

    assert facts is not None
    assert dict(zip(NAMES, facts.names, strict=True)) == {
        "tenant_name": None,
        "tenant_ccid": None,
        "campaign_group_name": "known",
        "campaign_group_guid": "rest",
        "campaign_group_dbid": derived_dbid(KEY),
        "group_name": "directory",
        "campaign_name": "event",
        "campaign_template_name": None,
        "queue_name": "policy",
    }


def test_what_the_directory_or_the_policy_said_is_not_kept_as_known() -> None:
    table = GroupTable()
    row = tuple("directory" if name == "queue_name" else None for name in NAMES)
    table.merge(KEY, change(1, state=GroupState.Active), stamp(1), LENIENT, row)
    assert known(table).names == (None,) * len(NAMES)
    facts = told(table, change(2, state=GroupState.Running), 1, policy=Policy({}, on_missing="other"))
    assert dict(zip(NAMES, facts.names, strict=True))["queue_name"] == "other"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_nobody_knows_is_refused_but_for_what_the_policy_fills(name: str) -> None:
    table = GroupTable()
    filled = {"campaign_group_dbid": derived_dbid(KEY), "campaign_group_name": "x"}
    event = change(1, state=GroupState.Active, **{other: "x" for other in NAMES if other != name})
    if name in {"tenant_name", "tenant_ccid", "campaign_template_name"}:
        facts = told(table, event, policy=STRICT)
        assert dict(zip(NAMES, facts.names, strict=True))[name] is None
        facts = told(table, event, policy=Policy({name: "mine"}, on_missing="rest"))
        assert dict(zip(NAMES, facts.names, strict=True))[name] == "mine"
    elif name in filled:
        facts = told(table, event, policy=STRICT)
        assert dict(zip(NAMES, facts.names, strict=True))[name] == filled[name]
    else:
        with pytest.raises(InvalidEvent) as refused:
            told(table, event, policy=STRICT)
        assert (refused.value.reason, refused.value.field) == (Invalid.MISSING_FIELD, name)
        assert len(table) == 0


def test_an_empty_text_is_a_name() -> None:
    facts = told(GroupTable(), change(1, state=GroupState.Active, **FULL | {"queue_name": ""}), policy=STRICT)
    assert facts.names[-1] == ""


# Partitions


def test_a_group_seen_in_another_partition_number_is_counted_and_moves_there() -> None:
    table = GroupTable()
    for offset, number in enumerate([0, 0, 3, 3, 0]):
        merge(table, change(offset, state=GroupState.Active), offset, number)
    assert (table.split, known(table).number, len(table)) == (2, 0, 1)
    assert table.moved == {KEY: (3, 0)}
    table.drop(3)
    assert len(table) == 1
    table.drop(0)
    assert table.get(KEY) is None


def test_of_groups_seen_in_two_partition_numbers_some_are_named() -> None:
    table = GroupTable()
    for number in (0, 1):
        for n in range(20):
            event = change(number, state=GroupState.Active)
            table.merge(f"G{n}", event, stamp(number, 20 * number + n, number), LENIENT)
    assert table.split == 20
    assert table.moved == {f"G{n}": (0, 1) for n in range(5)}


def test_two_topics_of_one_partition_number_are_no_split() -> None:
    table = GroupTable()
    for offset, topic in enumerate("ab"):
        table.merge(KEY, change(offset, state=GroupState.Active), stamp(offset, offset, 3, topic), LENIENT)
    assert (table.split, table.moved) == (0, {})


def test_dropping_a_partition_number_forgets_its_groups_and_no_others() -> None:
    table = GroupTable()
    for number in range(3):
        for n in range(4):
            table.merge(f"{number}/{n}", statistics(1, queue_name="q"), stamp(1, n, number), LENIENT)
    table.drop(1)
    table.drop(7)  # never had a group
    assert sorted(group.key for group in table) == [f"{number}/{n}" for number in (0, 2) for n in range(4)]
    merge(table, change(1, state=GroupState.Active), 0, 1)
    table.drop(1)
    assert len(table) == 8


def test_groups_share_nothing() -> None:
    table = GroupTable()
    table.merge("a", change(1, state=GroupState.Running, **FULL), stamp(1, 1), STRICT)
    table.merge("b", statistics(1, calling_lists=(CallingList(name="A"),)), stamp(1, 2), STRICT)
    a, b = table.get("a"), table.get("b")
    assert a is not None
    assert b is not None
    assert (a.calling_lists, b.state, b.names) == ({}, None, (None,) * len(NAMES))


@MANY
@given(arrivals())
def test_what_is_told_of_the_newest_event_is_what_the_table_knows(made: Arrivals) -> None:
    table = GroupTable()
    for event, at in made:
        facts = attempt(table, event, at)
        group = table.get(KEY)
        if not isinstance(facts, Facts) or group is None or group.changed != at:
            continue
        assert (facts.state, facts.dial_mode, facts.optimize_by) == (group.state, group.dial_mode, group.optimize_by)
        assert facts.optimize_goal == group.optimize_goal
        if facts.state is not GroupState.NotLoaded:
            assert facts.statistics == group.statistics
            assert {values.name for values in facts.calling_lists} == set(group.calling_lists)


# What is kept over restarts


def heard(
    table: GroupTable, key: str, offset: int, *, number: int = 0, now_ms: int = 0, action: Action = Action.StartDialing
) -> CampaignGroup:
    """A change of a group is merged at `now_ms`; the group."""
    event = change(offset, action=action, queue_name=str(offset))
    table.merge(key, event, stamp(offset, offset, number), LENIENT, None, now_ms)
    group = table.get(key)
    assert group is not None
    return group


def saved(number: int = 0, count: int = 0, seen_ms: int = 0, **fields: object) -> CampaignGroup:
    """A running group as it comes from the state topic."""
    fields = {"state": GroupState.Running, **fields}
    return CampaignGroup(key=KEY, number=number, count=count, seen_ms=seen_ms, **fields)  # type: ignore[arg-type]


def test_what_changed_is_handed_out_once_by_the_number_it_lives_in() -> None:
    table = GroupTable(saved=True)
    a, b = heard(table, "a", 1), heard(table, "b", 2, number=3)
    heard(table, "a", 4)
    assert (table.unsaved(0), table.unsaved(3), table.unsaved(1)) == ({"a": a}, {"b": b}, {})
    assert (table.unsaved(0), table.unsaved(3)) == ({}, {})
    table.merge("a", statistics(5, statistics=Statistics(hit_ratio=1)), stamp(5, 5), LENIENT)
    assert table.unsaved(0) == {"a": a}


def test_a_table_that_is_not_kept_has_nothing_to_save() -> None:
    table = GroupTable()
    group = heard(table, "a", 1)
    table.put_back(0, {"a": group})
    heard(table, "a", 2, number=1)
    table.expire(10, 1, ())
    assert (table.unsaved(0), table.unsaved(1)) == ({}, {})


def test_what_was_not_saved_is_handed_out_again_but_where_it_changed_since() -> None:
    table = GroupTable(saved=True)
    for offset, key in enumerate("abc"):
        heard(table, key, offset, action=Action.UnloadCampaign)
    failed = table.unsaved(0)
    assert table.expire(10, 1, "bc") == ["a"]
    heard(table, "b", 9)
    table.put_back(0, failed)
    assert table.unsaved(0) == {"a": None, "b": table.get("b"), "c": table.get("c")}


def test_what_changed_in_a_number_that_was_given_up_is_the_next_owner_s_to_save() -> None:
    table = GroupTable(saved=True)
    heard(table, "a", 1)
    heard(table, "b", 2, number=1)
    assert table.drop(0) == ["a"]
    assert table.unsaved(0) == {}
    assert set(table.unsaved(1)) == {"b"}


def test_that_many_groups_changed_is_said_each_time_that_so_many_were_not_taken_to_be_saved() -> None:
    table, said = GroupTable(saved=True), list[int]()
    table.filling = lambda: said.append(len(table))
    for number in range(MOST_UNSAVED - 1):
        heard(table, str(number), 1, number=number % 3)
    heard(table, "0", 2)  # changed already
    assert said == []
    heard(table, "one more", 1)
    heard(table, "and another", 1, number=1)
    assert said == [MOST_UNSAVED]
    failed = table.unsaved(1)
    table.put_back(1, failed)
    table.drop(1)
    for number in (0, 2):
        table.unsaved(number)
    for number in range(MOST_UNSAVED):
        heard(table, str(number), 3)
    assert len(said) == 2


def test_texts_of_the_tenant_are_held_once_for_all_groups() -> None:
    table = GroupTable()
    for key in "ab":
        names = {name: b"tenant".decode() for name in ("tenant_name", "tenant_ccid")}  # texts of their own
        table.merge(key, change(1, state=GroupState.Active, **names), stamp(1), LENIENT)
    a, b = table
    assert a.names[:2] == ("tenant", "tenant")
    assert a.names[0] is b.names[0] is a.names[1]
    assert a.shown[0] is a.names[0]


def test_a_group_that_turns_up_in_another_number_is_forgotten_in_the_one_it_left() -> None:
    table = GroupTable(saved=True)
    group = heard(table, "a", 1)
    table.unsaved(0)
    heard(table, "a", 2, number=3)
    assert (table.unsaved(0), table.unsaved(3)) == ({"a": None}, {"a": group})


def test_restored_groups_are_known_and_need_not_be_saved_again() -> None:
    table = GroupTable(saved=True)
    table.grow(4)
    table.restore([saved(2, count=4, names=tuple(FULL.values()))], 100, 0)
    assert (known(table).number, known(table).dormant) == (2, False)
    assert table.unsaved(2) == {}
    assert told(table, change(1, action=Action.StopDialing)).names == tuple(FULL.values())
    assert table.drop(2) == [], "it moved with the event"


@pytest.mark.parametrize("first", [0, 3], ids=["the-older-first", "the-younger-first"])
def test_of_a_group_that_two_numbers_have_the_one_heard_of_last_holds_and_the_other_is_forgotten(first: int) -> None:
    table, seen = GroupTable(saved=True), {0: 50, 3: 90}
    for number in (first, 3 - first):
        table.restore([saved(number, seen_ms=seen[number])], 100, 0)
    assert (known(table).number, known(table).seen_ms, len(table), table.split) == (3, 90, 1, 1)
    assert table.moved == {KEY: (first, 3 - first)}
    assert (table.unsaved(0), table.unsaved(3)) == ({KEY: None}, {})
    assert (table.drop(0), table.drop(3)) == ([], [KEY])


def test_the_time_that_nobody_had_a_number_does_not_count_towards_the_time_to_live() -> None:
    table = GroupTable(saved=True)
    unloaded = saved(seen_ms=1000, state=GroupState.NotLoaded)
    table.restore([unloaded], 9000, 5000)
    assert known(table).seen_ms == 6000
    assert table.unsaved(0) == {KEY: unloaded}, "or the next owner would count from before"
    assert table.expire(6099, 100, ()) == []
    assert table.expire(6100, 100, ()) == [KEY]


def test_nobody_is_heard_of_in_the_future_by_that() -> None:
    table = GroupTable(saved=True)
    table.restore([saved(seen_ms=1000, state=None)], 3000, 5000)
    assert known(table).seen_ms == 3000


def test_a_group_that_does_not_expire_is_not_changed_by_a_downtime() -> None:
    table = GroupTable(saved=True)
    table.restore([saved(seen_ms=1000)], 9000, 5000)
    assert (known(table).seen_ms, table.unsaved(0)) == (1000, {})


def test_a_group_from_before_the_input_grew_is_dormant_until_an_event_of_it_is_merged() -> None:
    table = GroupTable(saved=True)
    table.grow(4)
    table.restore([saved(count=3)], 0, 0)
    assert known(table).dormant
    heard(table, KEY, 1)
    assert (known(table).dormant, known(table).count) == (False, 4)


def test_when_the_input_grows_all_groups_are_dormant_until_they_are_heard_of_or_it_was_a_mistake() -> None:
    table = GroupTable()
    assert table.grow(3)
    for key in "ab":
        heard(table, key, 1)
    assert not table.grow(3)
    assert table.grow(4)
    heard(table, "b", 2)
    assert [group.dormant for group in table] == [True, False]
    assert table.grow(3)
    assert [group.dormant for group in table] == [False, True]


@pytest.mark.parametrize(
    ("group", "mortal"),
    [
        (saved(state=GroupState.NotLoaded), True),
        (saved(state=None), True),
        (saved(count=7), True),  # dormant
        (saved(state=GroupState.WaitingUnload), False),
        (saved(state=GroupState.InActive), False),
        (saved(), False),
    ],
    ids=["unloaded", "no-state", "dormant", "waiting-unload", "inactive", "running"],
)
def test_only_groups_that_are_told_of_by_nothing_expire_and_after_their_time_to_live(
    group: CampaignGroup, mortal: bool
) -> None:
    table = GroupTable(saved=True)
    group = copied(group)
    group.seen_ms = 1000
    table.restore([group], 0, 0)
    assert table.expire(1099, 100, ()) == []
    assert table.expire(1100, 100, {KEY}) == [], "an event of it waits"
    assert table.expire(1100, 100, {"other"}) == [KEY] * mortal
    assert (len(table), table.expired, table.unsaved(0)) == (not mortal, mortal, {KEY: None} if mortal else {})
    assert table.drop(0) == [] if mortal else [KEY]


def test_a_group_is_seen_when_its_event_is_merged_whatever_that_event_s_time_and_never_earlier_than_before() -> None:
    table = GroupTable()
    assert heard(table, KEY, 1, now_ms=500).seen_ms == 500
    assert heard(table, KEY, 2, now_ms=400).seen_ms == 500
    late = change(0, action=Action.StopDialing)
    table.merge(KEY, late, stamp(0, 3), LENIENT, None, 600)
    assert known(table).seen_ms == 600


def test_a_record_is_included_by_its_topic_and_offset_also_where_it_came_late() -> None:
    table = GroupTable()
    assert not table.includes(KEY, record(0))
    merge(table, change(9, state=GroupState.Active), 5)
    merge(table, change(8, state=GroupState.Active), 4)
    assert table.includes(KEY, record(5)), "read again, as after a restart"
    merge(table, statistics(1), 6)
    assert [table.includes(KEY, record(offset)) for offset in (4, 6, 7)] == [True, True, False]
    assert not table.includes(KEY, record(4, topic="more"))
    assert not table.includes("other", record(4))


def test_what_an_event_says_of_a_group_s_own_notifications_stays_unless_it_is_late() -> None:
    table = GroupTable()
    merge(table, statistics(10, notification_interval=5, notifications_enabled=False), 1)
    merge(table, change(11, state=GroupState.Active), 2)
    assert (known(table).interval, known(table).enabled) == (5, False)
    merge(table, statistics(9, notification_interval=7, notifications_enabled=True), 3)
    assert (known(table).interval, known(table).enabled) == (5, False)
    merge(table, statistics(12, notification_interval=0), 4)
    assert (known(table).interval, known(table).enabled) == (0, False)
