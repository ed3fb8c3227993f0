"""What is compiled for the image (tools/hatch_build.py): which modules, of what they may consist, and that these tests ran on them."""

import ast
import importlib.util
import os
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from support import processes

ROOT = Path(__file__).parents[1]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
MODULES = BUILD["hooks"]["custom"]["modules"]


@pytest.mark.parametrize("module", MODULES)
def test_no_class_of_a_compiled_module_gives_arguments_to_its_metaclass(module: str) -> None:
    """mypyc drops them without a word: a frozen Struct would not be frozen."""
    classes = [node for node in ast.walk(ast.parse((ROOT / module).read_text())) if isinstance(node, ast.ClassDef)]

    assert [node.name for node in classes if node.keywords or "Struct" in map(ast.unparse, node.bases)] == []


@pytest.mark.parametrize("module", MODULES)
def test_no_finally_of_a_compiled_module_asks_whether_a_variable_is_none(module: str) -> None:
    """mypy looks at it twice, and mypyc believes the second time, when the variable is known: it fails where it is None."""
    tries = [node for node in ast.walk(ast.parse((ROOT / module).read_text())) if isinstance(node, ast.Try)]
    asked = [
        ast.unparse(node)
        for each in tries
        for line in each.finalbody
        for node in ast.walk(line)
        if isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Name)
        and "None" in map(ast.unparse, node.comparators)
    ]

    assert asked == []


def test_all_of_them_are_compiled_or_none() -> None:
    """`make test-compiled` would prove nothing if it found the sources first."""
    names = [module.removesuffix(".py").replace("/", ".") for module in MODULES]
    found = {Path(str(getattr(importlib.util.find_spec(name), "origin", None))).suffix for name in names}

    assert found == {".so" if ".cache/compiled" in os.environ.get("PYTHONPATH", "") else ".py"}


def test_a_wheel_is_pure_python_unless_it_is_asked_otherwise(tmp_path: Path) -> None:
    environ = {name: text for name, text in os.environ.items() if name != "OCS_BRIDGE_COMPILE"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    processes.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, timeout=60)

    (wheel,) = tmp_path.iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert set(MODULES) <= set(names)
    assert not [name for name in names if name.endswith(".so")]
