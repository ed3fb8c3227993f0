"""TLS over a socket of our own: the bytes go through memory, so no event loop's TLS is in between.

That keeps what the loops take away: a session can be used again (their create_connection takes none), and it is known
whether a byte of the request has left.
"""

import asyncio
import contextlib
import socket
import ssl

#: Bytes of ciphertext or plaintext taken at a time; a TLS record has 16 KiB at most.
PIECE = 64 * 1024


class Tls:
    """The client's side of one connection. `session` is of an earlier one with the same context and host."""

    __slots__ = ("_incoming", "_object", "_outgoing")

    def __init__(self, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host, session=session)

    @property
    def session(self) -> ssl.SSLSession | None:
        """For the next connection. In TLS 1.3 the server sends what it needs some time after the handshake."""
        return self._object.session

    async def handshake(self, peer: socket.socket) -> None:
        """On a connected non-blocking socket. OSError, of which ssl.SSLError is one; the peer is told why."""
        loop = asyncio.get_running_loop()
        while not self._step(peer):
            await loop.sock_sendall(peer, self._outgoing.read())
            self._take(await loop.sock_recv(peer, PIECE))
        await loop.sock_sendall(peer, self._outgoing.read())

    def encrypt(self, data: memoryview) -> bytes:
        """The ciphertext of all of `data`. ssl.SSLError."""
        self._object.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """What can be read now that `data` has come (nothing: the peer has closed), and whether it is the end."""
        self._take(data)
        parts = []
        try:
            while part := self._object.read(PIECE):
                parts.append(part)
        except ssl.SSLWantReadError:
            return b"".join(parts), False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass  # with or without the peer's goodbye: HTTP says itself whether its answer was complete
        return b"".join(parts), True

    def goodbye(self) -> bytes:
        """What tells the peer that we close."""
        with contextlib.suppress(ssl.SSLError):
            self._object.unwrap()
        return self._outgoing.read()

    def _step(self, peer: socket.socket) -> bool:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            with contextlib.suppress(OSError):
                peer.send(self._outgoing.read())  # the alert
            raise
        return True

    def _take(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
