"""What the alerts compare with, read from the file that the chart ships."""

import functools
import re
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[1] / "deploy/helm/ocs-bridge/files/alerts.yaml"


@functools.cache
def rules() -> tuple[dict[str, Any], ...]:
    """Every rule, alerts and recorded series."""
    groups = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
    return tuple(rule for group in groups for rule in group["rules"])


def threshold(name: str) -> float:
    """The number marked `# thresholds.NAME`. ValueError if there is none, or if two differ."""
    found = {
        float(number) for rule in rules() for number in re.findall(rf"([0-9.]+) # thresholds\.{name}\b", rule["expr"])
    }
    if len(found) != 1:
        raise ValueError(f"thresholds.{name}: {found or 'not in the alerts'}")
    return found.pop()


def summary(alert: str) -> str:
    """What it tells, in a few words. KeyError if there is no such alert."""
    for rule in rules():
        if rule.get("alert") == alert:
            return str(rule["annotations"]["summary"])
    raise KeyError(alert)


def severity(alert: str) -> str:
    """Its gravest: critical or warning."""
    found = {rule["labels"]["severity"] for rule in rules() if rule.get("alert") == alert}
    return "critical" if "critical" in found else "warning"
