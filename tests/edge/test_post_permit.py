"""The permit: asked just before the write; without it nothing is written."""

import asyncio
import threading
from typing import Any

import pytest
from edge import receivers
from edge.certificates import make
from edge.posting import BODY, Run, is_, posting, run, way
from edge.receivers import Line, Receiver
from edge.scripts import answer, http, over_tls, server_context

from bridge.connections import HttpSettings
from bridge.core.outcome import Reason, Result
from bridge.edge.tls import receiver_context

__all__ = ["run"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


def test_a_post_that_is_not_permitted_is_not_sent(run: Run[Any]) -> None:
    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            is_(await poster.post(BODY, "new connection", lambda: False), Result.NOT_SENT, Reason.LEASE)
            is_(await poster.post(BODY, "first", lambda: True), *DELIVERED)
            is_(await poster.post(BODY, "used connection", lambda: False), Result.NOT_SENT, Reason.LEASE)
            is_(await poster.post(BODY, "second", lambda: True), *DELIVERED)

    with Receiver(answer(200)) as receiver:
        run(scenario(receiver.url))
    assert receiver.ids == ["first", "second"]
    assert len(receiver.requests) == 2
    if way() == "own":  # nothing was written: its connection is as good as before
        assert receiver.connections == 1


def test_over_tls_a_post_that_is_not_permitted_is_not_sent(run: Run[Any], tmp_path: Any) -> None:
    made = make(tmp_path)
    context = receiver_context(HttpSettings(ca_file=made.authority.cert))

    async def scenario(url: str) -> None:
        async with posting(url, context) as poster:
            is_(await poster.post(BODY, "first", lambda: False), Result.NOT_SENT, Reason.LEASE)
            is_(await poster.post(BODY, "second", lambda: True), *DELIVERED)

    with Receiver(over_tls(server_context(made.server), answer(200)), scheme="https") as receiver:
        run(scenario(receiver.url))
    assert receiver.ids == ["second"]


def test_the_permit_is_asked_once_the_connection_is_there_and_before_a_byte_arrives(run: Run[Any]) -> None:
    asked: list[tuple[int, int]] = []

    with Receiver(answer(200)) as receiver:

        def permit() -> bool:
            threading.Event().wait(0.05)  # what was written would arrive meanwhile; and so does the connection
            asked.append((receiver.connections, len(receiver.requests)))
            return True

        async def scenario() -> None:
            async with posting(receiver.url) as poster:
                for number in range(2):
                    is_(await poster.post(BODY, f"{number}", permit), *DELIVERED)

        run(scenario())
    assert asked == [(1, 0), (1, 1)]


def test_a_permit_is_not_asked_for_what_has_no_connection(run: Run[Any]) -> None:
    asked: list[bool] = []

    def permit() -> bool:
        asked.append(True)
        return True

    async def scenario() -> None:
        async with posting(f"http://127.0.0.1:{receivers.closed_port()}/") as poster:
            is_(await poster.post(BODY, "x", permit), Result.NOT_SENT, Reason.CONNECT)

    run(scenario())
    assert asked == []


@pytest.mark.parametrize("times", [1, 3])
def test_connections_reset_while_the_permit_is_asked_are_passed_over_as_no_byte_was_taken(
    run: Run[Any], times: int
) -> None:
    go, reset = threading.Event(), threading.Semaphore(0)
    together = threading.Barrier(times)

    def reset_when_told(line: Line) -> None:
        line.request()
        together.wait(receivers.PATIENCE)
        line.send(http(200))
        go.wait(receivers.PATIENCE)
        line.reset()
        reset.release()

    def permit() -> bool:
        if not go.is_set():
            go.set()
            for _ in range(times):
                reset.acquire(timeout=receivers.PATIENCE)
        return True

    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            for outcome in await asyncio.gather(*(poster.post(BODY, f"{number}") for number in range(times))):
                is_(outcome, *DELIVERED)
            outcome = await poster.post(BODY, "next", permit)
            if way() == "own":
                is_(outcome, *DELIVERED)
            else:  # httpx's can't tell
                assert outcome.result is not Result.REJECTED

    with Receiver(*[reset_when_told] * times, answer(200)) as receiver:
        run(scenario(receiver.url))
    assert len(set(receiver.ids)) == len(receiver.ids)


def test_a_receiver_that_speaks_before_it_is_asked_gets_nothing(run: Run[Any]) -> None:
    spoken = threading.Event()

    def banner(line: Line) -> None:
        line.send(b"220 smtp.example ready\r\n")
        spoken.set()
        line.wait_for_close()

    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            outcome = await poster.post(BODY, "first", lambda: spoken.wait(5))
            assert outcome.result in (Result.NOT_SENT, Result.AMBIGUOUS)
            assert outcome.result is Result.AMBIGUOUS or receiver.requests == []
            is_(await poster.post(BODY, "second"), *DELIVERED)

    with Receiver(banner, answer(200)) as receiver:
        run(scenario(receiver.url))
    assert receiver.ids.count("second") == 1
