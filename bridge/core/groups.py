"""The table of campaign groups: what is known of each, merged from events in the order of its lane.

1. A merge changes the table only if the whole event is accepted; a refused event leaves no trace.
2. Order is kept per kind of knowledge (names, state, statistics, each calling list) by event time; equal times are
   decided by the offset within a partition. What is older than what is known turns nothing back; an older change is
   still notified, with its own fields, an older report is not. Statistics from before an unload are forgotten for good.
3. Merging the last event of a group again, as after a crash, changes nothing and gives the same facts, or none again.
4. A group lives in one partition number; all that is known of it goes when that number is given up.
5. What changed is dirty until it was saved: `unsaved` hands it out, `put_back` takes it again if that failed.
6. A restored group says nothing (is dormant) while the input has another number of partitions than when it was last
   heard of, until an event shows that it still lives here.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Final

from bridge.core.campaign_group import NOBODY, CampaignGroup
from bridge.core.campaigns.derivation import derive
from bridge.core.campaigns.naming import check, filled, shown
from bridge.core.event import Event
from bridge.core.facts import Facts
from bridge.core.group import Names, Policy, names_of, shared
from bridge.core.merging import before, change, change_facts, measure, older, settle_switches
from bridge.core.record import Record
from bridge.core.stamp import Stamp
from bridge.core.statistics import ratios_above_one
from bridge.core.vocabulary import GroupState, Kind

#: Groups by key; None: forgotten.
Changed = dict[str, CampaignGroup | None]

# Looked up once, as in campaigns/derivation.py.
_STATISTICS: Final = Kind.STATISTICS
_NOT_LOADED: Final = GroupState.NotLoaded
MOST_UNSAVED = 2_000  # changed groups, some 2 MiB as records
RECENT = 16  # ids of events that a group remembers
MOVED = 5  # groups that are named, of those in two partition numbers


class GroupTable:
    """All campaign groups of the partitions that are owned. `saved` false: nothing is kept over restarts."""

    def __init__(self, *, saved: bool = False) -> None:
        self._saved = saved
        self._groups: dict[str, CampaignGroup] = {}
        self._by_number: dict[int, set[str]] = {}
        self._changed: dict[int, Changed] = {}  # by partition number
        self._unsaved = 0  # groups in it
        #: Called when so many have changed that they should be saved now: until then their records lie in memory, all at once.
        self.filling: Callable[[], None] = lambda: None
        self.count = 0  # partitions of the input
        self.split = 0  # times a key was seen in another partition number than before
        self.moved: dict[
            str, tuple[int, int]
        ] = {}  # some of these, with both numbers, for whoever tells and clears them
        self.late = 0  # changes, reports and snapshots older than what was known of their group
        self.unchanged = 0  # reports that said nothing to notify
        self.above_one = 0  # ratios above 1 that were passed on
        self.expired = 0  # groups forgotten after their time to live

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[CampaignGroup]:
        return iter(self._groups.values())

    def get(self, key: str) -> CampaignGroup | None:
        """The group of this key, if it is known."""
        return self._groups.get(key)

    def drop(self, number: int) -> list[str]:
        """Forget the groups of a partition number that was given up; their keys."""
        self.unsaved(number)
        keys = list(self._by_number.pop(number, ()))
        for key in keys:
            del self._groups[key]
        return keys

    def merge(
        self, key: str, event: Event, stamp: Stamp, policy: Policy, row: Names | None = None, now_ms: int = 0
    ) -> Facts | None:
        """Merge an event that is seen at `now_ms`; the facts to notify, or None for statistics and for a report without news.

        `row`: what the directory says of the group. Raises InvalidEvent where a name is missing and the policy is to
        reject, or where a snapshot without a state comes of a group whose state nobody ever said.
        """
        group = self._groups.get(key) or CampaignGroup(key, stamp.partition.number)
        own, known = names_of(event), group.names
        passed = older(stamp, group.named)
        if own == known:  # nearly always, and the event's own texts can go
            told = kept = known
        else:
            told = shared(filled(own, known))
            kept = shared(filled(known, own)) if passed else told
        if event.kind is _STATISTICS:
            if kept is not known or group.shown is NOBODY:
                group.shown = shown(key, kept, row, policy)
            self._keep(group, kept, event, stamp, now_ms, passed=passed)
            measure(group, event, stamp)
            return None
        late = passed if group.changed is group.named else older(stamp, group.changed)
        previous = before(group, stamp)
        state, action = derive(event, previous, late=late)
        names = shown(key, told, row, policy)
        if policy.on_missing is None:
            check(names)
        self._keep(group, kept, event, stamp, now_ms, passed=passed)
        group.shown = names if kept is told else shown(key, kept, row, policy)
        self.late += late
        if not late and state is not None:
            change(group, event, state, action, previous, stamp)
        if state is not _NOT_LOADED:
            measure(group, event, stamp)
        if action is None or state is None:
            self.unchanged += not late
            return None
        return change_facts(group, event, names, state, action, stamp, late=late)

    def includes(self, key: str, record: Record) -> bool:
        """Whether what is known of the group has this record's event in it already."""
        group = self._groups.get(key)
        return group is not None and group.includes(record.partition.topic, record.offset)

    def repeats(self, key: str, name: str) -> bool:
        """Whether an event of this id was done lately in its group."""
        group = self._groups.get(key)
        return group is not None and name in group.recent

    def remember(self, key: str, name: str) -> None:
        """The event of this id is done."""
        group = self._groups.get(key)
        if group is not None:
            group.recent = (*group.recent[1 - RECENT :], name)
            self._touch(group.number, key, group)

    def _keep(
        self, group: CampaignGroup, names: Names, event: Event, stamp: Stamp, now_ms: int, *, passed: bool
    ) -> None:
        """The event is accepted: the group is in the table, in the event's partition number."""
        number = stamp.partition.number
        if group.key not in self._groups:
            self._add(group)
        elif group.number != number:
            self._split(group, number)
            self._leave(group)
            group.number = number
            self._add(group)
        group.names = names
        if not passed:
            group.named = stamp
            settle_switches(group, event)
        group.include(stamp.partition.topic, stamp.offset)
        group.seen_ms = max(now_ms, group.seen_ms)
        group.count, group.dormant = self.count, False
        self._touch(group.number, group.key, group)
        if event.statistics is not None or event.calling_lists:
            self.above_one += ratios_above_one(event)

    def _split(self, group: CampaignGroup, number: int) -> None:
        self.split += 1
        if len(self.moved) < MOVED:
            self.moved[group.key] = group.number, number

    def _add(self, group: CampaignGroup) -> None:
        self._groups[group.key] = group
        self._by_number.setdefault(group.number, set()).add(group.key)

    def _leave(self, group: CampaignGroup) -> None:
        """The group is no longer in its partition number: a restart must not find it there."""
        self._by_number[group.number].discard(group.key)
        self._touch(group.number, group.key, None)

    def _touch(self, number: int, key: str, group: CampaignGroup | None) -> None:
        if not self._saved:
            return
        changed = self._changed.get(number)
        if changed is None:
            changed = self._changed[number] = {}
        if key not in changed:
            self._unsaved += 1
            if self._unsaved == MOST_UNSAVED:
                self.filling()
        changed[key] = group

    # What is kept over restarts

    def unsaved(self, number: int) -> Changed:
        """What changed in this partition number since the last call, by key."""
        changed = self._changed.pop(number, {})
        self._unsaved -= len(changed)
        return changed

    def put_back(self, number: int, changed: Changed) -> None:
        """It was not saved; what changed again meanwhile is newer. Not for a number that was given up."""
        if self._saved:
            newer = self.unsaved(number)
            self._changed[number] = {**changed, **newer}
            self._unsaved += len(self._changed[number])

    def restore(self, groups: Iterable[CampaignGroup], now_ms: int, away_ms: int) -> None:
        """Groups of a partition number that is taken over. Of a key that is known already the later one holds.

        `away_ms`: how long nobody had the number. That time does not count towards the time to live.
        """
        for group in groups:
            known = self._groups.get(group.key)
            if known is not None:
                self._split(known, group.number)
                if known.seen_ms >= group.seen_ms:
                    self._touch(group.number, group.key, None)  # or it came back once the other is forgotten
                    continue
                self._leave(known)
            group.dormant = group.count != self.count
            self._add(group)
            if away_ms and _mortal(group):
                group.seen_ms = min(now_ms, group.seen_ms + away_ms)
                self._touch(group.number, group.key, group)

    def grow(self, count: int) -> bool:
        """The input has this many partitions now; whether that is news. Rule 6 holds for all groups, then."""
        if count == self.count:
            return False
        self.count = count
        for group in self._groups.values():
            group.dormant = group.count != count
        return True

    def expire(self, now_ms: int, ttl_ms: int, but: Container[str]) -> list[str]:
        """Forget groups that are unloaded (or of which no state is known, or dormant) and had no event for `ttl_ms`.

        `but`: keys of groups that have events waiting. The keys of those forgotten are returned.
        """
        gone = [
            group
            for group in self._groups.values()
            if _mortal(group) and group.seen_ms + ttl_ms <= now_ms and group.key not in but
        ]
        for group in gone:
            self._leave(group)
            del self._groups[group.key]
        self.expired += len(gone)
        return [group.key for group in gone]


def _mortal(group: CampaignGroup) -> bool:
    return group.state is None or group.state is _NOT_LOADED or group.dormant
