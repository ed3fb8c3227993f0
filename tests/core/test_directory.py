from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core.directory import MAX_ROWS, DirectoryError, Row, parse_directory
from bridge.core.event import NAMES, PERIODS, Event
from bridge.core.group import names_of
from bridge.core.vocabulary import Kind


def event(**names: str) -> Event:
    return msgspec.structs.replace(Event(kind=Kind.CHANGE, time_ms=0), **names)


def problems(text: str, source: str = "groups.csv") -> list[str]:
    with pytest.raises(DirectoryError) as caught:
        parse_directory(text, source)
    return caught.value.problems


CSV = """match,campaign_group_name,campaign_name
101,Sales@North,Sales
g-7,Dunning@South,Dunning
"""
SEMICOLONS = CSV.replace(",", ";")
LIST = """
- {match: 101, campaign_group_name: Sales@North, campaign_name: Sales}
- match: g-7
  campaign_group_name: Dunning@South
  campaign_name: Dunning
"""
MAP = """
101:
  campaign_group_name: Sales@North
  campaign_name: Sales
g-7: {campaign_group_name: Dunning@South, campaign_name: Dunning}
"""
JSON = '[{"match": 101, "campaign_group_name": "Sales@North", "campaign_name": "Sales"}, {"match": "g-7", "campaign_group_name": "Dunning@South", "campaign_name": "Dunning"}]'


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (CSV, "groups.csv"),
        ("\ufeff" + CSV, "groups.csv"),
        (CSV.replace("\n", "\r\n"), "groups.csv"),
        ("\n" + CSV.replace("\n", "\n\n"), "groups.csv"),
        (CSV.replace("Sales@North", '"Sales@North"'), "groups.txt"),
        (SEMICOLONS, "groups.CSV"),
        (LIST, "groups.yaml"),
        ("\ufeff" + LIST, "groups.yaml"),
        (MAP, "groups.yml"),
        (JSON, "groups.json"),
    ],
    ids=["csv", "bom", "crlf", "blank-lines", "quotes", "semicolons", "list", "yaml-bom", "map", "json"],
)
def test_each_format_says_the_same(text: str, source: str) -> None:
    directory = parse_directory(text, source)
    assert len(directory) == 2
    assert directory.resolve(event(campaign_group_dbid="101")) == Row(
        campaign_group_name="Sales@North", campaign_name="Sales"
    )
    assert directory.resolve(event(campaign_group_guid="g-7")) == Row(
        campaign_group_name="Dunning@South", campaign_name="Dunning"
    )
    assert directory.resolve(event(campaign_group_dbid="102")) is None
    assert directory.resolve(event()) is None


def test_the_fields_of_a_row_are_the_names_of_an_event_and_what_it_says_of_notifications() -> None:
    assert Row.__struct_fields__ == (*NAMES, *PERIODS)
    assert set(Row.__struct_fields__) <= set(Event.__struct_fields__)
    assert names_of(Row(notification_interval=5, notifications_enabled=False)) == (None,) * len(NAMES)


def test_a_match_is_compared_with_guid_then_dbid_then_name() -> None:
    directory = parse_directory("match,campaign_name\na,A\nb,B\nc,C\n", "groups.csv")
    found = [
        directory.resolve(event(campaign_group_guid="a", campaign_group_dbid="b", campaign_group_name="c")),
        directory.resolve(event(campaign_group_guid="-", campaign_group_dbid="b", campaign_group_name="c")),
        directory.resolve(event(campaign_group_guid="-", campaign_group_dbid="-", campaign_group_name="c")),
    ]
    assert [row and row.campaign_name for row in found] == ["A", "B", "C"]


def test_without_match_a_row_is_found_by_its_own_ids_each_in_its_own_field() -> None:
    text = "campaign_group_guid,campaign_group_dbid,campaign_group_name\ng-1,101,Sales\n"
    directory = parse_directory(text, "groups.csv")
    row = Row(campaign_group_guid="g-1", campaign_group_dbid="101", campaign_group_name="Sales")
    assert directory.resolve(event(campaign_group_guid="g-1")) == row
    assert directory.resolve(event(campaign_group_dbid="101")) == row
    assert directory.resolve(event(campaign_group_name="Sales")) == row
    assert directory.resolve(event(campaign_group_guid="101")) is None


def test_with_match_a_row_is_not_found_by_its_own_ids() -> None:
    directory = parse_directory("match,campaign_group_dbid\nx,101\n", "groups.csv")
    assert directory.resolve(event(campaign_group_dbid="101")) is None


TWO_TENANTS = """
- {tenant_name: North, campaign_group_dbid: 101, campaign_name: Sales}
- {tenant_name: South, campaign_group_dbid: 101, campaign_name: Dunning}
- {tenant_ccid: t3, campaign_group_dbid: 102, campaign_name: Survey}
"""


def test_two_tenants_may_use_the_same_dbid() -> None:
    directory = parse_directory(TWO_TENANTS, "groups.yaml")

    def campaign(**names: str) -> str | None:
        row = directory.resolve(event(**names))
        return row.campaign_name if row else None

    assert campaign(campaign_group_dbid="101", tenant_name="North") == "Sales"
    assert campaign(campaign_group_dbid="101", tenant_name="South", tenant_ccid="t9") == "Dunning"
    assert campaign(campaign_group_dbid="101", tenant_name="West") is None
    assert campaign(campaign_group_dbid="101") is None, "either tenant could be meant"
    assert campaign(campaign_group_dbid="102") == "Survey"
    assert campaign(campaign_group_dbid="102", tenant_name="North") == "Survey"
    assert campaign(campaign_group_dbid="102", tenant_ccid="t4") is None


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ({}, {}, True),
        ({"tenant_name": "A"}, {"tenant_name": "A"}, True),
        ({"tenant_name": "A"}, {}, True),
        ({"tenant_name": "A"}, {"tenant_ccid": "1"}, True),
        ({"tenant_name": "A", "tenant_ccid": "1"}, {"tenant_ccid": "1"}, True),
        ({"tenant_name": "A"}, {"tenant_name": "B"}, False),
        ({"tenant_name": "A", "tenant_ccid": "1"}, {"tenant_name": "A", "tenant_ccid": "2"}, False),
        ({"tenant_name": "A", "tenant_ccid": "1"}, {"tenant_ccid": "2"}, False),
    ],
)
def test_two_rows_that_one_event_could_match_are_a_duplicate(
    first: dict[str, str], second: dict[str, str], *, refused: bool
) -> None:
    rows = [{"campaign_group_dbid": "101"} | first, {"campaign_group_dbid": "102"}, {"match": "101"} | second]
    text = "".join("- {" + ", ".join(f"{key}: {value}" for key, value in row.items()) + "}\n" for row in rows)
    if refused:
        assert problems(text, "g.yaml") == ["g.yaml line 3: '101' is given twice, and no tenant tells both rows apart"]
    else:
        assert len(parse_directory(text, "g.yaml")) == 3


tenants = st.tuples(st.sampled_from([None, "A", "B", "C"]), st.sampled_from([None, "1", "2"]))


def agreeing(rows: Iterable[tuple[str | None, str | None]], name: str | None, ccid: str | None) -> list[int]:
    return [
        number
        for number, (row_name, row_ccid) in enumerate(rows)
        if (None in (row_name, name) or row_name == name) and (None in (row_ccid, ccid) or row_ccid == ccid)
    ]


@given(st.lists(tenants, min_size=1, max_size=8), tenants)
@example([("A", "1"), (None, "2")], ("A", None))
@example([("A", "1"), ("A", "2")], ("A", None))
@example([("A", None), ("B", None)], (None, "1"))
def test_whatever_the_tenants_a_row_is_found_exactly_if_it_alone_agrees(
    rows: list[tuple[str | None, str | None]], asked: tuple[str | None, str | None]
) -> None:
    kept = [row for number, row in enumerate(rows) if not agreeing(rows[:number], *row)]
    text = "match,tenant_name,tenant_ccid,queue_name\n"
    text += "".join(f"x,{name or ''},{ccid or ''},{number}\n" for number, (name, ccid) in enumerate(kept))
    found = parse_directory(text, "g.csv").resolve(
        Event(kind=Kind.CHANGE, time_ms=0, campaign_group_name="x", tenant_name=asked[0], tenant_ccid=asked[1])
    )
    expected = agreeing(kept, *asked)
    assert (found and found.queue_name) == (str(expected[0]) if len(expected) == 1 else None)


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("campain_name", "Did you mean campaign_name?"),
        ("guid", "Did you mean campaign_group_guid?"),
        ("GSW_CAMPAIGN_GROUP_DBID", "Did you mean campaign_group_dbid?"),
        ("colour", "There are: match, tenant_name"),
    ],
)
def test_an_unknown_column_is_a_mistake_with_a_suggestion(column: str, hint: str) -> None:
    (csv_problem,) = problems(f"match,{column}\n101,x\n")
    (yaml_problem,) = problems(f"- match: 101\n  {column}: x\n", "g.yaml")
    assert csv_problem.startswith(f"groups.csv line 1: no such column: '{column}'. {hint}")
    assert yaml_problem.startswith(f"g.yaml line 1: no such column: '{column}'. {hint}")


def test_all_mistakes_of_a_csv_file_are_reported_with_their_lines() -> None:
    text = 'match,queue_name,match\n101,"two\nlines",x\n102,a\n,b,\n'
    text += f"{'n' * 1025},c,d\n"
    assert problems(text) == [
        "groups.csv line 1: column match is there twice",
        "groups.csv line 4: 2 cells, but the header has 3",
        "groups.csv line 5: nothing to find the row by: give match, campaign_group_guid, campaign_group_dbid or campaign_group_name",
    ]
    assert problems("match,queue_name\n" + "n" * 1025 + ",c\n") == [
        "groups.csv line 2: match: more than 1024 characters"
    ]


def test_all_mistakes_of_a_yaml_file_are_reported_with_their_lines() -> None:
    text = "- &a [1]\n- *a\n- {match: [x, {a: b}], queue_name: y}\n- 5\n- {match: 1, match: 2}\n- {queue_name: x}\n"
    assert [problem.split(": ", 1) for problem in problems(text, "g.yaml")] == [
        ["g.yaml line 1", "not a map of names"],
        ["g.yaml line 2", "not a map of names"],
        ["g.yaml line 3", "not a name with a text"],
        ["g.yaml line 4", "not a map of names"],
        ["g.yaml line 5", "'match' is there twice"],
        [
            "g.yaml line 6",
            "nothing to find the row by: give match, campaign_group_guid, campaign_group_dbid or campaign_group_name",
        ],
    ]


@pytest.mark.parametrize("text", ["a: 5", "? [a]\n: {}\n", "a: *b", "a:\n  - queue_name: x\n"])
def test_a_yaml_map_must_hold_maps(text: str) -> None:
    assert problems(text, "g.yaml") == ["g.yaml line 1: not an id with a map of names"]


@pytest.mark.parametrize(
    ("text", "source", "start"),
    [
        ("", "g.csv", "g.csv line 1: the file is empty"),
        ("\n\n", "g.csv", "g.csv line 1: the file is empty"),
        ("", "g.yaml", "g.yaml line 1: the file is empty"),
        ("# nothing\n", "g.yaml", "g.yaml line 1: the file is empty"),
        ("text", "g.yaml", "g.yaml line 1: neither a list"),
        ("]", "g.yaml", "g.yaml line 1: not valid YAML"),
        ("- match: \x00", "g.yaml", "g.yaml line 1: not valid YAML"),
        ("[]\n---\n[]", "g.yaml", "g.yaml line 2: a second document"),
        ('match\n"a\n', "g.csv", "g.csv line 2: not valid CSV"),
    ],
)
def test_what_is_no_directory_is_refused(text: str, source: str, start: str) -> None:
    (problem,) = problems(text, source)
    assert problem.startswith(start)


@pytest.mark.parametrize(("text", "source"), [("match\n", "g.csv"), ("[]", "g.yaml"), ("{}", "g.yaml")])
def test_a_directory_may_have_no_rows(text: str, source: str) -> None:
    assert len(parse_directory(text, source)) == 0


def test_yaml_values_are_taken_as_written() -> None:
    directory = parse_directory("0101: {campaign_name: no, group_name: ~, queue_name: '~', tenant_name: }", "g.yaml")
    row = Row(campaign_name="no", queue_name="~")
    assert directory.resolve(event(campaign_group_dbid="0101")) == row
    assert directory.resolve(event(campaign_group_dbid="101")) is None


def test_reading_ends_after_fifty_mistakes() -> None:
    found = problems("match\n" + "a,b\n" * 1000)
    assert len(found) == 51
    assert found[-1] == "groups.csv: reading ended after 50 mistakes"


@pytest.mark.long
def test_a_hundred_thousand_rows_fit_and_one_more_does_not() -> None:
    # One id for all, so that the look-up by tenant is seen to be quick, too: a scan would take minutes.
    text = "match,tenant_name\n" + "".join(f"101,T{number}\n" for number in range(MAX_ROWS))
    directory = parse_directory(text, "g.csv")
    found = [directory.resolve(event(campaign_group_dbid="101", tenant_name=f"T{n}")) for n in range(MAX_ROWS)]
    assert all(row and row.tenant_name == f"T{number}" for number, row in enumerate(found))
    assert problems(text + "101,T\n", "g.csv") == [f"g.csv line {MAX_ROWS + 2}: more than {MAX_ROWS} rows"]


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.core.directory.MAX_ROWS", 2)
    assert problems("match,tenant_name\n1,A\n2,B\n3,C\n", "g.csv") == ["g.csv line 4: more than 2 rows"]


def test_a_text_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.core.directory.MAX_CHARACTERS", 10)
    assert problems("match\n123456\n") == ["groups.csv has more than 10 characters"]


def names(**given: str) -> tuple[str | None, ...]:
    return names_of(event(**given))


PERIODS_CSV = "match,notification_interval,notifications_enabled\n101,2.5,\ng-7,0,no\ng-8,,Yes\n"
PERIODS_YAML = """
101: {notification_interval: 2.5}
g-7: {notification_interval: 0, notifications_enabled: no}
g-8: {notifications_enabled: true}
"""
PERIODS_JSON = '{"101": {"notification_interval": 2.5}, "g-7": {"notification_interval": 0, "notifications_enabled": false}, "g-8": {"notifications_enabled": true}}'


@pytest.mark.parametrize(
    ("text", "source"),
    [(PERIODS_CSV, "g.csv"), (PERIODS_YAML, "g.yaml"), (PERIODS_JSON, "g.json")],
    ids=["csv", "yaml", "json"],
)
def test_each_format_says_how_often_a_group_is_told_of_and_whether_at_all(text: str, source: str) -> None:
    directory = parse_directory(text, source)
    found = [directory.periods_of(names(campaign_group_guid=one)) for one in ("101", "g-7", "g-8", "g-9")]
    assert [row and (row.notification_interval, row.notifications_enabled) for row in found] == [
        (2.5, None),
        (0, False),
        (None, True),
        None,
    ]
    row = directory.resolve(event(campaign_group_dbid="101"))
    assert row is not None
    assert repr(row.notification_interval) == "2.5"


@pytest.mark.parametrize("seconds", ["5s", "-1", "0.09", "86400.1", "nan", "inf", "1e400", "ten", "true", "1,5"])
def test_an_interval_that_is_none_is_a_mistake_with_its_line_and_what_is_allowed(seconds: str) -> None:
    said = f"notification_interval is '{seconds}'. Allowed: 0 (none), or seconds from 0.1 to 86400"
    assert problems(f'match,notification_interval\n101,5\n102,"{seconds}"\n') == [f"groups.csv line 3: {said}"]
    assert problems(f"- match: 102\n  notification_interval: '{seconds}'\n", "g.yaml") == [f"g.yaml line 1: {said}"]


@pytest.mark.parametrize("word", ["maybe", "1", "0", "Y", "on"])
def test_a_switch_that_is_none_is_a_mistake_with_its_line_and_what_is_allowed(word: str) -> None:
    assert problems(f"match,notifications_enabled\n101,TRUE\n102,{word}\n") == [
        f"groups.csv line 3: notifications_enabled is '{word}'. Allowed: true, yes, false, no"
    ]


def test_what_is_said_of_a_group_is_found_by_the_ids_that_its_events_get_from_the_directory() -> None:
    text = "match,campaign_group_guid,campaign_group_dbid,notification_interval\nours,K5J0,101,5\n"
    directory = parse_directory(text, "g.csv")
    for ids in ({"campaign_group_guid": "K5J0"}, {"campaign_group_dbid": "101"}, {"campaign_group_name": "ours"}):
        row = directory.periods_of(names(**ids))
        assert row is not None, ids
        assert row.notification_interval == 5
    assert directory.resolve(event(campaign_group_guid="K5J0")) is None, "events are matched by `match` alone"
    assert directory.periods_of(names(campaign_group_name="K5J0")) is None


def test_what_is_said_of_a_group_keeps_to_its_tenant() -> None:
    text = "tenant_name,campaign_group_dbid,notification_interval\nNorth,101,5\nSouth,101,7\nSouth,102,\n"
    directory = parse_directory(text, "g.csv")

    def seconds(tenant: dict[str, str]) -> float | None:
        row = directory.periods_of(names(campaign_group_dbid="101", **tenant))
        return row.notification_interval if row else None

    assert seconds({"tenant_name": "North"}) == 5
    assert seconds({"tenant_name": "South"}) == 7
    assert seconds({"tenant_name": "West"}) is None
    assert seconds({}) is None, "either tenant could be meant"


def test_rows_of_one_group_may_repeat_what_they_say_of_it_but_not_contradict() -> None:
    head = "match,campaign_group_guid,notification_interval,notifications_enabled\n"
    directory = parse_directory(f"{head}1,K5J0,5,\n2,K5J0,5.0,\n3,K5J0,,\n", "g.csv")
    row = directory.periods_of(names(campaign_group_guid="K5J0"))
    assert row is not None
    assert row.notification_interval == 5
    said = "'K5J0' has another notification_interval or notifications_enabled in another row"
    assert problems(f"{head}1,K5J0,5,\n2,K5J0,6,\n3,K5J0,5,yes\n", "g.csv") == [
        f"g.csv line 3: {said}",
        f"g.csv line 4: {said}",
    ]


def test_a_directory_that_says_nothing_of_notifications_answers_nothing() -> None:
    directory = parse_directory("campaign_group_guid,group_name\nK5J0,North\n", "groups.csv")
    assert directory.periods_of(names(campaign_group_guid="K5J0")) is None
