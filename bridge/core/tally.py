"""Plain counts of what became of records and notifications: the metrics are made from them.

Kept outside any metrics library so that all numbers of a scrape are from one moment of the loop, and the identities
of the architecture hold in each:

* records: consumed = posted + absorbed + skipped + quarantined + returned + held
* notifications: rendered + ticks due = delivered + failed + dropped + ticks dropped + ticks waiting + in flight
"""

from collections import Counter
from enum import Enum
from typing import Final

from bridge.core.outcome import Invalid, Reason, Result, Skip
from bridge.core.post_outcome import Outcome


class Done(Enum):
    """What becomes of a record that is an event."""

    POSTED = "posted"
    ABSORBED = "absorbed"


#: What becomes of a record.
Fate = Done | Skip | Invalid
# Looked up once, as in core/lifecycle.py.
_POSTED: Final = Done.POSTED
_ABSORBED: Final = Done.ABSORBED


class Tally:
    """Counts since the process began."""

    def __init__(self) -> None:
        self.consumed: Counter[str] = Counter()  # by topic
        self.posted = 0
        self.absorbed = 0
        self.skipped: Counter[str] = Counter()  # by Skip
        self.quarantined: Counter[str] = Counter()  # by Invalid
        self.returned: Counter[str] = Counter()  # by Return
        self.ignored: Counter[tuple[str, Invalid]] = Counter()  # values that could not be read: by field and why
        # Plain ones: a Counter's items take four times as long to set, and these are set at each POST.
        self.rendered: dict[str, int] = {"change": 0, "periodic": 0}  # by kind of notification
        self.outcomes: dict[tuple[str, Result, Reason], int] = {}  # by kind, result, reason
        self.commits: Counter[str] = Counter()  # by result
        self.dropped: Counter[str] = Counter()  # rendered, then not attempted: by Reason
        self.ticks_due = 0  # periodic notifications whose time came
        self.ticks_dropped: Counter[str] = Counter()  # of them, not attempted: by Drop
        self.clock_jumps = 0
        self.states_saved = 0  # records of the state topic, tombstones too
        self.states_read = 0  # records of the state topic, the older ones of a group too
        self.states_restored = 0  # campaign groups
        self.states_bad = 0  # records of the state topic that are none
        self.restore_seconds = 0.0
        self.seeded = 0  # records of the input's history
        self.rebalances: Counter[str] = Counter()  # assigned, revoked, lost
        self.gaps = 0  # offsets between a committed offset and the earliest that still exists

    def finished(self) -> int:
        """Records that ended in one of the ways above; consumed minus this is held."""
        ends = (self.skipped, self.quarantined, self.returned)
        return self.posted + self.absorbed + sum(sum(counter.values()) for counter in ends)

    def end(self, fate: Fate) -> None:
        """Count what became of a record."""
        if fate is _POSTED:
            self.posted += 1
        elif fate is _ABSORBED:
            self.absorbed += 1
        elif isinstance(fate, Invalid):
            self.quarantined[fate] += 1
        else:
            self.skipped[fate] += 1

    def post(self, kind: str, outcome: Outcome) -> None:
        """Count a POST's end."""
        end = kind, outcome.result, outcome.reason
        self.outcomes[end] = self.outcomes.get(end, 0) + 1
