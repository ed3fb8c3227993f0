"""Which connection a POST takes, what a closed one does to it, and how a POST is cut."""

import asyncio
import threading
from typing import Any

import pytest
from edge import receivers, scripts
from edge.posting import BODY, Run, is_, new_poster, posting, run, two_posts
from edge.receivers import EVENT_ID, Line, Receiver, Script
from edge.scripts import answer, answer_then, http

from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome

__all__ = ["run"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


def say_408_and_close(line: Line) -> None:
    line.send(http(408))


AT_IDLE: dict[str, Script] = {
    "closes": Line.close,
    "resets": Line.reset,
    "closes its half": Line.finish,
    "says 408 and closes": say_408_and_close,
}


@pytest.mark.parametrize("at_idle", AT_IDLE.values(), ids=AT_IDLE)
def test_a_connection_closed_while_idle_is_not_used(run: Run[Any], at_idle: Script) -> None:
    closed = threading.Event()

    def act(line: Line) -> None:
        at_idle(line)
        closed.set()  # loopback: what was sent has arrived
        line.wait(0.05)

    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            assert await asyncio.to_thread(closed.wait, 5)
            is_(await poster.post(BODY, "second"), *DELIVERED)

    with Receiver(answer_then(act), answer(200)) as receiver:
        run(scenario(receiver.url))
    assert receiver.ids == ["first", "second"]
    assert len(receiver.requests) == receiver.connections == 2


def test_bytes_after_an_answer_are_not_taken_for_the_next_one(run: Run[Any]) -> None:
    with Receiver(scripts.answer_raw(http(200) + http(200)), answer(500)) as receiver:
        first, second = run(two_posts(receiver.url))
    is_(first, *DELIVERED)
    is_(second, Result.REJECTED, Reason.STATUS_5XX, 500)
    assert receiver.ids == ["first", "second"]


AT_THE_NEXT_REQUEST: dict[str, Script] = {
    "resets at the first byte": scripts.reset_after(1),
    "closes after the request": scripts.close_after_request,
    "resets after the request": scripts.reset_after_request,
}


@pytest.mark.parametrize("fault", AT_THE_NEXT_REQUEST.values(), ids=AT_THE_NEXT_REQUEST)
def test_a_used_connection_that_closes_under_a_request_does_not_make_it_go_twice(run: Run[Any], fault: Script) -> None:
    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            is_(await poster.post(BODY, "second"), Result.AMBIGUOUS, Reason.RESET)
            is_(await poster.post(BODY, "third"), *DELIVERED)

    with Receiver(answer_then(fault), answer(200)) as receiver:
        run(scenario(receiver.url))
    assert len(receiver.requests) == 3
    assert [request.connection for request in receiver.requests] == [0, 0, 1]
    assert receiver.ids[-1] == "third"


def test_whenever_an_idle_connection_closes_nothing_arrives_twice_and_delivered_means_answered(run: Run[Any]) -> None:
    answered: list[str] = []

    def close_soon(delay: float) -> Script:
        def script(line: Line) -> None:
            answered.append(line.request().header(EVENT_ID) or "")
            line.send(http(200))
            line.wait(delay)
            line.close()

        return script

    delays = [step * 0.0001 for step in range(60)]

    async def scenario(url: str) -> dict[str, Outcome]:
        outcomes = {}
        async with posting(url) as poster:
            for number, delay in enumerate(delays):
                for name in ("early", "at the close"):
                    outcomes[f"{number} {name}"] = await poster.post(BODY, f"{number} {name}")
                    await asyncio.sleep(delay)
        return outcomes

    with Receiver(*(close_soon(delay) for delay in delays * 2)) as receiver:
        outcomes = run(scenario(receiver.url))
    assert len(set(receiver.ids)) == len(receiver.ids) == len(receiver.requests)
    assert {name for name, outcome in outcomes.items() if outcome.result is Result.DELIVERED} == set(answered)
    assert {outcome.reason for outcome in outcomes.values()} <= {Reason.STATUS_2XX, Reason.RESET, Reason.WRITE}


def test_fifty_at_once_arrive_once_each_and_the_next_fifty_use_their_connections(run: Run[Any]) -> None:
    together = threading.Barrier(50)

    def script(line: Line) -> None:
        while True:
            line.request()
            together.wait(receivers.PATIENCE)
            line.send(http(200))

    async def scenario(url: str) -> list[Outcome]:
        async with posting(url, timeout=10, connect_timeout=5) as poster:
            waves = [[poster.post(BODY, f"{wave}-{number}") for number in range(50)] for wave in range(2)]
            return [outcome for wave in waves for outcome in await asyncio.gather(*wave)]

    with Receiver(script) as receiver:
        outcomes = run(scenario(receiver.url))
    assert [outcome.result for outcome in outcomes] == [Result.DELIVERED] * 100
    assert sorted(receiver.ids) == sorted(f"{wave}-{number}" for wave in range(2) for number in range(50))
    assert len(receiver.requests) == 100
    assert receiver.connections == 50


def test_an_idle_connection_is_left_after_its_time_and_those_of_a_burst_are_closed(run: Run[Any]) -> None:
    together = threading.Barrier(3)

    def first_of_three(line: Line) -> None:
        line.request()
        together.wait(receivers.PATIENCE)
        line.send(http(200))
        line.wait_for_close()

    async def scenario(receiver: Receiver) -> None:
        async with posting(receiver.url, keepalive_expiry=0.1) as poster:
            for outcome in await asyncio.gather(*(poster.post(BODY, f"{number}") for number in range(3))):
                is_(outcome, *DELIVERED)
            await asyncio.sleep(0.15)
            is_(await poster.post(BODY, "later"), *DELIVERED)
            await asyncio.to_thread(receiver.await_ends, 3)

    with Receiver(*[first_of_three] * 3, answer(200)) as receiver:
        run(scenario(receiver))
    assert receiver.connections == 4
    assert receiver.ids[-1] == "later"


def test_without_keepalive_every_post_has_its_own_connection(run: Run[Any]) -> None:
    with Receiver(answer(200)) as receiver:
        for outcome in run(two_posts(receiver.url, keepalive_expiry=0)):
            is_(outcome, *DELIVERED)
    assert receiver.ids == ["first", "second"]
    assert receiver.connections == 2


def test_closing_closes_idle_connections_at_once_and_others_when_their_post_ends(run: Run[Any]) -> None:
    go = threading.Event()

    def slow(line: Line) -> None:
        line.request()
        go.wait(receivers.PATIENCE)
        line.send(http(200))
        line.wait_for_close()

    async def scenario(receiver: Receiver) -> None:
        poster = new_poster(receiver.url)
        out = asyncio.create_task(poster.post(BODY, "out"))
        await asyncio.to_thread(receiver.await_requests, 1)
        is_(await poster.post(BODY, "idle"), *DELIVERED)
        await poster.close()
        await asyncio.to_thread(receiver.await_ends, 1)
        go.set()
        is_(await out, *DELIVERED)
        await asyncio.to_thread(receiver.await_ends, 2)

    with Receiver(slow, answer(200)) as receiver:
        run(scenario(receiver))
