"""The bridge's own transport as httpx's interface has it, and what a POST costs."""

import asyncio
from typing import Any

import httpx
import pytest
import uvloop
from edge import receivers, scripts
from edge.posting import BODY, TIMEOUT, is_, loop, posting
from edge.receivers import Receiver
from edge.scripts import answer, http

from bridge.connections import HttpSettings
from bridge.core.outcome import Reason, Result
from bridge.edge.wire_answer import BODY_LIMIT
from bridge.edge.wire_transport import WireTransport

__all__ = ["loop"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


def wire(url: str, **settings: Any) -> WireTransport:
    return WireTransport(httpx.URL(url), HttpSettings(**{"timeout": TIMEOUT, **settings}), None)


def test_it_serves_an_httpx_client(loop: Any) -> None:
    async def scenario(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=wire(url)) as client:
            return [
                await client.post(url, json={"a": 1}, headers={"X-A": "b"}),
                await client.post(url, content=parts()),
            ]

    async def parts() -> Any:
        yield b"in "
        yield b"parts"

    with Receiver(answer(201, {"X-B": "c"}, b"body")) as receiver:
        for response in loop(scenario(receiver.url)):
            assert (response.status_code, response.headers["x-b"], response.text) == (201, "c", "body")
    assert [request.body for request in receiver.requests] == [b'{"a":1}', b"in parts"]
    assert receiver.requests[0].header("x-a") == "b"
    assert receiver.requests[1].header("transfer-encoding") is None
    assert receiver.connections == 1


def test_headers_of_an_answer_before_the_answer_are_not_its_own(loop: Any) -> None:
    async def scenario(url: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=wire(url)) as client:
            return await client.post(url)

    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nTrailer: x\r\n\r\n"
    with Receiver(scripts.answer_raw(b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n", chunks)) as receiver:
        response = loop(scenario(receiver.url))
    assert list(response.headers) == ["transfer-encoding"]
    assert response.content == b"abc"


BROKEN: dict[str, tuple[receivers.Script, type[Exception]]] = {
    "too long": (answer(200, body=b"x" * (10 * BODY_LIMIT)), httpx.RemoteProtocolError),
    "cut short": (scripts.answer_and_close(http(200, b"abc")[:-1]), httpx.ReadError),
    "without end": (scripts.answer_raw(http(200, b"abc")[:-1]), httpx.ReadTimeout),
}


@pytest.mark.parametrize(("script", "error"), BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_not_whole_is_an_error_where_it_is_read(
    loop: Any, script: receivers.Script, error: type[Exception]
) -> None:
    async def scenario(url: str) -> None:
        transport = wire(url)
        response = await transport.handle_async_request(httpx.Request("POST", url, content=b"x"))
        assert response.status_code == 200
        with pytest.raises(error):
            await response.aread()
        await transport.aclose()

    with Receiver(script) as receiver:
        loop(scenario(receiver.url))


def test_what_it_cannot_send_is_refused(loop: Any) -> None:
    async def scenario() -> None:
        transport = wire("http://receiver.invalid/")
        for request in (
            httpx.Request("GET", "http://receiver.invalid/"),
            httpx.Request("POST", "http://other.invalid/"),
        ):
            with pytest.raises(httpx.UnsupportedProtocol):
                await transport.handle_async_request(request)

    loop(scenario())


def test_an_error_is_httpxs_own(loop: Any) -> None:
    async def scenario(url: str, error: type[Exception]) -> None:
        transport = wire(url)
        with pytest.raises(error):
            await transport.handle_async_request(httpx.Request("POST", url))
        await transport.aclose()

    loop(scenario(f"http://127.0.0.1:{receivers.closed_port()}/", httpx.ConnectError))
    with Receiver(scripts.close_after_request) as receiver:
        loop(scenario(receiver.url, httpx.ReadError))
    with Receiver(scripts.never_answer) as receiver:
        loop(scenario(receiver.url, httpx.ReadTimeout))


def test_a_post_makes_no_task() -> None:
    async def scenario(url: str) -> int:
        made: list[Any] = []

        def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
            made.append(coroutine)
            return asyncio.Task(coroutine, loop=loop, **options)

        async with posting(url) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            asyncio.get_running_loop().set_task_factory(factory)
            for number in range(10):
                is_(await poster.post(BODY, f"{number}"), *DELIVERED)
        return len(made)

    with Receiver(answer(200)) as receiver, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(scenario(receiver.url)) == 0


def test_what_is_ready_in_one_turn_is_written_together_once_all_of_it_is_made_and_the_first_at_once() -> None:
    done: list[str] = []

    def permit() -> bool:  # asked just before the write
        done.append("written")
        return True

    async def scenario(url: str) -> None:
        async with posting(url, max_in_flight=4) as poster:

            async def one(number: int) -> None:
                done.append("made")
                is_(await poster.post(BODY, f"{number}", permit), *DELIVERED)

            await asyncio.gather(*[one(number) for number in range(4)])  # connects
            done.clear()
            await asyncio.gather(*[one(number) for number in range(4)])

    with Receiver(answer(200)) as receiver, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario(receiver.url))
    assert done == ["made", "written"] + ["made"] * 3 + ["written"] * 3
