"""One connection to the receiver, carrying one request at a time, on a socket of our own.

The socket is read and written here rather than by a transport of the event loop, because of what those hide:
1. Whether a byte of the request was handed to the kernel: uvloop writes at the end of the loop's turn, asyncio drops
   what it could not write. Here the attempt is in phase CONNECT until send() has taken a byte, and READ after the last.
2. What the kernel knows and the loop has not heard yet: `usable` asks it, just before the write.
3. An answer that came before the write failed: here it is still read.
What is not known, by anyone: whether what the kernel has taken reached the receiver.
"""

import asyncio
import contextlib
import select
import socket
from typing import Final

import httpx

from bridge.edge.attempt import Attempt, Phase, seconds_of
from bridge.edge.wire_answer import Answer
from bridge.edge.wire_tls import PIECE, Tls

NOTHING = memoryview(b"")
# Looked up once, as in core/campaigns/derivation.py.
_WRITE: Final = Phase.WRITE
_READ: Final = Phase.READ
TIMEOUTS = {_WRITE: httpx.WriteTimeout, _READ: httpx.ReadTimeout}

Failure = httpx.TransportError | None
Ended = asyncio.Future[Failure]


class Connection:
    """Takes over a connected non-blocking `peer`, and its TLS if any. `open` until it can't be used any more."""

    __slots__ = (
        *("_answer", "_attempt", "_loop", "_own_answer", "_peer", "_plain", "_poll", "_unsent", "_waits_to_write"),
        *("ended", "open", "remembered", "tls"),
    )

    def __init__(self, peer: socket.socket, tls: Tls | None) -> None:
        self.open = True
        self.tls = tls
        self.remembered = False  # its TLS session is kept for the next connection
        #: The end of the request under way: None for a whole answer, or the error.
        self.ended: Ended
        self._peer = peer
        self._own_answer = Answer()
        self._attempt: Attempt | None = None  # None: idle
        self._plain = NOTHING  # what is still to be encrypted …
        self._unsent: bytes | memoryview = b""  # … and to be sent
        self._waits_to_write = False
        self._poll = select.poll()
        self._poll.register(peer, select.POLLIN)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(peer, self._on_readable)

    def usable(self) -> bool:
        """Whether it is open and, but for TLS's own messages, silent, as far as the kernel knows. For an idle one."""
        if self.open and self._poll.poll(0):
            self._on_readable()
        return self.open

    def send(self, request: bytes, attempt: Attempt, answer: Answer | None, ended: Ended) -> None:
        """Write all that the kernel takes at once; `ended` tells the end. Not `open` after it: no byte was taken."""
        self._attempt = attempt
        self._answer = answer or self._own_answer
        self._answer.begin()
        self.ended = ended
        if self.tls is None:
            self._unsent = request
        else:
            self._plain = memoryview(request)
        self._on_writable()

    def expire(self) -> None:
        """End the request: its time is over."""
        if self._attempt is not None:
            timeout = TIMEOUTS.get(self._attempt.phase, httpx.ConnectTimeout)
            self._end(timeout("the deadline has passed"))

    def abandon(self) -> None:
        """End the request, if one is under way: nobody waits any more."""
        if self._attempt is not None:
            self._end(httpx.ReadError("given up"))

    def close(self) -> None:
        """Close it at once; closing twice is fine."""
        if not self.open:
            return
        self.open = False
        self._loop.remove_reader(self._peer)
        self._stop_writing()
        if self.tls is not None:
            with contextlib.suppress(OSError):
                self._peer.send(self.tls.goodbye())
        self._peer.close()

    def _on_writable(self) -> None:
        assert self._attempt is not None  # noqa: S101 (for the types: only a request has a writer)
        try:
            while self._unsent or (self._plain and self._encrypt()):
                sent = self._peer.send(self._unsent)
                self._attempt.phase = _WRITE
                # Nearly always that was all; a view costs as much as the rest of this.
                self._unsent = b"" if sent == len(self._unsent) else memoryview(self._unsent)[sent:]
        except BlockingIOError:
            if not self._waits_to_write:
                self._waits_to_write = True
                self._loop.add_writer(self._peer, self._on_writable)
            return
        except OSError as error:
            self._fail_to_write(error)
            return
        self._attempt.phase = _READ
        if self._waits_to_write:
            self._stop_writing()

    def _encrypt(self) -> bool:
        """Make the next piece ready to be sent. A little at a time: the ciphertext of all would be held twice."""
        if self.tls is None:
            return False
        self._unsent = self.tls.encrypt(self._plain[:PIECE])
        self._plain = self._plain[PIECE:]
        return True

    def _fail_to_write(self, error: OSError) -> None:
        assert self._attempt is not None  # noqa: S101 (as above)
        if self._attempt.phase < _WRITE:
            self._end(httpx.ConnectError(f"closed before a byte was written ({error.strerror})"))
            return
        # The receiver may have answered before it closed. If not, that is read at once.
        self._attempt.write_failed = True
        self._stop_writing()

    def _stop_writing(self) -> None:
        if self._waits_to_write:
            self._waits_to_write = False
            self._loop.remove_writer(self._peer)

    def _on_readable(self) -> None:
        try:
            data = self._peer.recv(PIECE)
            ended = not data
            if self.tls is not None:
                data, ended = self.tls.decrypt(data)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(httpx.ReadError(error.strerror or str(error)))
            return
        if data:
            self._take(data)
        if ended:
            self._end(httpx.ReadError("closed before the answer was complete"))

    def _take(self, data: bytes) -> None:
        if self._attempt is None:
            self.close()  # nothing was asked: a 408 before the close, or a defect
        elif self._answer.feed(data):
            self._end(self._answer.error)

    def _end(self, error: httpx.TransportError | None) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            self.close()
            return
        attempt.status = self._answer.status
        if attempt.status in (429, 503):
            attempt.retry_after = seconds_of(self._answer.field(b"retry-after"))
        if error is not None or not self._answer.reusable or attempt.phase is not _READ:
            self.close()
            self._plain, self._unsent = NOTHING, b""
        if not self.ended.done():  # its waiter may have been cancelled
            self.ended.set_result(error)
