"""Raw events to notifications without a network: what `ocs-bridge map` does."""

from collections.abc import Iterable, Iterator

import msgspec

from bridge.core.groups import GroupTable
from bridge.core.mapping.mapper import Mapper, Part
from bridge.core.notification import render
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.record import Partition, Record
from bridge.core.style import Style


class Mapped(msgspec.Struct, frozen=True):
    """What became of one line: a notification, or the reason why there is none."""

    line: int
    notification: bytes | None
    note: str = ""
    invalid: bool = False


def map_lines(lines: Iterable[bytes], mapper: Mapper, style: Style, topic: str, timestamp_ms: int) -> Iterator[Mapped]:
    """Each line is the value of a record of `topic`; blank lines are passed over. The table starts empty."""
    table = GroupTable()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            record = Record(Partition(topic, 0), number, timestamp_ms, None, line.rstrip(b"\r\n"))
            yield from _map(number, record, table, mapper, style)


def _map(number: int, record: Record, table: GroupTable, mapper: Mapper, style: Style) -> Iterator[Mapped]:
    try:
        found = mapper.read(record)
    except InvalidEvent as error:
        found = [error]
    for part in found if isinstance(found, list) else [found]:
        yield _one(number, part, table, style)


def _one(number: int, part: Part, table: GroupTable, style: Style) -> Mapped:
    if isinstance(part, InvalidEvent):
        return Mapped(number, None, str(part), invalid=True)
    if isinstance(part, Skip):
        return Mapped(number, None, f"skipped: {part.value}")
    try:
        facts = table.merge(part.key, part.event, part.stamp, part.policy, part.row)
    except InvalidEvent as error:
        return Mapped(number, None, str(error), invalid=True)
    if facts is None:
        return Mapped(number, None, "statistics: merged, told with the group's next notification")
    return Mapped(number, render(facts, style))
