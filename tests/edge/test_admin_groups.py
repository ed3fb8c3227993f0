"""GET /groups, asked over real sockets."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from bridge.core.campaign_group import CampaignGroup
from bridge.core.groups import GroupTable
from bridge.core.listing import MAX_LIMIT, Page, Periods, Query, page
from bridge.edge.admin import Admin, Check

KEYS = ["T/a b", "T/c&d", "T/%2F", "T/ü", "T/z"]


def ask(*queries: dict[str, Any]) -> tuple[list[httpx.Response], list[Query]]:
    """The answers to these requests, and what the table was asked for."""
    table = GroupTable()
    table.restore([CampaignGroup(key, 3) for key in KEYS], 0, 0)
    asked: list[Query] = []

    def groups(query: Query) -> Page:
        asked.append(query)
        return page(table, query, lambda _: Periods(True, 10.0))

    async def render(accept: str) -> tuple[str, bytes]:
        return "text/plain", b""

    def good() -> list[Check]:
        return []

    async def scenario() -> list[httpx.Response]:
        server = Admin("127.0.0.1", 0, metrics=render, groups=groups, live=good, ready=good, started=good)
        await server.start()
        try:
            async with asyncio.timeout(20), httpx.AsyncClient() as client:
                return [await client.get(f"http://127.0.0.1:{server.port}/groups", params=query) for query in queries]
        finally:
            await server.stop()

    return asyncio.run(scenario()), asked


def test_it_is_a_page_of_json() -> None:
    [answer], asked = ask({})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert [group["key"] for group in answer.json()["groups"]] == sorted(KEYS)
    assert answer.json()["groups"][0] | {"state": None, "partition": 3, "interval": 10.0} == answer.json()["groups"][0]
    assert (answer.json()["count"], answer.json()["next"]) == (5, None)
    assert asked == [Query()]


def test_limit_and_after_walk_through_the_table() -> None:
    first, second = ask({"limit": 2}, {"limit": 2, "after": sorted(KEYS)[1]})[0]

    assert [group["key"] for group in first.json()["groups"]] == sorted(KEYS)[:2]
    assert first.json()["next"] == sorted(KEYS)[1]
    assert [group["key"] for group in second.json()["groups"]] == sorted(KEYS)[2:4]


def test_groups_are_asked_for_by_their_name() -> None:
    [answer], asked = ask({"name": "Spring@Sales", "limit": 2})

    assert (answer.status_code, answer.json()["groups"]) == (200, [])
    assert asked == [Query(name="Spring@Sales", limit=2)]


@pytest.mark.parametrize("key", KEYS)
def test_one_group_is_found_by_its_key_whatever_stands_in_it(key: str) -> None:
    [answer], _ = ask({"key": key})

    assert answer.status_code == 200
    assert [group["key"] for group in answer.json()["groups"]] == [key]


def test_a_group_that_is_not_known_is_a_404_with_an_empty_page() -> None:
    [answer], _ = ask({"key": "T/none"})

    assert answer.status_code == 404
    assert json.loads(answer.content) == {"groups": [], "count": 5, "next": None}


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "-1"}, {"limit": "x"}, {"limit": ""}, {"limit": str(MAX_LIMIT + 1)}, {"limit": "٣"}],
    ids=lambda query: f"limit={query['limit']}",
)
def test_a_limit_that_is_none_is_a_400_and_the_table_is_not_asked(query: dict[str, str]) -> None:
    [answer], asked = ask(query)

    assert (answer.status_code, answer.text) == (400, f"limit: a number from 1 to {MAX_LIMIT}\n")
    assert asked == []


def test_a_misspelt_parameter_is_a_400_that_names_those_there_are() -> None:
    [answer], _ = ask({"keys": "T/z"})

    assert (answer.status_code, answer.text) == (400, "keys: no parameter; known are after, key, limit, name\n")
