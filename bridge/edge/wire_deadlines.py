"""The deadlines of requests under way, with one timer for all of them: one each costs more than the answer's parsing."""

import asyncio
import time

from bridge.edge.wire_connection import Connection

#: Seconds. Timers of event loops count milliseconds and may ring that much too early.
GRAIN = 0.001


class Deadlines:
    """Ends the request of each connection when its time, of the monotonic clock in seconds, has come."""

    def __init__(self) -> None:
        self._running: dict[Connection, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings = float("inf")

    def begin(self, connection: Connection, at: float) -> None:
        """A request is under way."""
        self._running[connection] = at
        if at < self._rings:  # one that was late in coming
            self._ring(at)

    def end(self, connection: Connection) -> None:
        """It has ended, or was never begun."""
        self._running.pop(connection, None)

    def _ring(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - time.monotonic()), self._look)

    def _look(self) -> None:
        """Most of those that the timer was set for have ended long ago; it is set anew for the next that has not."""
        self._timer, self._rings = None, float("inf")
        now = time.monotonic() + GRAIN
        for connection in [one for one, at in self._running.items() if at <= now]:
            self.end(connection)
            connection.expire()
        if self._running:
            self._ring(min(self._running.values()))
