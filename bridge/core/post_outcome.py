"""What became of one POST."""

from dataclasses import dataclass

from mypy_extensions import mypyc_attr

from bridge.core.outcome import Reason, Result


@mypyc_attr(acyclic=True)
@dataclass(init=False)
class Outcome:
    """The one attempt's end. `seconds` from the hand-over to the transport; `status` where an answer came. Never changed."""

    __slots__ = ("detail", "reason", "result", "retry_after", "seconds", "status")
    result: Result
    reason: Reason
    seconds: float
    status: int | None
    detail: str  # for the log: the exception's text, never the receiver's body
    retry_after: float | None  # seconds that an overloaded receiver asked for

    def __init__(
        self,
        result: Result,
        reason: Reason,
        seconds: float,
        status: int | None = None,
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        self.result = result
        self.reason = reason
        self.seconds = seconds
        self.status = status
        self.detail = detail
        self.retry_after = retry_after
