"""What became of a record, or of a slot, as the outcome topic tells it: one JSON object with all fields always there.

Fields may be added, so readers pass over what they do not know; none changes its meaning.
"""

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Record
from bridge.core.schedule import Due

MAX_DETAIL = 500  # characters of an exception's text


class Ending(StrEnum):
    """How a record ends that is not posted: the values of `Fate.outcome` beside those of `Result`."""

    QUARANTINED = "quarantined"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"  # at_most_once: a crash left open whether it was posted; it is not posted again


class Author(msgspec.Struct, frozen=True):
    """Which bridge: `kafka.client_id`, its host (in Kubernetes the pod), its version."""

    client_id: str
    host: str
    version: str


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """`time`: when it ended, by the bridge's clock. Times are UTC; null: does not apply, or is not known.

    `kind`: change or periodic, of what is posted. `campaign_group`: its key. Of a periodic notification there is the
    start of its `slot` instead of a record's place. `seconds` and `status` are the POST's.
    """

    event_id: str
    kind: str | None = None
    campaign_group: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    slot: datetime | None = None
    outcome: str
    reason: str
    status: int | None = None
    seconds: float | None = None
    detail: str = ""
    time: datetime
    bridge: Author

    def at(self, topic: str, partition: int, offset: int) -> bool:
        """Whether it is of a record at this place."""
        return (self.offset, self.partition, self.topic) == (offset, partition, topic)

    def of(self, record: Record) -> bool:
        """Whether it is of this very record, not of one in an older topic of the same name: an event id ends in the
        record's timestamp.
        """
        place = (record.partition.topic, record.partition.number, record.offset)
        return self.at(*place) and self.event_id.endswith(f"/{record.timestamp_ms}")


def posted(
    origin: Record | Due, kind: str, group: str, event_id: str, outcome: Outcome, wall: float, bridge: Author
) -> Fate:
    """A POST's; `wall`: its end in seconds since the epoch."""
    slot = origin if isinstance(origin, Due) else None
    record = origin if isinstance(origin, Record) else None
    return Fate(
        event_id=event_id,
        kind=kind,
        campaign_group=group,
        topic=record.partition.topic if record else None,
        partition=record.partition.number if record else None,
        offset=record.offset if record else None,
        slot=_utc(slot.start_ms / 1000) if slot else None,
        outcome=outcome.result.value,
        reason=outcome.reason.value,
        status=outcome.status,
        seconds=round(outcome.seconds, 6),
        detail=outcome.detail[:MAX_DETAIL],
        time=_utc(wall),
        bridge=bridge,
    )


def quarantined(record: Record, event_id: str, error: InvalidEvent, wall: float, bridge: Author) -> Fate:
    """A record's that is no event."""
    detail = ": ".join(filter(None, (error.field, error.detail)))
    return _not_posted(record, event_id, Ending.QUARANTINED, error.reason.value, wall, bridge, detail=detail)


def skipped(record: Record, event_id: str, group: str, why: Skip, wall: float, bridge: Author) -> Fate:
    """An event's that was merged and not posted."""
    return _not_posted(record, event_id, Ending.SKIPPED, why.value, wall, bridge, group=group)


def unknown(record: Record, event_id: str, wall: float, bridge: Author) -> Fate:
    """A record's whose POST may have begun before a crash."""
    return _not_posted(record, event_id, Ending.UNKNOWN, "crash", wall, bridge)


def _not_posted(
    record: Record,
    event_id: str,
    ending: Ending,
    reason: str,
    wall: float,
    bridge: Author,
    *,
    group: str | None = None,
    detail: str = "",
) -> Fate:
    return Fate(
        event_id=event_id,
        campaign_group=group,
        topic=record.partition.topic,
        partition=record.partition.number,
        offset=record.offset,
        outcome=ending.value,
        reason=reason,
        detail=detail[:MAX_DETAIL],
        time=_utc(wall),
        bridge=bridge,
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
