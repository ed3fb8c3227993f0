"""Records become events in their lanes, or are done at once: skipped, quarantined, or known from before a restart."""

from collections.abc import Callable
from typing import Final

from bridge.core.arrival import Arrival
from bridge.core.intake import Intake
from bridge.core.ledger import Seen
from bridge.core.mapping.mapper import Mapper, Part
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.record import Record
from bridge.core.tally import Fate, Tally
from bridge.core.vocabulary import Kind
from bridge.ports import Quarantine, Report
from bridge.work import Item, Several

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
            found = self.mapper.read(record)
        except InvalidEvent as error:
            self.put_aside(intake, record, error)
            return
        if isinstance(found, Arrival):  # asked first, as in core/mapping/mapper.py
            self._take(intake, found, None)
        elif isinstance(found, Skip):
            self._settle(intake, record, found, None)
        else:
            self._several(intake, record, found)

    def _several(self, intake: Intake, record: Record, found: list[Part]) -> None:
        """Of a record that may hold several events: those that are valid go on, for the first other it is quarantined too."""
        arrivals = [part for part in found if isinstance(part, Arrival)]
        errors = [part for part in found if isinstance(part, InvalidEvent)]
        skips = [part for part in found if isinstance(part, Skip)]
        several = Several(len(arrivals) + bool(errors) + bool(skips))
        if errors:
            self.put_aside(intake, record, errors[0], several)
        for arrival in arrivals:
            self._take(intake, arrival, several)
        if skips:
            self._settle(intake, record, skips[0], several)

    def _take(self, intake: Intake, arrival: Arrival, several: Several | None) -> None:
        if ignored := arrival.event.ignored:
            for each in ignored:
                self._tally.ignored[each] += 1
            self._report.ignored(arrival.record, ignored)
        posts = self._posts and arrival.event.kind is not _STATISTICS
        self._push(Item(intake, arrival, posts=posts, several=several))

    def _read_again(self, intake: Intake, record: Record, seen: Seen) -> None:
        """A record that was done before a restart: what it says of its group is learnt again, nothing is posted."""
        self._tally.skipped[Skip.UNKNOWN if seen is Seen.UNKNOWN else Skip.ALREADY_DONE] += 1
        if seen is Seen.UNKNOWN:
            self._report.unknown(record)
        try:
            arrivals = self.mapper.arrivals(record, fresh=False)
        except InvalidEvent:
            return  # quarantined before the restart
        for arrival in arrivals:
            self._push(Item(intake, arrival))

    def put_aside(self, intake: Intake, record: Record, error: InvalidEvent, several: Several | None = None) -> None:
        """Quarantine a record; it is done when that is done, and the others of its events are."""
        if several is not None:
            if several.aside:
                self._settle(intake, record, error.reason, several)
                return
            several.aside = True
            several.begin(intake)
        intake.out += 1

        def done() -> None:
            intake.out -= 1
            intake.parts_out -= several is not None
            if not intake.gone:
                self._report.quarantined(record, error)
                self._settle(intake, record, error.reason, several)
            self._landed()

        self._quarantine.put(record, error, done)

    def _settle(self, intake: Intake, record: Record, fate: Fate, several: Several | None) -> None:
        last = fate if several is None else several.ended(fate)
        if last is not None:
            if several is not None:
                several.let_go(intake)
            self._tally.end(last)
            self._done(intake, record)
