"""The POST over TLS: what fails in the handshake was not sent."""

import asyncio
import ssl
import warnings
from typing import Any

import pytest
from edge import receivers, scripts
from edge.certificates import Certificates, make
from edge.posting import BODY, TIMEOUT, Run, is_, posting, run, two_posts, way
from edge.receivers import Line, Receiver
from edge.scripts import answer, over_tls, server_context

from bridge.connections import HttpSettings
from bridge.core.outcome import Reason, Result
from bridge.edge.tls import receiver_context
from bridge.edge.wire_tls import Tls

__all__ = ["run"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusting(made: Certificates) -> ssl.SSLContext:
    return receiver_context(HttpSettings(ca_file=made.authority.cert))


def secure(made: Certificates, *first: receivers.Script) -> Receiver:
    """A receiver that is as it should be from the next connection on."""
    return Receiver(*first, over_tls(server_context(made.server), answer(200)), scheme="https")


def test_posts_over_tls_share_a_connection(run: Run[Any], made: Certificates, trusting: ssl.SSLContext) -> None:
    with secure(made) as receiver:
        for outcome in run(two_posts(receiver.url, trusting)):
            is_(outcome, *DELIVERED)
    assert receiver.ids == ["first", "second"]
    assert receiver.connections == 1


def test_the_session_of_a_connection_is_copied_once_however_many_posts_it_carries(
    run: Run[Any], made: Certificates, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[Tls] = []
    copy: Any = Tls.__dict__["session"].fget

    def counting(tls: Tls) -> Any:
        copied.append(tls)
        return copy(tls)

    monkeypatch.setattr(Tls, "session", property(counting))
    with secure(made) as receiver:
        for outcome in run(two_posts(receiver.url, trusting)):
            is_(outcome, *DELIVERED)
        assert receiver.connections == 1
    assert len(copied) == (0 if way() == "stock" else 1)


@pytest.mark.parametrize("name", ["expired", "wrong_host", "other_server"])
def test_a_certificate_that_does_not_hold_is_not_sent_to(
    run: Run[Any], made: Certificates, trusting: ssl.SSLContext, name: str
) -> None:
    with secure(made, over_tls(server_context(getattr(made, name)), answer(200))) as receiver:
        first, second = run(two_posts(receiver.url, trusting))
    is_(first, Result.NOT_SENT, Reason.TLS)
    assert "CERTIFICATE_VERIFY_FAILED" in first.detail
    is_(second, *DELIVERED)
    assert receiver.ids == ["second"]
    assert len(receiver.requests) == 1
    assert receiver.connections == 2


@pytest.mark.parametrize("name", ["expired", "wrong_host", "other_server"])
def test_without_verification_any_certificate_will_do(run: Run[Any], made: Certificates, name: str) -> None:
    context = receiver_context(HttpSettings(verify=False))
    with Receiver(over_tls(server_context(getattr(made, name)), answer(200)), scheme="https") as receiver:
        for outcome in run(two_posts(receiver.url, context)):
            is_(outcome, *DELIVERED)


def read_a_little(line: Line) -> None:
    line.begin_request(10)


def answer_garbage(line: Line) -> None:
    line.begin_request(1)
    line.send(b"garbage\r\n" * 10)


IN_THE_HANDSHAKE: dict[str, receivers.Script] = {
    "resets": scripts.reset_after(100),
    "resets at once": scripts.reset_on_accept,
    "closes": read_a_little,
    "answers plain HTTP": scripts.answer_early(400),
    "answers garbage": answer_garbage,
}


@pytest.mark.parametrize("script", IN_THE_HANDSHAKE.values(), ids=IN_THE_HANDSHAKE)
def test_a_receiver_that_fails_in_the_handshake_got_nothing(
    run: Run[Any], made: Certificates, trusting: ssl.SSLContext, script: receivers.Script
) -> None:
    with secure(made, script) as receiver:
        first, second = run(two_posts(receiver.url, trusting))
    # A reset may come before the connect is seen to have succeeded.
    is_(first, Result.NOT_SENT, Reason.CONNECT if "in phase connect" in first.detail else Reason.TLS)
    is_(second, *DELIVERED)
    assert receiver.ids == ["second"]
    assert receiver.connections == 2
    assert not any(b"GSW" in request.raw for request in receiver.requests[:-1])


def hold_handshake(line: Line) -> None:
    """Read the ClientHello, say nothing, and end when the peer closes."""
    line.rest(line.begin_request(1))


@pytest.mark.parametrize("connect_timeout", [0.2, 5.0])
def test_a_handshake_without_an_answer_ends_in_time_and_its_socket_is_closed(
    run: Run[Any], made: Certificates, trusting: ssl.SSLContext, connect_timeout: float
) -> None:
    async def scenario(receiver: Receiver) -> None:
        async with posting(receiver.url, trusting, connect_timeout=connect_timeout) as poster:
            is_(await poster.post(BODY, "first"), Result.NOT_SENT, Reason.CONNECT_TIMEOUT)
            await asyncio.to_thread(receiver.await_ends, 1)
            is_(await poster.post(BODY, "second"), *DELIVERED)

    with secure(made, hold_handshake) as receiver:
        run(scenario(receiver))
    assert receiver.ids == ["second"]


def test_a_post_cut_in_the_handshake_is_not_sent_and_its_socket_is_closed(
    run: Run[Any], made: Certificates, trusting: ssl.SSLContext
) -> None:
    async def scenario(receiver: Receiver) -> None:
        async with posting(receiver.url, trusting) as poster:
            task = asyncio.create_task(poster.post(BODY, "first"))
            await asyncio.to_thread(receiver.await_begun, 1)
            task.cancel()
            outcome = await task
            is_(outcome, Result.NOT_SENT, Reason.CUT)
            assert outcome.seconds < TIMEOUT
            await asyncio.to_thread(receiver.await_ends, 1)
            is_(await poster.post(BODY, "second"), *DELIVERED)

    with secure(made, hold_handshake) as receiver:
        run(scenario(receiver))
    assert receiver.ids == ["second"]


def test_tls_on_a_port_that_speaks_plain_http_is_rejected_by_its_answer_or_reset(
    run: Run[Any], made: Certificates
) -> None:
    # The other way round: http:// to a receiver that expects TLS.
    with secure(made) as receiver:
        first, second = run(two_posts(receiver.url.replace("https", "http")))
    for outcome in (first, second):
        assert outcome.result is Result.AMBIGUOUS
        assert outcome.reason in (Reason.RESET, Reason.PROTOCOL)
    assert receiver.requests == []
    assert receiver.connections == 2


@pytest.mark.parametrize("name", ["client", "client_with_key"])
def test_a_client_certificate_is_shown(run: Run[Any], made: Certificates, name: str) -> None:
    files: dict[str, Any] = {"cert_file": made.client_with_key}
    if name == "client":
        files = {"cert_file": made.client.cert, "key_file": made.client.key}
    context = receiver_context(HttpSettings(ca_file=made.authority.cert, **files))
    server = server_context(made.server, client_ca=made.authority.cert)
    with Receiver(over_tls(server, answer(200)), scheme="https") as receiver:
        for outcome in run(two_posts(receiver.url, context)):
            is_(outcome, *DELIVERED)


@pytest.mark.parametrize("identity", ["none", "other_client"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_missing_client_certificate_fails_the_handshake_only_before_tls_1_3(
    run: Run[Any], made: Certificates, identity: str, version: ssl.TLSVersion
) -> None:
    files: dict[str, Any] = {}
    if identity != "none":
        files = {"cert_file": made.other_client.cert, "key_file": made.other_client.key}
    context = receiver_context(HttpSettings(ca_file=made.authority.cert, **files))
    server = server_context(made.server, client_ca=made.authority.cert)
    server.maximum_version = version
    with secure(made, over_tls(server, answer(200))) as receiver:
        first, second = run(two_posts(receiver.url, context))
    if version is ssl.TLSVersion.TLSv1_2:
        is_(first, Result.NOT_SENT, Reason.TLS)
    else:
        # In 1.3 the client may send before the server has looked at its certificate: then nobody can tell.
        expected = [(Result.AMBIGUOUS, Reason.RESET), (Result.AMBIGUOUS, Reason.WRITE)]
        if way() != "stock":
            expected += [(Result.NOT_SENT, Reason.TLS), (Result.NOT_SENT, Reason.CONNECT)]
        assert (first.result, first.reason) in expected
    is_(second, *DELIVERED)
    assert receiver.ids == ["second"]


def test_tls_older_than_1_2_is_refused(run: Run[Any], made: Certificates, trusting: ssl.SSLContext) -> None:
    server = server_context(made.server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of it too
        server.maximum_version = ssl.TLSVersion.TLSv1_1
        server.minimum_version = ssl.TLSVersion.TLSv1
    server.set_ciphers("ALL:@SECLEVEL=0")
    with secure(made, over_tls(server, answer(200))) as receiver:
        first, second = run(two_posts(receiver.url, trusting))
    is_(first, Result.NOT_SENT, Reason.TLS)
    is_(second, *DELIVERED)
    assert receiver.ids == ["second"]


def test_a_connection_closed_while_idle_is_not_used_over_tls(
    run: Run[Any], made: Certificates, trusting: ssl.SSLContext
) -> None:
    async def scenario(receiver: Receiver) -> None:
        async with posting(receiver.url, trusting) as poster:
            is_(await poster.post(BODY, "first"), *DELIVERED)
            await asyncio.to_thread(receiver.await_ends, 1)
            is_(await poster.post(BODY, "second"), *DELIVERED)

    with secure(made, over_tls(server_context(made.server), scripts.answer_then(Line.close))) as receiver:
        run(scenario(receiver))
    assert receiver.ids == ["first", "second"]
    assert receiver.connections == 2
