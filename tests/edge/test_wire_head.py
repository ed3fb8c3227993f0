"""Answers of careless receivers: what can't change the meaning is taken, what could mean two things is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from edge.posting import BODY, is_, posting, run, way
from edge.receivers import Line, Receiver
from edge.scripts import answer_raw, http
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.edge.wire_answer import HEAD_LIMIT, Answer, KeptAnswer
from bridge.edge.wire_head import Head, Refused, mended

__all__ = ["run"]

#: What curl 8 takes, and so does the bridge. Each has the status 200 and a body of two bytes, or none.
CARELESS: dict[str, bytes] = {
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "bare LF after the status": b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok",
    "bare LF at the end": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok",
    "the same length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "the same length thrice, in a list": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2,2\r\n\r\nok",
    "a warning in front": b"HTTP/1.1 200 OK\r\ncache/plugin.php: userdata not supported\r\nContent-Length: 2\r\n\r\nok",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok",
    "a line that is a colon": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\nok",
    "blanks before a colon": b"HTTP/1.1 200 OK\r\nContent-Length \t: 2\r\n\r\nok",
    "a folded line": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\tc\r\nContent-Length: 2\r\n\r\nok",
    "a folded first line": b"HTTP/1.1 200 OK\r\n x\r\nContent-Length: 2\r\n\r\nok",
    "a folded length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\nok",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    "no reason and bare LF": b"HTTP/1.1 200\nContent-Length: 2\n\nok",
    "tabs": b"HTTP/1.1\t200\tOK\r\nContent-Length:\t2\t\r\n\r\nok",
    "non-ASCII bytes": b"HTTP/1.1 200 \xc3\x96K \xff\r\nX: \xff\r\nContent-Length: 2\r\n\r\nok",
    "a non-ASCII name": b"HTTP/1.1 200 OK\r\nX\xe9: y\r\nContent-Length: 2\r\n\r\nok",
    "a control character": b"HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 2\r\n\r\nok",
    "blank lines in front": b"\n\r\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "after a careless 100": b"HTTP/1.1 100\nx\n\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "carelessly after 100": b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "carelessly in chunks": b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nok\r\n0\r\n\r\n",
}
#: What intermediaries and the bridge could take for two things, or for nothing.
REFUSED: dict[str, bytes] = {
    "two lengths": b"HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3\n\nok",
    "two lengths in a list": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
    "two spellings of a length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 02\r\n\r\nok",
    "a length that goes on": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 3\r\n\r\nok",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
    "an empty length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length:\r\n\r\nok",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "a length and chunks": b"HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
    "a length and careless chunks": b"HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding : chunked\n\n0\r\n\r\n",
    "a length and folded chunks": b"HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding:\n chunked\n\n0\r\n\r\n",
    "a hidden length": b"HTTP/1.1 200 OK\r\nX Content-Length: 3\r\nContent-Length: 2\r\n\r\nok",
    "hidden chunks": b"HTTP/1.1 200 OK\r\n\x0bTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
    "a bare CR": b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 3\r\nContent-Length: 2\r\n\r\nok",
    "a NUL": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
}
#: What is no answer of HTTP/1 at all.
FOREIGN = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "nearly HTTP": b"HTTP/1.x 200 OK\r\n\r\n",
    "a short status": b"HTTP/1.1 20 OK\r\n\r\n",
    "a long status": b"HTTP/1.1 2000 OK\r\n\r\n",
    "no blank": b"HTTP/1.1200 OK\r\n\r\n",
    "ICY": b"ICY 200 OK\r\n\r\n",
}


def fed(raw: bytes, *cuts: int, answer: Answer | None = None) -> Answer:
    read = answer or Answer()
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        if read.feed(raw[start:end]):
            break
    return read


def answered(run: Callable[[Any], Any], raw: bytes) -> tuple[Outcome, int]:
    """What a POST comes to that is answered so, and how many requests went out."""

    def script(line: Line) -> None:
        line.request()
        line.send(raw)

    async def post() -> Outcome:
        async with posting(receiver.url) as poster:
            outcome: Outcome = await poster.post(BODY, "first")
            return outcome

    with Receiver(script) as receiver:
        outcome = run(post())
    return outcome, len(receiver.requests)


@pytest.mark.parametrize("raw", CARELESS.values(), ids=CARELESS)
def test_a_careless_answer_counts_by_its_status(run: Any, raw: bytes) -> None:
    for status, result, reason in (
        (200, Result.DELIVERED, Reason.STATUS_2XX),
        (503, Result.REJECTED, Reason.STATUS_5XX),
    ):
        outcome, count = answered(run, raw.replace(b"200", b"%d" % status))
        assert count == 1
        if way() != "stock":  # by which h11 decides, for proxies
            is_(outcome, result, reason, status)


@pytest.mark.parametrize("raw", (REFUSED | FOREIGN).values(), ids=REFUSED | FOREIGN)
def test_an_answer_that_could_mean_two_things_is_none(run: Any, raw: bytes) -> None:
    outcome, count = answered(run, raw)
    assert count == 1
    if way() == "stock":
        return
    is_(outcome, Result.AMBIGUOUS, Reason.PROTOCOL)
    assert ("its status is 200" in outcome.detail) == (raw in REFUSED.values())


@pytest.mark.parametrize("raw", (CARELESS | REFUSED | FOREIGN).values(), ids=CARELESS | REFUSED | FOREIGN)
@given(data=st.data())
def test_an_answer_is_the_same_however_it_is_cut(raw: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1))))
    whole, cut = fed(raw), fed(raw, *cuts)
    assert (cut.status, cut.complete, cut.error is None) == (whole.status, whole.complete, whole.error is None)
    assert (whole.status, whole.complete) == ((200, True) if raw in CARELESS.values() else (None, False))


def test_a_careless_answer_has_its_headers_and_its_whole_body() -> None:
    raw = b"HTTP/1.1 100\nA: b\n\nHTTP/1.1 503 X\nRetry-After : 7\nnonsense\nContent-Length: 6\n\nab\n\ncd"
    for cut in range(1, len(raw)):
        read = KeptAnswer()
        fed(raw, cut, answer=read)
        assert (read.status, read.body, read.field(b"retry-after")) == (503, b"ab\n\ncd", b"7")
        assert read.headers == [(b"Retry-After", b"7"), (b"Content-Length", b"6")]


@pytest.mark.parametrize("name", ["no reason", "bare LF", "a warning in front"])
def test_the_connection_of_a_careless_answer_is_not_used_again(name: str) -> None:
    read = fed(CARELESS[name])
    assert read.complete
    assert read.reusable == (name == "no reason")  # which llhttp takes itself
    assert not fed(b"HTTP/1.1 204 No Content\n\n").reusable


def test_another_answer_follows_on_a_new_connection(run: Any) -> None:
    async def posts() -> list[Outcome]:
        async with posting(receiver.url) as poster:
            return [await poster.post(BODY, name) for name in ("first", "second")]

    with Receiver(answer_raw(CARELESS["bare LF"]), answer_raw(http(200))) as receiver:
        outcomes = run(posts())
    assert (receiver.ids, receiver.connections) == (["first", "second"], 1 if way() == "stock" else 2)
    assert [outcome.status for outcome in outcomes] == [200, 200]


@pytest.mark.parametrize("piece", [1000, HEAD_LIMIT, 2 * HEAD_LIMIT])
@pytest.mark.parametrize(("size", "status"), [(HEAD_LIMIT, 200), (HEAD_LIMIT + 1, None)])
def test_a_careless_head_may_be_as_long_as_the_limit_and_no_longer(piece: int, size: int, status: int | None) -> None:
    start = b"HTTP/1.1 200 OK\nContent-Length: 3\nA: "
    raw = start + b"a" * (size - len(start) - 2) + b"\n\nabc"
    read = fed(raw, *range(piece, len(raw), piece))
    assert (read.status, read.complete, read.error is None) == (status, status is not None, status is not None)


def test_a_careless_head_without_end_is_an_error_at_the_limit() -> None:
    read, size = Answer(), 0
    while not read.feed(b"HTTP/1.1 100\nx\n\n" if size == 0 else b"HTTP/1.1 100\n\n"):
        size += 14
    assert HEAD_LIMIT - 100 < size < HEAD_LIMIT + 100
    assert read.error is not None


@given(st.binary(max_size=60), st.integers(0, 60), st.sampled_from([*CARELESS.values(), *REFUSED.values()]))
def test_any_bytes_within_a_head_are_mended_once_or_refused(junk: bytes, at: int, raw: bytes) -> None:
    try:
        once = mended(raw[:at] + junk + raw[at:])
    except Refused:
        return
    if once is not None:
        assert mended(once.text) == Head(once.status, once.text, len(once.text))
        assert b"\0" not in once.text
