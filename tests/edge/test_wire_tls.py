"""Sessions of TLS are used again, with the same name and protocol asked for, on both loops."""

import asyncio
import contextlib
import ssl
from typing import Any

import pytest
from edge.certificates import Certificates, make
from edge.posting import BODY, LOOPS, is_, posting
from edge.receivers import Line, Receiver
from edge.scripts import answer, http, over_tls, server_context

from bridge.connections import HttpSettings
from bridge.core.outcome import Reason, Result
from bridge.edge.tls import receiver_context

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=LOOPS)
def runner(request: pytest.FixtureRequest) -> Any:
    with asyncio.Runner(loop_factory=LOOPS[request.param]) as opened:
        yield opened


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_the_next_connection_uses_the_session_of_the_last(
    runner: asyncio.Runner, made: Certificates, version: ssl.TLSVersion
) -> None:
    context = receiver_context(HttpSettings(ca_file=made.authority.cert))
    server = server_context(made.server)
    server.maximum_version = version

    async def scenario(url: str) -> None:
        async with posting(url, context, keepalive_expiry=0) as poster:
            for number in range(4):
                is_(await poster.post(BODY, f"{number}"), *DELIVERED)

    with Receiver(over_tls(server, answer(200)), scheme="https") as receiver:
        runner.run(scenario(receiver.url))
    assert receiver.connections == 4
    assert server.session_stats()["hits"] == 3


def test_a_session_that_the_receiver_has_forgotten_costs_no_post(runner: asyncio.Runner, made: Certificates) -> None:
    context = receiver_context(HttpSettings(ca_file=made.authority.cert))
    servers = [server_context(made.server) for _ in range(3)]  # each with a ticket key of its own

    async def scenario(url: str) -> None:
        async with posting(url, context, keepalive_expiry=0) as poster:
            for number in range(3):
                is_(await poster.post(BODY, f"{number}"), *DELIVERED)

    with Receiver(*(over_tls(server, answer(200)) for server in servers), scheme="https") as receiver:
        runner.run(scenario(receiver.url))
    assert receiver.ids == ["0", "1", "2"]
    assert [server.session_stats()["hits"] for server in servers] == [0, 0, 0]


def test_the_name_is_sent_and_http_1_1_asked_for(runner: asyncio.Runner, made: Certificates) -> None:
    context = receiver_context(HttpSettings(ca_file=made.authority.cert))
    server = server_context(made.server)
    server.set_alpn_protocols(["h2", "http/1.1"])
    names: list[str | None] = []
    protocols: list[str | None] = []
    server.sni_callback = lambda _peer, name, _context: names.append(name)

    def script(line: Line) -> None:
        protocols.append(line._socket.selected_alpn_protocol())  # type: ignore[attr-defined]
        answer(200)(line)

    async def scenario(url: str) -> None:
        async with posting(url.replace("127.0.0.1", "localhost"), context) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)

    with Receiver(over_tls(server, script), scheme="https") as receiver:
        runner.run(scenario(receiver.url))
    assert (names, protocols) == (["localhost"], ["http/1.1"])


def test_a_large_body_and_its_answer_go_over_tls(runner: asyncio.Runner, made: Certificates) -> None:
    context = receiver_context(HttpSettings(ca_file=made.authority.cert))
    body = bytes(range(256)) * 8000

    def slow(line: Line) -> None:
        request = line.begin_request(1000)
        while not request.complete:
            line.more(request, 50_000)
        line.send(http(200, b"y" * 60_000))
        answer(200)(line)

    async def scenario(url: str) -> None:
        async with posting(url, context, timeout=10) as poster:
            for number in range(2):
                assert (await poster.post(body if number == 0 else BODY, f"{number}")).status == 200

    with Receiver(over_tls(server_context(made.server), slow), scheme="https") as receiver:
        runner.run(scenario(receiver.url))
    assert receiver.requests[0].body == body
    assert receiver.connections == 1


def test_a_receiver_that_says_goodbye_while_idle_is_left(runner: asyncio.Runner, made: Certificates) -> None:
    """close_notify alone: the socket stays open, and nothing but TLS tells."""
    context = receiver_context(HttpSettings(ca_file=made.authority.cert))

    def goodbye(line: Line) -> None:
        line.request()
        line.send(http(200))
        peer = line._socket
        assert isinstance(peer, ssl.SSLSocket)
        peer.setblocking(False)
        with contextlib.suppress(ssl.SSLError):
            peer.unwrap()
        line.wait(0.3)

    async def scenario(url: str) -> None:
        async with posting(url, context) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            await asyncio.sleep(0.05)
            is_(await poster.post(BODY, "second"), *DELIVERED)

    server = server_context(made.server)
    with Receiver(over_tls(server, goodbye), over_tls(server, answer(200)), scheme="https") as receiver:
        runner.run(scenario(receiver.url))
    assert receiver.ids == ["first", "second"]
