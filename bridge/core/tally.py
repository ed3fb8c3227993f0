"""Plain counts of what became of records and notifications: the metrics are made from them.

Kept outside any metrics library so that all numbers of a scrape are from one moment of the loop, and the identities
of the architecture hold in each:

* records: consumed = posted + absorbed + skipped + quarantined + returned + held
* notifications: rendered + ticks due = delivered + failed + dropped + ticks dropped + ticks waiting + in flight
"""

from collections import Counter

import msgspec

from bridge.core.outcome import Outcome, Reason, Result


class Tally(msgspec.Struct):
    """Counts since the process began."""

    consumed: Counter[str] = msgspec.field(default_factory=Counter)  # by topic
    posted: int = 0
    absorbed: int = 0
    skipped: Counter[str] = msgspec.field(default_factory=Counter)  # by Skip
    quarantined: Counter[str] = msgspec.field(default_factory=Counter)  # by Invalid
    returned: Counter[str] = msgspec.field(default_factory=Counter)  # by Return
    rendered: Counter[str] = msgspec.field(default_factory=Counter)  # by kind of notification
    outcomes: Counter[tuple[str, Result, Reason]] = msgspec.field(default_factory=Counter)  # by kind, result, reason
    commits: Counter[str] = msgspec.field(default_factory=Counter)  # by result
    dropped: Counter[str] = msgspec.field(default_factory=Counter)  # rendered, then not attempted: by Reason
    ticks_due: int = 0  # periodic notifications whose time came
    ticks_dropped: Counter[str] = msgspec.field(default_factory=Counter)  # of them, not attempted: by Drop
    clock_jumps: int = 0
    states_saved: int = 0  # records of the state topic, tombstones too
    states_read: int = 0  # records of the state topic, the older ones of a group too
    states_restored: int = 0  # campaign groups
    states_bad: int = 0  # records of the state topic that are none
    restore_seconds: float = 0.0
    seeded: int = 0  # records of the input's history
    rebalances: Counter[str] = msgspec.field(default_factory=Counter)  # assigned, revoked, lost
    gaps: int = 0  # offsets between a committed offset and the earliest that still exists

    def finished(self) -> int:
        """Records that ended in one of the ways above; consumed minus this is held."""
        ends = (self.skipped, self.quarantined, self.returned)
        return self.posted + self.absorbed + sum(sum(counter.values()) for counter in ends)

    def post(self, kind: str, outcome: Outcome) -> None:
        """Count a POST's end."""
        self.outcomes[kind, outcome.result, outcome.reason] += 1
