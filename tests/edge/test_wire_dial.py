"""A name with several addresses: one that answers is taken."""

import asyncio
import socket
from typing import Any

import pytest
from edge import receivers
from edge.posting import BODY, is_, loop, posting
from edge.receivers import Receiver
from edge.scripts import answer

from bridge.core.outcome import Reason, Result
from bridge.edge.wire_dial import HEAD_START, dial

__all__ = ["loop"]

DELIVERED = (Result.DELIVERED, Reason.STATUS_2XX, 200)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address, _ in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port or given))
            for family, (address, given) in zip(families, addresses, strict=True)
        ]

    # uvloop's loop can't be patched: the class is C.
    real = asyncio.get_running_loop

    class Patched:
        def __getattr__(self, name: str) -> Any:
            return getaddrinfo if name == "getaddrinfo" else getattr(real(), name)

    monkeypatch.setattr("bridge.edge.wire_dial.asyncio.get_running_loop", Patched)


ADDRESSES: dict[str, tuple[str, ...]] = {
    "the first refuses": ("127.0.0.2", "127.0.0.1"),
    "of another family, and refuses": ("::1", "127.0.0.1"),
    "all but the last refuse": ("127.0.0.2", "127.0.0.3", "::1", "127.0.0.1"),
    "the first answers": ("127.0.0.1", "127.0.0.2"),
}


@pytest.mark.parametrize("addresses", ADDRESSES.values(), ids=ADDRESSES)
def test_of_several_addresses_one_that_answers_is_taken(
    loop: Any, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    async def scenario(port: int) -> None:
        resolve_to(monkeypatch, *((address, port) for address in addresses))
        async with posting(f"http://receiver.invalid:{port}/") as poster:
            outcome = await poster.post(BODY, "first")
            is_(outcome, *DELIVERED)
            assert outcome.seconds < HEAD_START

    with Receiver(answer(200)) as receiver:
        loop(scenario(receiver.port))
    assert receiver.ids == ["first"]
    assert receiver.connections == 1


def test_an_address_that_does_not_answer_is_overtaken_by_the_next(loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(silent: int, port: int) -> float:
        began = asyncio.get_running_loop().time()

        async def resolved(_host: str, _port: int) -> Any:
            return [(socket.AF_INET, ("127.0.0.1", silent)), (socket.AF_INET, ("127.0.0.1", port))]

        monkeypatch.setattr("bridge.edge.wire_dial._resolve", resolved)
        async with posting("http://receiver.invalid/", connect_timeout=2, timeout=2) as poster:
            assert (await poster.post(BODY, "first")).status == 200
        return asyncio.get_running_loop().time() - began

    with receivers.FullBacklog() as full, Receiver(answer(200)) as receiver:
        assert HEAD_START <= loop(scenario(full.port, receiver.port)) < HEAD_START + 0.3


def test_when_all_addresses_refuse_the_post_is_not_sent(loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(port: int) -> None:
        resolve_to(monkeypatch, ("127.0.0.1", port), ("::1", port))
        async with posting(f"http://receiver.invalid:{port}/") as poster:
            is_(await poster.post(BODY, "first"), Result.NOT_SENT, Reason.CONNECT)

    loop(scenario(receivers.closed_port()))


def test_sockets_of_a_race_that_is_cut_are_closed(loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(port: int) -> None:
        async def resolved(_host: str, _port: int) -> Any:
            return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, ("127.0.0.1", port))]

        monkeypatch.setattr("bridge.edge.wire_dial._resolve", resolved)
        task = asyncio.create_task(dial("receiver.invalid", 1))
        await asyncio.sleep(HEAD_START + 0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task  # a socket left open would be a ResourceWarning, an error here

    with receivers.FullBacklog() as full:
        loop(scenario(full.port))
