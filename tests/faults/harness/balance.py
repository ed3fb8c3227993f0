"""Whether counters say what happened. Pure; part of the oracle."""

from collections import Counter
from collections.abc import Iterator

from faults.harness.history import History, last_of


def unbalanced(history: History) -> list[str]:
    """What does not add up, one sentence each."""
    return [*_identities(history), *_against_the_receiver(history), *_gaps(history)]


def _identities(history: History) -> Iterator[str]:
    """The identities of the architecture, in each scrape."""
    for one in history.counts:
        records = sum(one.ends.values()) + one.held
        if one.consumed != records:
            yield f"{one.member}: consumed {one.consumed}, but {dict(one.ends)} and held {one.held} make {records}"
        notifications = one.sent + sum(one.failed.values()) + one.dropped + one.in_flight
        if one.rendered != notifications:
            yield f"{one.member}: rendered {one.rendered}, but sent, failed, dropped and in flight make {notifications}"


def _against_the_receiver(history: History) -> Iterator[str]:
    """Members that ended in order counted each arrival once: nothing was posted again behind the counters' back."""
    seen = Counter(attempt.member for attempt in history.attempts if attempt.seen)
    for member, one in last_of(history.counts).items():
        if member not in history.final:
            continue
        answered = one.sent + one.failed.get("rejected", 0)
        most = answered + one.failed.get("ambiguous", 0) + one.in_flight
        if not answered <= seen[member] <= most:
            yield f"{member}: {seen[member]} POSTs arrived, its counters say {answered} to {most}"


def _gaps(history: History) -> Iterator[str]:
    counted = sum(one.gaps for one in last_of(history.counts).values())
    if history.gaps is not None and counted != history.gaps:
        yield f"Kafka lost {history.gaps} offsets, the bridge counted {counted}"
