"""Members that come and go in order: no event is lost or repeated, and no partition stands still for long."""

import time

import pytest
from faults.harness.case import Case, MakeCase
from faults.harness.history import Mode

pytestmark = pytest.mark.faults


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


def roll(make_case: MakeCase, mode: Mode, *, rate: float, seconds: float) -> None:
    case = make_case(f"rolling restart of 3, {rate:g}/s", mode=mode, partitions=6, groups=60)
    old = case.ready(3)
    case.workload.start(rate)
    time.sleep(seconds)
    for member in old:
        assert member.stop() == 0
        time.sleep(seconds)
        case.ready()
    time.sleep(seconds)
    case.workload.stop()
    case.finish(note=lambda: f"longest pause of a partition {longest_pause(case):.1f} s")


@pytest.mark.faults_ci
def test_a_rolling_restart_of_three_under_load(make_case: MakeCase, mode: Mode) -> None:
    roll(make_case, mode, rate=300, seconds=1)


def test_a_rolling_restart_of_three_under_500_events_a_second(make_case: MakeCase, mode: Mode) -> None:
    roll(make_case, mode, rate=500, seconds=6)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("members", [2, 3, 5])
def test_members_that_come_and_go_for_two_minutes(make_case: MakeCase, mode: Mode, members: int) -> None:
    case = make_case(f"{members} members come and go", mode=mode, partitions=6, groups=60)
    case.ready(1)
    case.workload.start(rate=150)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        time.sleep(case.random.uniform(1.0, 4.0))
        if len(case.living) < members and (len(case.living) == 1 or case.random.random() < 0.5):
            case.member()
        else:
            leaver = case.random.choice(case.living)
            if leaver.ready():
                assert leaver.stop() == 0
    case.workload.stop()
    case.finish(note=lambda: f"{len(case.members)} members in all, longest pause {longest_pause(case):.1f} s")
