"""uvicorn's HTTP protocol with the limits it lacks: number and life of connections, size of a request.

There is one request per connection: nobody asks often enough for more, and so one deadline bounds everything.
"""

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Open connections; more are closed at once, so that no file descriptor is left wanting for the bridge's own work.
#: Prometheus, the kubelet and a person need about five.
MAX_CONNECTIONS = 256
#: Bytes of a request, head and body. A GET of Prometheus has 400.
MAX_REQUEST = 16_384
#: Seconds from connect to close, whoever is slow. Prometheus gives up a scrape after 10.
MAX_SECONDS = 30.0

TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 17\r\nconnection: close\r\n\r\nRequest too large"
)


class OneShortRequest(HttpToolsProtocol):
    """A connection to the admin server."""

    _received = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock."""
        connection = cast("asyncio.Transport", transport)
        super().connection_made(connection)
        self._deadline = self.loop.call_later(MAX_SECONDS, connection.abort)
        if len(self.connections) > MAX_CONNECTIONS:
            connection.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count, then parse."""
        self._received += len(data)
        if self._received <= MAX_REQUEST:
            super().data_received(data)
            return
        if self.cycle is None:  # no answer is under way; else what comes is a body, which nobody reads
            self.transport.write(TOO_LARGE)
        self.transport.close()

    def on_headers_complete(self) -> None:
        """Answer, and say that it is the last one."""
        super().on_headers_complete()
        self.cycle.keep_alive = False
