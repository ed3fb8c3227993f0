"""Which campaign group an event belongs to, and the id of a notification."""

from bridge.core.event import Event
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.record import Record


def group_key(event: Event, fields: tuple[str, ...]) -> str:
    """`tenant/id`, or `id` where the profile's key names no tenant.

    `fields` are names of the event's fields; a tenant may be missing (empty text), the campaign group's id may not:
    InvalidEvent. A `/` inside a part is written %2F, so that no two groups share a key.
    """
    parts = []
    for field in fields:
        text: str | None = getattr(event, field)
        if text is None:
            if not field.startswith("tenant_"):
                raise InvalidEvent(Invalid.MISSING_FIELD, field, "the group can't be told without it")
            text = ""
        parts.append(text.replace("%", "%25").replace("/", "%2F") if "/" in text or "%" in text else text)
    return "/".join(parts)


def event_id(cluster_id: str, record: Record) -> str:
    """The same id for the same record, whoever posts it: what a receiver can recognise a repetition by.

    The record's timestamp stands for the topic's identity: a topic deleted and made again reuses its offsets.
    """
    topic, number = record.partition
    return f"{cluster_id}/{topic}/{number}/{record.offset}/{record.timestamp_ms}"
