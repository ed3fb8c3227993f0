"""One attempt to POST a notification, through httpx's stock transport.

1. The transport is called directly, never through a client: nothing here can follow a redirect, answer a 401, keep a
   cookie or read a proxy from the environment, and the transport's retries are 0.
2. A transport carries one POST at a time. httpcore's shared pool can close a connection that it has just handed to a
   waiting request (httpcore #1110); a pool of one has nobody to share with.
3. One deadline covers all of it, from the name's resolution to the last byte of the answer.
4. Only a transport whose answer was read to its end is used again.
"""

import asyncio
import contextlib
import re
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping

import httpx

from bridge import __version__
from bridge.core.outcome import Outcome
from bridge.edge.attempt import Attempt
from bridge.settings import HttpSettings

#: Bytes of an answer's body that are read to keep its connection; a longer one costs the connection.
BODY_LIMIT = 64 * 1024

#: Headers that would change how the request is framed, or that make proxies written in Go send a POST again.
FORBIDDEN_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "idempotency-key",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-idempotency-key",
    }
)

TransportFactory = Callable[[], httpx.AsyncBaseTransport]


class Poster:
    """POSTs notifications to one receiver, each exactly once. The caller bounds how many are out at a time.

    `ssl_context` is needed for an https URL. `headers` are all the custom headers; `token` becomes a bearer token.
    A transport that `transport` makes carries one POST at a time, reports the events of `attempt.PHASES` to the
    request's `trace` extension, and is closed after any failure. ValueError: the URL or a header can't be sent.
    """

    def __init__(
        self,
        url: str,
        http: HttpSettings,
        *,
        ssl_context: ssl.SSLContext | None,
        headers: Mapping[str, str],
        token: str | None,
        transport: TransportFactory | None = None,
    ) -> None:
        self._url = _receiver(url, ssl_context)
        self._event_id_header = http.event_id_header
        self._headers = _constant_headers(self._url, http, headers, token)
        self._timeout = http.timeout
        # The total deadline is asyncio's; httpx keeps the one of the connect only.
        self._timeouts = {"connect": http.connect_timeout, "read": None, "write": None, "pool": None}
        self._keepalive = http.keepalive_expiry
        self._new_transport = transport or _stock_transports(http, ssl_context)
        # The transport used last is taken first, so that those left over from a burst grow old and are closed.
        self._idle: deque[tuple[float, httpx.AsyncBaseTransport]] = deque()
        self._closed = False

    async def post(self, body: bytes, event_id: str) -> Outcome:
        """POST `body` once. Never raises for what the network, the receiver or a library of theirs does.

        If the calling task is cancelled meanwhile, the POST is cut: the reason is `cut` (or the status, if the answer
        had begun) and the task is uncancelled, so that its caller can settle what became of the notification.
        ValueError: `event_id` is not printable ASCII.
        """
        attempt = Attempt()
        request = self._request(body, event_id, attempt)
        task = asyncio.current_task()
        cancellations = task.cancelling() if task else 0
        transport = self._idle.pop()[1] if self._idle else self._new_transport()
        reusable = False
        try:
            async with asyncio.timeout(self._timeout):
                response = await transport.handle_async_request(request)
                attempt.status = response.status_code
                reusable = await _read_to_end(response) and not _has_surplus(transport)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 (whatever it is, the one attempt is over)
            attempt.failed(error)
        outcome = attempt.outcome()
        await self._release(transport, attempt, reusable=reusable)
        while task and task.cancelling() > cancellations:
            task.uncancel()
        return outcome

    async def close(self) -> None:
        """Close the idle connections; those of POSTs still out close when they end."""
        self._closed = True
        while self._idle:
            await self._idle.pop()[1].aclose()

    def _request(self, body: bytes, event_id: str, attempt: Attempt) -> httpx.Request:
        headers = self._headers.copy()
        headers[self._event_id_header] = _sendable(self._event_id_header, event_id)
        headers["Content-Length"] = str(len(body))
        extensions = {"timeout": self._timeouts, "trace": attempt.trace}
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

    Private state of httpx and httpcore; a test shows when it drifts.
    """
    if not isinstance(transport, httpx.AsyncHTTPTransport):
        return False
    http11 = [connection._connection for connection in transport._pool.connections]  # type: ignore[attr-defined]  # noqa: SLF001
    return any(connection._h11_state.trailing_data[0] for connection in http11)  # noqa: SLF001


def _stock_transports(http: HttpSettings, ssl_context: ssl.SSLContext | None) -> TransportFactory:
    """Pools of one connection. They share an SSL context: one of its own costs 20 ms and 1 MiB each."""
    # For plain http too, or httpx would load its certificates for every one of them.
    context = ssl_context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=http.keepalive_expiry)
    return lambda: httpx.AsyncHTTPTransport(
        verify=context, trust_env=False, http1=True, http2=False, limits=limits, retries=0
    )


def _receiver(url: str, ssl_context: ssl.SSLContext | None) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("notifications.url is not a URL") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("notifications.url is not an http or https URL with a host")
    if parsed.userinfo:
        # The transport would drop them without a word.
        raise ValueError("notifications.url has a user or password in it")
    if parsed.scheme == "https" and ssl_context is None:
        raise ValueError("an https URL needs an SSL context")
    return parsed


def _constant_headers(
    url: httpx.URL, http: HttpSettings, custom: Mapping[str, str], token: str | None
) -> httpx.Headers:
    """All headers but the event's own. Custom ones replace the defaults of the same name."""
    headers = httpx.Headers(
        {
            "Host": url.netloc.decode("ascii"),
            "Accept": "*/*",
            "User-Agent": http.user_agent or f"ocs-bridge/{__version__}",
            "Content-Type": "application/json",
        }
    )
    headers.update({name: _sendable(name, value) for name, value in custom.items()})
    if token is not None:
        headers["Authorization"] = _sendable("Authorization", f"Bearer {token}")
    _sendable(http.event_id_header, "")
    return headers


def _sendable(name: str, value: str) -> str:
    """The value, if h11 will take both; checked here, because once handed over a refusal looks like a lost POST."""
    if name.lower() in FORBIDDEN_HEADERS:
        raise ValueError(f"the header {name} is the transport's own, or makes a proxy send a POST again")
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError(f"{name!r} is not a header's name")
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        raise ValueError(f"the value of the header {name} is not printable ASCII")
    return value
