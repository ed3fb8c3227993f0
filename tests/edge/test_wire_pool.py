"""Whose turn it is, which idle connection is taken, and that every turn is given back."""

import asyncio
import threading
import time
from typing import Any

import httpx
import pytest
from edge import receivers, scripts
from edge.posting import BODY, is_, loop, posting
from edge.receivers import EVENT_ID, Line, Receiver
from edge.scripts import answer, http

from bridge.core.outcome import Reason, Result
from bridge.edge.attempt import Attempt
from bridge.edge.wire_pool import Pool

__all__ = ["loop"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


def test_no_more_than_the_limit_are_out_and_the_others_follow_in_order_of_arrival(loop: Any) -> None:
    out: list[int] = []
    most: list[int] = []

    def script(line: Line) -> None:
        while True:
            line.request()
            out.append(1)
            most.append(len(out))
            line.wait(0.01)
            out.pop()
            line.send(http(200))

    async def scenario(url: str) -> None:
        async with posting(url, max_in_flight=2, timeout=5) as poster:
            for outcome in await asyncio.gather(*(poster.post(BODY, f"{number}") for number in range(12))):
                is_(outcome, *DELIVERED)

    with Receiver(script) as receiver:
        loop(scenario(receiver.url))
    # On each connection: on a busy machine one may stand still while the other serves many.
    for connection in range(2):
        numbers = [
            int(request.header(EVENT_ID) or "") for request in receiver.requests if request.connection == connection
        ]
        assert numbers == sorted(numbers)
    assert sorted(receiver.ids, key=int) == [f"{number}" for number in range(12)]
    assert max(most) == 2
    assert receiver.connections == 2


def test_a_newcomer_does_not_overtake_those_who_wait(loop: Any) -> None:
    async def scenario(url: str) -> list[str]:
        async with posting(url, max_in_flight=1, timeout=5) as poster:
            first = asyncio.create_task(poster.post(BODY, "0"))
            await asyncio.to_thread(receiver.await_requests, 1)
            second = asyncio.create_task(poster.post(BODY, "1"))
            await asyncio.sleep(0)
            go.set()
            is_(await first, *DELIVERED)
            third = poster.post(BODY, "2")  # comes when the turn was just left
            for outcome in await asyncio.gather(third, second):
                is_(outcome, *DELIVERED)
        return receiver.ids

    go = threading.Event()

    def script(line: Line) -> None:
        while True:
            line.request()
            go.wait(receivers.PATIENCE)
            line.send(http(200))

    with Receiver(script) as receiver:
        assert loop(scenario(receiver.url)) == ["0", "1", "2"]


def test_a_post_whose_turn_does_not_come_in_time_is_not_sent(loop: Any) -> None:
    async def scenario(receiver: Receiver) -> None:
        async with posting(receiver.url, max_in_flight=1, timeout=0.8) as poster:
            first = asyncio.create_task(poster.post(BODY, "first"))
            await asyncio.to_thread(receiver.await_requests, 1)
            async with asyncio.TaskGroup() as group:
                late = group.create_task(new_attempt(poster, 0.3))
                cut = group.create_task(poster.post(BODY, "cut"))
                await asyncio.sleep(0.1)
                cut.cancel()
            assert (cut.result().result, cut.result().reason) == (Result.NOT_SENT, Reason.CUT)
            assert isinstance(late.result(), httpx.PoolTimeout)
            go.set()
            is_(await first, *DELIVERED)
            is_(await poster.post(BODY, "next"), *DELIVERED)

    async def new_attempt(poster: Any, seconds: float) -> Exception | None:
        attempt = Attempt()
        attempt.began -= 0.8 - seconds
        try:
            await poster._line._wire.exchange(b"", attempt)
        except httpx.PoolTimeout as error:
            attempt.failed(error)
            outcome = attempt.outcome()
            assert (outcome.result, outcome.reason) == (Result.NOT_SENT, Reason.POOL)
            return error
        return None

    go = threading.Event()

    def slow_first(line: Line) -> None:
        line.request()
        go.wait(receivers.PATIENCE)
        line.send(http(200))
        line.request()
        line.send(http(200))

    with Receiver(slow_first) as receiver:
        loop(scenario(receiver))
    assert receiver.ids == ["first", "next"]


def test_a_turn_that_comes_as_its_post_is_cut_goes_to_the_next(loop: Any) -> None:
    async def scenario() -> None:
        pool = Pool(limit=1, keepalive=1)
        assert pool.enter()
        cut, next_ = asyncio.create_task(pool.wait()), asyncio.create_task(pool.wait())
        await asyncio.sleep(0)
        pool.leave()  # it is the first one's turn, who does not know yet
        cut.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cut
        await next_
        assert not pool.enter()
        pool.leave()
        assert repr(pool) == "<Pool 1 turns left, 0 idle, 0 waiting>"

    loop(scenario())


def test_whatever_happens_every_turn_is_given_back(loop: Any) -> None:
    """Faults, cuts at any moment, refusals: in the end all turns are there and nothing is open but what is idle."""
    faults = [answer(200), scripts.reset_after(1), scripts.close_after_request, scripts.never_answer]

    async def scenario(url: str) -> None:
        async with posting(url, max_in_flight=3, timeout=0.15) as poster:
            tasks = [
                asyncio.create_task(poster.post(BODY, f"{n}", (lambda: False) if n % 5 == 0 else None))
                for n in range(60)
            ]
            for number, task in enumerate(tasks):
                if number % 4 == 0:
                    asyncio.get_running_loop().call_later(number * 0.003, task.cancel)
            await asyncio.gather(*tasks)
            assert "<Pool 3 turns left" in repr(poster._line._wire)
            assert "0 waiting" in repr(poster._line._wire)

    with Receiver(*faults * 10) as receiver:
        loop(scenario(receiver.url))
    assert len(set(receiver.ids)) == len(receiver.ids)


def test_an_idle_connection_is_closed_after_its_time_without_another_post(loop: Any) -> None:
    async def scenario(receiver: Receiver) -> None:
        async with posting(receiver.url, keepalive_expiry=0.1) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            await asyncio.to_thread(receiver.await_ends, 1)

    def one(line: Line) -> None:
        line.request()
        line.send(http(200))
        line.wait_for_close()

    with Receiver(one) as receiver:
        loop(scenario(receiver))


def test_an_idle_connection_is_not_used_after_its_time_though_the_loop_had_none_to_close_it(loop: Any) -> None:
    async def scenario(url: str) -> None:
        async with posting(url, keepalive_expiry=0.1) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            time.sleep(0.15)  # noqa: ASYNC251 (the loop is to be busy)
            is_(await poster.post(BODY, "second"), *DELIVERED)

    with Receiver(answer(200)) as receiver:
        loop(scenario(receiver.url))
    assert receiver.connections == 2


@pytest.mark.parametrize("at_idle", [Line.close, Line.finish, Line.reset], ids=["close", "half-close", "reset"])
def test_a_close_that_only_the_kernel_knows_of_is_seen_before_the_write(loop: Any, at_idle: Any) -> None:
    told, closed = threading.Event(), threading.Event()

    def act(line: Line) -> None:
        told.wait(5)
        at_idle(line)
        closed.set()
        line.wait(0.05)

    def between() -> None:
        """In the turn of the write, before it: the loop hears nothing any more."""
        told.set()
        assert closed.wait(5)

    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            between()
            is_(await poster.post(BODY, "second"), *DELIVERED)

    with Receiver(scripts.answer_then(act), answer(200)) as receiver:
        loop(scenario(receiver.url))
    assert receiver.ids == ["first", "second"]
    assert len(receiver.requests) == receiver.connections == 2
