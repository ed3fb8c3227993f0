"""Answers that nobody should give: whatever comes, the POST has an outcome, in time, and went out once.

BRIDGE_FUZZ_RUNS (default 3,000) answers are made from good ones by cutting, doubling, flipping and mixing, are written in
pieces, and end in silence, a close or a reset. BRIDGE_FUZZ_SEED gives another sequence.
"""

import asyncio
import contextlib
import os
import random
import socket
import struct
from collections import Counter
from typing import Any, ClassVar, cast

import pytest
from edge.posting import BODY, LOOPS, posting
from edge.scripts import http

from bridge.core.outcome import REASONS, Result
from bridge.core.post_outcome import Outcome

RUNS = int(os.environ.get("BRIDGE_FUZZ_RUNS", "3000"))
SEED = int(os.environ.get("BRIDGE_FUZZ_SEED", "1"))
TIMEOUT = 0.05
#: Seconds beyond the deadline that a busy machine may take to run what is due.
MARGIN = 2.0
PARALLEL = 32

GOOD = [
    http(200, b"abc"),
    http(503, b"", {"Retry-After": "1", "Connection": "close"}),
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + http(201, b"x" * 2000),
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the close",
    http(200) + http(500),
]
TOKENS = [b"\r\n", b"\r", b"\n", b"\0", b":", b" ", b"Content-Length: 99999999999999999999\r\n", b"HTTP/1.1 ", b"\xff"]
TOKENS += [b"Transfer-Encoding: chunked\r\n", b"-1", b"ffffffffffffffff\r\n", b"A: " + b"a" * 70_000, b"\r\n" * 40_000]


def mutated(chance: random.Random) -> bytes:
    answer = bytearray(chance.choice(GOOD))
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3, 8])):
        start = chance.randrange(len(answer) + 1)
        end = min(len(answer), start + chance.choice([1, 1, 2, 5, 30]))
        match chance.randrange(6):
            case 0:
                answer[start:end] = chance.randbytes(end - start)
            case 1:
                del answer[start:end]
            case 2:
                answer[start:start] = chance.choice(TOKENS)
            case 3:
                answer[start:start] = answer[start:end] * chance.choice([1, 2, 50])
            case 4:
                del answer[start:]
            case _:
                answer[start:end] = chance.choice(GOOD)[start:]
    return bytes(answer)


class Fuzzing(asyncio.Protocol):
    """A receiver whose every answer is mutated."""

    ids: ClassVar[Counter[bytes]]
    chance: ClassVar[random.Random]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none
        self.request = b""

    def data_received(self, data: bytes) -> None:
        self.request += data
        if not self.request.endswith(BODY):
            return
        self.ids[self.request.partition(b"X-GSW-Event-Id: ")[2].partition(b"\r\n")[0]] += 1
        self.request = b""
        answer = mutated(self.chance)
        self.write(answer, self.chance.choice([len(answer), len(answer), 1 + len(answer) // 3, 1 + len(answer) // 20]))

    def write(self, answer: bytes, piece: int) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(answer[:piece])
        if len(answer) > piece:
            asyncio.get_running_loop().call_soon(self.write, answer[piece:], piece)
            return
        match self.chance.randrange(8):
            case 0:
                self.transport.close()
            case 1 if (peer := self.transport.get_extra_info("socket")) is not None:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.transport.abort()
            case 2:
                with contextlib.suppress(OSError):  # the client may have closed
                    self.transport.write_eof()


def check(outcome: Outcome) -> None:
    assert type(outcome) is Outcome
    assert outcome.seconds < TIMEOUT + MARGIN, outcome
    assert outcome.reason in REASONS[outcome.result], outcome
    answered = outcome.result in (Result.DELIVERED, Result.REJECTED)
    assert answered == (outcome.status is not None), outcome
    assert (outcome.result is Result.DELIVERED) == (outcome.status is not None and outcome.status // 100 == 2), outcome
    assert outcome.detail.isprintable() or outcome.detail == ""


async def fuzz(runs: int, seed: int) -> Counter[str]:
    loop = asyncio.get_running_loop()
    complaints: list[Any] = []
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    Fuzzing.chance, Fuzzing.ids = random.Random(seed), Counter()
    server = await loop.create_server(Fuzzing, "127.0.0.1", 0)
    ends: Counter[str] = Counter()
    numbers = iter(range(runs))

    async def sender() -> None:
        for number in numbers:
            outcome = await asyncio.wait_for(poster.post(BODY, f"{number}"), TIMEOUT + MARGIN)
            check(outcome)
            ends[f"{outcome.result} {outcome.reason}"] += 1
            assert outcome.status is None or Fuzzing.ids[b"%d" % number] == 1

    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, posting(url, timeout=TIMEOUT, connect_timeout=TIMEOUT) as poster:
        await asyncio.gather(*(sender() for _ in range(PARALLEL)))
        assert repr(poster._line._wire._pool).startswith("<Pool 64 turns left")
    assert set(Fuzzing.ids.values()) == {1}
    assert complaints == []
    return ends


@pytest.mark.alone
@pytest.mark.timeout(900)
@pytest.mark.parametrize("loop", LOOPS)
def test_whatever_is_answered_the_post_has_an_outcome_in_time(loop: str) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        ends = runner.run(fuzz(RUNS // 2, SEED))
    print(dict(ends.most_common()))
    # Otherwise the mutations are too tame, or too wild, to show anything.
    wanted = ["delivered 2xx", "rejected 1xx", "rejected 5xx", "ambiguous protocol", "ambiguous reset"]
    assert all(ends[end] > RUNS // 300 for end in [*wanted, "ambiguous read_timeout"]), ends
