"""Renders the chart, as both Helms do."""

import functools
import subprocess
from pathlib import Path
from typing import Any

import yaml
from support import processes

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/ocs-bridge"
TOOLS = ROOT / ".cache/chart"
HELMS = ("helm3", "helm4")
KUBES = ("1.25.0", "1.30.0", "1.37.0")
CASES = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
EXAMPLES = sorted(path for path in (ROOT / "deploy/examples").glob("*.yaml") if "argo" not in path.name)
MINIMAL = {
    "config": {
        "kafka": {"bootstrap_servers": "kafka-1:9092", "topics": "campaign-group-events"},
        "notifications": {"url": "https://receiver.example.com/campaign-groups"},
    }
}
Object = dict[str, Any]


def tool(name: str) -> str:
    return str(TOOLS / "bin" / name)


def values_of(case: str) -> Path:
    return CHART / "ci" / f"{case}-values.yaml"


@functools.cache
def run(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """The command's end; the same one is run once only."""
    return processes.run(command, capture_output=True, text=True, timeout=200, check=False, input=text)


def template(helm: str, values: str, *options: str, chart: Path = CHART) -> subprocess.CompletedProcess[str]:
    """`helm template` of the release "r" in the namespace "ns"; `values` is a file or YAML text."""
    given = ("-f", values) if values.startswith("/") else ("-f", "-")
    text = None if values.startswith("/") else values
    return run(tool(helm), "template", "r", str(chart), "-n", "ns", *given, *options, text=text)


def rendered(values: Object | str, *options: str, helm: str = "helm4", chart: Path = CHART) -> list[Object]:
    """The objects. Values as a map are laid over MINIMAL; a text is the name of a case, or a file."""
    if isinstance(values, dict):
        given = yaml.safe_dump(over(MINIMAL, values))
    else:
        given = values if values.startswith("/") else str(values_of(values))
    done = template(helm, given, *options, chart=chart)
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def over(below: Object, above: Object) -> Object:
    """Maps laid over each other."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def refused(values: Object | str, helm: str) -> str:
    """What Helm says of values that it does not take."""
    done = template(helm, yaml.safe_dump(values) if isinstance(values, dict) else values)
    assert done.returncode != 0, "they were taken"
    return done.stderr


def one(objects: list[Object], kind: str) -> Object:
    """The only object of this kind, tests of Helm aside."""
    found = [
        item
        for item in objects
        if item["kind"] == kind and "helm.sh/hook" not in item["metadata"].get("annotations", {})
    ]
    assert len(found) == 1, [item["kind"] for item in objects]
    return found[0]


def workload(objects: list[Object]) -> Object:
    return next(item for item in objects if item["kind"] in ("Deployment", "StatefulSet"))


def pods(objects: list[Object]) -> list[Object]:
    """The specs of all pods: the workload's, and that of `helm test`."""
    return [workload(objects)["spec"]["template"]["spec"], *(item["spec"] for item in objects if item["kind"] == "Pod")]


def bridge(objects: list[Object]) -> Object:
    """The bridge's container."""
    found: Object = workload(objects)["spec"]["template"]["spec"]["containers"][0]
    return found


def configuration(objects: list[Object]) -> Object:
    """The bridge's configuration file, parsed."""
    maps = [item for item in objects if item["kind"] == "ConfigMap" and "bridge.yaml" in item["data"]]
    parsed: Object = yaml.safe_load(maps[0]["data"]["bridge.yaml"])
    return parsed
