"""Lines to a stream that nobody may be reading: the bridge never waits for its own log.

A thread of its own writes; between it and the callers is a bounded queue. When the queue is full a line is dropped and
counted, and once lines go through again one more says how many were.
"""

import os
import select
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TextIO

#: Lines in wait: about 1 MB, some seconds of a log at TRACE.
MAX_LINES = 4_000
#: Lines are joined up to this many characters into one write: the size of a pipe on Linux.
WRITE_SIZE = 65_536


class LineWriter:
    """Writes lines to `stream` from a daemon thread. `report(n)` makes the line that says that n were dropped."""

    def __init__(self, stream: TextIO, report: Callable[[int], str], *, max_lines: int = MAX_LINES) -> None:
        self._write = _write_to(stream)
        self._report = report
        self._max_lines = max_lines
        # Unlike queue.Queue it may be entered again by the same thread: a destructor may log in the middle of a put.
        self._queue: SimpleQueue[str | threading.Event] = SimpleQueue()
        self._lock = threading.RLock()
        self._dropped = 0
        self._reported = 0
        self._closed = False
        threading.Thread(target=self._run, name="log-writer", daemon=True).start()

    @property
    def dropped(self) -> int:
        """Lines dropped since the start: the queue was full, or the stream was gone."""
        return self._dropped

    def put(self, line: str) -> None:
        """Queue one line, without its line break; never waits."""
        if self._queue.qsize() < self._max_lines:
            self._queue.put(line)
        else:
            self._drop(1)

    def flush(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until all lines put so far are written; whether they are."""
        written = threading.Event()
        self._queue.put(written)
        return written.wait(timeout)

    def close(self, timeout: float) -> None:
        """Flush, then let the thread end. Lines put later are lost."""
        self.flush(timeout)
        self._closed = True
        self._queue.put(threading.Event())  # wakes the thread

    def _drop(self, lines: int) -> None:
        with self._lock:
            self._dropped += lines

    def _run(self) -> None:
        while not self._closed:
            lines, written = self._batch()
            unreported = self._dropped - self._reported
            if unreported:
                self._reported += unreported
                lines.append(self._report(unreported))
            if lines:
                self._write_lines(lines)
            if written is not None:
                written.set()

    def _batch(self) -> tuple[list[str], threading.Event | None]:
        """What is queued, up to a write's size; and who waits for it to be written."""
        lines: list[str] = []
        size = 0
        item = self._queue.get()
        while isinstance(item, str):
            lines.append(item)
            size += len(item)
            if size >= WRITE_SIZE:
                return lines, None
            try:
                item = self._queue.get_nowait()
            except Empty:
                return lines, None
        return lines, item

    def _write_lines(self, lines: list[str]) -> None:
        try:
            self._write("\n".join(lines) + "\n")
        except (OSError, ValueError):  # the reader is gone, the disk is full, the stream is closed: count and go on
            self._drop(len(lines))


def _write_to(stream: TextIO) -> Callable[[str], None]:
    """A function that writes a text to the stream and returns when it is there.

    Where there is a file descriptor it is used directly: a thread that waits inside Python's own buffered stdout holds
    its lock, and the interpreter aborts on that at exit.
    """
    try:
        stream.flush()
        descriptor = stream.fileno()
    except (OSError, ValueError):  # a stream in memory

        def write_text(text: str) -> None:
            stream.write(text)
            stream.flush()

        return write_text
    return lambda text: _write_all(descriptor, text.encode("utf-8", "backslashreplace"))


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # somebody who shares the descriptor made it non-blocking
            writable = select.poll()
            writable.register(descriptor, select.POLLOUT)
            writable.poll()
