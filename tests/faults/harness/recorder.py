"""The receiver of a case: plays a script on each connection, and remembers what arrived, from whom and when."""

import contextlib
import json
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from edge.receivers import EVENT_ID, Line, Receiver, Request, Script
from edge.scripts import answer
from faults.harness.history import Attempt

#: Receivers note monotonic times; commits and logs have wall-clock ones. Of this machine's start of the tests.
WALL = time.time() - time.monotonic()


class Recorder:
    """`switch` changes what is played, `stop` and `start` are a restart on the same port; `attempts` outlive both."""

    def __init__(self, script: Script | None = None, *, scheme: str = "http", host: str = "127.0.0.1") -> None:
        self.script = script or answer(200)
        self._host = host
        self._scheme = scheme
        self._receivers: list[Receiver] = []
        self.start()

    @property
    def url(self) -> str:
        return self._receivers[0].url

    @property
    def connections(self) -> int:
        return sum(receiver.connections for receiver in self._receivers)

    def start(self) -> None:
        """Listen; on the same port as before."""
        port = self._receivers[0].port if self._receivers else 0
        self._receivers.append(Receiver(self._play, scheme=self._scheme, port=port, host=self._host))
        self._receivers[-1].__enter__()

    def stop(self) -> None:
        """Close every connection and the port."""
        self._receivers[-1].__exit__(None, None, None)

    def switch(self, script: Script) -> None:
        """Play this from now on; connections at another script are closed."""
        self.script = script
        self.close_connections()

    def close_connections(self) -> None:
        """Close every connection, idle or not, and go on listening."""
        for line in list(self._receivers[-1]._lines):
            line.hang_up()

    def _play(self, line: Line) -> None:
        self.script(line)

    @property
    def requests(self) -> list[Request]:
        """Of which at least one byte was read, in order of arrival."""
        return [request for receiver in self._receivers for request in receiver.requests]

    @property
    def arrived(self) -> int:
        """How many requests a byte came of."""
        return sum(len(receiver.requests) for receiver in self._receivers)

    def attempts(self) -> Iterator[Attempt]:
        """What can be told of those arrivals whose head came whole."""
        for request in self.requests:
            if not request.line:
                continue
            identity = (request.header(EVENT_ID) or "?").partition("/")[2]
            member = request.header("user-agent") or ""
            at = request.at + WALL
            if request.complete:
                body = json.loads(request.body)
                group, sequence = body["GSW_CAMPAIGN_GROUP_GUID"], int(body["GSW_QUEUE_NAME"])
                yield Attempt(identity, member, at, True, request.connection, group, sequence)
            else:
                yield Attempt(identity, member, at, True, request.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.stop()
        else:
            with contextlib.suppress(AssertionError):
                self.stop()
