"""A receiver that takes its time, for some groups more than for others.

At every moment POSTs are out, events wait in their lanes, and quick groups have run ahead of slow ones: what a crash, a
stop or a rebalance then leaves behind is what the ledger, the checkpoints and the order are for.
"""

import json

import pytest
from edge.receivers import Line
from edge.scripts import http
from faults.harness.case import Case, MakeCase
from faults.harness.history import Mode

pytestmark = pytest.mark.faults
EVENTS, GROUPS = 960, 24
SLOW = {f"G{number}" for number in range(6)}
SETTINGS = {"http": {"max_in_flight": 16}}  # so that checkpoints come while a quarter of the events is posted


def takes_its_time(line: Line) -> None:
    """Answers after 40 ms; the slow groups after 160."""
    while True:
        group = json.loads(line.request().body)["GSW_CAMPAIGN_GROUP_GUID"]
        line.wait(0.16 if group in SLOW else 0.04)
        line.send(http(200))


def some_are_out(make_case: MakeCase, mode: Mode, name: str) -> Case:
    case = make_case(name, mode=mode, partitions=2, groups=GROUPS, receiver=takes_its_time, settings=SETTINGS)
    case.ready()
    case.workload.produce(EVENTS)
    case.wait_arrived(EVENTS // 4)
    return case


def test_a_kill_while_much_is_out(make_case: MakeCase, mode: Mode) -> None:
    case = some_are_out(make_case, mode, "kill -9, a slow receiver")
    case.kill(case.members[0])
    case.ready()
    case.finish()


def test_a_stop_and_a_join_while_much_is_out(make_case: MakeCase, mode: Mode) -> None:
    case = some_are_out(make_case, mode, "a join and a stop, a slow receiver")
    (second,) = case.ready()
    second.wait(lambda: bool(second.told("partition_starts")), timeout=60, what="has a partition")
    assert case.members[0].stop() == 0
    verdict = case.finish()
    assert verdict.repeated == verdict.lost == []
