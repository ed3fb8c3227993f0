"""Tests marked `chart` need the tools of tools/chart-tools.sh, those marked `cluster` a cluster: without -m they are left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chart.cluster import HOST, PodBroker
from chart.release import TOOLS
from faults.harness.recorder import Recorder

MARKS = ("alerts", "chart", "cluster")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    left_out = [item for item in ours if not config.option.markexpr and any(map(item.get_closest_marker, MARKS))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("chart") and not (TOOLS / "made-from").exists():
        pytest.fail("not installed: tools/chart-tools.sh installs it (make chart does)", pytrace=False)


@pytest.fixture(scope="session")
def pod_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodBroker]:
    made = PodBroker(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def receiver() -> Iterator[Recorder]:
    """Where pods can reach it; of all tests, so a test looks at what came from its own start on."""
    with Recorder(host=HOST) as made:
        yield made
