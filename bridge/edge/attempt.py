"""What is known of one POST while it is out, and what that makes of it in the end.

What fails before a byte of the request was written is `not_sent`; what fails after may have been read by the receiver:
`ambiguous`. The bridge's own transport (wire.py) knows that byte; of httpx's, the `trace` extension tells when it is
about to be written. Once the head of the answer is in, the status decides, whatever becomes of the rest.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from enum import IntEnum
from socket import gaierror
from typing import Any, Final, Protocol

import httpx

from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome

#: Characters of an exception's text that reach the log.
DETAIL_LIMIT = 200


class Phase(IntEnum):
    """How far an attempt has come."""

    CONNECT = 0
    TLS = 1
    WRITE = 2
    READ = 3


START_TLS = "connection.start_tls.started"
SEND_REQUEST = "http11.send_request_headers.started"
RECEIVE_RESPONSE = "http11.receive_response_headers.started"

#: The trace events that begin a phase.
PHASES = {
    START_TLS: Phase.TLS,
    "proxy.start_tls.started": Phase.TLS,
    SEND_REQUEST: Phase.WRITE,
    RECEIVE_RESPONSE: Phase.READ,
    "http2.send_request_headers.started": Phase.WRITE,
    "http2.receive_response_headers.started": Phase.READ,
}
WRITE_FAILED = frozenset(
    f"{version}.send_request_{part}.failed" for version in ("http11", "http2") for part in ("headers", "body")
)

Permit = Callable[[], bool]
Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]

# Looked up once, as in core/campaigns/derivation.py.
_monotonic: Final = time.monotonic
_CONNECT: Final = Phase.CONNECT
_DELIVERED: Final = Result.DELIVERED
_STATUS_2XX: Final = Reason.STATUS_2XX

REASON_OF_CLASS = {1: Reason.STATUS_1XX, 3: Reason.STATUS_3XX, 4: Reason.STATUS_4XX}


class Stream(Protocol):
    """A connected socket, as the trace hands it out."""

    async def aclose(self) -> None:
        """Close it at once; closing twice is fine."""


class NotPermitted(Exception):
    """The caller's permit was asked for just before the write, and not given."""


#: What ended an attempt before the write, by its exception; the first that fits.
REASONS_BEFORE: tuple[tuple[type[BaseException], Reason], ...] = (
    (asyncio.CancelledError, Reason.CUT),
    (NotPermitted, Reason.LEASE),
    (httpx.PoolTimeout, Reason.POOL),
    (httpx.TimeoutException, Reason.CONNECT_TIMEOUT),
    (TimeoutError, Reason.CONNECT_TIMEOUT),
)


class Attempt:
    """One POST from its hand-over to the transport to its outcome.

    `permit` is asked on a connection that is ready, just before the first byte is written; False ends the attempt.
    `listener` is told the events of `PHASES` by the bridge's own transport, as httpx's stock one tells them to `trace`.
    """

    __slots__ = ("_failure", "began", "listener", "permit", "phase", "retry_after", "status", "stream", "write_failed")

    def __init__(self, permit: Permit | None = None, listener: Trace | None = None) -> None:
        self.began = _monotonic()
        self.permit = permit
        self.listener = listener
        self.phase: Phase = _CONNECT
        self.status: int | None = None
        self.retry_after: float | None = None
        self.stream: Stream | None = None  # of a connection made for this POST
        self.write_failed = False
        self._failure: tuple[Result, Reason, str] | None = None

    def heard(self, event: str, info: Mapping[str, Any]) -> None:
        """An event of the request's `trace` extension."""
        if (phase := PHASES.get(event)) is not None:
            if getattr(info.get("request"), "method", None) == b"CONNECT":
                return  # a proxy is asked for a way to the receiver: nothing of the notification is in that
            if phase is Phase.WRITE:
                self._write_once()
            self.phase = max(self.phase, phase)
        elif event == "connection.connect_tcp.complete":
            self.stream = info["return_value"]
        elif event in WRITE_FAILED:
            # httpcore goes on to read after a failed write: an answer may have come before it.
            self.write_failed = True

    def ask(self) -> None:
        """Ask for the permit. NotPermitted."""
        if self.permit is not None and not self.permit():
            raise NotPermitted

    def _write_once(self) -> None:
        # httpcore writes a request of HTTP/2 again if the connection's end says that it was not looked at.
        if self.phase >= Phase.WRITE:
            raise httpx.ReadError("closed before an answer; not written again")
        self.ask()

    def failed(self, error: BaseException) -> None:
        """Take the exception that ended the attempt; it is not kept, since it holds the transport's frames."""
        sent = self.phase >= Phase.WRITE
        result = Result.AMBIGUOUS if sent else Result.NOT_SENT
        reason = self._reason_after(error) if sent else self._reason_before(error)
        self._failure = result, reason, _detail(self.phase, error)

    def outcome(self) -> Outcome:
        """The end, with the time taken until now."""
        seconds = _monotonic() - self.began
        status = self.status
        if status is not None and 200 <= status < 300:
            return Outcome(_DELIVERED, _STATUS_2XX, seconds, status, "", self.retry_after)
        if status is None:
            # An attempt ends by a status or an exception; a transport that gives neither has a defect.
            result, reason, detail = self._failure or (Result.AMBIGUOUS, Reason.PROTOCOL, "no answer and no error")
            return Outcome(result, reason, seconds, None, detail)
        # RFC 9110, 15: a status outside 100 to 599 counts as 5xx.
        reason = REASON_OF_CLASS.get(status // 100, Reason.STATUS_5XX)
        return Outcome(Result.REJECTED, reason, seconds, status, "", self.retry_after)

    def _reason_before(self, error: BaseException) -> Reason:
        for kind, reason in REASONS_BEFORE:
            if isinstance(error, kind):
                return reason
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
        if self.write_failed or isinstance(error, httpx.WriteError):
            return Reason.WRITE
        if isinstance(error, httpx.NetworkError | OSError) or _is_disconnect(error):
            return Reason.RESET
        return Reason.PROTOCOL


def seconds_of(retry_after: str | bytes | None) -> float | None:
    """Of a Retry-After header. None for its other form, a date: the receiver's clock is not ours."""
    if retry_after is None or len(retry_after) > 9 or not retry_after.isdigit():
        return None
    return float(retry_after)


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
