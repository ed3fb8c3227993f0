"""What the tests of the POST share: ways to make it, short deadlines, and a look for what was left behind.

Every test that uses `run` is made for each of WAYS: the bridge's own transport on both event loops, the same as httpx's
transports are used, and httpx's stock one. Where they differ by their nature, a test asks `way()`.
"""

import asyncio
import gc
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import pytest
import uvloop

from bridge.connections import HttpSettings
from bridge.core.outcome import REASONS, Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.edge.post import Poster, TransportFactory
from bridge.edge.stock import stock_transports
from bridge.edge.wire_transport import WireTransport

# What is alive by now needs no look after each test: 5 ms a test instead of 40.
gc.freeze()

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

#: Seconds. The margin is for a machine busy with other things; what would be too late is later by far.
TIMEOUT = 0.8
CONNECT_TIMEOUT = 0.6
MARGIN = 5.0  # the machine may be busy; what has no limit at all would take longer

BODY = b'{"GSW_CAMPAIGN_STATE": 4}'
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
WAYS = [("own", "uvloop"), ("own", "asyncio"), ("own as httpx's", "asyncio"), ("stock", "uvloop")]
_way = ["own"]


def way() -> str:
    """How the test that runs POSTs."""
    return _way[0]


@pytest.fixture(params=WAYS, ids=" ".join)
def run(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    """Run a coroutine to its end, within 20 seconds, leaving no task; what is collected late would warn here."""

    async def bounded(scenario: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(20):
            result = await scenario
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        return result

    _way[0], loop = request.param
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        yield lambda scenario: runner.run(bounded(scenario))
    _way[0] = "own"
    gc.collect()


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    """Run a coroutine on this loop, within 20 seconds, leaving no task."""

    async def bounded(scenario: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(20):
            result = await scenario
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
        yield lambda scenario: runner.run(bounded(scenario))


def transport_of_the_way(url: str, http: HttpSettings, context: ssl.SSLContext | None) -> TransportFactory | None:
    if way() == "stock":
        return stock_transports(http, context)
    # Its own deadline comes first: a Poster that cancels it can't know how far it was.
    earlier = http.model_copy(update={"timeout": http.timeout * 0.9})
    return None if way() == "own" else lambda: WireTransport(httpx.URL(url), earlier, context)


def new_poster(
    url: str, context: ssl.SSLContext | None = None, transport: TransportFactory | None = None, **http: Any
) -> Poster:
    settings = HttpSettings(**{"timeout": TIMEOUT, "connect_timeout": CONNECT_TIMEOUT, **http})
    transport = transport or transport_of_the_way(url, settings, context)
    return Poster(url, settings, ssl_context=context, headers={}, token=None, transport=transport)


@asynccontextmanager
async def posting(
    url: str, context: ssl.SSLContext | None = None, transport: TransportFactory | None = None, **http: Any
) -> Any:
    poster = new_poster(url, context, transport, **http)
    try:
        yield poster
    finally:
        await poster.close()


async def two_posts(
    url: str, context: ssl.SSLContext | None = None, body: bytes = BODY, **http: Any
) -> tuple[Outcome, Outcome]:
    """POST "first", then "second", by one poster."""
    async with posting(url, context, **http) as poster:
        return await poster.post(body, "first"), await poster.post(BODY, "second")


def is_(outcome: Outcome, result: Result, reason: Reason, status: int | None = None) -> None:
    """The outcome is this one, in time, and consistent with the closed sets."""
    assert (outcome.result, outcome.reason, outcome.status) == (result, reason, status), outcome
    assert outcome.reason in REASONS[outcome.result]
    assert 0 < outcome.seconds < TIMEOUT + MARGIN
    assert bool(outcome.detail) == (status is None)
