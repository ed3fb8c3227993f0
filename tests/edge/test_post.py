"""Every outcome of a POST, against a receiver that behaves so; each receiver counts what arrived."""

from typing import Any

import pytest
from edge import receivers, scripts
from edge.posting import BODY, TIMEOUT, Run, is_, posting, run, two_posts, way
from edge.receivers import Receiver, Script
from edge.scripts import answer, answer_and_close, answer_raw, bytewise, drip, endless, http

from bridge.core.outcome import Reason, Result
from bridge.edge.post import BODY_LIMIT

__all__ = ["run"]

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSE = {"Connection": "close"}
REASONS = {1: Reason.STATUS_1XX, 2: Reason.STATUS_2XX, 3: Reason.STATUS_3XX, 4: Reason.STATUS_4XX, 5: Reason.STATUS_5XX}

#: Whole answers: the connection serves the next POST too.
ANSWERS: dict[str, tuple[int, Script]] = {
    "200": (200, answer(200)),
    "201 with a body": (201, answer(201, body=b"x" * 1000)),
    "204": (204, answer_raw(b"HTTP/1.1 204 No Content\r\n\r\n")),
    "200 in chunks": (200, answer_raw(CHUNKED, b"3\r\nabc\r\n", b"0\r\n\r\n")),
    "200 with as long a body as is read": (200, answer(200, body=b"x" * BODY_LIMIT)),
    "200 after 100": (200, answer_raw(b"HTTP/1.1 100 Continue\r\n\r\n", http(200))),
    "200 after 103": (200, answer_raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", http(200))),
    "200 that asks for a cookie": (200, answer(200, {"Set-Cookie": "a=b"})),
    "304": (304, answer_raw(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    "401 basic": (401, answer(401, {"WWW-Authenticate": 'Basic realm="x"'})),
    "401 digest": (401, answer(401, {"WWW-Authenticate": 'Digest realm="x", nonce="y", qop="auth"'})),
    "407": (407, answer(407, {"Proxy-Authenticate": 'Basic realm="x"'})),
    "408": (408, answer(408)),
    "421": (421, answer(421)),
    "425": (425, answer(425)),
    "429 with a time to retry": (429, answer(429, {"Retry-After": "0"})),
    "500": (500, answer(500, body=b"oops")),
    "503 with a time to retry": (503, answer(503, {"Retry-After": "0"})),
    "999": (999, answer(999)),
}

#: Answers whose status counts, though their connection can't be used again.
LAST_ANSWERS: dict[str, tuple[int, Script]] = {
    "200 and close": (200, answer_and_close(http(200, headers=CLOSE))),
    "500 and close": (500, answer_and_close(http(500, headers=CLOSE))),
    "HTTP/1.0 without a length": (200, answer_and_close(b"HTTP/1.0 200 OK\r\n\r\nbody")),
    "413 before the body is read": (413, scripts.answer_early(413)),
    "a body longer than is read": (200, answer(200, body=b"x" * (BODY_LIMIT + 1))),
    "10 MB": (200, answer(200, body=b"x" * 10_000_000)),
    "500 and 10 MB": (500, answer(500, body=b"x" * 10_000_000)),
    "an endless body": (200, endless(CHUNKED, b"4\r\nabcd\r\n")),
    "a body cut short": (200, answer_and_close(http(200, b"xx")[:-1])),
    "a body that is no chunk": (200, answer_raw(CHUNKED, b"no chunk\r\n")),
    "a body that never comes": (200, answer_raw(CHUNKED)),
    "a body dripping past the deadline": (202, drip(http(202, b"x" * 50)[:-50], bytewise(b"x" * 50), 0.05)),
    "a 503 dripping past the deadline": (503, drip(http(503, b"x" * 50)[:-50], bytewise(b"x" * 50), 0.05)),
    "more than the answer": (200, answer_raw(http(200) + http(200))),
}


class Fault:
    """No status line: what the receiver does, and the reason; more than one where the write may still be going on."""

    def __init__(self, script: Script, *reasons: Reason) -> None:
        self.script = script
        self.reasons = reasons


FAULTS = {
    "resets after the first byte": Fault(scripts.reset_after(1), Reason.RESET, Reason.WRITE),
    "resets within the headers": Fault(scripts.reset_after(100), Reason.RESET, Reason.WRITE),
    "resets within the body": Fault(scripts.reset_within_body, Reason.RESET, Reason.WRITE),
    "resets after the request": Fault(scripts.reset_after_request, Reason.RESET),
    "closes after the request": Fault(scripts.close_after_request, Reason.RESET),
    "half-closes after the request": Fault(scripts.half_close_after_request, Reason.RESET),
    "closes within the status line": Fault(answer_and_close(b"HTTP/1.1 20"), Reason.RESET),
    "closes within the headers": Fault(answer_and_close(b"HTTP/1.1 200 OK\r\nContent-"), Reason.RESET),
    "never answers": Fault(scripts.never_answer, Reason.READ_TIMEOUT),
    "never reads": Fault(scripts.never_read, Reason.READ_TIMEOUT),
    "answers late": Fault(scripts.answer_late(1.5), Reason.READ_TIMEOUT),
    "drips its status line": Fault(drip(b"", bytewise(http(200)), 0.1), Reason.READ_TIMEOUT),
    "drips its headers": Fault(drip(b"HTTP/1.1 200 OK\r\n", [b"A: b\r\n"] * 40, 0.05), Reason.READ_TIMEOUT),
    "says 102 for ever": Fault(drip(b"", [b"HTTP/1.1 102 Processing\r\n\r\n"] * 40, 0.05), Reason.READ_TIMEOUT),
    "answers garbage": Fault(answer_and_close(b"\x00\x01garbage\r\n\r\n"), Reason.PROTOCOL),
    "answers another protocol": Fault(answer_and_close(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), Reason.PROTOCOL),
    "answers a header with a NUL": Fault(answer_and_close(b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n"), Reason.PROTOCOL),
    "answers with two lengths": Fault(
        answer_and_close(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), Reason.PROTOCOL
    ),
    "answers headers without end": Fault(endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 100), Reason.PROTOCOL),
}


@pytest.mark.parametrize(("status", "script"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_decides_and_its_connection_is_used_again(run: Run[Any], status: int, script: Script) -> None:
    with Receiver(script) as receiver:
        outcomes = run(two_posts(receiver.url))
    for outcome in outcomes:
        is_(outcome, *expected(status))
    assert receiver.ids == ["first", "second"]
    assert len(receiver.requests) == 2
    assert receiver.connections == 1
    assert receiver.requests[0].raw.replace(b"first", b"second") == receiver.requests[1].raw


@pytest.mark.parametrize(("status", "script"), LAST_ANSWERS.values(), ids=LAST_ANSWERS)
def test_a_status_decides_though_its_connection_is_lost(run: Run[Any], status: int, script: Script) -> None:
    with Receiver(script, answer(503)) as receiver:
        first, second = run(two_posts(receiver.url))
    is_(first, *expected(status))
    is_(second, Result.REJECTED, Reason.STATUS_5XX, 503)
    assert receiver.ids == ["first", "second"]
    assert len(receiver.requests) == receiver.connections == 2


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_without_a_status_the_post_is_ambiguous_and_not_repeated(run: Run[Any], fault: Fault) -> None:
    with Receiver(fault.script, answer(200)) as receiver:
        first, second = run(two_posts(receiver.url))
    assert first.reason in fault.reasons
    is_(first, Result.AMBIGUOUS, first.reason)
    is_(second, Result.DELIVERED, Reason.STATUS_2XX, 200)
    # "never reads" sees its request when the receiver stops, after the second.
    assert sorted(request.connection for request in receiver.requests) == [0, 1]
    assert receiver.ids.count("second") == 1
    assert receiver.connections == 2


def test_a_101_which_nobody_asked_for_is_rejected_or_no_http(run: Run[Any]) -> None:
    switch = answer_and_close(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nx")
    with Receiver(switch, answer(200)) as receiver:
        first, second = run(two_posts(receiver.url))
    if way() == "stock":  # h11 raises, and does not say what it read
        is_(first, Result.AMBIGUOUS, Reason.PROTOCOL)
    else:
        is_(first, *expected(101))
    is_(second, Result.DELIVERED, Reason.STATUS_2XX, 200)
    assert receiver.ids == ["first", "second"]
    assert receiver.connections == 2


@pytest.mark.parametrize("script", [scripts.reset_on_accept, scripts.close_on_accept])
def test_a_receiver_that_hangs_up_on_accept_is_not_asked_again(run: Run[Any], script: Script) -> None:
    with Receiver(script, answer(200)) as receiver:
        first, second = run(two_posts(receiver.url))
    # A reset may come before the connect is seen to have succeeded.
    if first.result is Result.NOT_SENT:
        is_(first, Result.NOT_SENT, Reason.CONNECT)
    else:
        assert first.reason in (Reason.RESET, Reason.WRITE)
        is_(first, Result.AMBIGUOUS, first.reason)
    is_(second, Result.DELIVERED, Reason.STATUS_2XX, 200)
    assert receiver.ids == ["second"]
    assert len(receiver.requests) == 1
    assert receiver.connections == 2


WAITS = {"7": 7.0, "0": 0.0, "Wed, 21 Oct 2026 07:28:00 GMT": None, "-1": None, "9" * 20: None, "": None}


@pytest.mark.parametrize(("value", "seconds"), WAITS.items())
@pytest.mark.parametrize("status", [429, 503])
def test_the_seconds_that_an_overloaded_receiver_asks_for_are_told(
    run: Run[Any], status: int, value: str, seconds: float | None
) -> None:
    body = b"\r\nRetry-After: 99\r\n\r\nHTTP/1.1 503 x\r\nRetry-After: 99\r\n\r\n"
    late = b"HTTP/1.1 103 Early\r\nRetry-After: 99\r\n\r\n" + http(status, body, {"retry-AFTER": value})
    with Receiver(scripts.answer_raw(late)) as receiver:
        for outcome in run(two_posts(receiver.url)):
            is_(outcome, *expected(status))
            if way() != "own as httpx's":
                assert outcome.retry_after == seconds


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(run: Run[Any], status: int) -> None:
    with Receiver(answer(200)) as other:
        elsewhere = answer(status, {"Location": other.url, "Refresh": f"0; url={other.url}"})
        with Receiver(elsewhere) as receiver:
            outcomes = run(two_posts(receiver.url))
    for outcome in outcomes:
        is_(outcome, Result.REJECTED, Reason.STATUS_3XX, status)
    assert receiver.ids == ["first", "second"]
    assert other.connections == 0


def test_of_an_endless_body_no_more_is_read_than_the_limit(run: Run[Any]) -> None:
    with Receiver(endless(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"), answer(200)) as receiver:
        first, _ = run(two_posts(receiver.url))
    is_(first, Result.DELIVERED, Reason.STATUS_2XX, 200)
    assert first.seconds < TIMEOUT / 2


def test_a_port_that_refuses_gets_nothing_and_is_reached_once_it_listens(run: Run[Any]) -> None:
    port = receivers.closed_port()

    async def scenario() -> None:
        async with posting(f"http://127.0.0.1:{port}/ocs") as poster:
            is_(await poster.post(BODY, "first"), Result.NOT_SENT, Reason.CONNECT)
            with Receiver(answer(200), port=port) as receiver:
                is_(await poster.post(BODY, "second"), Result.DELIVERED, Reason.STATUS_2XX, 200)
                await poster.close()
            assert receiver.ids == ["second"]

    run(scenario())


def test_a_name_that_does_not_exist_is_told_from_a_port_that_refuses(run: Run[Any]) -> None:
    # A label of more than 63 characters: no resolver is asked.
    first, second = run(two_posts(f"http://{'a' * 64}.invalid/"))
    is_(first, Result.NOT_SENT, Reason.DNS)
    is_(second, Result.NOT_SENT, Reason.DNS)


@pytest.mark.parametrize("connect_timeout", [0.2, 5.0])
def test_a_connect_without_an_answer_ends_by_the_earlier_of_both_deadlines(
    run: Run[Any], connect_timeout: float
) -> None:
    with receivers.FullBacklog() as full:
        first, second = run(two_posts(full.url, connect_timeout=connect_timeout))
    for outcome in (first, second):
        is_(outcome, Result.NOT_SENT, Reason.CONNECT_TIMEOUT)
        assert (outcome.seconds < 0.35) == (connect_timeout < 0.35)


def test_a_receiver_that_never_accepts_may_have_the_request(run: Run[Any]) -> None:
    with receivers.NoAccept() as receiver:
        first, second = run(two_posts(receiver.url))
    is_(first, Result.AMBIGUOUS, Reason.READ_TIMEOUT)
    is_(second, Result.AMBIGUOUS, Reason.READ_TIMEOUT)
    assert [request.count(b"POST /ocs") for request in receiver.requests] == [1, 1]


def test_a_body_that_is_not_taken_is_a_write_timeout(run: Run[Any]) -> None:
    with Receiver(scripts.never_read, answer(200)) as receiver:
        first, second = run(two_posts(receiver.url, body=b"x" * 30_000_000))
    is_(first, Result.AMBIGUOUS, Reason.WRITE_TIMEOUT)
    is_(second, Result.DELIVERED, Reason.STATUS_2XX, 200)
    assert receiver.ids == ["second"]
    assert len(receiver.requests) == 2


def test_a_body_that_breaks_off_is_a_write_error_or_a_reset(run: Run[Any]) -> None:
    with Receiver(scripts.reset_after(100_000), answer(200)) as receiver:
        first, second = run(two_posts(receiver.url, body=b"x" * 8_000_000, timeout=5))
    assert first.result is Result.AMBIGUOUS
    assert first.reason in (Reason.WRITE, Reason.RESET)
    is_(second, Result.DELIVERED, Reason.STATUS_2XX, 200)
    assert receiver.ids == ["second"]
    assert len(receiver.requests) == 2


def test_a_detail_says_what_happened_and_nothing_of_what_the_receiver_said(run: Run[Any]) -> None:
    async def details() -> list[str]:
        found = []
        for script in (
            answer_and_close(b"private\r\n\r\n"),
            answer_and_close(b"HTTP/1.1 200 OK\r\nA: private\0\r\n\r\n"),
        ):
            with Receiver(script) as receiver:
                async with posting(receiver.url) as poster:
                    found.append((await poster.post(BODY, "x")).detail)
        async with posting(f"http://127.0.0.1:{receivers.closed_port()}/?private") as poster:
            found.append((await poster.post(BODY, "x")).detail)
        return found

    status_line, header, refused = run(details())
    start = "RemoteProtocolError in phase read: illegal"
    if way() == "stock":
        assert (status_line, header) == (f"{start} status line", f"{start} header line")
    else:
        assert status_line == f"{start} answer, Expected HTTP/, RTSP/ or ICE/"
        assert header == f"{start} answer, Invalid header value char (its status is 200)"
    assert "refused" in refused or "Connect call failed" in refused
    assert "private" not in refused


def expected(status: int) -> tuple[Result, Reason, int]:
    reason = REASONS.get(status // 100, Reason.STATUS_5XX)
    return (Result.DELIVERED if status // 100 == 2 else Result.REJECTED), reason, status
