"""New connections to one receiver: name, address, TCP, TLS, in one span of time."""

import asyncio
import socket
import ssl

import httpx

from bridge.edge.attempt import START_TLS, Attempt, Phase
from bridge.edge.wire_connection import Connection
from bridge.edge.wire_dial import dial
from bridge.edge.wire_tls import Tls


class Opener:
    """`context` for TLS, None for plain TCP. A TLS session is used again: it saves both sides the certificates."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._context = context
        if context is not None:
            context.set_alpn_protocols(["http/1.1"])
        self._session: ssl.SSLSession | None = None

    def __repr__(self) -> str:
        return f"{self._host}:{self._port}"

    async def open(self, attempt: Attempt, seconds: float) -> Connection:
        """A connection for `attempt`, whose phase tells TLS from TCP. httpx.ConnectError, httpx.ConnectTimeout."""
        try:
            async with asyncio.timeout(seconds):
                peer = await dial(self._host, self._port)
                try:
                    tls = await self._secure(peer, attempt)
                except BaseException:
                    peer.close()
                    raise
        except TimeoutError:
            raise httpx.ConnectTimeout("not connected in time") from None
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error)) from error
        return Connection(peer, tls)

    def remember(self, connection: Connection) -> None:
        """Keep the TLS session of a connection that has had its first answer, for the next one.

        Once each: OpenSSL's copy of a session, with the certificates in it, takes 300 us, as much as twenty POSTs.
        """
        if connection.tls is not None and not connection.remembered:
            connection.remembered = True
            self._session = connection.tls.session

    async def _secure(self, peer: socket.socket, attempt: Attempt) -> Tls | None:
        if self._context is None:
            return None
        attempt.phase = Phase.TLS
        if attempt.listener is not None:
            await attempt.listener(START_TLS, {})
        session, self._session = self._session, None  # one that makes a handshake fail is not tried again
        tls = Tls(self._context, self._host, session)
        await tls.handshake(peer)
        self._session = session
        return tls
