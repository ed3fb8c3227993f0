"""The process around a demo: its signals and its log."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class LastWarning(logging.Handler):
    """Keeps log lines off the live picture, and the last warning for it."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep its text."""
        self.text = record.getMessage()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take what is logged while the block runs."""
        root = logging.getLogger()
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)


@contextmanager
def told_to_stop(stop: asyncio.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `stop`; a second one does what it always does."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def tell() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, tell)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
