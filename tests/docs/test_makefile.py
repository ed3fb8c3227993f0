"""The commands that README and CONTRIBUTING name are there."""

import re
from pathlib import Path

import pytest
from support import processes

ROOT = Path(__file__).parents[2]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_make_alone_lists_every_target() -> None:
    done = processes.run(["make"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)

    assert set(re.findall(r"^  make ([a-z-]+)", done.stdout, re.MULTILINE)) == TARGETS


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_a_command_that_a_page_names_is_a_target(page: str) -> None:
    named = set(re.findall(r"(?:^|[`\s])make ([a-z-]+)(?=[`\s]|$)", (ROOT / page).read_text(), re.MULTILINE))

    assert named <= TARGETS


@pytest.mark.parametrize("script", sorted((ROOT / "tools").glob("*.sh")), ids=lambda script: script.name)
def test_scripts_parse_and_can_be_run(script: Path) -> None:
    shell = script.read_text().splitlines()[0].split("/")[-1].split()[-1]

    assert processes.run([shell, "-n", script], capture_output=True, timeout=30, check=False).stderr == b""
    assert script.stat().st_mode & 0o111
