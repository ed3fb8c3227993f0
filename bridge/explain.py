"""One record of the input, looked up: what it is, what is committed of it, what the outcome topic has of it."""

import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from bridge.app import mapper
from bridge.core.arrival import Arrival
from bridge.core.campaigns.derivation import is_report
from bridge.core.explanation import Explanation, Mapped, Search, moment, standing
from bridge.core.fate import Fate
from bridge.core.groups import GroupTable
from bridge.core.mapping.mapper import Mapper
from bridge.core.outcome import InvalidEvent, Skip, Unavailable
from bridge.core.record import Partition, Record
from bridge.core.start import Log
from bridge.core.vocabulary import Kind
from bridge.edge.files import DirectoryFile
from bridge.edge.lookup import Lookup, partition_of
from bridge.settings import Settings

#: What the clock of the record's producer may be ahead of the bridge's: outcomes are looked for from so much earlier.
EARLIER_MS = 300_000
#: Time after an outcome in which another of the same record is looked for. A crash makes a bridge repeat as soon as
#: somebody takes its partitions over.
LATER = timedelta(hours=1)


class NoSuchRecord(Exception):
    """There is no such record, and never was; the text says what there is."""


def explain(settings: Settings, place: Partition, offset: int, seconds: float) -> Explanation:
    """`seconds`: how long the outcome topic is searched at most.

    NoSuchRecord, Unreachable, Unavailable; UnusableFile, ProfileError, DirectoryError of the mapping's files.
    """
    directory = DirectoryFile(settings.mapping.directory_file) if settings.mapping.directory_file else None
    reads = mapper(settings.mapping, directory)
    with Lookup(settings.kafka) as lookup:
        log = _log(lookup, place, offset)
        record = lookup.record(place, offset) if offset >= log.earliest else None
        mapped = map_one(reads, record) if record else None
        commit = lookup.commit(place)
        wanted = _Wanted(place, offset, record, mapped)
        found = _search(lookup, settings.delivery.outcome_topic, wanted, seconds)
    return Explanation(
        topic=place.topic,
        partition=place.number,
        offset=offset,
        time=None if record is None or record.timestamp_ms < 0 else _utc(record.timestamp_ms),
        missing=None if record else _missing(offset, log),
        mapped=mapped,
        group_id=settings.kafka.group_id,
        committed=commit.offset if commit else None,
        standing=standing(commit, offset),
        search=found,
    )


def _log(lookup: Lookup, place: Partition, offset: int) -> Log:
    count = lookup.partitions(place.topic)
    if count == 0:
        raise NoSuchRecord(f"there is no topic {place.topic}, or the bridge's user may not read it")
    if place.number >= count:
        raise NoSuchRecord(f"topic {place.topic} has the partitions 0 to {count - 1}, no {place.number}")
    log = lookup.log(place)
    if offset >= log.latest:
        raise NoSuchRecord(f"{place.topic}-{place.number} ends before offset {log.latest}: {offset} is not written yet")
    return log


def _missing(offset: int, log: Log) -> str:
    if offset < log.earliest:
        return f"expired: the partition begins at offset {log.earliest} now"
    return "no record at this offset: compacted, aborted, or the marker of a transaction"


def _utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def map_one(reads: Mapper, record: Record) -> Mapped:
    """What `ocs-bridge map` would say of it; of a record with several events, of the first."""
    try:
        found = reads.read(record)
    except InvalidEvent as error:
        return Mapped(invalid=str(error))
    parts = found if isinstance(found, list) else [found]
    first = next((part for part in parts if isinstance(part, Arrival)), parts[0])
    if isinstance(first, InvalidEvent):
        return Mapped(invalid=str(first))
    if isinstance(first, Skip):
        return Mapped(skipped=first.value)
    alone = None
    try:
        GroupTable().merge(first.key, first.event, first.stamp, first.policy, first.row)
    except InvalidEvent as error:
        alone = str(error)
    kind = Kind.REPORT if is_report(first.event) else first.event.kind
    return Mapped(kind=kind.value, campaign_group=first.key, alone=alone)


class _Wanted:
    """Which fates are looked for, and where. Without the record itself it is not known when it was, nor whose."""

    def __init__(self, place: Partition, offset: int, record: Record | None, mapped: Mapped | None) -> None:
        self._place = place
        self._offset = offset
        self._record = record
        group = mapped.campaign_group if mapped else None
        self._keys = [key for key in (group.encode() if group else None, record.key if record else None) if key]

    def matches(self, fate: Fate) -> bool:
        if self._record is not None:
            return fate.of(self._record)
        return fate.at(self._place.topic, self._place.number, self._offset)

    @property
    def since_ms(self) -> int:
        """No fate of it is older."""
        if self._record is None or self._record.timestamp_ms < 0:
            return 0
        return max(0, min(self._record.timestamp_ms, round(time.time() * 1000)) - EARLIER_MS)

    def where(self, count: int) -> list[Collection[int]]:
        """The partitions of its keys; then the others, as mapping, or their number, may have been different then."""
        likely = {partition_of(key, count) for key in self._keys}
        return [numbers for numbers in (likely, set(range(count)) - likely) if numbers]


def _search(lookup: Lookup, topic: str | None, wanted: _Wanted, seconds: float) -> Search:
    fates: list[Fate] = []
    if topic is None:
        return Search(topic=None)
    try:
        count = lookup.partitions(topic)
        if not count:
            return Search(topic=topic, problem=f"there is no topic {topic}, or the bridge's user may not read it")
        deadline = time.monotonic() + seconds
        for numbers in wanted.where(count):
            problem = _read(lookup, topic, numbers, wanted, deadline, fates)
            if fates or problem:
                return Search(topic=topic, problem=problem, fates=fates)
    except Unavailable as error:
        return Search(topic=topic, problem=str(error), fates=fates)
    return Search(topic=topic)


def _read(
    lookup: Lookup, topic: str, numbers: Collection[int], wanted: _Wanted, deadline: float, fates: list[Fate]
) -> str | None:
    """Add what is found to `fates`. What kept it from looking at everything, if anything did."""
    last: datetime | None = None
    for batch in lookup.fates(topic, numbers, wanted.since_ms):
        fates += filter(wanted.matches, batch)
        last = batch[-1].time if batch else last
        if fates and last and last > fates[-1].time + LATER:
            return None
        if time.monotonic() > deadline:
            return f"{topic} was searched up to {moment(last) if last else 'its first records'} only: no time for more"
    return None
