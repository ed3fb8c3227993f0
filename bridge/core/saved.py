"""A campaign group as a record of the state topic: versioned JSON that a person can read (docs/state.md).

1. What `save` writes, `load` reads back as the same group, but for `dormant`.
2. Of a record that a newer version wrote, what is known here is used; the rest stays with the group and is written
   back under that version.
3. What is no such record is refused as a whole: BadState, and nothing else.
4. What `save` writes is no larger than what Kafka takes: of a group of thousands of calling lists those heard of longest
   ago are left out. Only a profile's own text for a missing name, which has no limit, can make it larger.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

import msgspec
from msgspec import Raw

from bridge.core.campaign_group import NOTHING, CampaignGroup
from bridge.core.event import NAMES
from bridge.core.group import EMPTY, KnownList, names_of, shared
from bridge.core.record import Partition
from bridge.core.saved_format import NOBODY, At, Group, Said
from bridge.core.stamp import Stamp

VERSION = 1
MAX_BYTES = 960 * 1024  # Kafka takes 1 MiB by default, with the key; a group of 1,000 calling lists has some 200 KiB
MAX_EXTRA = 256 * 1024  # bytes of a newer version's fields, so that the record can always be written back


class StateRecord(NamedTuple):
    """What is written to a partition of the state topic; no value: the group is forgotten (a tombstone)."""

    number: int
    key: bytes
    value: bytes | None


class Restored(msgspec.Struct):
    """What a partition of the state topic holds: groups, from so many records, of which `bad` were none of ours."""

    groups: list[CampaignGroup]
    records: int
    bad: int
    seconds: float


class BadState(Exception):
    """A record of the state topic that is no campaign group; the text says why."""


_KNOWN = frozenset(Group.__struct_fields__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Group, strict=True).decode
_decode_all = msgspec.json.Decoder(dict[str, Raw]).decode


def save(group: CampaignGroup) -> bytes:
    """The value of the group's record."""
    lists = group.calling_lists
    value = _value(group, lists.values())
    while len(value) > MAX_BYTES and lists:
        newest = sorted(lists.values(), key=_heard_of, reverse=True)[: len(lists) // 2]
        lists = {known.values.name: known for known in newest}
        value = _value(group, newest)
    return value


def _heard_of(known: KnownList) -> int:
    return known.stamp.time_ms


def _value(group: CampaignGroup, lists: Collection[KnownList]) -> bytes:
    value = _encode(
        Group(
            v=group.version,
            names=Said(*group.names) if any(group.names) else NOBODY,
            shown=_shown(group) if group.shown != group.names else {},
            state=group.state,
            state_name=group.state.name if group.state is not None else None,
            dial_mode=group.dial_mode,
            optimize_by=group.optimize_by,
            optimize_goal=group.optimize_goal,
            before=group.previous if group.previous != NOTHING else None,
            statistics=group.statistics,
            calling_lists=[known.values for known in lists],
            lists_at=_lists_at(group.measured, lists),
            named_at=_at(group.named),
            changed_at=_at(group.changed),
            measured_at=_at(group.measured),
            unloaded_at=_at(group.unloaded),
            interval=group.interval,
            enabled=group.enabled,
            seen_ms=group.seen_ms,
            included=group.included,
            partitions=group.count,
            recent=group.recent,
            action=group.action,
        )
    )
    if not group.extra:
        return value
    return _encode({**_decode_all(value), **group.extra})


def _lists_at(measured: Stamp | None, lists: Collection[KnownList]) -> list[At | None]:
    found = [_at(known.stamp) if known.stamp != measured else None for known in lists]
    return found if any(found) else []


def load(key: bytes, value: bytes, number: int) -> CampaignGroup:
    """The group that a record of partition `number` holds. BadState."""
    if not key:
        raise BadState("no key")
    if len(value) > MAX_BYTES:
        raise BadState(f"{len(value)} bytes, {MAX_BYTES} at most")
    try:
        text, saved = key.decode(), _decode(value)
        extra = _extra(value) if saved.v > VERSION else EMPTY
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise BadState(str(error)) from None
    if extra and sum(len(name) + len(bytes(raw)) for name, raw in extra.items()) > MAX_EXTRA:
        raise BadState(f"more than {MAX_EXTRA} bytes of fields that are not known here")
    return _group(text, saved, number, extra)


def _group(key: str, saved: Group, number: int, extra: Mapping[str, Raw]) -> CampaignGroup:
    names = shared(names_of(saved.names))
    shown = saved.shown
    named = _stamp(saved.named_at)  # one object where it is the same event: a third less to keep of many groups
    measured = named if saved.measured_at == saved.named_at else _stamp(saved.measured_at)
    (topic, after), elsewhere = _included(saved.included)
    return CampaignGroup(  # by position: by name, a sixth of what a restore takes were the names
        key,
        number,
        names,
        tuple(shown.get(n, own) for n, own in zip(NAMES, names, strict=True)) if shown else names,
        named,
        saved.state,
        saved.dial_mode,
        saved.optimize_by,
        saved.optimize_goal,
        named if saved.changed_at == saved.named_at else _stamp(saved.changed_at),
        saved.before or NOTHING,
        saved.statistics,
        measured,
        _known_lists(saved, measured) if saved.calling_lists else EMPTY,
        _stamp(saved.unloaded_at),
        saved.interval,
        saved.enabled,
        saved.seen_ms,
        topic,
        after,
        elsewhere,
        saved.partitions,
        False,
        saved.v,
        extra,
        saved.recent,
        saved.action,
    )


def _included(by_topic: dict[str, int]) -> tuple[tuple[str | None, int], Mapping[str, int]]:
    """The first topic with its offset, and the others, which are rare."""
    if not by_topic:
        return (None, 0), EMPTY
    first, *others = by_topic.items()
    return first, dict(others) if others else EMPTY


def _known_lists(saved: Group, measured: Stamp | None) -> dict[str, KnownList]:
    """By name. BadState: it is not known when one was heard of."""
    if measured is not None and not saved.lists_at:
        return {values.name: KnownList(values, measured) for values in saved.calling_lists}
    known = {}
    for values, at in zip_longest(saved.calling_lists, saved.lists_at):
        stamp = _stamp(at) or measured
        if stamp is None or values is None:
            raise BadState("calling lists and their events do not fit: see `lists_at` and `measured_at`")
        known[values.name] = KnownList(values, stamp)
    return known


def _shown(group: CampaignGroup) -> dict[str, str | None]:
    return {n: text for n, text, own in zip(NAMES, group.shown, group.names, strict=True) if text != own}


def _extra(value: bytes) -> dict[str, Raw]:
    """The fields that are not known here, as they stand. Copied: a Raw holds on to the whole record."""
    value.decode()  # nobody else looks into them
    return {name: Raw(bytes(raw)) for name, raw in _decode_all(value).items() if name not in _KNOWN}


def _at(stamp: Stamp | None) -> At | None:
    return At(stamp.time_ms, stamp.partition.topic, stamp.partition.number, stamp.offset) if stamp is not None else None


def _stamp(at: At | None) -> Stamp | None:
    return Stamp(at.ms, _partition(at.topic, at.partition), at.offset) if at is not None else None


@lru_cache(maxsize=4096)
def _partition(topic: str, number: int) -> Partition:
    """One object for all groups of a partition."""
    return Partition(topic, number)
