"""What Kafka sends, taken from its sockets in pieces of 64 KiB.

kafka-python 3.0.12 takes 4 KiB at a time. Each time its thread lets go of the interpreter's lock and has to wait for it again, while
the loop is busy; and all that the kernel holds is joined, and lies in memory three times over before an answer is made of it.
docs/performance.md has the figures.
"""

import ssl
from typing import Final

from kafka.errors import KafkaConnectionError
from kafka.net import manager
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

PIECE: Final = 64 * 1024  # bytes. Below what glibc would ask the system for each time (edge/allocator.py)
PIECES: Final = 4  # before they are looked at
#: No socket any more (AttributeError): the connection was closed while it was waited for.
BROKEN = (OSError, AttributeError)
Received = tuple[bytes, KafkaConnectionError | None]


class Plain(KafkaTCPTransport):  # type: ignore[misc]
    """A connection without TLS. What is left in the socket is heard of again."""

    def _sock_recv(self) -> Received:
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


class Encrypted(KafkaSSLTransport):  # type: ignore[misc]
    """A connection with TLS. What OpenSSL has taken from the socket nobody would hear of again: all of it is read."""

    def _sock_recv(self) -> Received:
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
