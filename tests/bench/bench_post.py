"""CPU of a POST: the bridge's own transport against httpx's stock one, in one run, with the receiver in another process.

Printed, with no mark to pass: the ratio is what holds from machine to machine. `make bench ARGS=-k post`.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import httpx
import pytest
import uvloop

from bridge.edge.post import Poster
from bridge.edge.stock import stock_transports
from bridge.settings import HttpSettings

HTTP = HttpSettings(timeout=30, connect_timeout=10)
BODY = b'{"GSW_USER_EVENT": "CampaignGroupState"}'.ljust(800)  # as long as a notification
ANSWER = b"HTTP/1.1 200 OK\r\nDate: Mon, 05 Oct 2026 07:28:00 GMT\r\nServer: x\r\nContent-Length: 2\r\n\r\n{}"
ROUNDS = 5
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


class Answering(asyncio.Protocol):
    """A receiver that costs as little as can be."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.taken = b""

    def data_received(self, data: bytes) -> None:
        self.taken += data
        if self.taken.endswith(BODY):
            self.taken = b""
            self.transport.write(ANSWER)


def serve(told: Connection) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(forever())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    assert here.poll(30)
    yield f"http://127.0.0.1:{here.recv()}/ocs"
    process.terminate()
    process.join(10)


async def cost(poster: Poster, posts: int, parallel: int) -> tuple[float, float]:
    """CPU and time per POST, in microseconds."""

    async def sender(count: int) -> None:
        for number in range(count):
            outcome = await poster.post(BODY, f"{number}")
            assert outcome.status == 200, outcome

    await asyncio.gather(*(sender(5) for _ in range(parallel)))  # connect
    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(sender(posts // parallel) for _ in range(parallel)))
    return (time.process_time() - cpu) / posts * 1e6, (time.perf_counter() - began) / posts * 1e6


@pytest.mark.parametrize("parallel", [1, 32])
@pytest.mark.parametrize("loop", LOOPS)
def test_cpu_of_a_post(url: str, loop: str, parallel: int) -> None:
    async def compare() -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        own = Poster(url, HTTP, ssl_context=None, headers={}, token=None)
        transports: Callable[[], httpx.AsyncBaseTransport] = stock_transports(HTTP, None)
        stock = Poster(url, HTTP, ssl_context=None, headers={}, token=None, transport=transports)
        # By turns, so that what else the machine does falls on both.
        pairs = [(await cost(own, 4000, parallel), await cost(stock, 400, parallel)) for _ in range(ROUNDS)]
        await own.close()
        await stock.close()
        return [first for first, _ in pairs], [second for _, second in pairs]

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        own, stock = runner.run(compare())
    (own_cpu, own_time), (stock_cpu, stock_time) = (
        [statistics.median(values) for values in zip(*measured, strict=True)] for measured in (own, stock)
    )
    print(f"\nPOST on {loop}, {parallel} at a time, medians of {ROUNDS} rounds")
    print(f"  own    {own_cpu:7.1f} us CPU  {1e6 / own_time:8,.0f} posts/s")
    print(f"  stock  {stock_cpu:7.1f} us CPU  {1e6 / stock_time:8,.0f} posts/s")
    print(f"  ratio  {stock_cpu / own_cpu:7.1f} in CPU, {stock_time / own_time:.1f} in time")
