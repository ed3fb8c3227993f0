"""An oracle for periodic notifications: what a receiver saw, beside what was written and who owned which partition.

1. No slot of a group is told twice.
2. After the notification of an unload, and before the next load, no slot of the group is told.
3. What a slot tells was written before it, and is the last that was: it may be older by `Limits.behind` seconds, and in the
   first interval after a takeover by `Limits.takeover`. What is told never turns back: no value after a newer one, none
   from before an unload, and none is forgotten.
4. Slots that are missing were due while nobody owned the group's partition, or within one interval after a takeover; or
   their one attempt failed, or they were superseded, and the owner counted that.
5. A group that is loaded is told until the end.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple
from zlib import crc32

import msgspec
from faults.harness.members import Member
from faults.harness.ticking import Arrivals, Tick, Written

AT_ONCE = 1.0  # seconds by which an arrival may be noted late


class Stay(NamedTuple):
    """From when to when somebody read a partition. `killed`: it ended by the member's death, which Kafka learns later."""

    begin: float
    end: float
    killed: bool = False


Owned = dict[int, list[Stay]]  # by partition


class Limits(msgspec.Struct, frozen=True):
    """Of a case. Times in seconds."""

    interval: float
    partitions: int
    behind: float
    takeover: float

    def partition(self, group: str) -> int:
        """Where the traffic writes a group."""
        return int(group[1:]) % self.partitions


class Verdict(msgspec.Struct):
    """`bad`: sentences; none: all is well. `behind`: for how long what each slot told had been replaced, in seconds."""

    bad: list[str]
    behind: list[float]


def judge(seen: Arrivals, written: Written, owned: Owned, limits: Limits) -> Verdict:
    """What is wrong, by the rules but for the last but one."""
    told: dict[str, list[Tick]] = defaultdict(list)
    for tick in seen.ticks:
        told[tick.group].append(tick)
    bad = [*_twice(seen.ticks), *_unloaded(seen, written), *_silent(told, written.loaded, limits)]
    verdict = Verdict(bad, [])
    for group, ticks in told.items():
        begins = sorted(stay.begin for stay in owned[limits.partition(group)])
        _values(verdict, ticks, [(0.0, None), *written.values.get(group, ())], begins, limits)
    return verdict


def _twice(ticks: list[Tick]) -> Iterator[str]:
    for (group, slot), times in Counter((tick.group, tick.slot) for tick in ticks).items():
        if times > 1:
            who = [(tick.member, tick.at - slot) for tick in ticks if (tick.group, tick.slot) == (group, slot)]
            yield f"{group}: the slot of {slot} was told {times} times: {who}"


def _unloaded(seen: Arrivals, written: Written) -> Iterator[str]:
    """A load of which the notification failed, in its one attempt, is known from what was written."""
    for tick in seen.ticks:
        loads = seen.loads.get(tick.group, [])
        at, loaded = loads[bisect_left(loads, (tick.at,)) - 1] if loads and loads[0][0] < tick.at else (0.0, True)
        again = written.loads.get(tick.group, [])
        if not loaded and bisect_left(again, at - AT_ONCE) == bisect_right(again, tick.at):
            yield f"{tick.group}: told {tick.at - at:.3f} s after its unload, by {tick.member}"


def _silent(told: dict[str, list[Tick]], loaded: Collection[str], limits: Limits) -> Iterator[str]:
    end = max((tick.slot for ticks in told.values() for tick in ticks), default=0.0)
    for group in sorted(loaded):
        last = max((tick.slot for tick in told.get(group, ())), default=0.0)
        if last < end - limits.behind:
            yield f"{group}: loaded, and not told in the last {end - last:.1f} s"


def _values(
    verdict: Verdict, ticks: list[Tick], written: list[tuple[float, float | None]], begins: list[float], limits: Limits
) -> None:
    """Of one group, whose ticks are in order of arrival. `begins`: of its owners."""
    places = {value: n for n, (_, value) in enumerate(written)}
    newest = 0
    for tick in ticks:
        place = places.get(tick.value) if tick.value is not None else _nothing(written, newest, tick.at)
        what = f"{tick.group}: told {tick.value}"
        if place is None:
            verdict.bad.append(f"{what}, which nobody wrote, or it was forgotten")
            continue
        if place < newest:
            verdict.bad.append(f"{what} after {written[newest][1]}, by {tick.member}")
        newest = max(place, newest)
        if written[place][0] > tick.at + AT_ONCE:
            verdict.bad.append(f"{what} before it was written")
        old = max(0.0, tick.at - written[place + 1][0]) if place + 1 < len(written) else 0.0
        verdict.behind.append(old)
        since = tick.at - begins[max(0, bisect_right(begins, tick.at) - 1)] if begins else 0.0
        if old > (limits.takeover if since < limits.interval + limits.behind else limits.behind):
            verdict.bad.append(
                f"{what}, replaced {old:.1f} s before, by {tick.member} {since:.1f} s after its takeover"
            )


def _nothing(written: list[tuple[float, float | None]], newest: int, at: float) -> int | None:
    """Where it was last known that there is no value, before `at` and not before what was told already."""
    known = bisect_right(written, at + AT_ONCE, key=lambda one: one[0])
    return max((n for n in range(newest, known) if written[n][1] is None), default=None)


class Why(StrEnum):
    """What the partition of a group did when a slot was due that nobody told."""

    DEAD = "its owner was killed, and nobody has it since"
    MOVING = "it moved: it was drained, assigned, restored"
    TAKEN = "it was taken over less than an interval before"
    OWNED = "it had an owner, which must have counted a reason"


class Missed(msgspec.Struct):
    """Slots of loaded groups that were not told."""

    counts: Counter[Why] = msgspec.field(default_factory=Counter)
    longest: dict[Why, int] = {}  # slots in a row
    owned: list[str] = []


def owners(members: Iterable[Member], killed: dict[str, float], end: float) -> Owned:
    """When each partition was read by somebody: from its start to its revoke, loss, stop, the member's death or the end."""
    found: Owned = defaultdict(list)
    for member in members:
        since: dict[int, float] = {}
        for line in member.lines():
            at = datetime.fromisoformat(line["timestamp"]).timestamp() if "timestamp" in line else 0.0
            if line["event"] == "partition_starts":
                since[line["partition"]] = at
            elif line["event"] in ("partitions_revoked", "partitions_lost"):
                for number in [int(name.rsplit("-", 1)[1]) for name in line["partitions"]]:
                    if number in since:
                        found[number].append(Stay(since.pop(number), at))
            elif line["event"] == "stopping":
                for number in list(since):
                    found[number].append(Stay(since.pop(number), at))
        for number, begin in since.items():
            found[number].append(Stay(begin, killed.get(member.name, end), member.name in killed))
    return found


def missed(seen: Arrivals, written: Written, owned: Owned, limits: Limits) -> Missed:
    """Of groups that were loaded from one slot that was told to the next."""
    interval = limits.interval
    by_group: dict[str, list[float]] = defaultdict(list)
    for tick in seen.ticks:
        by_group[tick.group].append(tick.slot)
    found = Missed()
    for group, slots in by_group.items():
        changes = [at for at, _ in seen.loads.get(group, ())] + written.loads.get(group, [])
        changes += [at for at, value in written.values.get(group, ()) if value is None]
        spread = crc32(group.encode()) % round(interval * 1000) / 1000
        for a, b in pairwise(sorted(slots)):
            if any(a < at < b + 2 * interval for at in changes):
                continue  # unloaded meanwhile, or its interval began anew
            dues = [a + n * interval + spread for n in range(1, round((b - a) / interval))]
            reasons = [_why(due, owned[limits.partition(group)], interval) for due in dues]
            found.owned += [
                f"{group}: due {due:.3f}" for due, why in zip(dues, reasons, strict=True) if why is Why.OWNED
            ]
            found.counts.update(reasons)
            for why, count in Counter(reasons).items():
                found.longest[why] = max(count, found.longest.get(why, 0))
    return found


def _why(due: float, stays: list[Stay], interval: float) -> Why:
    here = [stay.begin for stay in stays if stay.begin <= due < stay.end - AT_ONCE / 2]  # on its way at the end
    if here:
        return Why.TAKEN if due < max(here) + interval else Why.OWNED
    before = max((stay for stay in stays if stay.begin <= due), key=attrgetter("end"), default=None)
    return Why.DEAD if before is not None and before.killed else Why.MOVING
