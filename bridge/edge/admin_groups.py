"""GET /groups of the admin server: the table of campaign groups as JSON, a page at a time, or one group by its key."""

from collections.abc import Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge.core.listing import MAX_LIMIT, Page, Query

Groups = Callable[[Query], Page]
PARAMETERS = frozenset({"key", "name", "after", "limit"})


def groups_route(groups: Groups) -> Route:
    """`?key=` for one group (404: not known here), else `?name=`, `?after=` a key and `?limit=` of groups, 1 to MAX_LIMIT."""

    async def answer(request: Request) -> Response:
        try:
            query = _query(request.query_params)
        except ValueError as error:
            return PlainTextResponse(f"{error}\n", 400)
        found = groups(query)
        missing = query.key is not None and not found.groups
        body = msgspec.json.encode(found)
        return Response(body, 404 if missing else 200, {"cache-control": "no-store"}, "application/json")

    return Route("/groups", answer)


def _query(given: Mapping[str, str]) -> Query:
    """ValueError: no such parameter, or no such limit."""
    unknown = sorted(given.keys() - PARAMETERS)
    if unknown:
        raise ValueError(f"{unknown[0][:100]}: no parameter; known are {', '.join(sorted(PARAMETERS))}")
    limit = given.get("limit", str(Query().limit))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= len(str(MAX_LIMIT)) and 1 <= int(limit) <= MAX_LIMIT):
        raise ValueError(f"limit: a number from 1 to {MAX_LIMIT}")
    return Query(given.get("key"), given.get("name"), given.get("after", ""), int(limit))
