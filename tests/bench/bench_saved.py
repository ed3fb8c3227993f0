"""CPU of a campaign group's record: made for each checkpoint, read at each start. Printed, with no mark to pass.

`make bench-parts ARGS=-k saved`.
"""

import json
import time
from collections.abc import Callable
from statistics import median

import pytest

from bridge.core.campaign_group import CampaignGroup
from bridge.core.event import CallingList, Statistics
from bridge.core.group import Before, KnownList
from bridge.core.record import Partition
from bridge.core.saved import load, save
from bridge.core.stamp import Stamp
from bridge.core.vocabulary import DialMode, GroupState, OptimizeBy

GROUPS = 20_000
ROUNDS = 5
INPUT = Partition("campaign-group-events", 3)


def made(number: int, lists: int) -> CampaignGroup:
    """A group that runs, with all that is usually known."""
    names = ("Environment", "c", f"Group-{number}", f"guid-{number:032}", str(number), "Agents", "Campaign", None, "Q")
    earlier = Stamp(1_780_000_000_000 + number, INPUT, number)
    at = Stamp(1_790_000_000_000 + number, INPUT, GROUPS + number)  # statistics, with those of all lists
    return CampaignGroup(
        key=f"Environment/Group-{number}",
        number=3,
        names=names,
        shown=names,
        named=at,
        state=GroupState.Running,
        dial_mode=DialMode.Predict,
        optimize_by=OptimizeBy.BusyFactor,
        optimize_goal=80,
        changed=earlier,
        previous=Before(GroupState.Active, DialMode.Predict),
        statistics=Statistics(busy_factor=0.81, hit_ratio=0.3, overdial_rate=0.02, time_to_complete=number),
        measured=at,
        calling_lists={
            f"List {n}": KnownList(CallingList(name=f"List {n}", dbid=str(n), hit_ratio=0.25), at) for n in range(lists)
        },
        seen_ms=at.time_ms,
        topic=INPUT.topic,
        after=GROUPS + number + 1,
        count=6,
    )


def micros(call: Callable[[], object]) -> float:
    """CPU of one call for each of the groups, in microseconds: the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        rounds.append((time.process_time() - began) / GROUPS * 1e6)
    return median(rounds)


@pytest.mark.parametrize("lists", [0, 2, 10])
def test_cpu_of_saving_and_loading_a_group(lists: int) -> None:
    groups = [made(number, lists) for number in range(GROUPS)]
    records = [(group.key.encode(), save(group)) for group in groups]
    newer = [(key, json.dumps({**json.loads(value), "v": 2, "new": [1]}).encode()) for key, value in records]
    assert [load(key, value, 3) for key, value in records] == groups

    size = sum(len(value) for _, value in records) / GROUPS
    times = {
        "save": micros(lambda: [save(group) for group in groups]),
        "load": micros(lambda: [load(key, value, 3) for key, value in records]),
        "load a newer version's": micros(lambda: [load(key, value, 3) for key, value in newer]),
    }
    told = ", ".join(f"{what} {cost:.1f}" for what, cost in times.items())
    print(f"\n{lists} calling lists, {size:.0f} bytes: {told} us CPU a group")
