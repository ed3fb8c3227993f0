"""kill -9 at random moments: nothing is lost, and only what no checkpoint had may be posted again."""

import time

import pytest
from faults.harness.case import MakeCase
from faults.harness.history import Mode
from faults.harness.oracle import Verdict
from faults.harness.scenes import LONG, PATIENT
from faults.harness.variants import CLOSE, USUAL, VARIANTS, WINDOW, Variant

pytestmark = pytest.mark.faults
#: The successor waits for the end of the dead one's session; a checkpoint is seldom enough for a kill to fall before it.
SETTINGS = {"kafka": {"session_timeout": LONG}, "http": PATIENT, "delivery": {"checkpoint_interval": 0.5}}


def kill_under_load(make_case: MakeCase, mode: Mode, kills: int, rate: float, variant: Variant = USUAL) -> Verdict:
    case = make_case(variant.title(f"kill -9 x {kills}"), mode=mode, settings=SETTINGS)
    case.workload.start(rate)
    for _ in range(kills):
        (member,) = case.ready(settings=variant.of(1))
        before = case.receiver.arrived
        case.wait_arrived(before + 1)
        time.sleep(case.random.uniform(0.0, 1.5))
        case.kill(member)
    case.workload.stop()
    case.ready(settings=variant.of(1))
    return case.finish()


@pytest.mark.faults_ci
def test_a_killed_bridge_loses_nothing_and_repeats_only_what_was_not_committed(make_case: MakeCase, mode: Mode) -> None:
    kill_under_load(make_case, mode, kills=3, rate=200)


@pytest.mark.parametrize("name", VARIANTS)
def test_kills_of_a_bridge_that_is_set_up_otherwise(make_case: MakeCase, mode: Mode, name: str) -> None:
    variant = VARIANTS[name]
    verdict = kill_under_load(make_case, mode, kills=5, rate=200, variant=variant)
    if variant is CLOSE:  # at four times as many a second: a checkpoint comes before the window is used up
        assert len(verdict.repeated) <= 5 * WINDOW


@pytest.mark.timeout(1200)
def test_fifty_kills(make_case: MakeCase, mode: Mode) -> None:
    kill_under_load(make_case, mode, kills=50, rate=200)
