"""CPU of a POST: the bridge's own transport, the least that can be (a raw protocol), and httpx's stock transport, by turns
in one run, with the receiver in another process. 1 to 512 in flight, with and without TLS.

Printed, with no mark to pass: the ratio is what holds from machine to machine. `make bench-parts ARGS=-k cpu_of_a_post`.
"""

import asyncio
import multiprocessing
import ssl
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httptools
import httpx
import pytest
import uvloop
from edge import certificates
from edge.certificates import Certificates, Identity
from edge.scripts import server_context

from bridge.connections import HttpSettings
from bridge.edge.post import Poster
from bridge.edge.stock import stock_transports
from bridge.edge.tls import receiver_context

BODY = b'{"GSW_USER_EVENT": "CampaignGroupState"}'.ljust(800)  # as long as a notification
ANSWER = b"HTTP/1.1 200 OK\r\nDate: Mon, 05 Oct 2026 07:28:00 GMT\r\nServer: x\r\nContent-Length: 2\r\n\r\n{}"
ROUNDS = 5
POSTS = {"own": 4096, "raw": 4096, "stock": 512}
Post = Callable[[int], Awaitable[None]]  # by the number of the sender


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


class Raw(asyncio.Protocol):
    """A connection that posts and takes the answer's status, and does nothing else."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpResponseParser(self)
        self.answered: asyncio.Future[int]

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.answered.set_result(self.parser.get_status_code())


def serve(told: Connection, identity: Identity | None) -> None:
    async def forever() -> None:
        context = server_context(identity) if identity else None
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, ssl=context)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(forever())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["http", "https"])
def url(request: pytest.FixtureRequest, made: Certificates) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    identity = made.server if request.param == "https" else None
    process = context.Process(target=serve, args=(there, identity), daemon=True)
    process.start()
    assert here.poll(60)
    yield f"{request.param}://127.0.0.1:{here.recv()}/ocs"
    process.terminate()
    process.join(10)


def through(poster: Poster) -> Post:
    async def post(number: int) -> None:
        outcome = await poster.post(BODY, f"{number}")
        assert outcome.status == 200, outcome

    return post


async def raw(url: str, parallel: int, context: ssl.SSLContext | None) -> tuple[Post, list[Any]]:
    loop, port = asyncio.get_running_loop(), urlsplit(url).port or 0
    opened = [await loop.create_connection(Raw, "127.0.0.1", port, ssl=context) for _ in range(parallel)]
    connections = [protocol for _, protocol in opened]
    request = b"POST /ocs HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)

    async def post(number: int) -> None:
        connection = connections[number]
        connection.answered = loop.create_future()
        connection.transport.write(request)
        assert await connection.answered == 200

    return post, [transport for transport, _ in opened]


async def cost(post: Post, posts: int, parallel: int) -> float:
    """CPU of a POST in microseconds."""

    async def sender(number: int, count: int) -> None:
        for _ in range(count):
            await post(number)

    await asyncio.gather(*(sender(number, 2) for number in range(parallel)))  # connect
    each = max(1, posts // parallel)
    began = time.process_time()
    await asyncio.gather(*(sender(number, each) for number in range(parallel)))
    return (time.process_time() - began) / each / parallel * 1e6


@pytest.mark.parametrize("parallel", [1, 64, 512])
def test_cpu_of_a_post(url: str, made: Certificates, parallel: int) -> None:
    http = HttpSettings(timeout=60, connect_timeout=30, max_in_flight=parallel, ca_file=Path(made.authority.cert))
    context = receiver_context(http) if url.startswith("https") else None

    async def compare() -> dict[str, list[float]]:
        own = Poster(url, http, ssl_context=context, headers={}, token=None)
        transports: Callable[[], httpx.AsyncBaseTransport] = stock_transports(http, context)
        stock = Poster(url, http, ssl_context=context, headers={}, token=None, transport=transports)
        least, opened = await raw(url, parallel, context)
        posts = {"own": through(own), "raw": least, "stock": through(stock)}
        found: dict[str, list[float]] = {name: [] for name in posts}
        for _ in range(ROUNDS):  # by turns, so that what else the machine does falls on all
            for name, post in posts.items():
                found[name].append(await cost(post, POSTS[name], parallel))
        await own.close()
        await stock.close()
        for transport in opened:
            transport.abort()
        return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = {name: statistics.median(costs) for name, costs in runner.run(compare()).items()}
    title = f"{'TLS' if context else 'plain'}, {parallel} in flight"
    print(f"\n| {title} | " + " | ".join(f"{name} {us:.1f} us" for name, us in found.items()))
    print(f"  own / raw {found['own'] / found['raw']:.2f}, stock / own {found['stock'] / found['own']:.1f}")
