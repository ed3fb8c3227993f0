"""An asyncio loop whose time passes at once: hours of waiting cost nothing, and every run is the same."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(AssertionError):
    """Nothing will ever happen again: whoever waits was forgotten."""


class _Instantly(selectors.DefaultSelector):
    now = 1000.0  # seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop without threads and sockets. `time` jumps to the next timer as soon as nothing is ready."""

    def __init__(self) -> None:
        self._instantly = _Instantly()
        super().__init__(self._instantly)

    def time(self) -> float:
        return self._instantly.now


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
