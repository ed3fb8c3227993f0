"""More than can be done: memory stays flat, and a campaign group that nobody answers holds up only itself."""

import json
import statistics
import time

import pytest
from edge.receivers import Line, Script
from edge.scripts import http
from faults.harness.case import Case, MakeCase
from faults.harness.history import Mode
from faults.harness.members import Member
from faults.harness.workload import Workload
from loopback import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
MIB = 2**20
STUCK = "STUCK"
TAKES = 0.03


def answer_after(seconds: float) -> Script:
    def script(line: Line) -> None:
        while True:
            line.request()
            line.wait(seconds)
            line.send(http(200))

    return script


def resident_for(member: Member, seconds: float) -> list[int]:
    """Its resident memory, twice a second."""
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.5)
        found.append(member.resident())
    return found


def test_a_million_records_and_a_slow_receiver(make_case: MakeCase, mode: Mode) -> None:
    """Read as fast as it is posted: what is held in memory does not grow with what waits in Kafka."""
    case = make_case("backlog: 1,000,000 records, slow receiver", mode=mode, groups=400, receiver=answer_after(0.1))
    for _ in range(10):
        case.workload.produce(100_000)
    (member,) = case.ready()
    case.wait_arrived(1000)
    resident = resident_for(member, 60)
    posted = case.receiver.arrived
    print("resident MiB:", *(f"{size / MIB:.0f}" for size in resident))
    third = len(resident) // 3
    growth = statistics.fmean(resident[-third:]) - statistics.fmean(resident[third:-third])
    case.finish_early(
        f"{posted} posted; resident {max(resident) / MIB:.0f} MiB at most, {growth / MIB:+.1f} at the end"
    )
    assert max(resident) < 200 * MIB
    assert growth < 10 * MIB


class AllButOne:
    """A receiver that answers each campaign group but STUCK's, and notes when.

    It takes TAKES seconds, so that the rate is that of groups one after the other, and not of what else the machine does.
    """

    def __init__(self) -> None:
        self.answered: list[float] = []
        self.stuck = 0

    def __call__(self, line: Line) -> None:
        while True:
            request = line.request()
            if json.loads(request.body)["GSW_CAMPAIGN_GROUP_GUID"].startswith(STUCK):
                self.stuck += 1
                line.wait_for_close()
            line.wait(TAKES)
            line.send(http(200))
            self.answered.append(time.monotonic())

    def rate(self, case: Case, count: int) -> float:
        """Events a second, from the first answer to the last."""
        before = len(self.answered)
        case.workload.produce(count)
        wait_until(lambda: len(self.answered) >= before + count, timeout=60, what=f"{count} more answered")
        found = self.answered[before:]
        return (len(found) - 1) / (found[-1] - found[0])


def test_a_group_that_is_never_answered_with_100000_events(make_case: MakeCase, mode: Mode) -> None:
    receiver = AllButOne()
    case = make_case("backlog: 100,000 of a group never answered", mode=mode, receiver=receiver)
    case.workload.partitions, case.workload.first_partition = 3, 1
    stuck = Workload(case.kafka, case.topic, partitions=1, groups=1, prefix=STUCK)
    with stuck:
        case.ready()
        receiver.rate(case, 5000)  # to warm up
        without = [receiver.rate(case, 4000) for _ in range(5)]
        stuck.produce(100_000)
        case.workload.produced += stuck.produced
        wait_until(lambda: receiver.stuck > 0, timeout=60, what="one of the group is out")
        beside = [receiver.rate(case, 4000) for _ in range(5)]
    ratio = statistics.median(beside) / statistics.median(without)
    print("events/s without it:", *map(round, without), "beside it:", *map(round, beside))
    case.finish_early(f"{ratio:.2f} of the others' rate without it, {round(statistics.median(without))}/s")
    assert ratio >= 0.9
