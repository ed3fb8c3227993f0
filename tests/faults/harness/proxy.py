"""A TCP proxy on loopback that can cut, slow down and silence what passes, and a broker that is reached through it."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from kafka_broker import KafkaBroker
from loopback import free_port

CHUNK = 65_536


class Proxy:
    """Forwards `port` to `target`. Its state may be changed from any thread."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.delay = 0.0  # seconds, each way
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server

    def cut(self) -> None:
        """Reset every connection; new ones are closed at once until `mend`."""
        self._refusing = True
        self._call(self._reset())

    def silence(self) -> None:
        """Forward nothing, and close nothing: peers see a network that swallows all, until `mend`."""
        self._loop.call_soon_threadsafe(self._passing.clear)

    def mend(self, *, forget: bool = False) -> None:
        """Forward again; with `forget`, what was connected during the silence is reset rather than delivered late."""
        self._refusing = False
        if forget:
            self._call(self._reset())
        self._loop.call_soon_threadsafe(self._passing.set)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self) -> None:
        self._passing.set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._forward(reader, writer)
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            return
        await self._passing.wait()
        behind, there = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(there)
        try:
            ways = [asyncio.create_task(self._pump(reader, there)), asyncio.create_task(self._pump(behind, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            there.transport.abort()
            self._writers.discard(there)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await asyncio.sleep(self.delay)
            await self._passing.wait()
            sink.write(data)
            await sink.drain()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._serve())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class ProxiedBroker(KafkaBroker):
    """Advertises the proxy's address to whoever asks `bootstrap`; `direct` and its own traffic go past the proxy."""

    def __init__(self, folder: Path) -> None:
        self._direct = free_port()
        super().__init__(folder)

    @property
    def direct(self) -> str:
        return f"127.0.0.1:{self._direct}"

    def _properties(self, settings: Any) -> str:
        own = self._ports["PLAINTEXT"]
        self.proxy = Proxy(own)
        text = super()._properties(settings)
        controller = text.rsplit("controller.quorum.voters=1@", 1)[1].split("\n", 1)[0]
        more = {
            "listeners": f"PLAINTEXT://127.0.0.1:{own},DIRECT://{self.direct},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.proxy.port},DIRECT://{self.direct}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "DIRECT",
        }
        return text + "".join(f"{name}={value}\n" for name, value in more.items())

    @property
    def proxied(self) -> str:
        """host:port of the proxy."""
        return f"127.0.0.1:{self.proxy.port}"
