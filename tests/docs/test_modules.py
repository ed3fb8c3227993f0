"""Sizes of modules: none is a place where everything meets."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "bridge").rglob("*.py"))
MAX_LINES = 400


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_a_module_is_short_enough_to_be_read_at_once(module: Path) -> None:
    lines = len(module.read_text().splitlines())

    assert lines <= MAX_LINES, f"{lines} lines; above {MAX_LINES} a module is to be divided by what its parts are for"
