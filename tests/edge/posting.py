"""What the tests of the POST share: two event loops, short deadlines, and a look for what was left behind."""

import asyncio
import gc
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
import uvloop

from bridge.core.outcome import REASONS, Outcome, Reason, Result
from bridge.edge.post import Poster, TransportFactory
from bridge.settings import HttpSettings

# What is alive by now needs no look after each test: 5 ms a test instead of 40.
gc.freeze()

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

#: Seconds. The margin is for a machine busy with other things; what would be too late is later by far.
TIMEOUT = 0.4
CONNECT_TIMEOUT = 0.3
MARGIN = 0.4

BODY = b'{"GSW_CAMPAIGN_STATE": 4}'
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    """Run a coroutine to its end, within 20 seconds, leaving no task; what is collected late would warn here."""

    async def bounded(scenario: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(20):
            result = await scenario
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        return result

    with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
        yield lambda scenario: runner.run(bounded(scenario))
    gc.collect()


def new_poster(
    url: str, context: ssl.SSLContext | None = None, transport: TransportFactory | None = None, **http: Any
) -> Poster:
    settings = {"timeout": TIMEOUT, "connect_timeout": CONNECT_TIMEOUT, **http}
    return Poster(url, HttpSettings(**settings), ssl_context=context, headers={}, token=None, transport=transport)


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
