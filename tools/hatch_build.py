"""hatchling's hook for the wheel: with OCS_BRIDGE_COMPILE=1, mypyc compiles the modules of the hot path.

hatch-mypyc, the ready-made hook, renames pyproject.toml and leaves its libraries among the sources, where an editable install
would take them. This one works on a copy.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SETUP = """
import sys
from mypyc.build import mypycify
from setuptools import setup

setup(name="bridge", packages=[], ext_modules=mypycify(["--config-file=mypy.toml", *sys.argv.pop().split()], debug_level="0"))
"""
FOLDER = "bridge"
WANTED = os.environ.get("OCS_BRIDGE_COMPILE") == "1"


class Compiled(BuildHookInterface[Any]):
    """`modules`: the files that are compiled, in pyproject.toml."""

    def dependencies(self) -> list[str]:
        """What a build apart installs: the compiler, and whatever the bridge imports, for its types."""
        return ["mypy>=1.18", "setuptools>=80", "types-PyYAML>=6", *self.metadata.core.dependencies] if WANTED else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and put the libraries beside their sources in the wheel."""
        del version
        if not WANTED:
            return
        root, place = Path(self.root), Path(tempfile.mkdtemp(prefix="ocs-bridge-"))
        self._place = place
        shutil.copytree(root / FOLDER, place / FOLDER, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        # Not by its own name: setuptools would read it too, and not understand it.
        shutil.copy(root / "pyproject.toml", place / "mypy.toml")
        (place / "setup.py").write_text(SETUP, encoding="utf-8")
        command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", " ".join(self.config["modules"])]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"mypyc: {done.stdout[-5000:]}{done.stderr[-5000:]}")
        libraries = [*place.glob("*.so"), *(place / FOLDER).rglob("*.so")]
        build_data["force_include"].update({str(path): str(path.relative_to(place)) for path in libraries})
        build_data["infer_tag"], build_data["pure_python"] = True, False

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copy."""
        del version, build_data, artifact_path
        if place := getattr(self, "_place", None):
            shutil.rmtree(place, ignore_errors=True)
