"""What several cases have in common: load, a fault in the middle, load again."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

from edge.receivers import Script
from faults.harness.case import Case
from faults.harness.history import Excuse
from faults.harness.recorder import Recorder
from faults.harness.variants import USUAL, Variant

GOOD, FAULTY = 40, 80  # events before and after a receiver's fault, and while it lasts
SETTINGS = {"http": {"timeout": 1, "connect_timeout": 0.5}}
SHORT, LONG = 12.0, 6.0  # seconds of session
# Seconds for a POST: what a busy machine needs, and two less than LONG with a second for the lease.
PATIENT = {"timeout": 3, "connect_timeout": 3}


def outage(case: Case, lasting: AbstractContextManager[None], *, losing: bool, variant: Variant = USUAL) -> None:
    """Load, an outage of Kafka in the middle, load again. `losing`: it outlasts the session, so partitions are lost."""
    members = [case.member(variant.of(slot)) for slot in range(2)]
    for member in members:
        member.wait_ready()
    case.workload.start(rate=200)
    case.wait_arrived(400)
    since = time.time()
    with lasting:
        before = case.receiver.arrived
        case.wait_arrived(before + 200, timeout=90)
    if losing:  # nobody may go on posting once its session is over
        case.excuses += [Excuse(member.name, "loss of the partition", since, since + LONG) for member in members]
    case.wait_arrived(case.receiver.arrived + 200)
    case.workload.stop()
    case.finish(timeout=90)


def longest_pause(case: Case) -> float:
    """Seconds between two arrivals of one partition, at most; the workload must have gone on all the while."""
    last: dict[object, float] = {}
    pause = 0.0
    places = {event.id: event.place for event in case.produced}
    for attempt in sorted(case.receiver.attempts(), key=lambda a: a.at):
        place = places[attempt.id]
        pause = max(pause, attempt.at - last.get(place, attempt.at))
        last[place] = attempt.at
    return pause


def through(case: Case, outcome: str, during: contextlib.AbstractContextManager[object]) -> None:
    """Good, then the fault, then good again; all of what is posted meanwhile must have the outcome (`a or b`: one of both)."""
    (member,) = case.ready()
    case.workload.produce(GOOD)
    case.wait_done()
    before = member.scrape()
    with during:
        case.workload.produce(FAULTY)
        case.wait_done()
    after = member.scrape()
    case.workload.produce(GOOD)
    case.finish()
    ends = (
        [("posts_sent_total", {})]
        if outcome == "sent"
        else [("posts_failed_total", {"outcome": o}) for o in outcome.split(" or ")]
    )
    counted = sum(after(metric, **labels) - before(metric, **labels) for metric, labels in ends)
    assert counted == FAULTY, member.told("post_failed")
    assert member.counts[-1].sent >= 2 * GOOD, "it recovers at once"


@contextlib.contextmanager
def playing(receiver: Recorder, script: Script) -> Iterator[None]:
    good = receiver.script
    receiver.switch(script)
    try:
        yield
    finally:
        receiver.switch(good)
