"""What is told of each POST: the page's log messages, one warning a failure, the histograms, the outcome topic."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final

from bridge.core.facts import Facts
from bridge.core.outcome import Invalid, InvalidEvent, Result, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Record
from bridge.core.schedule import Due
from bridge.edge.audit import Audit
from bridge.edge.log import TRACE, get_logger, safe_url
from bridge.edge.log_repeats import Repeated
from bridge.edge.metrics import Metrics

log = get_logger(__name__)

#: OCS's own log messages: id and text for a change, and for a periodic notification (docs: spec, "Log Messages").
CHANGE = 81000, "Sending HTTP status notification CampaignGroupState for Campaign Group %s to %s"
PERIODIC = 81001, "Sending periodic HTTP status notification CampaignGroupState for Campaign Group %s to %s"
NAME = 2  # of the campaign group, in Facts.names
# Looked up once, as in core/campaigns/derivation.py.
_DELIVERED: Final = Result.DELIVERED


class Report:
    """`url` is the receiver's; `clock` gives monotonic seconds. `audit` None: there is no outcome topic."""

    def __init__(self, url: str, metrics: Metrics, clock: Callable[[], float], audit: Audit | None = None) -> None:
        self._url = safe_url(url)
        self._posts = metrics.posts
        self._clock = clock
        self._audit = audit
        self._repeated = Repeated()
        self._ignored = Repeated(60.0)
        self._tracing = log.enabled(TRACE)

    def sending(self, facts: Facts, event_id: str) -> None:
        """A POST is about to begin. The page's text has two places: the campaign group's name and the URI."""
        if self._tracing:
            number, text = PERIODIC if facts.periodic else CHANGE
            name = facts.names[NAME]
            log.trace("notification_sending", message_id=number, message=text % (name, self._url), event_id=event_id)

    def unknown(self, record: Record) -> None:
        """A crash left open whether the notification of this record was posted; it is not posted again."""
        topic, number = record.partition
        log.warning("post_unknown", topic=topic, partition=number, offset=record.offset)
        if self._audit is not None:
            self._audit.unknown(record)

    def quarantined(self, record: Record, error: InvalidEvent) -> None:
        """A record that is no event was put aside; the quarantine logs it."""
        if self._audit is not None:
            self._audit.quarantined(record, error)

    def ignored(self, record: Record, fields: Collection[tuple[str, Invalid]]) -> None:
        """Fields of an event could not be read: one line a minute of each, with the position of an example."""
        now = self._clock()
        for field, reason in fields:
            place = {**_place(record), "reason": reason.value}
            self._ignored.say(log.warning, "field_ignored", field, now, field=field, **place)

    def skipped(self, record: Record, group: str, why: Skip) -> None:
        """An event was merged, and is not posted."""
        if self._audit is not None:
            self._audit.skipped(record, group, why)

    def sent(
        self, origin: Record | Due, kind: str, group: str, event_id: str, outcome: Outcome, age_seconds: float
    ) -> None:
        """It ended."""
        if self._audit is not None:
            self._audit.posted(origin, kind, group, event_id, outcome)
        if not isinstance(origin, Record):
            self._posts.ended(outcome, late=age_seconds)
        else:
            self._posts.ended(outcome, age=age_seconds if origin.timestamp_ms >= 0 else None)
        if outcome.result is not _DELIVERED:
            self._repeated.say(
                log.warning,
                "post_failed",
                (outcome.result, outcome.reason),
                self._clock(),
                outcome=outcome.result.value,
                reason=outcome.reason.value,
                status=outcome.status,
                detail=outcome.detail,
                kind=kind,
                campaign_group=group,
                event_id=event_id,
                **_place(origin),
                seconds=round(outcome.seconds, 3),
            )

    def tick(self) -> None:
        """To be called every second or so: writes what the end of a burst of failures left unsaid."""
        now = self._clock()
        self._repeated.tick(now)
        self._ignored.tick(now)
        if self._audit is not None:
            self._audit.outcomes.tick(now)


def _place(origin: Record | Due) -> dict[str, object]:
    """Where it comes from, for the log."""
    if isinstance(origin, Due):
        return {"slot": datetime.fromtimestamp(origin.start_ms / 1000, UTC).isoformat()}
    topic, number = origin.partition
    return {"topic": topic, "partition": number, "offset": origin.offset}
