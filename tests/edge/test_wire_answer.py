"""The bytes of an answer, however they are cut into pieces."""

import httptools
import pytest
from edge.scripts import http
from hypothesis import given
from hypothesis import strategies as st

from bridge.edge.wire_answer import BODY_LIMIT, HEAD_LIMIT, Answer, KeptAnswer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#: Bytes, then status, whether it is over, whether the connection can be used again, whether it is an error.
ANSWERS: dict[str, tuple[bytes, int | None, bool, bool, bool]] = {
    "with a length": (http(200, b"abc"), 200, True, True, False),
    "without a body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, True, True, False),
    "in chunks": (CHUNKED + b"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", 200, True, True, False),
    "after 100 and 103": (b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 H\r\nA: b\r\n\r\n" + http(500), 500, True, True, False),
    "100 alone": (b"HTTP/1.1 100 Continue\r\n\r\n", None, False, False, False),
    "101": (b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 101, True, False, False),
    "101 without its headers": (b"HTTP/1.1 101 S\r\n\r\n", 101, True, False, True),
    "that closes": (http(200, b"x", {"Connection": "close"}), 200, True, False, False),
    "until the close": (b"HTTP/1.1 200 OK\r\n\r\nabc", 200, False, False, False),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, True, False, False),
    "1.0 that stays": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        200,
        True,
        True,
        False,
    ),
    "half a body": (http(200, b"abc")[:-1], 200, False, False, False),
    "half a head": (http(200, b"abc")[:-6], None, False, False, False),
    "garbage": (b"garbage\r\n\r\n", None, True, False, True),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", None, True, False, True),
    "a length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        None,
        True,
        False,
        True,
    ),
    "a chunk without a size": (CHUNKED + b"no chunk\r\n", 200, True, False, True),
    "a body over the limit": (http(200, b"x" * (BODY_LIMIT + 1)), 200, True, False, False),
    "a body at the limit": (http(200, b"x" * BODY_LIMIT), 200, True, True, False),
}


def head_of(size: int) -> bytes:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: "
    return start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@given(data=st.data())
def test_an_answer_is_the_same_however_it_is_cut(
    answer: tuple[bytes, int | None, bool, bool, bool], data: st.DataObject
) -> None:
    raw, *expected = answer
    cuts = sorted(data.draw(st.sets(st.integers(1, min(len(raw) - 1, 300)), max_size=8)))
    read, over = Answer(), False
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        if over:
            break
        over = read.feed(raw[start:end])
    assert [read.status, over, read.reusable, read.error is not None] == expected


@pytest.mark.parametrize("piece", [1000, HEAD_LIMIT, 2 * HEAD_LIMIT])
@pytest.mark.parametrize(("size", "status"), [(HEAD_LIMIT, 200), (HEAD_LIMIT + 1, None)])
def test_a_head_may_be_as_long_as_the_limit_and_no_longer(piece: int, size: int, status: int | None) -> None:
    read, raw = Answer(), head_of(size)
    over = False
    while raw and not over:
        over = read.feed(raw[:piece])
        raw = raw[piece:]
    assert over
    assert (read.status, read.error is None) == (status, status is not None)


def test_answers_of_1xx_without_end_are_an_error() -> None:
    read, fed = Answer(), 0
    while not read.feed(b"HTTP/1.1 102 Processing\r\n\r\n"):
        fed += 1
    assert 2000 < fed < 3000
    assert str(read.error) == "illegal answer, its head is over 65536 bytes"


@pytest.mark.parametrize("surplus", [http(200), b"H", b"x", b"garbage\r\n\r\n"])
def test_more_than_the_answer_makes_its_connection_useless(surplus: bytes) -> None:
    read = Answer()
    assert read.feed(http(200, b"abc") + surplus)
    assert read.status == 200
    assert not read.reusable


def test_one_serves_many_answers() -> None:
    read = Answer()
    for status in (200, 503, 204):
        read.begin()
        assert read.feed(http(status, b"" if status == 204 else b"abc"))
        assert (read.status, read.reusable) == (status, True)


def test_headers_and_body_are_kept_where_they_are_wanted() -> None:
    read = KeptAnswer()
    assert read.feed(b"HTTP/1.1 100 C\r\nX: y\r\n\r\n" + http(200, b"abc", {"A": "b"}))
    assert (read.headers, read.body) == ([(b"Content-Length", b"3"), (b"A", b"b")], b"abc")


def test_the_parsers_errors_do_not_quote_the_receiver() -> None:
    for raw in (
        b"private\r\n",
        b"HTTP/1.1 200 OK\r\nprivate\r\n\r\n",
        CHUNKED + b"private\r\n",
        b"HTTP/9.9 private\r\n",
    ):
        read = Answer()
        read.feed(raw)
        assert "private" not in str(read.error)
    assert issubclass(httptools.HttpParserInvalidStatusError, httptools.HttpParserError)
