"""The bridge's own transport: HTTP/1.1 to one receiver, every request written at most once.

1. One deadline covers a request from its hand-over to the end of its answer, the wait for its turn included.
2. A request is written on a connection that is open as far as the kernel knows just before. If the kernel takes no byte
   of it, that connection was closed, and another is taken. Once it has taken one, the request is never written again.
3. A connection is used again only if its answer came whole and nothing came after it.
4. What several tasks want to send in one turn of the loop is written in the next, one right after the other. Written one by
   one, with the making of the next between them, each wakes a receiver that had just fallen asleep: on one machine with it,
   that took as long as all else of a POST (docs/performance.md). One with no other under way has nothing to wait for.

A request that finds an idle connection costs one future, no timer and no task. What this does not do, proxies and
HTTP/2, stock.py does. wire_transport.py makes an httpx transport of it.
"""

import asyncio
import ssl
import time

import httpx

from bridge.connections import HttpSettings
from bridge.edge.attempt import SEND_REQUEST, Attempt, Trace
from bridge.edge.wire_answer import KeptAnswer
from bridge.edge.wire_connection import Connection, Ended, Failure
from bridge.edge.wire_deadlines import Deadlines
from bridge.edge.wire_open import Opener
from bridge.edge.wire_pool import Pool


class _Outgoing:
    """A request that is written at once, or in the next turn of the loop, if a connection is idle then."""

    def __init__(self, request: bytes, attempt: Attempt, answer: KeptAnswer | None, ended: Ended) -> None:
        self.request = request
        self.attempt = attempt
        self.answer = answer
        self.ended = ended  # the request, or the hope for an idle connection
        self.connection: Connection | None = None  # it was written to


class Wire:
    """To the scheme, host and port of `url`; an https one needs `ssl_context`."""

    def __init__(self, url: httpx.URL, http: HttpSettings, ssl_context: ssl.SSLContext | None) -> None:
        secure = url.scheme == "https"
        host = url.raw_host.decode("ascii")
        self._opener = Opener(host, url.port or (443 if secure else 80), ssl_context if secure else None)
        self._pool = Pool(http.max_in_flight, http.keepalive_expiry)
        self._deadlines = Deadlines()
        self._turn: list[_Outgoing] = []
        self._timeout = http.timeout
        self._connect_timeout = http.connect_timeout

    def __repr__(self) -> str:
        return f"<Wire to {self._opener!r}, {self._pool!r}>"

    async def exchange(self, request: bytes, attempt: Attempt, answer: KeptAnswer | None = None) -> None:
        """Write `request`, head and body, and read its answer; the attempt takes phase and status.

        The deadline runs from the attempt's beginning. httpx.TransportError or NotPermitted; the status may be there.
        """
        if not self._pool.enter():
            await self._wait(attempt)
        try:
            outgoing = self._begin(request, attempt, answer)
            try:
                error = await outgoing.ended
            finally:
                self._release(outgoing.connection)
            if outgoing.connection is None:
                error = await self._exchange(request, attempt, answer)
        finally:
            self._pool.leave()
        if error is not None:
            raise error

    def _begin(self, request: bytes, attempt: Attempt, answer: KeptAnswer | None) -> _Outgoing:
        """Rule 4."""
        loop = asyncio.get_running_loop()
        outgoing = _Outgoing(request, attempt, answer, loop.create_future())
        if self._pool.alone:
            self._write_to_idle(outgoing)
            return outgoing
        self._turn.append(outgoing)
        if len(self._turn) == 1:
            loop.call_soon(self._write_turn)
        return outgoing

    def _write_turn(self) -> None:
        turn, self._turn = self._turn, []
        for outgoing in turn:
            if outgoing.ended.done():  # its task was cancelled
                continue
            try:
                self._write_to_idle(outgoing)
            except Exception as error:  # noqa: BLE001 (its own task is to know)
                if not outgoing.ended.done():
                    outgoing.ended.set_exception(error)

    def _write_to_idle(self, outgoing: _Outgoing) -> None:
        connection = self._pool.take() if outgoing.attempt.listener is None else None
        if connection is None:
            outgoing.ended.set_result(None)
            return
        self._write(connection, outgoing.request, outgoing.attempt, outgoing.answer, outgoing.ended)
        if connection.open:
            outgoing.connection = connection
            self._deadlines.begin(connection, outgoing.attempt.began + self._timeout)

    async def _exchange(self, request: bytes, attempt: Attempt, answer: KeptAnswer | None) -> Failure:
        """When no connection was idle, or the one that was turned out to be closed, or every step has to be told."""
        connection = await self._send(request, attempt, answer)
        try:
            self._deadlines.begin(connection, attempt.began + self._timeout)
            return await connection.ended
        finally:
            self._release(connection)

    def _release(self, connection: Connection | None) -> None:
        if connection is None:
            return
        self._deadlines.end(connection)
        connection.abandon()
        if connection.tls is not None:
            self._opener.remember(connection)
        self._pool.keep(connection)

    async def aclose(self) -> None:
        """Close the idle connections; the others close when their request ends."""
        self._pool.close()

    async def _wait(self, attempt: Attempt) -> None:
        try:
            async with asyncio.timeout(self._left(attempt)):
                await self._pool.wait()
        except TimeoutError:
            raise httpx.PoolTimeout("every connection is in use") from None

    async def _send(self, request: bytes, attempt: Attempt, answer: KeptAnswer | None) -> Connection:
        """Write to an idle connection or a new one."""
        while True:
            connection = self._pool.take()
            new = connection is None
            if connection is None:
                seconds = min(self._connect_timeout, self._left(attempt))
                connection = await self._opener.open(attempt, seconds)
                if not connection.usable():
                    raise httpx.ConnectError("closed before a byte was written")
            if attempt.listener is not None:
                await self._tell_write(attempt.listener, connection)
            self._write(connection, request, attempt, answer, asyncio.get_running_loop().create_future())
            if connection.open or new:
                return connection

    def _write(
        self, connection: Connection, request: bytes, attempt: Attempt, answer: KeptAnswer | None, ended: Ended
    ) -> None:
        try:
            attempt.ask()
        except BaseException:
            self._pool.keep(connection)
            raise
        connection.send(request, attempt, answer, ended)

    async def _tell_write(self, listener: Trace, connection: Connection) -> None:
        try:
            await listener(SEND_REQUEST, {})
        except BaseException:
            self._pool.keep(connection)
            raise

    def _left(self, attempt: Attempt) -> float:
        return max(0.0, attempt.began + self._timeout - time.monotonic())
