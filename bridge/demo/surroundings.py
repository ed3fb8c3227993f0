"""The process around a demo: its signals and its log."""

import asyncio
import io
import re
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bridge.edge import log

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Tail(io.StringIO):
    """A stream that keeps its last lines: the log of a live picture, which would be spoilt by it."""

    def __init__(self, lines: int = 100) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=lines)

    def write(self, text: str) -> int:
        """Take whole lines, as the log writes them."""
        self.lines.extend(text.splitlines())
        return len(text)

    @property
    def last(self) -> str:
        """The last line that tells something (not a traceback's), without its date."""
        told = (line for line in reversed(self.lines) if re.match(r"\d{4}-\d\d-\d\dT", line))
        return next((re.sub(r"^\S+\s+", "", line) for line in told), "")


def log_to_tail_or_stderr(*, live: bool) -> Tail:
    """Configure the log for a demo: into the tail that is returned for a live picture, else to stderr."""
    tail = Tail()
    log.configure("WARNING", "console", tail if live else sys.stderr)
    return tail


@contextmanager
def told_to_stop(stop: asyncio.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `stop`; a second one does what it always does."""
    loop = asyncio.get_running_loop()

    def tell() -> None:
        stop.set()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, tell)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextmanager
def thread_told_to_stop(stop: threading.Event) -> Iterator[None]:
    """The same for a command without a loop."""
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def tell(_: int, __: FrameType | None) -> None:
        stop.set()
        restore()

    for number in SIGNALS:
        signal.signal(number, tell)
    try:
        yield
    finally:
        restore()
