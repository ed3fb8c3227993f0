"""Tests marked `dashboards` have bridges, a broker and a Prometheus at work: without -m they are left out."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    marked = [item for item in items if here in item.path.parents and item.get_closest_marker("dashboards")]
    left_out = [] if config.option.markexpr else marked
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
