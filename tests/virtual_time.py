"""An asyncio loop whose time passes at once: hours of waiting cost nothing, and every run is the same."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Instantly(selectors.DefaultSelector):
    now = 1000.0  # seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing would ever happen again"
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop without threads and sockets. `time` jumps to the next timer as soon as nothing is ready.

    `watch` is called after each turn.
    """

    watch: Callable[[], None] | None = None

    def __init__(self) -> None:
        self._instantly = _Instantly()
        super().__init__(self._instantly)

    def time(self) -> float:
        return self._instantly.now

    def _run_once(self) -> None:
        super()._run_once()  # type: ignore[misc]
        if self.watch is not None:
            self.watch()


def run(scenario: Coroutine[Any, Any, T], seconds: float = 36_000) -> T:
    """What the scenario returns, after as many virtual seconds as it takes, but at most `seconds`."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(asyncio.wait_for(scenario, seconds))


def now() -> float:
    """Virtual seconds."""
    return asyncio.get_running_loop().time()


async def turns(count: int = 20) -> None:
    """Let everything that is ready happen, without time going on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(true: Callable[[], bool], every: float = 1.0) -> None:
    """Look every so many virtual seconds until it is true."""
    while not true():  # noqa: ASYNC110 (what is looked at knows no events, and the time costs nothing)
        await asyncio.sleep(every)
