"""Records to notifications without a network: what `ocs-bridge map` and `ocs-bridge profiles test` do."""

import json
import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from bridge.core.arrival import Arrival
from bridge.core.groups import GroupTable
from bridge.core.mapping.mapper import Mapper, Part
from bridge.core.notification import render
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.paths import Input
from bridge.core.record import Record
from bridge.core.statistics import ratios_above_one
from bridge.core.style import Style
from bridge.core.vocabulary import Kind

_PLAIN = re.compile(r"[^.:\[\]'\"\s]+")


class Mapped(msgspec.Struct, frozen=True):
    """What became of one record: a notification, or the reason why there is none.

    `outcome`: notified, merged (statistics), unchanged (a report of what is known), skipped or invalid; `reason` says why
    it was skipped or invalid.
    """

    outcome: str
    notification: bytes | None = None
    reason: str = ""
    field: str = ""
    note: str = ""
    warnings: tuple[str, ...] = ()

    def expected(self) -> dict[str, object]:
        """As notification.json or result.json of a golden case has it."""
        if self.notification is not None:
            notification: dict[str, object] = json.loads(self.notification)
            return notification
        if self.outcome == "skipped":
            return {"skip": self.reason}
        return {"invalid": self.reason, "field": self.field} if self.outcome == "invalid" else {"absorbed": True}


class Offline:
    """A bridge without a network. It knows no campaign group at the start; records are given in their order."""

    def __init__(self, mapper: Mapper, style: Style) -> None:
        self.outcomes: Counter[str] = Counter()
        self.reasons: dict[str, Counter[str]] = {"skipped": Counter(), "invalid": Counter()}
        self._mapper = mapper
        self._style = style
        self._table = GroupTable()

    def map(self, record: Record) -> list[Mapped]:
        """What becomes of a record, of each of its events if its profile takes several from one. Never raises."""
        try:
            found = self._mapper.read(record)
        except InvalidEvent as error:
            found = [error]
        mapped = [self._one(part) for part in (found if isinstance(found, list) else [found])]
        for one in mapped:
            self._count(one)
        return mapped

    def unread(self, record: Record) -> list[str]:
        """Members of a record, one that is an event, that its profile names no path to, as paths."""
        profile = self._mapper.profile(record.partition.topic)
        opened = profile.opening.open(record, record.value or b"")
        inputs = opened if isinstance(opened, list) else [opened]
        trees = [given.tree for given in inputs if isinstance(given, Input)]
        members = dict.fromkeys(names for tree in trees for names in _members(tree, ()))
        return [shown(names) for names in members if not _is_named(names, profile.paths)]

    def unreadable(self, note: str) -> Mapped:
        """Of what was to be a record and is none."""
        mapped = Mapped("invalid", reason="no_record", note=f"no_record: {note}")
        self._count(mapped)
        return mapped

    def summary(self) -> str:
        """How many records came to which end."""
        ends = []
        for outcome in ("notified", "merged", "unchanged", "skipped", "invalid"):
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.get(outcome, {}).items()))
            ends.append(f"{self.outcomes[outcome]} {outcome}{f' ({reasons})' if reasons else ''}")
        count = self.outcomes.total()
        return f"{count} {'record' if count == 1 else 'records'}: {', '.join(ends)}"

    def _count(self, mapped: Mapped) -> None:
        self.outcomes[mapped.outcome] += 1
        if mapped.reason:
            self.reasons[mapped.outcome][mapped.reason] += 1

    def _one(self, part: Part) -> Mapped:
        if isinstance(part, Skip):
            return Mapped("skipped", reason=part.value)
        try:
            if isinstance(part, InvalidEvent):
                raise part
            return self._merge(part)
        except InvalidEvent as error:
            return Mapped("invalid", reason=error.reason.value, field=error.field, note=str(error))

    def _merge(self, arrival: Arrival) -> Mapped:
        event = arrival.event
        facts = self._table.merge(arrival.key, event, arrival.stamp, arrival.policy, arrival.row)
        warnings = _warnings(arrival) + tuple(f"{field} is left out: {reason.value}" for field, reason in event.ignored)
        if facts is not None:
            return Mapped("notified", render(facts, self._style), warnings=warnings)
        if event.kind is Kind.STATISTICS:
            return Mapped("merged", note="statistics are sent with the group's next notification", warnings=warnings)
        return Mapped("unchanged", note="nothing that is newer than what is known of the group", warnings=warnings)


def _members(node: object, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The names that lead to each value in a JSON tree, whatever the places in arrays are."""
    if isinstance(node, dict) and node:
        for name, value in node.items():
            yield from _members(value, (*names, name))
    elif isinstance(node, list) and node:
        for item in node:
            yield from _members(item, names)
    else:
        yield names


def _is_named(names: tuple[str, ...], paths: frozenset[tuple[str, ...]]) -> bool:
    """Whether a path leads to it or further, or takes a whole in which it is."""
    if any(path[: len(names)] == names for path in paths):
        return True
    wholes = [path for path in paths if path and names[: len(path)] == path]
    longest = max(wholes, key=len, default=())
    return bool(longest) and not any(len(path) > len(longest) and path[: len(longest)] == longest for path in paths)


def shown(names: tuple[str, ...]) -> str:
    """Names as a path of a profile."""
    steps = [f".{name}" if _PLAIN.fullmatch(name) else f"['{name}']" for name in names]
    return "".join(steps).removeprefix(".")


def _warnings(arrival: Arrival) -> tuple[str, ...]:
    event, found = arrival.event, []
    if ratios_above_one(event):
        found.append("a ratio is above 1: ratios are fractions, 0.85 is 85 %")
    says = (event.statistics, event.calling_lists, event.notification_interval, event.notifications_enabled)
    if event.kind is Kind.STATISTICS and all(said is None for said in says):
        found.append("an event of statistics has no statistics that the profile reads")
    return tuple(found)
