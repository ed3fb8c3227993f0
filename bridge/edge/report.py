"""What is told of each POST: the page's log messages, one warning a failure, and the histograms."""

from collections.abc import Callable

from bridge.core.groups import Facts
from bridge.core.outcome import Outcome, Result
from bridge.core.record import Record
from bridge.edge.log import TRACE, get_logger, safe_url
from bridge.edge.log_repeats import Repeated
from bridge.edge.metrics import Metrics

log = get_logger(__name__)

#: OCS's own log messages: id and text for a change, and for a periodic notification (docs: spec, "Log Messages").
CHANGE = 81000, "Sending HTTP status notification CampaignGroupState for Campaign Group %s to %s %s"
PERIODIC = 81001, "Sending periodic HTTP status notification CampaignGroupState for Campaign Group %s to %s %s"
NAME = 2  # of the campaign group, in Facts.names


class Report:
    """`url` is the receiver's; `clock` gives monotonic seconds."""

    def __init__(self, url: str, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._url = safe_url(url)
        self._metrics = metrics
        self._clock = clock
        self._repeated = Repeated()
        self._tracing = log.enabled(TRACE)

    def sending(self, facts: Facts, event_id: str) -> None:
        """A POST is about to begin. The third place of the page's text, which it does not explain, is the event id."""
        if self._tracing:
            number, text = PERIODIC if facts.periodic else CHANGE
            name = facts.names[NAME]
            log.trace("notification_sending", message_id=number, message=text % (name, self._url, event_id))

    def unknown(self, record: Record) -> None:
        """A crash left open whether the notification of this record was posted; it is not posted again."""
        topic, number = record.partition
        log.warning("post_unknown", topic=topic, partition=number, offset=record.offset)

    def sent(self, record: Record, kind: str, group: str, event_id: str, outcome: Outcome, age_seconds: float) -> None:
        """It ended."""
        self._metrics.posted(outcome, age_seconds)
        if outcome.result is not Result.DELIVERED:
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
                topic=record.partition.topic,
                partition=record.partition.number,
                offset=record.offset,
                seconds=round(outcome.seconds, 3),
            )

    def tick(self) -> None:
        """To be called every second or so: writes what the end of a burst of failures left unsaid."""
        self._repeated.tick(self._clock())
