"""What is written, what is refused before anything is, and the seam for a transport of the caller's own."""

import asyncio
from typing import Any

import httpx
import pytest
from edge import receivers
from edge.posting import BODY, Run, is_, posting, run, transport_of_the_way
from edge.receivers import Receiver
from edge.scripts import answer

from bridge.connections import HttpSettings
from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.edge.post import BODY_LIMIT, Poster

__all__ = ["run"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


def test_the_request_is_exactly_this(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{receivers.closed_port()}")
    settings = HttpSettings(event_id_header="X-Event", user_agent="bridge/7")

    async def scenario(url: str) -> None:
        headers = {"X-Site": "north", "content-type": "application/json; charset=utf-8"}
        url += "?a=b%20c"
        transport = transport_of_the_way(url, settings, None)
        poster = Poster(url, settings, ssl_context=None, headers=headers, token="t0ken", transport=transport)
        is_(await poster.post(b'{"a": 1}', "e-1"), *DELIVERED)
        await poster.close()

    with Receiver(answer(200)) as receiver:
        run(scenario(receiver.url))
    (request,) = receiver.requests
    assert request.raw == (
        b"POST /ocs?a=b%20c HTTP/1.1\r\n"
        b"Host: 127.0.0.1:" + str(receiver.port).encode() + b"\r\n"
        b"Accept: */*\r\n"
        b"User-Agent: bridge/7\r\n"
        b"X-Site: north\r\n"
        b"content-type: application/json; charset=utf-8\r\n"
        b"Authorization: Bearer t0ken\r\n"
        b"X-Event: e-1\r\n"
        b"Content-Length: 8\r\n"
        b"\r\n"
        b'{"a": 1}'
    )


WRONG: dict[str, dict[str, Any]] = {
    "no http": {"url": "ftp://x/"},
    "no host": {"url": "http:///x"},
    "no URL": {"url": "http://x:y/"},
    "a password": {"url": "http://a:b@x/"},
    "https without a context": {"url": "https://x/"},
    "a header of the transport": {"headers": {"Content-length": "1"}},
    "a header that makes Go proxies repeat": {"headers": {"Idempotency-Key": "1"}},
    "another one": {"headers": {"x-idempotency-key": "1"}},
    "two lines": {"headers": {"A": "b\r\nC: d"}},
    "no name": {"headers": {"a b": "c"}},
    "a token with its newline": {"token": "abc\n"},
    "an event id that makes Go proxies repeat": {"http": HttpSettings(event_id_header="Idempotency-Key")},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_cannot_be_sent_is_refused_before_any_post(wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {"url": "http://x/", "http": HttpSettings(), "headers": {}, "token": None}
    arguments = {**good, **wrong}
    url, http_settings = arguments.pop("url"), arguments.pop("http")
    with pytest.raises(ValueError) as refused:
        Poster(url, http_settings, ssl_context=None, **arguments)
    assert "abc" not in str(refused.value)


def test_an_event_id_that_is_no_header_is_refused_before_the_post(run: Run[Any]) -> None:
    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            with pytest.raises(ValueError, match="X-GSW-Event-Id"):
                await poster.post(BODY, "a\r\nb")

    with Receiver(answer(200)) as receiver:
        run(scenario(receiver.url))
    assert receiver.connections == 0


class Recording(httpx.AsyncBaseTransport):
    """A transport of the caller's own: reports the given events, then raises or answers."""

    def __init__(self, events: list[str], end: Exception | int) -> None:
        self.events = events
        self.end = end
        self.posts = 0
        self.closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.posts += 1
        for event in self.events:
            await request.extensions["trace"](event, {})
        if isinstance(self.end, Exception):
            raise self.end
        return httpx.Response(self.end)

    async def aclose(self) -> None:
        self.closed = True


WRITE, READ = "http11.send_request_headers.started", "http11.receive_response_headers.started"
ENDS: dict[str, tuple[list[str], Exception | int, Result, Reason]] = {
    "pool timeout": ([], httpx.PoolTimeout(""), Result.NOT_SENT, Reason.POOL),
    "write timeout": ([WRITE], httpx.WriteTimeout(""), Result.AMBIGUOUS, Reason.WRITE_TIMEOUT),
    "write error": ([WRITE], httpx.WriteError(""), Result.AMBIGUOUS, Reason.WRITE),
    "read timeout": ([WRITE, READ], httpx.ReadTimeout(""), Result.AMBIGUOUS, Reason.READ_TIMEOUT),
    "an error nobody thought of, before": ([], RuntimeError("x"), Result.NOT_SENT, Reason.CONNECT),
    "an error nobody thought of, after": ([WRITE], RuntimeError("x"), Result.AMBIGUOUS, Reason.PROTOCOL),
    "101": ([WRITE, READ], 101, Result.REJECTED, Reason.STATUS_1XX),
}


@pytest.mark.parametrize(("events", "end", "result", "reason"), ENDS.values(), ids=ENDS)
def test_a_transport_of_the_callers_own_is_asked_once_and_closed_after_a_failure(
    run: Run[Any], events: list[str], end: Exception | int, result: Result, reason: Reason
) -> None:
    made: list[Recording] = []

    def transport() -> Recording:
        made.append(Recording(events, end) if not made else Recording([WRITE, READ], 200))
        return made[-1]

    async def scenario() -> list[Outcome]:
        async with posting("http://receiver.invalid/", transport=transport) as poster:
            return [await poster.post(BODY, f"{number}") for number in range(3)]

    first, *others = run(scenario())
    assert (first.result, first.reason) == (result, reason)
    assert [outcome.status for outcome in others] == [200, 200]
    assert [(transport.posts, transport.closed) for transport in made] == [(1, True), (2, True)]


@pytest.mark.parametrize(("size", "closed"), [(BODY_LIMIT, False), (BODY_LIMIT + 1, True)])
def test_a_transport_is_used_again_only_if_its_answer_was_read_to_the_end(
    run: Run[Any], size: int, closed: object
) -> None:
    class Talkative(Recording):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await super().handle_async_request(request)
            return httpx.Response(200, content=b"x" * size)

    transport = Talkative([WRITE, READ], 200)

    async def scenario() -> None:
        async with posting("http://receiver.invalid/", transport=lambda: transport) as poster:
            assert (await poster.post(BODY, "long")).status == 200
            assert transport.closed == closed

    run(scenario())


def test_a_transport_that_breaks_while_it_is_closed_changes_nothing(run: Run[Any]) -> None:
    class Broken(Recording):
        async def aclose(self) -> None:
            raise RuntimeError("closing failed")

    async def scenario() -> Outcome:
        async with posting("http://receiver.invalid/", transport=lambda: Broken([], httpx.ReadError(""))) as poster:
            outcome: Outcome = await poster.post(BODY, "first")
            return outcome

    assert run(scenario()).reason is Reason.CONNECT


def test_a_post_cancelled_again_while_its_transport_closes_is_cut_all_the_same(run: Run[Any]) -> None:
    async def scenario() -> None:
        sent, closing = asyncio.Event(), asyncio.Event()

        class Slow(Recording):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                sent.set()
                await asyncio.Event().wait()
                return await super().handle_async_request(request)

            async def aclose(self) -> None:
                closing.set()
                await asyncio.Event().wait()

        async with posting("http://receiver.invalid/", transport=lambda: Slow([], 200)) as poster:
            task = asyncio.create_task(poster.post(BODY, "first"))
            for moment in (sent, closing):
                await moment.wait()
                task.cancel()
            is_(await task, Result.NOT_SENT, Reason.CUT)
            assert task.cancelling() == 0

    run(scenario())
