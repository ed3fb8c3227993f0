"""A process stopped for longer than its session, and continued: its successor has the partitions, it must not post."""

import signal
import time

import pytest
from faults.harness.case import MakeCase
from faults.harness.history import Excuse, Mode

pytestmark = pytest.mark.faults
SETTINGS = {"kafka": {"session_timeout": 4}, "http": {"timeout": 1}}


@pytest.mark.faults_ci(Mode.AT_LEAST_ONCE)
def test_a_process_that_was_stopped_posts_nothing_of_its_successor(make_case: MakeCase, mode: Mode) -> None:
    case = make_case("SIGSTOP 8 s of 4 s session", mode=mode, settings=SETTINGS, partitions=4, groups=200)
    frozen, other = case.ready(2)
    case.workload.start(rate=200)
    case.wait_arrived(400)
    stopped = time.time()
    frozen.signal(signal.SIGSTOP)
    case.excuses.append(Excuse(frozen.name, "SIGSTOP", stopped, stopped))
    time.sleep(8)
    frozen.signal(signal.SIGCONT)
    frozen.wait(lambda: bool(frozen.told("partitions_lost")), timeout=60, what="notices the loss")
    frozen.wait_ready()
    case.workload.stop()
    case.finish()
    assert other.process.returncode == 0


def test_a_process_stopped_for_less_than_its_session_goes_on(make_case: MakeCase, mode: Mode) -> None:
    case = make_case("SIGSTOP 2 s of 6 s session", mode=mode)
    frozen, _ = case.ready(2)
    case.workload.start(rate=200)
    for _ in range(3):
        case.wait_arrived(case.receiver.arrived + 200)
        frozen.signal(signal.SIGSTOP)
        time.sleep(2)
        frozen.signal(signal.SIGCONT)
    case.workload.stop()
    case.finish()
