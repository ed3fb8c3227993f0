"""What the kernel has taken of a request, and what becomes of an answer when the write breaks off."""

import asyncio
import socket
from typing import Any

from edge.posting import loop, posting
from edge.receivers import Line, Receiver
from edge.scripts import http

from bridge.core.outcome import Reason, Result
from bridge.edge.attempt import Attempt, Phase
from bridge.edge.wire_connection import Connection

__all__ = ["loop"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


def fill(peer: socket.socket) -> None:
    try:
        while True:
            peer.send(b"x" * 65_536)
    except BlockingIOError:
        pass


def test_while_the_kernel_has_taken_no_byte_nothing_was_sent(loop: Any) -> None:
    async def scenario() -> None:
        ours, theirs = pair()
        with theirs:
            fill(ours)
            connection, attempt = Connection(ours, None), Attempt()
            connection.send(b"request", attempt, None, asyncio.get_running_loop().create_future())
            assert attempt.phase is Phase.CONNECT
            connection.expire()
            attempt.failed(await connection.ended)  # type: ignore[arg-type]
            outcome = attempt.outcome()
            assert (outcome.result, outcome.reason) == (Result.NOT_SENT, Reason.CONNECT_TIMEOUT)
            assert not connection.open

    loop(scenario())


def test_once_the_kernel_has_taken_a_byte_it_may_have_been_sent(loop: Any) -> None:
    async def scenario() -> None:
        ours, theirs = pair()
        with theirs:
            connection, attempt = Connection(ours, None), Attempt()
            connection.send(b"x" * 10_000_000, attempt, None, asyncio.get_running_loop().create_future())
            assert attempt.phase is Phase.WRITE
            connection.expire()
            attempt.failed(await connection.ended)  # type: ignore[arg-type]
            outcome = attempt.outcome()
            assert (outcome.result, outcome.reason) == (Result.AMBIGUOUS, Reason.WRITE_TIMEOUT)

    loop(scenario())


def test_a_large_body_arrives_whole_at_a_receiver_that_reads_slowly(loop: Any) -> None:
    body = bytes(range(256)) * 20_000

    def slow(line: Line) -> None:
        request = line.begin_request(1000)
        while not request.complete:
            line.more(request, 400_000)
            line.wait(0.002)
        line.send(http(200))

    async def scenario(url: str) -> None:
        async with posting(url, timeout=10) as poster:
            assert (await poster.post(body, "x")).status == 200

    with Receiver(slow) as receiver:
        loop(scenario(receiver.url))
    assert receiver.requests[0].body == body


def test_an_answer_that_came_before_the_write_broke_off_is_read(loop: Any) -> None:
    async def scenario() -> None:
        ours, theirs = pair()
        with theirs:
            connection, attempt = Connection(ours, None), Attempt()
            connection.send(b"x" * 10_000_000, attempt, None, asyncio.get_running_loop().create_future())
            theirs.sendall(http(413))
            theirs.shutdown(socket.SHUT_RD)
            connection._on_writable()  # the loop may hear of either first: here it is the broken write
            assert connection.open
            await connection.ended
            assert attempt.status == 413
            assert not connection.open

    loop(scenario())


def test_without_an_answer_a_write_that_broke_off_is_the_reason(loop: Any) -> None:
    async def scenario() -> None:
        ours, theirs = pair()
        connection, attempt = Connection(ours, None), Attempt()
        connection.send(b"x" * 10_000_000, attempt, None, asyncio.get_running_loop().create_future())
        theirs.close()
        connection._on_writable()
        attempt.failed(await connection.ended)  # type: ignore[arg-type]
        outcome = attempt.outcome()
        assert (outcome.result, outcome.reason) == (Result.AMBIGUOUS, Reason.WRITE)

    loop(scenario())


def test_a_connection_answered_before_the_request_was_written_is_not_used_again(loop: Any) -> None:
    async def scenario() -> None:
        ours, theirs = pair()
        with theirs:
            connection, attempt = Connection(ours, None), Attempt()
            connection.send(b"x" * 10_000_000, attempt, None, asyncio.get_running_loop().create_future())
            theirs.sendall(http(200))
            assert await connection.ended is None
            assert (attempt.status, connection.open) == (200, False)

    loop(scenario())
