"""Records become events in their lanes, or are done at once: skipped, quarantined, or known from before a restart."""

from collections.abc import Callable
from typing import Final

from bridge.core.arrival import Arrival
from bridge.core.intake import Intake
from bridge.core.ledger import Seen
from bridge.core.mapping import Mapper
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.record import Record
from bridge.core.tally import Tally
from bridge.core.vocabulary import Kind
from bridge.ports import Quarantine, Report
from bridge.work import Item

# Looked up once, as in core/campaigns/derivation.py.
_FRESH: Final = Seen.FRESH
_STATISTICS: Final = Kind.STATISTICS


class Reader:
    """`push` takes what has to wait in a lane; `done` is told of what is done; `landed` of what is out no more.

    `posts`: whether changes, reports and snapshots make notifications.
    """

    def __init__(
        self,
        mapper: Mapper,
        quarantine: Quarantine,
        report: Report,
        tally: Tally,
        *,
        posts: bool,
        push: Callable[[Item], None],
        done: Callable[[Intake, Record], None],
        landed: Callable[[], None],
    ) -> None:
        self.mapper = mapper
        self._quarantine = quarantine
        self._report = report
        self._tally = tally
        self._posts = posts
        self._push = push
        self._done = done
        self._landed = landed

    def admit(self, intake: Intake) -> None:
        """Take over what the partition's share of the buffers allows."""
        while taken := intake.take():
            record, seen = taken
            if seen is _FRESH:
                self._read(intake, record)
            else:
                self._read_again(intake, record, seen)

    def _read(self, intake: Intake, record: Record) -> None:
        try:
            arrival = self.mapper.read(record)
        except InvalidEvent as error:
            self.put_aside(intake, record, error)
            return
        if not isinstance(arrival, Arrival):
            self._tally.skipped[arrival] += 1
            self._done(intake, record)
            return
        self._push(Item(intake, arrival, posts=self._posts and arrival.event.kind is not _STATISTICS))

    def _read_again(self, intake: Intake, record: Record, seen: Seen) -> None:
        """A record that was done before a restart: what it says of its group is learnt again, nothing is posted."""
        self._tally.skipped[Skip.UNKNOWN if seen is Seen.UNKNOWN else Skip.ALREADY_DONE] += 1
        if seen is Seen.UNKNOWN:
            self._report.unknown(record)
        try:
            arrival = self.mapper.read(record, fresh=False)
        except InvalidEvent:
            return  # quarantined before the restart
        if not isinstance(arrival, Skip):
            self._push(Item(intake, arrival))

    def put_aside(self, intake: Intake, record: Record, error: InvalidEvent) -> None:
        """Quarantine a record; it is done when that is done."""
        intake.out += 1

        def done() -> None:
            intake.out -= 1
            if not intake.gone:
                self._tally.quarantined[error.reason] += 1
                self._report.quarantined(record, error)
                self._done(intake, record)
            self._landed()

        self._quarantine.put(record, error, done)
