"""A process that runs short: nobody reads its log, no file descriptor is left, no memory. No event is lost by it."""

import itertools
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from edge.scripts import answer_and_close, http
from faults.harness.case import Case, MakeCase
from faults.harness.history import Excuse, Mode
from faults.harness.members import Member
from faults.harness.scenes import SETTINGS, through
from loopback import free_port, wait_until

pytestmark = pytest.mark.faults


def test_a_log_that_nobody_reads(make_case: MakeCase, mode: Mode) -> None:
    case = make_case("process: nobody reads its log", mode=mode, journal=True)
    reader, writer = os.pipe()
    try:
        (member,) = case.ready(stdout=writer, settings={"admin": {"port": free_port()}})
        case.workload.produce(6000)  # a line each: more than the pipe and the bridge's own queue hold
        case.finish(note=lambda: f"{member.scraped('log_lines_dropped_total')} lines dropped")
    finally:
        os.close(reader)
        os.close(writer)
    assert member.scraped("log_lines_dropped_total") > 0


def descriptors(member: Member) -> set[int]:
    """Those that it has open now."""
    return {int(path.name) for path in Path(f"/proc/{member.process.pid}/fd").iterdir()}


@contextmanager
def without_descriptors(case: Case) -> Iterator[None]:
    """Nothing can be opened: not even the number of a file that was closed is free."""
    (member,) = case.members
    process, before = member.process.pid, set[int]()
    while before != (before := descriptors(member)):
        time.sleep(0.3)  # connections that have ended are still being closed
    least = next(number for number in itertools.count() if number not in before)
    _, most = resource.prlimit(process, resource.RLIMIT_NOFILE)
    old = resource.prlimit(process, resource.RLIMIT_NOFILE, (least, most))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, old)


@pytest.mark.faults_ci
def test_no_file_descriptors(make_case: MakeCase, mode: Mode) -> None:
    """Each POST needs a connection of its own here, and can't have one."""
    once = answer_and_close(http(200, headers={"Connection": "close"}))
    case = make_case("process: no file descriptors", mode=mode, journal=True, settings=SETTINGS, receiver=once)
    through(case, "not_sent", without_descriptors(case))


@contextmanager
def without_memory(member: Member) -> Iterator[None]:
    """Not a page more than it has; until the end of the `with`, if it lives to see it."""
    size = int(Path(f"/proc/{member.process.pid}/statm").read_text().split()[0]) * resource.getpagesize()
    old = resource.prlimit(member.process.pid, resource.RLIMIT_AS)
    resource.prlimit(member.process.pid, resource.RLIMIT_AS, (size, old[1]))
    yield
    if member.process.poll() is None:
        resource.prlimit(member.process.pid, resource.RLIMIT_AS, old)


def test_no_memory(make_case: MakeCase, mode: Mode) -> None:
    """Whatever becomes of the process; where it ends by it, its successor goes on as after kill -9."""
    case = make_case("process: no memory", mode=mode, pad=50_000)
    (member,) = case.ready()
    since = time.time()
    with without_memory(member):
        case.workload.produce(2000)
        ended = member.process.poll
        wait_until(lambda: ended() is not None or case.behind() == 0, timeout=90, what="it has ended, or done all")
        if (code := ended()) is not None:
            case.excuses.append(Excuse(member.name, "no memory", since, time.time()))
            case.ready()
    case.finish(note=lambda: "it went on" if code is None else f"it ended with {code}")
