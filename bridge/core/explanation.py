"""What is known of one record of the input afterwards, and what that means: the answer of `ocs-bridge explain`."""

from datetime import datetime
from enum import StrEnum

import msgspec

from bridge.core.fate import Ending, Fate
from bridge.core.ledger import restore, restore_covered
from bridge.core.outcome import Result
from bridge.core.runs import Checkpoint, Runs
from bridge.core.vocabulary import Kind


class Standing(StrEnum):
    """What the last commit of the consumer group says of an offset."""

    DONE = "done"  # below the committed offset
    DONE_BEYOND = "done_beyond"  # above it, among the done ones in the commit's metadata
    COVERED = "covered"  # at_most_once: its POST may have begun
    NOT_DONE = "not_done"
    NO_COMMIT = "no_commit"


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """What this configuration makes of the record. `skipped`, `invalid`: why it makes no event.

    `alone`: why it could not be told if nothing else were known of its campaign group.
    """

    kind: str | None = None
    campaign_group: str | None = None
    skipped: str | None = None
    invalid: str | None = None
    alone: str | None = None


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What the outcome topic has; `topic` null: none is set. `problem`: why it could not be read, or not to its end."""

    topic: str | None
    problem: str | None = None
    fates: list[Fate] = []


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """`time`: the record's own; null: it has none, or there is no such record now, and `missing` says why."""

    topic: str
    partition: int
    offset: int
    time: datetime | None
    missing: str | None
    mapped: Mapped | None
    group_id: str
    committed: int | None
    standing: Standing
    search: Search

    def answer(self) -> list[str]:
        """What happened to it: a sentence for each POST; else one."""
        fates = [told(fate) for fate in self.search.fates]
        if self.standing in (Standing.DONE, Standing.DONE_BEYOND):
            return fates or [self._done()]
        if fates:
            return [*fates, "its offset is not committed yet: after a crash it may be done again"]
        return [self._not_done()]

    def _not_done(self) -> str:
        if self.standing is Standing.COVERED:
            return "not done yet: its POST may have begun; if the bridge crashed since, it is not posted again"
        if self.committed is None:
            return f"not done yet: consumer group {self.group_id} has committed nothing of this partition"
        return f"not done yet: consumer group {self.group_id} has committed offset {self.committed}"

    def _done(self) -> str:
        mapped = self.mapped or Mapped()
        if mapped.skipped:
            return f"skipped: {mapped.skipped}"
        if mapped.kind == Kind.STATISTICS:
            return "merged: statistics are told with the next notification of their campaign group"
        news = "merged; notified only if it said something new" if mapped.kind == Kind.REPORT else "done"
        text = f"{news}, but no record of how: {self._no_fate()}"
        if mapped.invalid:
            text += f"; this configuration puts it into quarantine: {mapped.invalid}"
        return text

    def _no_fate(self) -> str:
        if self.search.topic is None:
            return "delivery.outcome_topic is not set"
        if self.search.problem:
            return self.search.problem
        return (
            "outcome_topic was not set then, what it had has expired, it could not be written"
            " (ocs_bridge_outcomes_lost_total), or the consumer group began behind it"
        )


def told(fate: Fate) -> str:
    """A fate in a sentence."""
    by = f"by {fate.bridge.client_id} on {fate.bridge.host} at {moment(fate.time)}"
    why = f"{fate.reason}: {fate.detail}" if fate.detail else fate.reason
    if fate.outcome == Ending.UNKNOWN:
        return f"unknown: a crash left open whether it was posted; not posted again, said {by}"
    if fate.outcome in (Ending.QUARANTINED, Ending.SKIPPED):
        return f"{fate.outcome}: {why}, {by}"
    result = str(fate.status) if fate.status is not None else f"({why})"
    note = " (the receiver may have read it)" if fate.outcome == Result.AMBIGUOUS else ""
    return f"{fate.outcome} {result} after {(fate.seconds or 0) * 1000:.0f} ms {by}{note}"


def moment(time: datetime) -> str:
    """To the millisecond."""
    return f"{time:%Y-%m-%d %H:%M:%S}.{time.microsecond // 1000:03d} UTC"


def standing(commit: Checkpoint | None, offset: int) -> Standing:
    """Of an offset, by a commit."""
    if commit is None:
        return Standing.NO_COMMIT
    if offset < commit.offset:
        return Standing.DONE
    if _within(restore(commit)[0], offset):
        return Standing.DONE_BEYOND
    return Standing.COVERED if _within(restore_covered(commit), offset) else Standing.NOT_DONE


def _within(runs: Runs, offset: int) -> bool:
    return any(first <= offset < after for first, after in runs)
