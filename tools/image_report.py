"""Says in a table what an image is: made twice the same, its size, its packages, how it starts; and writes its SBOM.

Usage: image_report.py NAME NAME-OF-THE-SECOND-BUILD ENGINE [OPTIONS...], where the engine is podman or docker.
Exit code 1 if the builds differ, if hadolint finds something, or if the image does not run read-only, as nobody, without a shell.
"""

# ruff: noqa: D102, D103, INP001, S603, T201 (a script, not a package)

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SBOM = ROOT / ".cache/image/sbom.json"
BINARIES = ROOT / ".cache/chart/bin"
PYTHON = "/usr/bin/python3"
#: As the chart's pods are run; and without a network.
CONFINED = ("--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
#: Run inside: what is installed, as JSON. Debian's packages are told as distroless does, or by dpkg itself.
PACKAGES = r"""
import importlib.metadata, json, os, pathlib, re
texts = [p.read_text() for p in pathlib.Path("/var/lib/dpkg/status.d").glob("*") if p.suffix != ".md5sums"]
if not texts:
    texts = pathlib.Path("/var/lib/dpkg/status").read_text().split("\n\n")
field = lambda text, name: (re.search(rf"^{name}: (.*)$", text, re.M) or [0, ""])[1]
debian = sorted((field(t, "Package"), field(t, "Version"), field(t, "Architecture")) for t in texts if t.strip())
python = sorted((d.name, d.version) for d in importlib.metadata.distributions(path=["/opt/ocs-bridge"]))
print(json.dumps({"debian": debian, "python": python, "uid": os.getuid()}))
"""


class Image:
    """An image of an engine's store."""

    def __init__(self, name: str, engine: list[str]) -> None:
        self.name = name
        self.engine = engine
        done = subprocess.run(
            [*engine, "image", "inspect", name], check=True, capture_output=True, text=True, timeout=60
        )
        self.facts: dict[str, Any] = json.loads(done.stdout)[0]

    @property
    def layers(self) -> list[str]:
        """Digests of their content, from below."""
        found: list[str] = self.facts["RootFS"]["Layers"]
        return found

    def create(self, program: str, *arguments: str) -> str:
        """A container that is to run a program of it; its id."""
        podmans = ["--read-only-tmpfs=false"] if "podman" in self.engine[0] else []
        call = [*self.engine, "create", *CONFINED, *podmans, "--entrypoint", program, self.name, *arguments]
        return subprocess.run(call, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def start(self, container: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        call = [*self.engine, "start", "--attach", container]
        return subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of it to its end."""
        container = self.create(program, *arguments)
        try:
            return self.start(container)
        finally:
            self.remove(container)

    def remove(self, container: str) -> None:
        subprocess.run([*self.engine, "rm", container], check=True, capture_output=True, timeout=60)

    def seconds(self, *arguments: str) -> float:
        """Median of five runs of its Python, in a container that is there already: some storages copy the image to make one."""
        container = self.create(PYTHON, *arguments)
        took = []
        for _ in range(6):
            began = time.monotonic()
            done = self.start(container)
            took.append(time.monotonic() - began)
            if done.returncode:
                sys.exit(f"image: {' '.join(arguments)}: {done.stderr}")
        self.remove(container)
        return statistics.median(took[1:])  # after the first the files are in memory


def same(first: Image, second: Image) -> str:
    """What is the same; SystemExit naming the first layer that is not."""
    for number, (one, other) in enumerate(zip(first.layers, second.layers, strict=True)):
        if one != other:
            sys.exit(f"image: not reproducible: layer {number} is {one}, and {other} in the second build")
    if first.facts["Id"] != second.facts["Id"]:
        sys.exit(
            f"image: not reproducible: the layers are the same, the configurations not: {first.facts['Id']}, {second.facts['Id']}"
        )
    return f"yes: both have the image id {first.facts['Id'].removeprefix('sha256:')[:12]} and the same {len(first.layers)} layers"


def write_sbom(packages: dict[str, Any]) -> int:
    """CycloneDX of what the image has: locked requirements, with their hashes, and Debian's packages. Its number of components."""
    maker = [str(BINARIES / "cyclonedx-py"), "requirements", "requirements/run.txt", "--output-reproducible"]
    made = subprocess.run(maker, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    sbom = json.loads(made.stdout)
    versions = {normal(name): version for name, version in packages["python"]}
    own = {"type": "application", "name": "ocs-bridge", "version": versions.pop("ocs-bridge"), "bom-ref": "ocs-bridge"}
    sbom["metadata"]["component"] = own
    # The lock is of every system: colorama is for Windows only.
    there = {part["bom-ref"]: part for part in sbom["components"] if normal(part["name"]) in versions}
    if unknown := versions.keys() - {normal(part["name"]) for part in there.values()}:
        sys.exit(f"image: the SBOM lacks {', '.join(sorted(unknown))}")
    for name, version, machine in packages["debian"]:
        purl = f"pkg:deb/debian/{name}@{version}?arch={machine}&distro=debian-12"
        there[purl] = {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}
    sbom["components"] = list(there.values())
    sbom["dependencies"] = [{"ref": "ocs-bridge", "dependsOn": sorted(there)}]
    SBOM.write_text(json.dumps(sbom, indent=2, sort_keys=True) + "\n")
    return len(there)


def normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def hadolint() -> str:
    done = subprocess.run(
        [BINARIES / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode or done.stdout:
        sys.exit(f"image: hadolint:\n{done.stdout}{done.stderr}")
    return "nothing found"


def confined(image: Image, uid: int) -> str:
    """That it can't do what it need not."""
    if image.run("/bin/sh", "-c", "true").returncode == 0:
        sys.exit("image: has a shell")
    if image.run(PYTHON, "-c", "open('/opt/ocs-bridge/x', 'w')").returncode == 0:
        sys.exit("image: its files can be changed")
    if uid == 0:
        sys.exit("image: runs as root")
    return f"user {uid}, read-only root, no rights, no shell"


def main(name: str, again: str, *engine: str) -> None:
    first, second = Image(name, list(engine)), Image(again, list(engine))
    packages = json.loads(first.run(PYTHON, "-c", PACKAGES).stdout)
    whole, bare = first.seconds("-m", "bridge", "version"), first.seconds("-I", "-S", "-c", "")
    table = {
        "Built twice, byte for byte the same": same(first, second),
        "Size": f"{first.facts['Size'] / 1e6:.0f} MB",
        "Packages": f"{len(packages['python'])} of Python, {len(packages['debian'])} of Debian",
        "Start": f"{whole:.2f} s from `{engine[0]} start` to the end of `ocs-bridge version`; {bare:.2f} s for a Python that does nothing",
        "Runs as": confined(first, packages["uid"]),
        "hadolint": hadolint(),
        "SBOM": f"{write_sbom(packages)} components (CycloneDX), {SBOM.relative_to(ROOT)}",
    }
    print("| image |", name, "|\n| --- | --- |")
    print("\n".join(f"| {what} | {fact} |" for what, fact in table.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
