"""Who did what: each fate with its event id, its time and the bridge's name, on its way to the outcome topic.

Not told: what the record itself says (tombstones, records that the profile does not select), statistics that were merged,
and what was done before a restart. They would outnumber the rest by far.
"""

import socket
from collections.abc import Callable

from bridge import __version__
from bridge.core import fate
from bridge.core.fate import Author
from bridge.core.identity import event_id
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Record
from bridge.core.schedule import Due
from bridge.edge.outcomes import Outcomes


class Audit:
    """`cluster_id` is asked for the event ids of what is not posted; `wall` gives seconds since the epoch.

    The topic's key is the campaign group's, or where that is not known the record's own.
    """

    def __init__(
        self, outcomes: Outcomes, client_id: str, cluster_id: Callable[[], str], wall: Callable[[], float]
    ) -> None:
        self.outcomes = outcomes
        self._author = Author(client_id, socket.gethostname(), __version__)
        self._cluster_id = cluster_id
        self._wall = wall

    def posted(self, origin: Record | Due, kind: str, group: str, identity: str, outcome: Outcome) -> None:
        """A POST ended."""
        told = fate.posted(origin, kind, group, identity, outcome, self._wall(), self._author)
        self.outcomes.write(group.encode(), told)

    def quarantined(self, record: Record, error: InvalidEvent) -> None:
        """A record is no event."""
        told = fate.quarantined(record, self._identity(record), error, self._wall(), self._author)
        self.outcomes.write(record.key, told)

    def skipped(self, record: Record, group: str, why: Skip) -> None:
        """An event was merged and not posted."""
        told = fate.skipped(record, self._identity(record), group, why, self._wall(), self._author)
        self.outcomes.write(group.encode(), told)

    def unknown(self, record: Record) -> None:
        """A crash left open whether it was posted."""
        told = fate.unknown(record, self._identity(record), self._wall(), self._author)
        self.outcomes.write(record.key, told)

    def _identity(self, record: Record) -> str:
        return event_id(self._cluster_id(), record)
