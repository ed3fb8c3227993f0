"""The table of campaign groups as pages: all of it, each group once, never too much at a time."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from bridge.core import listing
from bridge.core.campaign_group import CampaignGroup
from bridge.core.event import NAMES, CallingList, Statistics
from bridge.core.group import KnownList, Names
from bridge.core.groups import GroupTable
from bridge.core.listing import MAX_LIMIT, MAX_LISTS, Listed, Page, Periods, Query, listed, page
from bridge.core.record import Partition
from bridge.core.stamp import Stamp
from bridge.core.vocabulary import DialMode, GroupState, OptimizeBy

AT = Stamp(1_790_000_000_123, Partition("t", 2), 7)
NOTHING = Periods(None, None)


def table(*groups: CampaignGroup) -> GroupTable:
    made = GroupTable()
    made.restore(groups, 0, 0)
    return made


def group(key: str, lists: int = 0) -> CampaignGroup:
    known = {f"{n}": KnownList(CallingList(name=f"{n}"), AT) for n in range(lists)}
    return CampaignGroup(key, 0, calling_lists=known)


def nothing(group: CampaignGroup) -> Periods:
    return NOTHING


def walk(of: GroupTable, limit: int) -> list[Page]:
    pages = [page(of, Query(limit=limit), nothing)]
    while (after := pages[-1].next) is not None:
        pages.append(page(of, Query(after=after, limit=limit), nothing))
    return pages


@given(st.sets(st.text(min_size=1, max_size=3), max_size=20), st.integers(1, 25))
def test_pages_together_have_each_group_once_in_the_order_of_keys(keys: set[str], limit: int) -> None:
    pages = walk(table(*(group(key) for key in keys)), limit)

    assert [found.key for of in pages for found in of.groups] == sorted(keys)
    assert all(len(of.groups) == limit for of in pages[:-1])
    assert {of.count for of in pages} == {len(keys)}


def test_groups_of_a_name_are_found_as_notifications_tell_it_else_as_events_said_it() -> None:
    def names(text: str | None) -> Names:
        return tuple(text if name == "campaign_group_name" else None for name in NAMES)

    shown = [names(None), names("told")]
    groups = [CampaignGroup(f"K{n}", 0, names=names("said"), shown=shown[n % 2]) for n in range(6)]
    of = table(*groups, group("K9"))

    def found(**query: Any) -> list[str]:
        return [one.key for one in page(of, Query(**query), nothing).groups]

    assert found(name="told") == ["K1", "K3", "K5"]
    assert found(name="said", after="K0") == ["K2", "K4"]
    assert found(name="none") == []
    assert (found(name="told", limit=1), page(of, Query(name="told", limit=1), nothing).next) == (["K1"], "K1")


def test_no_page_has_more_groups_than_the_limit_of_all_pages() -> None:
    many = table(*(group(f"{n:05}") for n in range(MAX_LIMIT + 5)))

    first = page(many, Query(limit=1_000_000), nothing)

    assert (len(first.groups), first.next) == (MAX_LIMIT, f"{MAX_LIMIT - 1:05}")


def test_a_page_of_many_calling_lists_ends_early_and_the_rest_follows() -> None:
    pages = walk(table(*(group(f"{n}", lists=MAX_LISTS // 2) for n in range(7))), 100)

    assert [len(of.groups) for of in pages] == [3, 3, 1]


def test_one_group_is_asked_for_by_its_key() -> None:
    known = table(group("a"), group("b"))

    assert [found.key for found in page(known, Query(key="b"), nothing).groups] == ["b"]
    assert page(known, Query(key="c"), nothing) == Page(groups=[], count=2)


def test_a_group_is_listed_in_words() -> None:
    names = ("T", None, "CG", None, "1", None, None, None, None)
    known = CampaignGroup(
        "T/CG",
        2,
        names=names,
        shown=(*names[:5], "from the directory", None, None, None),
        state=GroupState.Running,
        dial_mode=DialMode.Predict,
        optimize_by=OptimizeBy.BusyFactor,
        optimize_goal=80,
        changed=AT,
        statistics=Statistics(busy_factor=0.8, hit_ratio=None),
        calling_lists={"L": KnownList(CallingList(name="L", dbid="5", time_to_complete=60), AT)},
        seen_ms=1_790_000_001_000,
    )

    said = json.loads(msgspec.json.encode(listed(known, Periods(True, 10.0, 1_790_000_005_500))))

    assert said == {
        "key": "T/CG",
        "partition": 2,
        "names": {
            "tenant_name": "T",
            "campaign_group_name": "CG",
            "campaign_group_dbid": "1",
            "group_name": "from the directory",
        },
        "state": "Running",
        "dial_mode": "Predict",
        "optimize_by": "BusyFactor",
        "optimize_goal": 80,
        "statistics": {"busy_factor": 0.8, "hit_ratio": None},
        "calling_lists": [{"name": "L", "dbid": "5", "time_to_complete": 60}],
        "enabled": True,
        "interval": 10.0,
        "next_notification": "2026-09-21T14:13:25.500Z",
        "changed": "2026-09-21T14:13:20.123Z",
        "last_event": "2026-09-21T14:13:21.000Z",
        "dormant": False,
    }


def test_names_that_only_statistics_said_are_listed_too() -> None:
    known = CampaignGroup("k", 0, names=("T", *[None] * 8), shown=(None,) * len(NAMES))

    assert listed(known, NOTHING).names == {"tenant_name": "T"}


def test_a_clock_that_was_wrong_by_ages_breaks_nothing() -> None:
    known = CampaignGroup("k", 0, seen_ms=2**63 - 1)

    assert listed(known, NOTHING).last_event is None


def test_what_is_listed_can_be_read_back() -> None:
    given_out = page(table(group("a", lists=2)), Query(), nothing)
    read = msgspec.json.decode(msgspec.json.encode(given_out), type=Page)

    assert read == given_out
    assert isinstance(read.groups[0], Listed)
    assert read.groups[0].calling_lists[0].hit_ratio is UNSET
    assert listing.MAX_LIMIT >= 100
