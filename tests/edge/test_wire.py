"""The bridge's own transport: turns, deadlines, what was written, addresses, and httpx's interface."""

import asyncio
import socket
import threading
from typing import Any

import httpx
import pytest
import uvloop
from edge import receivers, scripts
from edge.posting import BODY, LOOPS, TIMEOUT, is_, posting
from edge.receivers import Line, Receiver
from edge.scripts import answer, http

from bridge.core.outcome import Reason, Result
from bridge.edge.attempt import Attempt, Phase
from bridge.edge.wire import Wire
from bridge.edge.wire_answer import BODY_LIMIT
from bridge.edge.wire_connection import Connection
from bridge.edge.wire_dial import HEAD_START, dial
from bridge.settings import HttpSettings

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Any:
    """Run a coroutine on this loop, within 20 seconds, leaving no task."""

    async def bounded(scenario: Any) -> Any:
        async with asyncio.timeout(20):
            result = await scenario
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
        yield lambda scenario: runner.run(bounded(scenario))


# -- turns


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

    async def scenario(url: str) -> list[str]:
        ended = []

        async def one(number: int) -> None:
            outcome = await poster.post(BODY, f"{number}")
            is_(outcome, *DELIVERED)
            ended.append(f"{number}")

        async with posting(url, max_in_flight=2, timeout=5) as poster:
            await asyncio.gather(*(one(number) for number in range(12)))
        return ended

    with Receiver(script) as receiver:
        ended = loop(scenario(receiver.url))
    # Two at a time, so neighbours may change places.
    assert all(abs(place - int(number)) <= 1 for place, number in enumerate(ended)), ended
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
    async def scenario(receiver: Receiver) -> None:
        async with posting(receiver.url, max_in_flight=1, timeout=5) as poster:
            first = asyncio.create_task(poster.post(BODY, "first"))
            await asyncio.to_thread(receiver.await_requests, 1)
            waiting = [asyncio.create_task(poster.post(BODY, f"{number}")) for number in range(2)]
            await asyncio.sleep(0)
            first.add_done_callback(lambda _: waiting[0].cancel())
            go.set()
            is_(await first, *DELIVERED)
            assert (await waiting[0]).reason in (Reason.CUT, Reason.STATUS_2XX)
            is_(await waiting[1], *DELIVERED)
            assert repr(poster._line._wire._pool) == "<Pool 1 turns left, 1 idle, 0 waiting>"

    go = threading.Event()

    def script(line: Line) -> None:
        while True:
            line.request()
            go.wait(receivers.PATIENCE)
            line.send(http(200))

    with Receiver(script) as receiver:
        loop(scenario(receiver))


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


# -- idle connections


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


@pytest.mark.parametrize("at_idle", [Line.close, Line.finish, Line.reset], ids=["close", "half-close", "reset"])
def test_a_close_that_only_the_kernel_knows_of_is_seen_before_the_write(loop: Any, at_idle: Any) -> None:
    closed = threading.Event()

    def act(line: Line) -> None:
        at_idle(line)
        closed.set()
        line.wait(0.05)

    async def scenario(url: str) -> None:
        async with posting(url) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            assert closed.wait(5)  # blocks the loop: it has no turn to hear of it
            is_(await poster.post(BODY, "second"), *DELIVERED)

    with Receiver(scripts.answer_then(act), answer(200)) as receiver:
        loop(scenario(receiver.url))
    assert receiver.ids == ["first", "second"]
    assert len(receiver.requests) == receiver.connections == 2


# -- what was written


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
            connection.send(b"request", attempt)
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
            connection.send(b"x" * 10_000_000, attempt)
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


def test_an_answer_before_the_write_broke_off_is_read(loop: Any) -> None:
    """413, then a reset while megabytes are still to be written."""

    def script(line: Line) -> None:
        line.begin_request(1)
        line.send(http(413, headers={"Connection": "close"}))

    async def scenario(url: str) -> list[Any]:
        async with posting(url, timeout=5) as poster:
            return [await poster.post(b"x" * 8_000_000, f"{number}") for number in range(5)]

    with Receiver(script) as receiver:
        for outcome in loop(scenario(receiver.url)):
            # The reset may overtake the answer in the kernel, but mostly the answer is there.
            assert outcome.status == 413 or outcome.reason in (Reason.WRITE, Reason.RESET)


# -- addresses


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address, _ in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port or given))
            for family, (address, given) in zip(families, addresses, strict=True)
        ]

    # uvloop's loop can't be patched: the class is C.
    real = asyncio.get_running_loop

    class Patched:
        def __getattr__(self, name: str) -> Any:
            return getaddrinfo if name == "getaddrinfo" else getattr(real(), name)

    monkeypatch.setattr("bridge.edge.wire_dial.asyncio.get_running_loop", Patched)


ADDRESSES: dict[str, tuple[str, ...]] = {
    "the first refuses": ("127.0.0.2", "127.0.0.1"),
    "of another family, and refuses": ("::1", "127.0.0.1"),
    "all but the last refuse": ("127.0.0.2", "127.0.0.3", "::1", "127.0.0.1"),
    "the first answers": ("127.0.0.1", "127.0.0.2"),
}


@pytest.mark.parametrize("addresses", ADDRESSES.values(), ids=ADDRESSES)
def test_of_several_addresses_one_that_answers_is_taken(
    loop: Any, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    async def scenario(port: int) -> None:
        resolve_to(monkeypatch, *((address, port) for address in addresses))
        async with posting(f"http://receiver.invalid:{port}/") as poster:
            outcome = await poster.post(BODY, "first")
            is_(outcome, *DELIVERED)
            assert outcome.seconds < HEAD_START

    with Receiver(answer(200)) as receiver:
        loop(scenario(receiver.port))
    assert receiver.ids == ["first"]
    assert receiver.connections == 1


def test_an_address_that_does_not_answer_is_overtaken_by_the_next(loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(silent: int, port: int) -> float:
        began = asyncio.get_running_loop().time()

        async def resolved(_host: str, _port: int) -> Any:
            return [(socket.AF_INET, ("127.0.0.1", silent)), (socket.AF_INET, ("127.0.0.1", port))]

        monkeypatch.setattr("bridge.edge.wire_dial._resolve", resolved)
        async with posting("http://receiver.invalid/", connect_timeout=2, timeout=2) as poster:
            assert (await poster.post(BODY, "first")).status == 200
        return asyncio.get_running_loop().time() - began

    with receivers.FullBacklog() as full, Receiver(answer(200)) as receiver:
        assert HEAD_START <= loop(scenario(full.port, receiver.port)) < HEAD_START + 0.3


def test_when_all_addresses_refuse_the_post_is_not_sent(loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(port: int) -> None:
        resolve_to(monkeypatch, ("127.0.0.1", port), ("::1", port))
        async with posting(f"http://receiver.invalid:{port}/") as poster:
            is_(await poster.post(BODY, "first"), Result.NOT_SENT, Reason.CONNECT)

    loop(scenario(receivers.closed_port()))


def test_sockets_of_a_race_that_is_cut_are_closed(loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(port: int) -> None:
        async def resolved(_host: str, _port: int) -> Any:
            return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, ("127.0.0.1", port))]

        monkeypatch.setattr("bridge.edge.wire_dial._resolve", resolved)
        task = asyncio.create_task(dial("receiver.invalid", 1))
        await asyncio.sleep(HEAD_START + 0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task  # a socket left open would be a ResourceWarning, an error here

    with receivers.FullBacklog() as full:
        loop(scenario(full.port))


# -- httpx's interface


def wire(url: str, **settings: Any) -> Wire:
    return Wire(httpx.URL(url), HttpSettings(**{"timeout": TIMEOUT, **settings}), None)


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
        for request in (httpx.Request("GET", "http://receiver.invalid/"), httpx.Request("POST", "http://other.invalid/")):
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
