"""The bridge's own transport behind httpx's interface."""

import ssl
from collections.abc import AsyncIterator

import httpx

from bridge.connections import HttpSettings
from bridge.edge.attempt import RECEIVE_RESPONSE, Attempt, Phase
from bridge.edge.wire import Wire
from bridge.edge.wire_answer import KeptAnswer


class WireTransport(httpx.AsyncBaseTransport):
    """To the scheme, host and port of `url`; an https one needs `ssl_context`.

    POST only, with the settings' deadlines rather than the request's, answers read before they are returned, and the
    events of `attempt.PHASES` in the `trace` extension.
    """

    def __init__(self, url: httpx.URL, http: HttpSettings, ssl_context: ssl.SSLContext | None) -> None:
        self._origin = url.scheme, url.raw_host, url.port
        self._receiver = url.netloc.decode("ascii")
        self._wire = Wire(url, http, ssl_context)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx: httpx.TransportError without a status; with one, what is wrong is raised where the body is read."""
        if (request.url.scheme, request.url.raw_host, request.url.port) != self._origin or request.method != "POST":
            raise httpx.UnsupportedProtocol(f"only POST to {self._receiver} can be sent")
        body = await request.aread()
        attempt, answer = Attempt(listener=request.extensions.get("trace")), KeptAnswer()
        error: httpx.TransportError | None = None
        try:
            await self._wire.exchange(_head(request, body) + body, attempt, answer)
        except httpx.TransportError as failure:
            await _tell_end(attempt)
            if attempt.status is None:
                raise
            error = failure
        if attempt.status is None:
            raise httpx.RemoteProtocolError("no answer and no error")
        if error is None and not answer.complete:
            error = httpx.RemoteProtocolError("the body is longer than is read")
        return httpx.Response(attempt.status, headers=answer.headers, stream=_Body(answer.body, error))

    async def aclose(self) -> None:
        """Close the idle connections; the others close when their request ends."""
        await self._wire.aclose()


class _Body(httpx.AsyncByteStream):
    """The body that was read, then the error that ended it, if any."""

    def __init__(self, body: bytes, error: httpx.TransportError | None) -> None:
        self._body = body
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._body:
            yield self._body
        if self._error is not None:
            raise self._error


async def _tell_end(attempt: Attempt) -> None:
    """Whether the request was written whole decides between two timeouts."""
    if attempt.listener is not None and attempt.phase is Phase.READ:
        await attempt.listener(RECEIVE_RESPONSE, {})


def _head(request: httpx.Request, body: bytes) -> bytes:
    # The body is whole by now, so it has a length, and is not sent in chunks.
    framing = (b"content-length", b"transfer-encoding")
    lines = [b"%b: %b" % (name, value) for name, value in request.headers.raw if name.lower() not in framing]
    start = b"POST %b HTTP/1.1" % request.url.raw_path
    return b"\r\n".join([start, *lines, b"Content-Length: %d" % len(body), b"", b""])
