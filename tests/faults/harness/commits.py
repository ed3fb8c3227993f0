"""Every commit of a consumer group, with its time: read from Kafka's own topic of commits, not from the bridge."""

import struct

from faults.harness.history import Committed, Place
from kafka_topics import read_all

from bridge.core.runs import read, read_covered, read_topic

TOPIC = "__consumer_offsets"


def commits_of(bootstrap: str, group: str) -> list[Committed]:
    """In order of time. Those of aborted transactions are no commits; one that was deleted has nothing."""
    options = {"exclude_internal_topics": False, "isolation_level": "read_committed"}
    found = []
    for record in read_all(bootstrap, TOPIC, **options):
        place = _place(record.key, group)
        if place is not None:
            at = record.timestamp / 1000
            found.append(_committed(at, place, record.value) if record.value is not None else Committed(at, place, 0))
    return sorted(found, key=lambda commit: commit.at)


def _place(key: bytes, group: str) -> Place | None:
    """The partition of a commit of this group; None for other groups, and for what is no commit."""
    fields = _Fields(key)
    if fields.number("h") > 1 or fields.text() != group:
        return None
    return Place(fields.text(), fields.number("i"))


def _committed(at: float, place: Place, value: bytes) -> Committed:
    """OffsetCommitValue, versions 1 to 4 (Kafka 2.0 to 4.4)."""
    fields = _Fields(value)
    version = fields.number("h")
    assert version in (1, 2, 3, 4), f"a commit of version {version}"
    offset = fields.number("q")
    if version >= 3:
        fields.number("i")  # the leader's epoch
    metadata = fields.text() if version < 4 else fields.compact_text()
    return Committed(at, place, offset, read(metadata, offset)[0], read_covered(metadata, offset), read_topic(metadata))


class _Fields:
    """Kafka's encoding, field by field."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, form: str) -> int:
        value: int = struct.unpack_from(f">{form}", self._data, self._at)[0]
        self._at += struct.calcsize(f">{form}")
        return value

    def text(self) -> str:
        return self._text(self.number("h"))

    def compact_text(self) -> str:
        """Its length is one more, as an unsigned LEB128."""
        length = shift = 0
        while (byte := self.number("B")) > 127:
            length |= (byte & 127) << shift
            shift += 7
        return self._text((length | byte << shift) - 1)

    def _text(self, length: int) -> str:
        self._at += length
        return self._data[self._at - length : self._at].decode()
