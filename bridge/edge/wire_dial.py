"""A TCP connection to a name, by whichever of its addresses answers first (RFC 8305, happy eyeballs).

Written out, because uvloop's create_connection tries the addresses one after the other.
"""

import asyncio
import itertools
import socket
from collections.abc import Iterable

#: Seconds that an address is ahead of the next (RFC 8305, 5).
HEAD_START = 0.25

Address = tuple[socket.AddressFamily, tuple[object, ...]]


async def dial(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket. OSError of the last address that failed, or UnicodeError: no such name."""
    addresses = _interleaved(await _resolve(host, port))
    if len(addresses) == 1:
        return await _connect(addresses[0])
    return await _first_of(addresses)


async def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:  # a name: it needs a thread
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _interleaved(addresses: Iterable[Address]) -> list[Address]:
    """Both families by turns, that of the resolver's first choice first (RFC 8305, 4)."""
    families: dict[socket.AddressFamily, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = itertools.zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]


async def _first_of(addresses: list[Address]) -> socket.socket:
    trying: set[asyncio.Task[socket.socket]] = set()
    left = iter(addresses)
    failure: BaseException = OSError("the name has no address")
    try:
        while True:
            if (address := next(left, None)) is not None:
                trying.add(asyncio.create_task(_connect(address)))
            if not trying:
                raise failure
            wait = None if address is None else HEAD_START
            done, _ = await asyncio.wait(trying, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                trying.remove(task)
                if (error := task.exception()) is None:
                    return task.result()
                failure = error
    finally:
        await _abandon(trying)


async def _abandon(trying: set[asyncio.Task[socket.socket]]) -> None:
    for task in trying:
        task.add_done_callback(_close_late)
        task.cancel()
    await asyncio.gather(*trying, return_exceptions=True)


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """An address that answered, but not first."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _connect(address: Address) -> socket.socket:
    family, where = address
    peer = socket.socket(family, socket.SOCK_STREAM)
    try:
        peer.setblocking(False)
        # A request may take two writes: Nagle would hold the second back until the first is acknowledged.
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(peer, where)
    except BaseException:
        peer.close()
        raise
    return peer
