"""Members that come and go in order: no event is lost or repeated, and no partition stands still for long."""

import time

import pytest
from faults.harness.case import Case, MakeCase
from faults.harness.history import Mode
from faults.harness.scenes import longest_pause
from faults.harness.variants import PLAIN, STATIC, USUAL, Variant

pytestmark = pytest.mark.faults


def roll(make_case: MakeCase, mode: Mode, *, rate: float, seconds: float, variant: Variant = USUAL) -> Case:
    case = make_case(variant.title(f"rolling restart of 3, {rate:g}/s"), mode=mode, partitions=6, groups=60)
    old = [case.member(variant.of(slot)) for slot in range(3)]
    for member in old:
        member.wait_ready()
    case.workload.start(rate)
    time.sleep(seconds)
    for slot, member in enumerate(old):
        assert member.stop() == 0
        time.sleep(seconds)
        case.ready(settings=variant.of(slot))
    time.sleep(seconds)
    case.workload.stop()
    case.finish(note=lambda: f"longest pause of a partition {longest_pause(case):.1f} s")
    return case


@pytest.mark.faults_ci(Mode.AT_LEAST_ONCE)
def test_a_rolling_restart_of_three_under_load(make_case: MakeCase, mode: Mode) -> None:
    roll(make_case, mode, rate=300, seconds=1)


def test_a_rolling_restart_of_three_under_500_events_a_second(make_case: MakeCase, mode: Mode) -> None:
    roll(make_case, mode, rate=500, seconds=6)


def test_a_rolling_restart_with_plain_commits(make_case: MakeCase, mode: Mode) -> None:
    roll(make_case, mode, rate=300, seconds=1, variant=PLAIN)


def test_a_rolling_restart_of_static_members_moves_no_partition(make_case: MakeCase, mode: Mode) -> None:
    case = roll(make_case, mode, rate=300, seconds=1, variant=STATIC)
    slots = {member.name: number % 3 for number, member in enumerate(case.members)}
    places = {event.id: event.place for event in case.produced}
    owners = {(places[attempt.id], slots[attempt.member]) for attempt in case.receiver.attempts()}
    assert len(owners) == 6, "each partition has the one slot"


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
    for member in case.living:
        member.wait_ready()
    case.workload.stop()
    case.finish(note=lambda: f"{len(case.members)} members in all, longest pause {longest_pause(case):.1f} s")
