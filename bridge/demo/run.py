"""The demo: broker, simulator, bridge and receiver in one process, watched in the terminal.

Started in the order broker, receiver, bridge and simulator; ended the other way round, so that nothing ever talks to
something already gone. Everything lives in one asyncio loop, but for the simulator's thread and those of the clients.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Protocol

import uvloop
from rich.console import Console
from rich.live import Live

from bridge.core.tally import Tally
from bridge.demo import lines, view
from bridge.demo.broker import NOTE, EmbeddedBroker
from bridge.demo.options import HOST, PARTITIONS, Options, counts, demo_settings
from bridge.demo.receiver import Answer, Arrival, Receiver
from bridge.demo.serve import free_port, serving
from bridge.demo.simulate import Simulator
from bridge.demo.surroundings import log_to_tail_or_stderr, told_to_stop
from bridge.demo.traffic import Traffic
from bridge.edge.producer import Producer
from bridge.edge.topics import create_topic
from bridge.settings import Settings

#: Seconds: between pictures; for the bridge to finish what was written; for it to stop, drain timeout included.
REFRESH, SETTLE, STOP = 0.25, 3.0, 20.0


class Bridge(Protocol):
    """What the demo needs of the bridge (bridge/service.py)."""

    @property
    def tally(self) -> Tally:
        """Its counts so far."""

    async def run(self, stop: asyncio.Event) -> int:
        """Work until `stop` is set; gives the exit code."""


MakeBridge = Callable[[Settings], Bridge]


def run_demo(options: Options, make_bridge: MakeBridge, console: Console | None = None) -> int:
    """Run until Ctrl-C, SIGTERM or the end of `options.seconds`; gives the exit code.

    0: notifications arrived, each as the format wants it, and the bridge stopped cleanly. Raises NoBroker, Unreachable.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(Demo(options, make_bridge, console or Console()).run())


class Demo:
    """One run of it."""

    def __init__(self, options: Options, make_bridge: MakeBridge, console: Console) -> None:
        self._options = options
        self._make_bridge = make_bridge
        self._console = console
        self._started_at = time.time()
        self._stop = asyncio.Event()
        self._log = log_to_tail_or_stderr(live=console.is_terminal)
        self._receiver = Receiver(Answer(fail_rate=options.fail_rate), self._arrived)

    async def run(self) -> int:
        """All of it, from the start of the broker to the summary."""
        with told_to_stop(self._stop):
            async with AsyncExitStack() as stack:
                settings, simulator = await self._start(stack)
                bridge = self._make_bridge(settings)
                scene = self._scene(settings, bridge, simulator)
                code = await self._play(bridge, simulator, scene)
        received = self._receiver.received
        for text in lines.summary(received, counts(bridge.tally), simulator.written, self._started_at):
            self._say(text)
        return code or int(received.notifications == 0 or received.with_problems > 0)

    async def _start(self, stack: AsyncExitStack) -> tuple[Settings, Simulator]:
        """Broker, receiver and topic; the stack ends them in the opposite order."""
        options = self._options
        if options.broker is None:
            broker = EmbeddedBroker()
            stack.callback(broker.close)
        address = options.broker or broker.address
        port = await stack.enter_async_context(
            serving(self._receiver.app, HOST, free_port(HOST, options.receiver_port))
        )
        settings = demo_settings(options, address, port, free_port(HOST, options.admin_port))
        producer = await asyncio.to_thread(self._topic, settings)
        stack.callback(producer.close, 2.0)
        traffic = Traffic(options.seed, options.groups, bad=options.bad)
        return settings, Simulator(producer, options.topic, traffic, options.rate)

    def _topic(self, settings: Settings) -> Producer:
        """The topic, there before anyone reads it. Blocks."""
        if self._options.broker is not None:
            create_topic(settings.kafka, self._options.topic, PARTITIONS)
        producer = Producer(settings.kafka)
        producer.partitions(self._options.topic)  # the embedded broker makes topics when they are asked for
        return producer

    async def _play(self, bridge: Bridge, simulator: Simulator, scene: view.Scene) -> int:
        """Bridge, simulator and picture until the end is called; gives the bridge's exit code."""
        stop_bridge = asyncio.Event()
        working = asyncio.create_task(bridge.run(stop_bridge))
        try:
            async with _shown(scene, self._console), _writing(simulator):
                await self._end(working)
            if not working.done():
                await _settled(bridge, simulator)
        finally:
            stop_bridge.set()
            await asyncio.wait({working}, timeout=STOP)
        if not working.done():
            working.cancel()
            self._say(f"the bridge did not stop within {STOP:g} s")
            return 1
        return working.result()

    async def _end(self, working: asyncio.Task[int]) -> None:
        """Wait for Ctrl-C, the time, or the end of the bridge, whichever comes first."""
        asked = asyncio.create_task(self._stop.wait())
        await asyncio.wait({asked, working}, timeout=self._options.seconds, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()

    def _scene(self, settings: Settings, bridge: Bridge, simulator: Simulator) -> view.Scene:
        admin = f"http://{HOST}:{settings.admin.port}"
        return view.Scene(
            urls={
                "metrics": f"{admin}/metrics",
                "health": f"{admin}/livez  {admin}/readyz",
                "receiver": settings.notifications.url or "",
                "broker": f"{','.join(settings.kafka.bootstrap_servers)}, topic {self._options.topic}",
            },
            note=NOTE if self._options.broker is None else "",
            receiver=self._receiver,
            counts=lambda: counts(bridge.tally),
            written=lambda: simulator.written,
            log=lambda: simulator.error or self._log.last,
            started_at=self._started_at,
        )

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _arrived(self, arrival: Arrival) -> None:
        if not self._console.is_terminal:
            view.plain(arrival, self._console)


@asynccontextmanager
async def _writing(simulator: Simulator) -> AsyncIterator[None]:
    """The simulator in its thread, while the block runs."""
    stop = threading.Event()
    task = asyncio.create_task(asyncio.to_thread(simulator.run, stop))
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def _shown(scene: view.Scene, console: Console) -> AsyncIterator[None]:
    """The live picture while the block runs; without a terminal only the URLs, at once."""
    if not console.is_terminal:
        view.plain_start(scene, console)
        yield
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        task = asyncio.create_task(_repainted(live, scene, console))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _repainted(live: Live, scene: view.Scene, console: Console) -> None:
    while True:
        live.update(view.picture(scene, time.time(), console.height), refresh=True)
        await asyncio.sleep(REFRESH)


async def _settled(bridge: Bridge, simulator: Simulator) -> None:
    """Give the bridge time to finish what was written, so that the summary's numbers agree; bounded."""
    deadline = time.monotonic() + SETTLE

    def settled() -> bool:
        # The last acknowledgements may come after the simulator's end, and after the bridge has read their records.
        if simulator.waiting:
            return False
        return simulator.written <= bridge.tally.consumed.total() == bridge.tally.finished()

    while time.monotonic() < deadline and not settled():  # noqa: ASYNC110 (counts have no event)
        await asyncio.sleep(0.05)
