"""Receivers that misbehave: real sockets in threads of their own, which record whatever arrives.

A `Script` is what a receiver does on one connection. `Receiver(a, b, c)` plays `a` on its first connection, `b` on the
second, and the last one on all that follow. Scripts are made of the verbs of `Line`; those in `scripts` are ready:

    with Receiver(scripts.reset_after(10), scripts.answer(200)) as receiver:
        ...  # POST twice to receiver.url
    assert receiver.ids == ["second"]

Leaving the `with` closes everything and waits for the threads: only then is what arrived final.
"""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Script = Callable[["Line"], None]

#: Seconds. No script waits longer for its peer, and no test for a script: less, so that it sees the script still wait.
PATIENCE = 60.0
AWAITED = 45.0
EVENT_ID = "x-gsw-event-id"


class Gone(Exception):
    """The peer has closed or reset the connection, or the receiver is being stopped."""


@dataclass
class Request:
    """A request of which at least one byte was read. Names of headers in lower case."""

    connection: int
    at: float
    raw: bytes = b""
    line: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def take(self, data: bytes) -> None:
        self.raw += data
        head, end, body = self.raw.partition(b"\r\n\r\n")
        if not end:
            return
        self.line, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.split(":", 1) for line in lines]
        self.headers = [(name.lower(), value.strip()) for name, value in pairs]
        length = int(self.header("content-length") or 0)
        self.body = body[:length]
        self.complete = len(body) >= length
        assert len(body) <= length, "more than one request at once"


class Line:
    """One connection, as its script sees it: verbs that record, and raise `Gone` when there is nobody to talk to."""

    def __init__(self, receiver: "Receiver", number: int, peer: socket.socket) -> None:
        self.number = number
        self._receiver = receiver
        self._socket = peer
        peer.settimeout(PATIENCE)

    def start_tls(self, context: ssl.SSLContext) -> None:
        with self._errors():
            self._socket = context.wrap_socket(self._socket, server_side=True)

    def request(self) -> Request:
        """Read one whole request."""
        return self.rest(self.begin_request(1))

    def rest(self, request: Request) -> Request:
        """Read what a request begun still lacks."""
        while not request.complete:
            self.more(request, 65_536)
        self._receiver.changed()
        return request

    def begin_request(self, size: int) -> Request:
        """Read the first bytes of a request, at least `size` of them, or all there are at once if fewer."""
        data = self._read(65_536 if size == 1 else size)
        request = Request(self.number, time.monotonic())
        self._receiver.record(request)
        request.take(data)
        while len(request.raw) < size and not request.complete:
            self.more(request, size - len(request.raw))
        return request

    def more(self, request: Request, size: int) -> None:
        """Read up to `size` bytes more of a request begun."""
        request.take(self._read(size))

    def send(self, data: bytes) -> None:
        with self._errors():
            self._socket.sendall(data)

    def wait(self, seconds: float = PATIENCE) -> None:
        """Do nothing, until the receiver is stopped at the latest."""
        if self._receiver.stopping.wait(seconds):
            raise Gone

    def wait_for_close(self) -> None:
        """Read until the peer closes; anything that comes is recorded as a request."""
        self.request()

    def finish(self) -> None:
        """Close our half; the peer may still send."""
        with self._errors():
            self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with a RST rather than a FIN."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._socket.close()

    def hang_up(self) -> None:
        """Wake a blocked thread of this connection. Used to stop the receiver."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # not TLS's own, which breaks a read under way

    def _read(self, size: int) -> bytes:
        with self._errors():
            data = self._socket.recv(size)
        if not data:
            raise Gone
        return data

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # also what TLS says of a peer that does not like us
            raise Gone from error


class Receiver:
    """A server on loopback. `requests`: all of which a byte arrived, in order; `connections`: how many were accepted."""

    def __init__(self, *scripts: Script, scheme: str = "http", port: int = 0, host: str = "127.0.0.1") -> None:
        self.stopping = threading.Event()
        self.requests: list[Request] = []
        self.connections = 0
        self.ended = 0
        self._scripts = scripts
        self._socket = socket.create_server((host, port), backlog=2048)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{scheme}://{host}:{self.port}/ocs"
        self._lines: list[Line] = []
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._changed = threading.Condition()

    @property
    def ids(self) -> list[str]:
        """The event ids of the complete requests, in order of arrival."""
        return [request.header(EVENT_ID) or "" for request in self.requests if request.complete]

    def record(self, request: Request) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def changed(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def await_requests(self, count: int) -> None:
        """Block until so many whole requests have arrived. Not for the thread of the loop under test."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.ids) >= count, AWAITED), f"{self.ids} arrived"

    def await_begun(self, count: int) -> None:
        """Block until a byte of so many requests has arrived. Not for the thread of the loop under test."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, AWAITED), "nothing arrived"

    def await_ends(self, count: int) -> None:
        """Block until the scripts of so many connections have ended. Not for the thread of the loop under test."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.ended >= count, AWAITED), f"{self.ended} connections ended"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            assert not self._failures, self._failures

    def stop(self) -> None:
        """Close all and wait for the threads."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._threads[0].join(PATIENCE)
        for line in self._lines:
            line.hang_up()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a script does not end"
        self._socket.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            line = Line(self, self.connections, peer)
            self.connections += 1
            self._lines.append(line)
            self._start(self._play, line)

    def _play(self, line: Line) -> None:
        try:
            self._scripts[min(line.number, len(self._scripts) - 1)](line)
        except Gone:
            pass
        except BaseException as failure:  # noqa: BLE001 (shown by the test's thread)
            self._failures.append(failure)
        finally:
            line.close()
            with self._changed:
                self.ended += 1
                self._changed.notify_all()


class FullBacklog:
    """A listening port whose queue is full and is never emptied: a connect gets no answer at all."""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/ocs"
        self._clients = [socket.socket() for _ in range(4)]
        for client in self._clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", self.port))
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (*self._clients, self._socket):
            opened.close()


class NoAccept:
    """A listening port that never accepts: the kernel connects and takes the request."""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=8)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/ocs"
        self.requests: list[bytes] = []
        return self

    def __exit__(self, *_: object) -> None:
        """Take what has come."""
        self._socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                peer, _address = self._socket.accept()
                with peer:
                    self.requests.append(_all_of(peer))
        self._socket.close()


def _all_of(peer: socket.socket) -> bytes:
    peer.settimeout(1)
    data = b""
    with contextlib.suppress(OSError):
        while part := peer.recv(65_536):
            data += part
    return data


def closed_port() -> int:
    """A port that refuses: bound a moment ago, and by nobody now."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port
