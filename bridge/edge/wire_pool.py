"""The connections to one receiver: how many, whose turn it is, and which idle one is taken.

1. At most `limit` requests are under way, each with a connection of its own. Those beyond wait in order of arrival: a
   turn that is left goes to the first of them, never to a newcomer.
2. The connection used last is taken first, so that those left over from a burst grow old.
3. An idle connection is not used after `keepalive` seconds, and is closed soon after.
"""

import asyncio
import time
from collections import deque
from typing import Final

from bridge.edge.wire_connection import Connection

_monotonic: Final = time.monotonic  # looked up once, as in core/campaigns/derivation.py


class Pool:
    """`keepalive` in seconds; 0: no connection is used twice."""

    def __init__(self, limit: int, keepalive: float) -> None:
        self._limit = self._turns = limit
        self._keepalive = keepalive
        self._idle: deque[tuple[float, Connection]] = deque()  # by the time they end, soonest first
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Pool {self._turns} turns left, {len(self._idle)} idle, {len(self._waiting)} waiting>"

    @property
    def alone(self) -> bool:
        """Whether one request at most is under way."""
        return self._turns >= self._limit - 1

    def enter(self) -> bool:
        """Take a turn, if there is one at once. Each turn is given back by `leave`."""
        if self._turns == 0:
            return False
        self._turns -= 1
        return True

    async def wait(self) -> None:
        """Wait for a turn. If the waiting task is cancelled, `leave` passes it over."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.leave()  # it came too late for this one
            raise

    def take(self) -> Connection | None:
        """The idle connection used last that can still be used."""
        now = _monotonic()
        while self._idle:
            end, connection = self._idle.pop()
            if end > now and connection.usable():
                return connection
            connection.close()
        return None

    def keep(self, connection: Connection) -> None:
        """Take back a connection, if it is open, before the turn is given back."""
        if self._closed or self._keepalive == 0:
            connection.close()
        if connection.open:
            self._idle.append((_monotonic() + self._keepalive, connection))
            if self._sweep is None:
                self._sweep = asyncio.get_running_loop().call_later(self._keepalive, self._close_old)

    def leave(self) -> None:
        """Give a turn back."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # its task may have been cancelled
                turn.set_result(None)
                return
        self._turns += 1

    def close(self) -> None:
        """Close the idle connections; from now on each is closed when it is left."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._idle.pop()[1].close()

    def _close_old(self) -> None:
        """Close those whose time is over; one timer serves all, set for the one that ends first."""
        self._sweep = None
        now = _monotonic()
        while self._idle and (self._idle[0][0] <= now or not self._idle[0][1].open):
            self._idle.popleft()[1].close()
        if self._idle:
            self._sweep = asyncio.get_running_loop().call_later(self._idle[0][0] - now, self._close_old)
