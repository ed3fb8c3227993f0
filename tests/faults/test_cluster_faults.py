"""Coordinators and leaders that move, and commits that are refused: nothing is lost or repeated by it.

On a made-up cluster (harness/fake_cluster.py), in at_least_once only: what covered a POST in time it does not tell.
"""

from collections.abc import Iterator

import pytest
from faults.harness import fake_cluster
from faults.harness.case import LeaveOut, MakeCase
from faults.harness.fake_cluster import FakeCluster, last_commits
from faults.harness.variants import PLAIN, USUAL

pytestmark = pytest.mark.faults
TOPIC, PARTITIONS = "campaigns", 4
OFFSET_COMMIT, TXN_OFFSET_COMMIT = 8, 28  # API keys
#: What may be told to somebody who commits in the wrong moment, or to the wrong broker.
REFUSALS = {"COORDINATOR_LOAD_IN_PROGRESS": 14, "NOT_COORDINATOR": 16, "REBALANCE_IN_PROGRESS": 27}
COMMANDS = {
    "coordinator moves": ["coordinators"],
    "leaders move": ["leaders"],
    **{
        f"commits refused, {name}": [f"refuse {key} {code} 3" for key in (OFFSET_COMMIT, TXN_OFFSET_COMMIT)]
        for name, code in REFUSALS.items()
    },
}
VARIANTS = {"plain commits": PLAIN, "transactions": USUAL}


@pytest.fixture
def cluster(request: pytest.FixtureRequest, leave_out: LeaveOut) -> Iterator[FakeCluster]:
    if reason := fake_cluster.left_out():
        leave_out(f"cluster: {request.node.callspec.id}", reason)
    with FakeCluster(TOPIC, PARTITIONS) as running:
        yield running


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_cluster_that_moves(cluster: FakeCluster, make_case_on: MakeCase, name: str, variant: str) -> None:
    title = VARIANTS[variant].title(f"cluster: {name} x 5")
    case = make_case_on(title, cluster.bootstrap, topic=TOPIC, settings=VARIANTS[variant].settings)
    case.commits = lambda: last_commits(case.kafka, case.group, case.topic)
    case.ready(2)
    case.workload.start(rate=200)
    for _ in range(5):
        case.wait_arrived(case.receiver.arrived + 300)
        for command in COMMANDS[name]:
            cluster.tell(command)
    case.wait_arrived(case.receiver.arrived + 300)
    case.workload.stop()
    case.finish()
