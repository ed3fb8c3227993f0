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
        self._stream = _opened(stream)
        self._report = report
        self._max_lines = max_lines
        # Unlike queue.Queue it may be entered again by the same thread: a destructor may log in the middle of a put.
        self._queue: SimpleQueue[str | threading.Event] = SimpleQueue()
        self._lock = threading.RLock()
        self._dropped = 0
        self._reported = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

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
        """Write what was put so far, for up to `timeout` seconds, and end the thread. Lines put later are lost."""
        self._closed = True
        self._queue.put(threading.Event())  # wakes the thread
        self._thread.join(timeout)

    def _drop(self, lines: int) -> None:
        with self._lock:
            self._dropped += lines

    def _run(self) -> None:
        waiting: threading.Event | None = None
        while waiting is None or not self._closed:
            lines, waiting = self._batch()
            unreported = self._dropped - self._reported
            if unreported:
                self._reported += unreported
                lines.append(self._report(unreported))
            if lines:
                self._write_lines(lines)
            if waiting is not None:
                waiting.set()
        self._stream.close()

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
            self._stream.write("\n".join(lines) + "\n")
        except (OSError, ValueError):  # the reader is gone, the disk is full, the stream is closed: count and go on
            self._drop(len(lines))


class _Descriptor:
    """A stream's file descriptor, written to directly.

    A thread that waits inside Python's own buffered stdout holds its lock, and the interpreter aborts on that at exit.
    """

    def __init__(self, number: int) -> None:
        # A copy: if the stream is closed while a write waits, its number may soon be that of another file.
        self._number = os.dup(number)

    def write(self, text: str) -> None:
        rest = memoryview(text.encode("utf-8", "backslashreplace"))
        while rest:
            try:
                rest = rest[os.write(self._number, rest) :]
            except BlockingIOError:  # somebody who shares the descriptor made it non-blocking
                writable = select.poll()
                writable.register(self._number, select.POLLOUT)
                writable.poll()

    def close(self) -> None:
        os.close(self._number)


class _Memory:
    """A stream that is no file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        self._stream.write(text)

    def close(self) -> None:
        """The stream is the caller's."""


def _opened(stream: TextIO) -> _Descriptor | _Memory:
    try:
        stream.flush()
        return _Descriptor(stream.fileno())
    except (OSError, ValueError):
        return _Memory(stream)
