"""One answer of HTTP/1.1, fed with its bytes as they come; no I/O.

1. The status counts once the head is complete, whatever becomes of the body.
2. Answers of 1xx are passed over, except 101: nobody asked for another protocol, so it is the answer, and the last.
3. A head (with those of 1xx before it) is HEAD_LIMIT bytes at most, or it is an error. Of a body, BODY_LIMIT bytes are
   read to keep the connection; a longer one costs it.
4. A head that llhttp refuses is read once more as wire_head.py mends it. Its connection is not used again.
"""

import re

import httptools
import httpx

from bridge.edge.wire_head import Refused, mended, status_of

#: Bytes. Servers and proxies allow 8 to 32 KiB.
HEAD_LIMIT = 64 * 1024
#: Bytes of an answer's body that are read to keep its connection.
BODY_LIMIT = 64 * 1024


class Answer:
    """Serves one request after the other: `begin` starts anew, which is right only after a `reusable` one."""

    __slots__ = (
        "_body_size",
        "_head",
        "_keep_alive",
        "_last",
        "_parser",
        "_passed",
        "_refused",
        "complete",
        "error",
        "status",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._last: tuple[bytes, int | None] = b"", None  # a whole answer and its status
        self.begin()

    def begin(self) -> None:
        """Expect the answer to a new request."""
        self.status: int | None = None
        self.error: httpx.RemoteProtocolError | None = None
        self.complete = False
        self._keep_alive = False
        self._head = b""
        self._passed = 0  # bytes of heads of 1xx that were mended
        self._refused = ""  # why llhttp refused the head, which is being mended
        self._body_size = 0

    @property
    def reusable(self) -> bool:
        """Whether it came whole, with nothing after it, and the receiver keeps the connection open."""
        return (
            self.complete
            and self._keep_alive
            and not self._refused
            and self.error is None
            and self._body_size <= BODY_LIMIT
        )

    def field(self, name: bytes) -> bytes | None:
        """The value of a header, once the status is there. Searched for: few are ever asked about."""
        for head in self._head.split(b"\r\n\r\n"):
            if head.split(b" ", 2)[1:2] == [b"%d" % (self.status or 0)]:
                found = re.search(rb"(?im)^%b:[ \t]*(.*?)[ \t]*\r?$" % re.escape(name), head)
                return found.group(1) if found else None
        return None

    def feed(self, data: bytes) -> bool:
        """Take bytes; True if no more are wanted: the answer is complete, too long or broken (`error`)."""
        if data == self._last[0] and not self._head:
            self._take_as_before(data)
            return True
        if self._head:
            return self._feed(data)
        done = self._feed(data)
        if self.reusable:
            self._last = data, self.status
        return done

    def _take_as_before(self, data: bytes) -> None:
        """The same bytes, from their first to their last, mean the same: a receiver's answers differ in a date at most."""
        self._head, self.status, self.complete, self._keep_alive = data, self._last[1], True, True

    def _feed(self, data: bytes) -> bool:
        try:
            if self.status is None:
                data = self._feed_mended(data) if self._refused else self._feed_head(data)
            if data:
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.complete = True  # what follows is of another protocol
        except httptools.HttpParserError as error:
            if self.status is not None:
                self._break(str(error))
            elif self._refused:
                self._refuse()
            else:
                self._refused = str(error)
                return self._feed(b"")
        return self.complete or self.error is not None or self._body_size > BODY_LIMIT

    def _feed_head(self, data: bytes) -> bytes:
        """Feed what may be of the head, if that is not all; the rest is returned."""
        room = HEAD_LIMIT - len(self._head)
        self._head += data
        if len(data) <= room:
            return data
        self._parser.feed_data(data[:room])
        if self.status is None:
            self._break(f"its head is over {HEAD_LIMIT} bytes")
            return b""
        return data[room:]

    def _feed_mended(self, data: bytes) -> bytes:
        """Once the head is whole, begin anew with the head that is mended, which is returned with what follows it."""
        self._head += data
        while data == b"" or b"\n" in data:
            try:
                head = mended(self._head)
            except Refused:
                self._refuse()
                return b""
            if head is None or self._passed + head.size > HEAD_LIMIT:
                break
            data = self._head[head.size :]
            if head.status == 101 or head.status // 100 != 1:
                self._head = head.text + data
                self._parser = httptools.HttpResponseParser(self)
                return self._head
            self._head = data
            self._passed += head.size
        if self._passed + len(self._head) > HEAD_LIMIT:
            self._break(f"its head is over {HEAD_LIMIT} bytes")
        return b""

    def _refuse(self) -> None:
        status = status_of(self._head)
        self._break(self._refused if status is None else f"{self._refused} (its status is {status})")

    def _break(self, why: str) -> None:
        # llhttp's texts are constants: none quotes the receiver.
        self.error = httpx.RemoteProtocolError(f"illegal answer, {why}")

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._keep_alive = False  # of a second answer to one request, too

    def on_headers_complete(self) -> None:
        """Called by the parser, for each of several answers."""
        status = self._parser.get_status_code()
        if self.status is None and (status == 101 or status // 100 != 1):
            self.status = status

    def on_body(self, body: bytes) -> None:
        """Called by the parser, with a part of the body."""
        self._body_size += len(body)

    def on_message_complete(self) -> None:
        """Called by the parser, for each of several answers."""
        if self.status is not None:
            self._keep_alive = not self.complete and self.status != 101 and self._parser.should_keep_alive()
            self.complete = True


class KeptAnswer(Answer):
    """With headers and body, for one request."""

    __slots__ = ("body", "headers")

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        super().__init__()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, also for the trailers of a body in chunks."""
        if self.status is None:
            self.headers.append((name, value))

    def on_message_begin(self) -> None:
        """Called by the parser."""
        super().on_message_begin()
        if self.status is None:  # of 1xx, or of a head that is read once more
            self.headers.clear()

    def on_body(self, body: bytes) -> None:
        """Called by the parser, with a part of the body."""
        super().on_body(body)
        self.body += body
