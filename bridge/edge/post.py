"""One attempt to POST a notification, and what became of it.

The bridge's own transport (wire.py) makes it. Proxies and HTTP/2 are left to httpx's stock transport (stock.py); both
are called directly, have no retries, follow no redirects, and pass the same tests.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Protocol

import httpx

from bridge.connections import HttpSettings
from bridge.core.post_outcome import Outcome
from bridge.edge.attempt import Attempt, Permit
from bridge.edge.request import constant_headers, receiver, sendable
from bridge.edge.stock import Stock, TransportFactory, stock_transports
from bridge.edge.wire import Wire
from bridge.edge.wire_answer import BODY_LIMIT

__all__ = ["BODY_LIMIT", "Poster", "TransportFactory"]


class Line(Protocol):
    """A way to the receiver."""

    async def post(self, body: bytes, event_id: str, attempt: Attempt) -> Outcome:
        """POST once; whatever ends it is an outcome, a cancellation too."""

    async def aclose(self) -> None:
        """Close what is idle; the rest closes when its POST ends."""


class Poster:
    """POSTs notifications to one receiver, each exactly once. `http.max_in_flight` at a time; more wait their turn.

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
        self._event_id_header = http.event_id_header
        target = receiver(url, secure=ssl_context is not None)
        constant = constant_headers(target, http, headers, token)
        if transport is None and (http.http2 or http.proxy):
            transport = stock_transports(http, ssl_context)
        self._line: Line = (
            Stock(target, constant, http, transport) if transport else Wired(target, constant, http, ssl_context)
        )

    async def post(self, body: bytes, event_id: str, permit: Permit | None = None) -> Outcome:
        """POST `body` once. Never raises for what the network, the receiver or a library of theirs does.

        `permit` is asked when a connection is ready, just before the first byte is written; if it says no, nothing is
        sent: the reason is `lease`.
        If the calling task is cancelled meanwhile, the POST is cut: the reason is `cut` (or the status, if the answer
        had begun) and the task is uncancelled, so that its caller can settle what became of the notification.
        ValueError: `event_id` is not printable ASCII.
        """
        sendable(self._event_id_header, event_id)
        task = asyncio.current_task()
        cancellations = task.cancelling() if task else 0
        outcome = await self._line.post(body, event_id, Attempt(permit))
        while task and task.cancelling() > cancellations:
            task.uncancel()
        return outcome

    async def close(self) -> None:
        """Close the idle connections; those of POSTs still out close when they end."""
        await self._line.aclose()


class Wired:
    """The bridge's own transport, with the head of each request but its last lines made once."""

    def __init__(
        self, url: httpx.URL, headers: httpx.Headers, http: HttpSettings, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._wire = Wire(url, http, ssl_context)
        lines = [b"POST %b HTTP/1.1" % url.raw_path, *(b"%b: %b" % pair for pair in headers.raw)]
        self._start = b"\r\n".join([*lines, http.event_id_header.encode("ascii") + b": "])

    async def post(self, body: bytes, event_id: str, attempt: Attempt) -> Outcome:
        """POST once."""
        request = b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (self._start, event_id.encode(), len(body), body)
        try:
            await self._wire.exchange(request, attempt)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 (whatever it is, the one attempt is over)
            attempt.failed(error)
        return attempt.outcome()

    async def aclose(self) -> None:
        """Close the idle connections."""
        await self._wire.aclose()
