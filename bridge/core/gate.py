"""Whether a POST may begin now: the lease, the window of what is not committed, and the receiver's cool-down.

A gate that is closed delays later notifications; it never repeats or drops one.
"""

from collections.abc import Callable
from typing import Final

from bridge.core.outcome import Result
from bridge.core.post_outcome import Outcome

#: Why no POST may begin.
HELD = ("lease", "unconfirmed", "cool_down")
OVERLOADED = frozenset({429, 503})
# Looked up once, as in core/campaigns/derivation.py.
_NOT_SENT: Final = Result.NOT_SENT


class Gate:
    """`lease`: whether the partitions are still ours. `max_unconfirmed`: POSTs since the last good checkpoint.

    `cool_down`: the longest pause in seconds after an overloaded receiver's Retry-After, or after `cool_down_after`
    POSTs in a row that could not be sent; 0: none. Times are monotonic seconds.
    """

    def __init__(
        self,
        lease: Callable[[], bool] = lambda: True,
        *,
        max_unconfirmed: int,
        cool_down: float = 0.0,
        cool_down_after: int = 10,
    ) -> None:
        self.lease = lease
        self.unconfirmed = 0
        #: Called when three quarters of the window are used: a checkpoint now, and it need not close.
        self.filling: Callable[[], None] = lambda: None
        self._filling_at = max_unconfirmed - max_unconfirmed // 4
        self._max_unconfirmed = max_unconfirmed
        self._cool_down = cool_down
        self._cool_down_after = cool_down_after
        self._not_sent = 0  # in a row
        self._cool_until = float("-inf")

    def why_closed(self, now: float, out: int = 0) -> str | None:
        """The reason why no POST may begin while so many are out; None: it may."""
        if not self.lease():
            return "lease"
        if self.unconfirmed + out >= self._max_unconfirmed:
            return "unconfirmed"
        return "cool_down" if now < self._cool_until else None

    def posted(self, outcome: Outcome, now: float) -> None:
        """A POST ended."""
        self.unconfirmed += 1
        if self.unconfirmed == self._filling_at:
            self.filling()
        if not self._cool_down:
            return
        self._not_sent = self._not_sent + 1 if outcome.result is _NOT_SENT else 0
        if outcome.status in OVERLOADED and outcome.retry_after is not None:
            # Of answers that overlap, the longest pause holds.
            self._cool_until = max(self._cool_until, now + min(outcome.retry_after, self._cool_down))
        elif self._not_sent >= self._cool_down_after:
            self._cool_until = now + self._cool_down

    @property
    def filled(self) -> bool:
        """Whether `filling` was called, and no checkpoint has mended that."""
        return self.unconfirmed >= self._filling_at

    def confirmed(self, posts: int) -> None:
        """A checkpoint that covers `posts` POSTs is confirmed."""
        self.unconfirmed -= posts
