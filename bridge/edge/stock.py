"""POSTs through httpx's stock transports: for proxies and HTTP/2, and to hold the bridge's own against.

1. A transport is called directly, never through a client: nothing here can follow a redirect, answer a 401, keep a
   cookie or read a proxy from the environment, and the transport's retries are 0.
2. A transport carries one POST at a time. httpcore's shared pool can close a connection that it has just handed to a
   waiting request (httpcore #1110); a pool of one has nobody to share with.
3. One deadline covers all of it, from the name's resolution to the last byte of the answer.
4. Only a transport whose answer was read to its end is used again.
"""

import asyncio
import contextlib
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from bridge.connections import HttpSettings
from bridge.core.post_outcome import Outcome
from bridge.edge.attempt import Attempt, Trace, seconds_of
from bridge.edge.wire_answer import BODY_LIMIT

TransportFactory = Callable[[], httpx.AsyncBaseTransport]


class Stock:
    """A transport that `new_transport` makes reports the events of `attempt.PHASES` to the request's `trace`."""

    def __init__(
        self, url: httpx.URL, headers: httpx.Headers, http: HttpSettings, new_transport: TransportFactory
    ) -> None:
        self._url = url
        self._headers = headers
        self._event_id_header = http.event_id_header
        self._timeout = http.timeout
        # The total deadline is asyncio's; httpx keeps the one of the connect only.
        self._timeouts = {"connect": http.connect_timeout, "read": None, "write": None, "pool": None}
        self._keepalive = http.keepalive_expiry
        self._new_transport = new_transport
        # The transport used last is taken first, so that those left over from a burst grow old and are closed.
        self._idle: deque[tuple[float, httpx.AsyncBaseTransport]] = deque()
        self._closed = False

    async def post(self, body: bytes, event_id: str, attempt: Attempt) -> Outcome:
        """POST `body` once; whatever ends it is an outcome, a cancellation too."""
        request = self._request(body, event_id, attempt)
        transport = self._idle.pop()[1] if self._idle else self._new_transport()
        reusable = False
        try:
            async with asyncio.timeout(self._timeout):
                response = await transport.handle_async_request(request)
                attempt.status = response.status_code
                attempt.retry_after = seconds_of(response.headers.get("retry-after"))
                reusable = await _read_to_end(response) and not _has_surplus(transport)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 (whatever it is, the one attempt is over)
            attempt.failed(error)
        outcome = attempt.outcome()
        await self._release(transport, attempt, reusable=reusable)
        return outcome

    async def aclose(self) -> None:
        """Close the idle connections; those of POSTs still out close when they end."""
        self._closed = True
        while self._idle:
            await self._idle.pop()[1].aclose()

    def _request(self, body: bytes, event_id: str, attempt: Attempt) -> httpx.Request:
        headers = self._headers.copy()
        headers[self._event_id_header] = event_id
        headers["Content-Length"] = str(len(body))
        extensions = {"timeout": self._timeouts, "trace": _trace_of(attempt)}
        return httpx.Request("POST", self._url, headers=headers, stream=httpx.ByteStream(body), extensions=extensions)

    async def _release(self, transport: httpx.AsyncBaseTransport, attempt: Attempt, *, reusable: bool) -> None:
        # Closing what is broken may fail in its own way, or be cancelled again; the outcome is known by then.
        with contextlib.suppress(Exception, asyncio.CancelledError):
            if reusable and not self._closed:
                self._idle.append((time.monotonic() + self._keepalive, transport))
                await self._close_expired()
                return
            await transport.aclose()
            if attempt.stream is not None:
                # httpcore forgets the socket of a TLS handshake that was cancelled.
                await attempt.stream.aclose()

    async def _close_expired(self) -> None:
        now = time.monotonic()
        while self._idle and self._idle[0][0] < now:
            await self._idle.popleft()[1].aclose()


def stock_transports(http: HttpSettings, ssl_context: ssl.SSLContext | None) -> TransportFactory:
    """Pools of one connection. They share an SSL context: one of its own costs 20 ms and 1 MiB each."""
    # For plain http too, or httpx would load its certificates for every one of them.
    context = ssl_context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=http.keepalive_expiry)
    return lambda: httpx.AsyncHTTPTransport(
        verify=context, trust_env=False, http1=True, http2=http.http2, limits=limits, retries=0, proxy=http.proxy
    )


def _trace_of(attempt: Attempt) -> Trace:
    async def trace(event: str, info: Mapping[str, Any]) -> None:
        attempt.heard(event, info)

    return trace  # httpcore wants a coroutine of Python's own, which a compiled method does not return


async def _read_to_end(response: httpx.Response) -> bool:
    """Read the body and drop it. False if it is too long, or of another protocol (101): not for another request."""
    stream = response.stream
    if response.status_code < 200 or not isinstance(stream, httpx.AsyncByteStream):
        return False
    left = BODY_LIMIT
    async for chunk in stream:
        left -= len(chunk)
        if left < 0:
            break
    await stream.aclose()
    return left >= 0


def _has_surplus(transport: httpx.AsyncBaseTransport) -> bool:
    """Whether more than the answer has come: h11 would take it for the answer to the next request.

    Private state of httpx and httpcore; a test shows when it drifts. With HTTP/2 each answer names its request.
    """
    if not isinstance(transport, httpx.AsyncHTTPTransport):
        return False
    return any(_has_trailing_data(each) for each in transport._pool.connections)  # noqa: SLF001


def _has_trailing_data(connection: object) -> bool:
    """Through the connections of httpcore that hold another, to the one that holds h11's state."""
    while connection is not None:
        if (state := getattr(connection, "_h11_state", None)) is not None:
            return bool(state.trailing_data[0])
        connection = getattr(connection, "_connection", None)
    return False
