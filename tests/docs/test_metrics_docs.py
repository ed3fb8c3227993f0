"""docs/metrics.md is the catalogue."""

import os
import re
import sys
from pathlib import Path

import pytest
from support import processes

from bridge.edge.catalogue import BY_NAME, CATALOGUE, main, markdown
from bridge.edge.metric import GROUP_LABELS, Type
from bridge.settings import MetricsSettings

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    assert page == markdown(), "run python -m bridge.edge.catalogue"


def test_the_check_says_when_they_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(tmp_path)]) == 1
    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    with (tmp_path / "metrics.md").open("a") as file:
        file.write("x")
    assert main(["--check", str(tmp_path)]) == 1
    assert "metrics.md differs" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "bridge.edge.catalogue", "--check"]
    from_sources = {**os.environ, "PYTHONPATH": str(ROOT)}  # the compiled bridge has no pages beside it
    assert processes.run(command, cwd=ROOT, env=from_sources, timeout=60, check=False).returncode == 0


def test_the_table_has_a_row_for_every_metric_and_no_more() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .* \| .+ \|$", markdown(), re.MULTILINE)
    assert rows == [(metric.name, metric.type.value) for metric in CATALOGUE]


def test_names_and_meanings_follow_the_conventions() -> None:
    assert len(BY_NAME) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert re.fullmatch(r"(ocs_bridge|gsw)_[a-z0-9_]+", metric.name)
        assert metric.name.endswith("_total") is (metric.type is Type.COUNTER), metric.name
        assert bool(metric.buckets) is (metric.type is Type.HISTOGRAM), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert re.fullmatch(r"[A-Z0-9].*\.", metric.help), metric.help
        assert "|" not in metric.help, "it would end the table's cell"


@pytest.mark.parametrize("label", sorted(GROUP_LABELS))
def test_every_label_of_the_page_can_be_chosen_in_the_settings(label: str) -> None:
    assert MetricsSettings.model_validate({"labels": [label]}).labels == [label]
