"""The chart as a package: what is generated is up to date, what is shipped is complete, a registry takes it."""

import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from chart.release import CHART, HELMS, ROOT, tool
from loopback import free_port, reachable, wait_until
from support import processes

pytestmark = pytest.mark.chart
META = yaml.safe_load((CHART / "Chart.yaml").read_text())


def test_the_schema_has_the_bridges_settings() -> None:
    command = [sys.executable, str(ROOT / "tools/chart_schema.py"), "--check"]
    done = processes.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr


def test_the_readme_is_made_from_the_values(tmp_path: Path) -> None:
    shutil.copytree(CHART, tmp_path / "ocs-bridge")
    processes.run([tool("helm-docs"), "-c", str(tmp_path), "-l", "error"], check=True, timeout=60)

    assert (tmp_path / "ocs-bridge/README.md").read_text() == (CHART / "README.md").read_text(), "run make chart-docs"


def test_every_value_has_a_meaning() -> None:
    """helm-docs leaves the description empty where a value has none; parents whose children have one do."""
    rows = re.findall(r"^\| (\S+) \| \S+ \| .* \| (.*) \|$", (CHART / "README.md").read_text(), re.MULTILINE)

    assert len(rows) > 100
    # Maps whose defaults are leaves: told by the comment of their parent.
    parents = (
        "workload.strategy",
        "workload.updateStrategy",
        "podSecurityContext",
        "securityContext",
        "resources",
        "probes",
    )
    without = [name for name, meaning in rows if not meaning.strip()]
    assert [
        name
        for name in without
        if not name.startswith((*parents, "tmp.", "monitoring.dashboards.instanceSelector", "global"))
    ] == []


def test_versions_are_one() -> None:
    project = (ROOT / "pyproject.toml").read_text()

    assert f'\nversion = "{META["appVersion"]}"' in project


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = processes.run(
        [tool("hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_dashboards_of_the_repository_are_in_the_chart() -> None:
    wanted = sorted(path.name for path in (ROOT / "grafana").glob("*.json"))
    linked = sorted(path.name for path in (CHART / "files/dashboards").glob("*.json"))

    assert linked == wanted, "ln -s ../../../../../grafana/NAME.json deploy/helm/ocs-bridge/files/dashboards/"


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """A registry on loopback; its address."""
    port = free_port()
    process = processes.start([tool("registry"), "-port", str(port)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: reachable(port), timeout=60, what="registry")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("helm", HELMS)
def test_it_can_be_packed_pushed_and_pulled(helm: str, registry: str, tmp_path: Path) -> None:
    def call(*command: str) -> None:
        processes.run([tool(helm), *command], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    call("package", str(CHART))
    name = f"ocs-bridge-{META['version']}.tgz"
    call("push", name, f"oci://{registry}/{helm}", "--plain-http")
    (tmp_path / name).rename(tmp_path / "pushed.tgz")
    call("pull", f"oci://{registry}/{helm}/ocs-bridge", "--version", META["version"], "--plain-http")

    assert (tmp_path / name).read_bytes() == (tmp_path / "pushed.tgz").read_bytes()
    with tarfile.open(tmp_path / name) as package:
        names = set(package.getnames())
        alerts = package.extractfile("ocs-bridge/files/alerts.yaml")
        assert alerts
        assert alerts.read() == (CHART / "files/alerts.yaml").read_bytes()
    assert {f"ocs-bridge/{part}" for part in ("values.schema.json", "README.md", "templates/NOTES.txt")} <= names
    assert not any("/ci/" in part or part.endswith(".gotmpl") for part in names)
