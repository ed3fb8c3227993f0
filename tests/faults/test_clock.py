"""The machine's clock is set, by hand or by NTP: deadlines and leases are monotonic, so nobody may notice."""

from pathlib import Path

import pytest
from faults.harness.case import MakeCase
from faults.harness.history import Mode
from faults.harness.scenes import longest_pause
from faults.harness.stepped_clock import Steps

pytestmark = pytest.mark.faults
STEPS = {"backwards": -3600.0, "forwards": 7200.0, "true again": 0.0}
MODULE = "tests.faults.harness.stepped_clock"


def test_a_clock_that_is_stepped(
    make_case: MakeCase, mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCK_FILE", str(tmp_path / "clock"))
    case = make_case("process: clock an hour back, two on, true again", mode=mode)
    with Steps(tmp_path / "clock") as steps:
        case.ready(2, command=["-m", MODULE])
        case.workload.start(rate=200)
        case.wait_arrived(200)
        for steps.seconds in STEPS.values():
            case.wait_arrived(case.receiver.arrived + 500, timeout=60)
        case.workload.stop()
        case.finish(note=lambda: f"longest pause of a partition {longest_pause(case):.1f} s")
    for member in case.members:
        assert member.told("partitions_lost") == []
        assert [line for line in member.told("commit_failed") if line["result"] == "refused"] == []
        assert sum(member.counts[-1].failed.values()) == 0
    assert longest_pause(case) < 2
