"""Judges a history: what was lost, repeated or out of order, and whether the mode allows it. Pure.

1. An event is lost if nobody ever began to post it, and Kafka did not lose it first.
2. A repetition is excused only if whoever posted before was killed, or lost the partition, after it began and before
   the repetition; and no commit had the record by then: so it began after the last good checkpoint.
3. Order is that of first arrivals, per campaign group; but a POST that its sender gave up may arrive at any time after.
4. at_least_once: no commit has a record before its POST began. at_most_once: a commit has it before its POST arrives.
5. In each scrape the counters balance; those of a member that ended in order agree with what its receiver saw.
"""

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import msgspec
from faults.harness.balance import unbalanced
from faults.harness.history import Attempt, Committed, Excuse, History, Mode, Place, Produced, last_of

#: Seconds by which an arrival may be noted late: it lay in a socket while its sender was killed.
LATE = 1.0
#: What is wrong, whatever the mode allows.
NEVER = (
    "repeated_by_living_owner",
    "repeated_after_commit",
    "out_of_order",
    "premature",
    "uncovered",
    "backwards",
    "strange",
)


class Verdict(msgspec.Struct, frozen=True):
    """Ids by what is wrong with them, and sentences about counters."""

    lost: list[str]
    lost_allowed: int  # at_most_once: those that the bridge itself counts as unknown
    repeated: list[str]
    repeats_allowed: bool
    repeated_by_living_owner: list[str]
    repeated_after_commit: list[str]
    out_of_order: list[str]
    premature: list[str]  # committed before the POST began
    uncovered: list[str]  # arrived before a commit had it
    backwards: list[str]  # commits below an earlier one of their partition, or without what that had as done
    strange: list[str]  # never produced, or another event's body
    unbalanced: list[str]

    @property
    def bad(self) -> list[str]:
        """What must not be, one sentence each; empty: all is well."""
        found = [_sentence(name, getattr(self, name)) for name in NEVER if getattr(self, name)]
        if len(self.lost) > self.lost_allowed:
            found.append(f"{_sentence('lost', self.lost)}; allowed: {self.lost_allowed}")
        if self.repeated and not self.repeats_allowed:
            found.append(_sentence("repeated", self.repeated))
        return found + self.unbalanced


def judge(history: History) -> Verdict:
    """The verdict."""
    produced = {event.id: event for event in history.produced}
    tries = attempts_of(history.attempts)
    commits = _by_place(history.commits)
    had_at = {i: at for place in commits for i, at in _first_had(place, history.produced, commits[place]).items()}
    again = [(a, b) for found in tries.values() for a, b in itertools.pairwise(found)]
    once = history.mode is Mode.AT_MOST_ONCE
    return Verdict(
        lost=sorted(produced.keys() - tries.keys() - history.lost_by_kafka),
        lost_allowed=_unknown(history) if once and history.excuses else 0,
        repeated=_ids(b for _, b in again),
        repeats_allowed=not once,
        repeated_by_living_owner=_ids(b for a, b in again if not _excused(a, b, history.excuses)),
        repeated_after_commit=_ids(b for _, b in again if b.id in produced and _had(commits, produced[b.id], b.at)),
        out_of_order=_out_of_order(history.attempts, history.given_up),
        premature=[] if once else _premature(history.attempts, had_at),
        uncovered=_uncovered(history.attempts, had_at) if once else [],
        backwards=_backwards(commits, history.produced),
        strange=_ids(a for a in history.attempts if _is_strange(a, produced.get(a.id))),
        unbalanced=unbalanced(history),
    )


def _unknown(history: History) -> int:
    """POSTs that a kill or a loss left open: what the bridges themselves counted, or told in their logs.

    A member that is killed right after its start has counted what nobody scraped any more, but its log has it.
    """
    counted = sum(one.unknown for one in last_of(history.counts).values())
    return max(counted, len(history.told_unknown))


def attempts_of(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    """Attempts by id, in order of time. Of a member's arrivals and its own journal the longer list tells: it may have
    begun what never arrived, and its last lines may have died with it.
    """
    split: dict[tuple[str, str], tuple[list[Attempt], list[Attempt]]] = defaultdict(lambda: ([], []))
    for attempt in attempts:
        split[attempt.id, attempt.member][attempt.seen].append(attempt)
    found: dict[str, list[Attempt]] = defaultdict(list)
    for (identity, _), (begun, seen) in split.items():
        found[identity] += begun if len(begun) > len(seen) else seen
    return {identity: sorted(tries, key=lambda attempt: attempt.at) for identity, tries in found.items()}


def _excused(first: Attempt, second: Attempt, excuses: Iterable[Excuse]) -> bool:
    return any(
        excuse.member == first.member and first.at <= excuse.until + LATE and excuse.since <= second.at
        for excuse in excuses
    )


def _by_place(commits: Iterable[Committed]) -> dict[Place, list[Committed]]:
    found: dict[Place, list[Committed]] = defaultdict(list)
    for commit in sorted(commits, key=lambda one: one.at):
        found[commit.place].append(commit)
    return found


def _had(commits: Mapping[Place, list[Committed]], event: Produced, at: float) -> bool:
    """Whether the last commit before `at` had the event."""
    before = [commit for commit in commits.get(event.place, ()) if _may_have(commit, event) and commit.at < at]
    return bool(before) and before[-1].has(event.offset)


def _first_had(place: Place, produced: Iterable[Produced], commits: Iterable[Committed]) -> dict[str, float]:
    """When a commit had each event of a partition for the first time."""
    waiting = sorted((event for event in produced if event.place == place), key=_offset)
    found: dict[str, float] = {}
    for commit in commits:
        for first, after in (*commit.runs, *commit.covered, (0, commit.offset)):
            low, high = bisect_left(waiting, first, key=_offset), bisect_left(waiting, after, key=_offset)
            had = waiting[low:high]
            found.update((one.id, commit.at) for one in had if _may_have(commit, one))
            waiting[low:high] = [one for one in had if not _may_have(commit, one)]
    return found


def _may_have(commit: Committed, event: Produced) -> bool:
    """False: it was written later, or to a topic that was made again."""
    return event.at <= commit.at and commit.is_of(event)


def _offset(event: Produced) -> int:
    return event.offset


def _out_of_order(attempts: Iterable[Attempt], given_up: AbstractSet[str]) -> list[str]:
    """First arrivals that came after a later event of their group."""
    found: list[str] = []
    seen: set[str] = set()
    highest: dict[str, int] = {}
    for attempt in sorted((a for a in attempts if a.seen and a.group), key=lambda a: a.at):
        if attempt.id in seen:
            continue
        seen.add(attempt.id)
        before = highest.get(attempt.group, -1)
        if attempt.sequence < before and attempt.id not in given_up:
            found.append(attempt.id)
        highest[attempt.group] = max(attempt.sequence, before)
    return found


def _premature(attempts: Iterable[Attempt], had_at: Mapping[str, float]) -> list[str]:
    begun: dict[str, float] = {}
    for attempt in attempts:
        begun[attempt.id] = min(attempt.at, begun.get(attempt.id, attempt.at))
    return sorted(i for i, at in begun.items() if had_at.get(i, at) < at)


def _uncovered(attempts: Iterable[Attempt], had_at: Mapping[str, float]) -> list[str]:
    return _ids(a for a in attempts if a.seen and had_at.get(a.id, float("inf")) > a.at)


def _backwards(commits: Mapping[Place, list[Committed]], produced: Iterable[Produced]) -> list[str]:
    """Whoever wrote them was not the partition's owner any more, or did not look at what the commit before said was done.

    A deleted commit (offset 0) begins anew.
    """
    written: dict[Place, list[int]] = defaultdict(list)
    for event in sorted(produced, key=lambda one: one.offset):
        written[event.place].append(event.offset)
    found = []
    for place, of_place in commits.items():
        for before, after in itertools.pairwise(of_place):
            if before.topic_id and after.topic_id not in ("", before.topic_id):
                continue
            if 0 < after.offset < before.offset:
                found.append(f"{place.topic}/{place.number} from {before.offset} to {after.offset}")
            elif after.offset and (forgotten := _forgotten(before, after, written[place])):
                found.append(f"{place.topic}/{place.number} forgets {len(forgotten)} such as {forgotten[0]}")
    return found


def _forgotten(before: Committed, after: Committed, written: list[int]) -> list[int]:
    """Offsets of events that the commit before had beyond its own offset, and the one after has not."""
    runs = [written[bisect_left(written, first) : bisect_left(written, end)] for first, end in before.runs]
    return [offset for run in runs for offset in run if not after.has(offset)]


def _is_strange(attempt: Attempt, event: Produced | None) -> bool:
    return event is None or (bool(attempt.group) and (attempt.group, attempt.sequence) != (event.group, event.sequence))


def _ids(attempts: Iterable[Attempt]) -> list[str]:
    return sorted({attempt.id for attempt in attempts})


def _sentence(name: str, ids: list[str]) -> str:
    return f"{len(ids)} {name.replace('_', ' ')}, such as {', '.join(ids[:3])}"
