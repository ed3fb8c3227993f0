"""kill -9 at random moments: nothing is lost, and only what no checkpoint had may be posted again."""

import time

import pytest
from faults.harness.case import MakeCase
from faults.harness.history import Mode

pytestmark = pytest.mark.faults
#: The successor waits for the end of the dead one's session; a checkpoint is seldom enough for a kill to fall before it.
SETTINGS = {"kafka": {"session_timeout": 3.5}, "http": {"timeout": 1}, "delivery": {"checkpoint_interval": 0.5}}


def kill_under_load(make_case: MakeCase, mode: Mode, kills: int, rate: float) -> None:
    case = make_case(f"kill -9 x {kills}", mode=mode, settings=SETTINGS)
    case.workload.start(rate)
    for _ in range(kills):
        (member,) = case.ready()
        before = case.receiver.arrived
        case.wait_arrived(before + 1)
        time.sleep(case.random.uniform(0.0, 1.5))
        case.kill(member)
    case.workload.stop()
    case.ready()
    case.finish()


@pytest.mark.faults_ci
def test_a_killed_bridge_loses_nothing_and_repeats_only_what_was_not_committed(make_case: MakeCase, mode: Mode) -> None:
    kill_under_load(make_case, mode, kills=3, rate=200)


@pytest.mark.timeout(600)
def test_fifty_kills(make_case: MakeCase, mode: Mode) -> None:
    kill_under_load(make_case, mode, kills=50, rate=200)
