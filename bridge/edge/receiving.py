"""What Kafka sends, taken from its sockets in pieces of 64 KiB.

kafka-python 3.0.12 takes 4 KiB at a time. Each time its thread lets go of the interpreter's lock and has to wait for it again, while
the loop is busy; and all that the kernel holds is joined, and lies in memory three times over before an answer is made of it.
docs/performance.md has the figures.
"""

import select
import ssl
from collections.abc import Callable
from typing import Any, Final

from kafka.errors import KafkaConnectionError
from kafka.net import manager
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

PIECE: Final = 64 * 1024  # bytes. Below what glibc would ask the system for each time (edge/allocator.py)
PIECES: Final = 4  # before they are looked at
#: No socket any more (AttributeError): the connection was closed while it was waited for.
BROKEN = (OSError, AttributeError)
REST_MS: Final = 1  # milliseconds for each further piece of an answer

Received = tuple[bytes, KafkaConnectionError | None]


class _Taking:
    """A transport whose `take` reads what there is. What was read ahead is received before it."""

    _sock: Any
    take: Callable[[], Received]
    _ahead = b""
    _passed_over = 0  # bytes that are still to come, and that nobody is to see

    def read(self) -> bytes:
        """What there is; an error is met again by whoever reads on."""
        return self._receive()[0]

    def rest(self, received: bytes, size: int) -> bytes:
        """What was received, at least `size` bytes if the others come at once. The interpreter is the loop's meanwhile.

        A broker writes an answer in three pieces: what is before the records, the records, and some bytes behind them. As it is
        woken by the first, kafka-python goes round its loop for each.
        """
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        for _ in range(PIECES):
            if len(received) >= size or not poll.poll(REST_MS):
                break
            received += self.read()
        return received

    def put(self, received: bytes, passed_over: int = 0) -> None:
        """Have this received in place of what was read, and of as many bytes after it."""
        self._ahead, self._passed_over = received, self._passed_over + passed_over

    def _receive(self) -> Received:
        received, error = self.take()
        if self._passed_over:
            left = max(0, self._passed_over - len(received))
            received, self._passed_over = received[self._passed_over :], left
        return received, error

    def _sock_recv(self) -> Received:
        if not self._ahead:
            return self._receive()
        received, self._ahead = self._ahead, b""
        return received + self.read() if self._passed_over else received, None


class Plain(_Taking, KafkaTCPTransport):  # type: ignore[misc]
    """A connection without TLS. What is left in the socket is heard of again."""

    def take(self) -> Received:
        """What there is."""
        pieces: list[bytes] = []
        try:
            while len(pieces) < PIECES:
                pieces.append(self._sock.recv(PIECE))
                if len(pieces[-1]) < PIECE:
                    break
        except (BlockingIOError, InterruptedError):
            return b"".join(pieces), None
        except BROKEN as error:
            return b"", KafkaConnectionError(error)
        received = b"".join(pieces)
        return received, None if received else KafkaConnectionError("socket disconnected")


class Encrypted(_Taking, KafkaSSLTransport):  # type: ignore[misc]
    """A connection with TLS. What OpenSSL has taken from the socket nobody would hear of again: all of it is read."""

    def take(self) -> Received:
        """What there is."""
        pieces: list[bytes] = []
        try:
            while piece := self._sock.recv(PIECE):
                pieces.append(piece)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b"".join(pieces), None
        except BROKEN as error:
            return b"", KafkaConnectionError(error)
        return b"", KafkaConnectionError("socket disconnected")


def receive_large_pieces() -> None:
    """Let all clients that this process makes from now on do so. There is no public way."""
    manager.KafkaTCPTransport, manager.KafkaSSLTransport = Plain, Encrypted
