"""A POST whose task is cancelled: cut, told apart by whether it may have arrived, and its task goes on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from edge import receivers, scripts
from edge.posting import BODY, TIMEOUT, Run, is_, posting, run, way
from edge.receivers import Line, Receiver
from edge.scripts import answer, http

from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.edge.post import Poster

__all__ = ["run"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


async def cut(poster: Poster, when: Callable[[], Awaitable[object]], times: int = 1) -> tuple[Outcome, Outcome, int]:
    """POST "cut", cancel the task when told, and POST "next" in the same task. Its count of cancellations comes last."""

    async def both() -> tuple[Outcome, Outcome, int]:
        outcome = await poster.post(BODY, "cut")
        task = asyncio.current_task()
        assert task is not None
        left = task.cancelling()
        return outcome, await poster.post(BODY, "next"), left

    task = asyncio.create_task(both())
    await when()
    for _ in range(times):
        task.cancel()
    return await task


@pytest.mark.parametrize("times", [1, 2])
def test_a_cancelled_post_is_cut_and_its_task_goes_on(run: Run[Any], times: int) -> None:
    async def scenario(receiver: Receiver) -> None:
        async with posting(receiver.url) as poster:
            when = lambda: asyncio.to_thread(receiver.await_requests, 1)  # noqa: E731
            first, second, left = await cut(poster, when, times)
            is_(first, Result.AMBIGUOUS, Reason.CUT)
            assert first.seconds < TIMEOUT
            is_(second, *DELIVERED)
            assert left == 0

    with Receiver(scripts.never_answer, answer(200)) as receiver:
        run(scenario(receiver))
    assert receiver.ids == ["cut", "next"]


def test_a_post_cut_before_it_is_connected_is_not_sent(run: Run[Any]) -> None:
    async def scenario() -> None:
        with receivers.FullBacklog() as full:
            async with posting(full.url, connect_timeout=5) as poster:
                first, second, left = await cut(poster, lambda: asyncio.sleep(0.05))
                is_(first, Result.NOT_SENT, Reason.CUT)
                assert first.seconds < TIMEOUT
                is_(second, Result.NOT_SENT, Reason.CONNECT_TIMEOUT)
                assert left == 0

    run(scenario())


def test_a_post_cut_after_the_status_line_keeps_its_status(run: Run[Any]) -> None:
    sent = threading.Event()

    def script(line: Line) -> None:
        line.request()
        line.send(http(200, b"xx")[:-1])
        sent.set()
        line.wait_for_close()

    async def when() -> None:
        await asyncio.to_thread(sent.wait, 5)
        await asyncio.sleep(0.05)

    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            first, second, left = await cut(poster, when)
            if way() == "own as httpx's":  # returns its answers whole or not at all
                is_(first, Result.AMBIGUOUS, Reason.CUT)
            else:
                is_(first, *DELIVERED)
            assert first.seconds < TIMEOUT
            is_(second, *DELIVERED)
            assert left == 0

    with Receiver(script, answer(200)) as receiver:
        run(scenario(receiver.url))
    assert receiver.ids == ["cut", "next"]
