"""What is left to httpx's stock transport: proxies and HTTP/2."""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
import uvloop
from edge import receivers, scripts
from edge.certificates import Certificates, make
from edge.posting import BODY, TIMEOUT, is_, posting
from edge.receivers import EVENT_ID, Line, Receiver, Request, Script
from edge.scripts import answer, over_tls, server_context

from bridge.connections import HttpSettings
from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.edge.tls import receiver_context

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusting(made: Certificates) -> ssl.SSLContext:
    return receiver_context(HttpSettings(ca_file=made.authority.cert))


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


async def two(url: str, context: ssl.SSLContext | None = None, permit: Any = None, **http: Any) -> list[Outcome]:
    async with posting(url, context, **http) as poster:
        return [await poster.post(BODY, name, permit) for name in ("first", "second")]


# -- proxies


def proxy_of(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.port}"


def test_a_proxy_is_asked_for_the_whole_url(loop: asyncio.Runner) -> None:
    with Receiver(answer(200)) as proxy:
        for outcome in loop.run(two("http://receiver.invalid/ocs", proxy=proxy_of(proxy))):
            is_(outcome, *DELIVERED)
    assert proxy.ids == ["first", "second"]
    assert proxy.requests[0].line == "POST http://receiver.invalid/ocs HTTP/1.1"
    assert proxy.requests[0].header("host") == "receiver.invalid"
    assert proxy.connections == 1


def tunnel(then: Script) -> Script:
    def script(line: Line) -> None:
        assert line.request().line == "CONNECT localhost:443 HTTP/1.1"
        line.send(b"HTTP/1.1 200 OK\r\n\r\n")
        then(line)

    return script


def test_to_an_https_receiver_a_proxy_opens_a_tunnel(
    loop: asyncio.Runner, made: Certificates, trusting: ssl.SSLContext
) -> None:
    with Receiver(tunnel(over_tls(server_context(made.server), answer(200)))) as proxy:
        for outcome in loop.run(two("https://localhost/ocs", trusting, proxy=proxy_of(proxy))):
            is_(outcome, *DELIVERED)
    assert proxy.ids == ["", "first", "second"]
    assert proxy.connections == 1


def refuse(line: Line) -> None:
    line.request()
    line.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
    line.wait_for_close()


FAULTS: dict[str, tuple[Script, Reason]] = {
    "answers 502": (refuse, Reason.CONNECT),
    "answers 407": (answer(407, {"Proxy-Authenticate": "Basic"}), Reason.CONNECT),
    "closes": (scripts.close_after_request, Reason.CONNECT),
    "never answers": (scripts.never_answer, Reason.CONNECT_TIMEOUT),
    "leads to a receiver that fails in TLS": (tunnel(scripts.reset_after(10)), Reason.TLS),
}


@pytest.mark.parametrize(("script", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_proxy_that_opens_no_tunnel_means_nothing_was_sent(
    loop: asyncio.Runner, trusting: ssl.SSLContext, script: Script, reason: Reason
) -> None:
    with Receiver(script) as proxy:
        for outcome in loop.run(two("https://localhost/ocs", trusting, proxy=proxy_of(proxy))):
            is_(outcome, Result.NOT_SENT, reason)
    assert [request.line.split()[0] for request in proxy.requests if request.line.startswith("POST")] == []


def test_without_its_proxy_a_receiver_is_not_reached(loop: asyncio.Runner) -> None:
    with Receiver(answer(200)) as receiver:
        closed = f"http://127.0.0.1:{receivers.closed_port()}"
        for outcome in loop.run(two(receiver.url, proxy=closed)):
            is_(outcome, Result.NOT_SENT, Reason.CONNECT)
    assert receiver.connections == 0


def test_the_permit_is_asked_for_the_post_and_not_for_the_tunnel(
    loop: asyncio.Runner, made: Certificates, trusting: ssl.SSLContext
) -> None:
    with Receiver(tunnel(over_tls(server_context(made.server), answer(200)))) as proxy:
        for outcome in loop.run(two("https://localhost/ocs", trusting, lambda: False, proxy=proxy_of(proxy))):
            is_(outcome, Result.NOT_SENT, Reason.LEASE)
    assert proxy.ids == ["", ""]


def test_what_follows_an_answer_in_a_tunnel_is_not_taken_for_the_next(
    loop: asyncio.Runner, made: Certificates, trusting: ssl.SSLContext
) -> None:
    server = server_context(made.server)
    twice = tunnel(over_tls(server, scripts.answer_raw(scripts.http(200) * 2)))
    with Receiver(twice, tunnel(over_tls(server, answer(503)))) as proxy:
        first, second = loop.run(two("https://localhost/ocs", trusting, proxy=proxy_of(proxy)))
    is_(first, *DELIVERED)
    is_(second, Result.REJECTED, Reason.STATUS_5XX, 503)


# -- HTTP/2


def http2(made: Certificates, handle: Any) -> Script:
    """Play `handle(connection, event)` for each of h2's events, after a handshake that agrees on HTTP/2."""
    context = server_context(made.server)
    context.set_alpn_protocols(["h2"])

    def script(line: Line) -> None:
        peer = line._socket
        assert isinstance(peer, ssl.SSLSocket)
        assert peer.selected_alpn_protocol() == "h2"
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        while True:
            line.send(connection.data_to_send())
            try:
                events = connection.receive_data(line._read(65_536))
            except h2.exceptions.ProtocolError as closed:
                raise receivers.Gone from closed
            for event in events:
                if isinstance(event, h2.events.RequestReceived):
                    record(line, event)
                handle(connection, event)

    return over_tls(context, script)


def record(line: Line, event: h2.events.RequestReceived) -> None:
    headers = {name.decode(): value.decode() for name, value in event.headers or []}
    request = Request(line.number, 0.0, line=headers[":method"], headers=list(headers.items()), complete=True)
    line._receiver.record(request)


def well(connection: Any, event: Any) -> None:
    if isinstance(event, h2.events.StreamEnded):
        connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)


def refused_stream(connection: Any, event: Any) -> None:
    if isinstance(event, h2.events.RequestReceived):
        connection.reset_stream(event.stream_id, 0x7)


def goaway(connection: Any, event: Any) -> None:
    if isinstance(event, h2.events.StreamEnded):
        connection.close_connection(last_stream_id=0)


def gone(_connection: Any, event: Any) -> None:
    if isinstance(event, h2.events.StreamEnded):
        raise receivers.Gone


def silent(_connection: Any, _event: Any) -> None:
    pass


def test_http_2_is_spoken_with_a_receiver_that_offers_it(
    loop: asyncio.Runner, made: Certificates, trusting: ssl.SSLContext
) -> None:
    with Receiver(http2(made, well), scheme="https") as receiver:
        for outcome in loop.run(two(receiver.url, trusting, http2=True)):
            is_(outcome, *DELIVERED)
    assert [request.header(EVENT_ID) for request in receiver.requests] == ["first", "second"]
    assert receiver.connections == 1


def test_http_1_1_is_spoken_with_a_receiver_that_does_not(
    loop: asyncio.Runner, made: Certificates, trusting: ssl.SSLContext
) -> None:
    with Receiver(over_tls(server_context(made.server), answer(200)), scheme="https") as receiver:
        for outcome in loop.run(two(receiver.url, trusting, http2=True)):
            is_(outcome, *DELIVERED)
    assert receiver.requests[0].line == "POST /ocs HTTP/1.1"


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        (refused_stream, {Reason.PROTOCOL, Reason.RESET, Reason.WRITE}),
        (goaway, {Reason.PROTOCOL, Reason.RESET}),
        (gone, {Reason.RESET}),
        (silent, {Reason.READ_TIMEOUT}),
    ],
)
def test_over_http_2_too_a_post_without_an_answer_is_ambiguous_and_not_repeated(
    loop: asyncio.Runner, made: Certificates, trusting: ssl.SSLContext, fault: Any, reasons: set[Reason]
) -> None:
    with Receiver(http2(made, fault), http2(made, well), scheme="https") as receiver:
        first, second = loop.run(two(receiver.url, trusting, http2=True))
    assert first.reason in reasons, first
    is_(first, Result.AMBIGUOUS, first.reason)
    is_(second, *DELIVERED)
    assert [request.header(EVENT_ID) for request in receiver.requests] == ["first", "second"]


def test_a_stream_that_a_goaway_leaves_out_is_not_sent_on_another_connection(
    loop: asyncio.Runner, made: Certificates, trusting: ssl.SSLContext
) -> None:
    """httpcore would: the receiver says that it has not looked at it. But that is one attempt more than one."""

    def leave_out_the_second(connection: Any, event: Any) -> None:
        if isinstance(event, h2.events.StreamEnded) and event.stream_id > 1:
            connection.close_connection(last_stream_id=1)
        else:
            well(connection, event)

    with Receiver(http2(made, leave_out_the_second), http2(made, well), scheme="https") as receiver:
        first, second = loop.run(two(receiver.url, trusting, http2=True))
    is_(first, *DELIVERED)
    is_(second, Result.AMBIGUOUS, Reason.RESET)
    assert [request.header(EVENT_ID) for request in receiver.requests] == ["first", "second"]


def test_over_http_2_the_permit_is_asked(loop: asyncio.Runner, made: Certificates, trusting: ssl.SSLContext) -> None:
    with Receiver(http2(made, well), scheme="https") as receiver:
        for outcome in loop.run(two(receiver.url, trusting, lambda: False, http2=True)):
            is_(outcome, Result.NOT_SENT, Reason.LEASE)
            assert outcome.seconds < TIMEOUT
    assert receiver.requests == []
