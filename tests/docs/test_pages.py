"""What the pages name exists: settings, metrics, commands, make targets, files, outcomes."""

import re
import sys
from pathlib import Path

import pytest
from support import processes

from bridge.cli import app
from bridge.commands.named import OTHERS
from bridge.config.catalogue import CATALOGUE as SETTINGS
from bridge.core.outcome import REASONS
from bridge.edge.catalogue import BY_NAME
from bridge.settings import Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
GROUPS = "|".join(Settings.model_fields)


@pytest.fixture(params=PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def page(request: pytest.FixtureRequest) -> str:
    chosen: Path = request.param
    return chosen.read_text()


def test_every_setting_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(rf"`((?:{GROUPS})\.[a-z][a-z0-9_]*)(?:[:`.]| )", page))
    assert named - set(SETTINGS) == set()


def test_every_metric_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(r"\b((?:ocs_bridge|gsw_stat|gsw_campaign)_[a-z_]+[a-z])\b", page))
    assert named - set(BY_NAME) == set()


def test_every_command_that_a_page_names_exists(page: str) -> None:
    commands = {
        command.name or str(command.callback.__name__).rstrip("_")
        for command in app.registered_commands
        if command.callback
    } | OTHERS.keys()
    assert set(re.findall(r"(?:`|^)ocs-bridge ([a-z]+)\b", page, re.MULTILINE)) - commands == set()


def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", page, re.MULTILINE)) - targets == set()


def test_every_file_that_a_page_links_to_exists() -> None:
    for path in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.relative_to(ROOT)}: {link}"


def test_the_table_of_outcomes_has_every_reason() -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", (ROOT / "docs/delivery.md").read_text(), re.MULTILINE)
    told = {result: set(re.findall(r"`(\w+)`", reasons)) for result, reasons in rows}
    assert told == {result.value: {reason.value for reason in reasons} for result, reasons in REASONS.items()}


def test_the_readmes_configuration_is_accepted(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(# bridge.yaml.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    (tmp_path / "bridge.yaml").write_text(block[1])
    command = [sys.executable, "-m", "bridge", "check", "--config", str(tmp_path / "bridge.yaml")]
    done = processes.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
