"""What is known of one POST while it is out, and what that makes of it in the end.

httpx's `trace` extension tells when the first byte of the request is about to be written. What fails before is
`not_sent`; what fails after may have been read by the receiver: `ambiguous`. Once the status line is in, the status
decides, whatever becomes of the rest of the answer.
"""

import asyncio
import ssl
import time
from collections.abc import Iterator, Mapping
from enum import IntEnum
from socket import gaierror
from typing import Any, Protocol

import httpx

from bridge.core.outcome import Outcome, Reason, Result

#: Characters of an exception's text that reach the log.
DETAIL_LIMIT = 200


class Phase(IntEnum):
    """How far an attempt has come."""

    CONNECT = 0
    TLS = 1
    WRITE = 2
    READ = 3


#: The trace events that begin a phase. A transport of our own has to report the same names.
PHASES = {
    "connection.start_tls.started": Phase.TLS,
    "http11.send_request_headers.started": Phase.WRITE,
    "http11.receive_response_headers.started": Phase.READ,
}
WRITE_FAILED = frozenset({"http11.send_request_headers.failed", "http11.send_request_body.failed"})

REASON_OF_CLASS = {1: Reason.STATUS_1XX, 2: Reason.STATUS_2XX, 3: Reason.STATUS_3XX, 4: Reason.STATUS_4XX}


class Stream(Protocol):
    """A connected socket, as the trace hands it out."""

    async def aclose(self) -> None:
        """Close it at once; closing twice is fine."""


class Attempt:
    """One POST from its hand-over to the transport to its outcome."""

    __slots__ = ("_failure", "_write_failed", "began", "phase", "status", "stream")

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.phase = Phase.CONNECT
        self.status: int | None = None
        self.stream: Stream | None = None  # of a connection made for this POST
        self._write_failed = False
        self._failure: tuple[Result, Reason, str] | None = None

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """The request's `trace` extension."""
        if (phase := PHASES.get(event)) is not None:
            self.phase = phase
        elif event == "connection.connect_tcp.complete":
            self.stream = info["return_value"]
        elif event in WRITE_FAILED:
            # httpcore goes on to read after a failed write: an answer may have come before it.
            self._write_failed = True

    def failed(self, error: BaseException) -> None:
        """Take the exception that ended the attempt; it is not kept, since it holds the transport's frames."""
        sent = self.phase >= Phase.WRITE
        result = Result.AMBIGUOUS if sent else Result.NOT_SENT
        reason = self._reason_after(error) if sent else self._reason_before(error)
        self._failure = result, reason, _detail(self.phase, error)

    def outcome(self) -> Outcome:
        """The end, with the time taken until now."""
        seconds = time.monotonic() - self.began
        if self.status is None:
            # An attempt ends by a status or an exception; a transport that gives neither has a defect.
            result, reason, detail = self._failure or (Result.AMBIGUOUS, Reason.PROTOCOL, "no answer and no error")
            return Outcome(result, reason, seconds, None, detail)
        result = Result.DELIVERED if self.status // 100 == 2 else Result.REJECTED
        # RFC 9110, 15: a status outside 100 to 599 counts as 5xx.
        return Outcome(result, REASON_OF_CLASS.get(self.status // 100, Reason.STATUS_5XX), seconds, self.status)

    def _reason_before(self, error: BaseException) -> Reason:
        if isinstance(error, asyncio.CancelledError):
            return Reason.CUT
        if isinstance(error, httpx.PoolTimeout):
            return Reason.POOL
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return Reason.CONNECT_TIMEOUT
        causes = list(_causes(error))
        if any(isinstance(cause, gaierror | UnicodeError) for cause in causes):
            return Reason.DNS
        if self.phase is Phase.TLS or any(isinstance(cause, ssl.SSLError) for cause in causes):
            return Reason.TLS
        return Reason.CONNECT

    def _reason_after(self, error: BaseException) -> Reason:
        if isinstance(error, asyncio.CancelledError):
            return Reason.CUT
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return Reason.WRITE_TIMEOUT if self.phase is Phase.WRITE else Reason.READ_TIMEOUT
        if self._write_failed or isinstance(error, httpx.WriteError):
            return Reason.WRITE
        if isinstance(error, httpx.NetworkError | OSError) or _is_disconnect(error):
            return Reason.RESET
        return Reason.PROTOCOL


def _is_disconnect(error: BaseException) -> bool:
    # httpcore reports a connection closed before an answer as a protocol error, told apart by its text alone.
    return isinstance(error, httpx.RemoteProtocolError) and str(error).startswith("Server disconnected")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what lies under it, outermost first.

    httpcore raises `from None`, which leaves the cause in `__context__` only; anyio groups the addresses it tried.
    """
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.exceptions[-1] if isinstance(cause, BaseExceptionGroup) else cause.__cause__ or cause.__context__


def _detail(phase: Phase, error: BaseException) -> str:
    """The innermost exception's text that says something. h11's is cut where it begins to quote the receiver."""
    name = type(error).__name__
    texts = [str(cause) for cause in _causes(error) if isinstance(cause, OSError | httpx.HTTPError) and str(cause)]
    text = texts[-1] if texts else ""
    if isinstance(error, httpx.ProtocolError):
        text = str(error).partition(":")[0]
    return f"{name} in phase {phase.name.lower()}{': ' if text else ''}{text}"[:DETAIL_LIMIT]
