"""Which campaign group an event belongs to, and the id of a notification."""

from hashlib import sha256
from urllib.parse import quote

from bridge.core.arrival import Arrival
from bridge.core.event import Event
from bridge.core.limits import MAX_NAME_CHARACTERS
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.record import Record
from bridge.core.schedule import Due


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


def event_id(cluster_id: str, origin: Record | Due) -> str:
    """The same id for the same record or slot, whoever posts it: what a receiver can recognise a repetition by.

    The record's timestamp stands for the topic's identity: a topic deleted and made again reuses its offsets. A slot is
    told by its group's key (percent-encoded, as the id is a header) and the time it begins.
    """
    if isinstance(origin, Record):
        topic, number = origin.partition
        return f"{cluster_id}/{topic}/{number}/{origin.offset}/{origin.timestamp_ms}"
    return f"{cluster_id}/{quote(origin.key)}/{origin.start_ms}"


def said_id(arrival: Arrival) -> str | None:
    """The platform's own id of an event, percent-encoded, and its number where its record holds several; None: it has none."""
    said = arrival.event.event_id
    return None if said is None else _numbered(_header_safe(said), arrival)


def arrival_id(cluster_id: str, arrival: Arrival) -> str:
    """The id of an event's notification: the platform's own where it says one, else its record's, `…/n` for one of several."""
    said = said_id(arrival)
    return _numbered(event_id(cluster_id, arrival.record), arrival) if said is None else said


def _numbered(base: str, arrival: Arrival) -> str:
    return base if arrival.number < 0 else f"{base}/{arrival.number}"


def _header_safe(said: str) -> str:
    """As a header can carry it; of one that is too long for receivers' limits the SHA-256 tells it apart as well."""
    quoted = quote(said)
    return quoted if len(quoted) <= MAX_NAME_CHARACTERS else sha256(said.encode()).hexdigest()
