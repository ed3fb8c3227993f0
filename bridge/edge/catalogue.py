"""Every metric of the bridge. What is not here can't be exposed.

docs/metrics.md is made from this table; a test says when they differ.
"""

import sys
from pathlib import Path

from bridge.edge.catalogue_delivery import DELIVERY
from bridge.edge.catalogue_groups import GROUPS
from bridge.edge.metric import GROUP_LABELS, Metric

CATALOGUE: tuple[Metric, ...] = DELIVERY + GROUPS
BY_NAME = {metric.name: metric for metric in CATALOGUE}
#: What the Python client tells of the process itself, on Linux: its names, without labels.
PROCESS = (
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_start_time_seconds",
    "process_open_fds",
    "process_max_fds",
)


def markdown() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Made by `python -m bridge.edge.catalogue`. Scrape `/metrics` of the admin port (`admin.port`, 9464).",
        "All counts of a scrape are from one moment, so these hold exactly:",
        "",
        "* records: consumed = posted + absorbed + skipped + quarantined + returned + held",
        "* notifications: rendered = sent + failed + dropped + in flight",
        "",
        f"`<metrics.labels>`: the labels chosen by the setting of that name, from {', '.join(f'`{x}`' for x in GROUP_LABELS)}.",
        "A statistic that is null, or whose campaign group is unloaded, has no series.",
        f"Besides, of the process itself (Linux): {', '.join(f'`{name}`' for name in PROCESS)}.",
        "",
        "| metric | type | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for metric in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.type.value} | {labels} | {metric.help} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write metrics.md into a folder (docs/), or with --check compare. -> exit code."""
    places = [argument for argument in arguments if argument != "--check"]
    path = (Path(places[0]) if places else Path(__file__).parents[2] / "docs") / "metrics.md"
    if "--check" not in arguments:
        path.write_text(markdown(), encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != markdown():
        sys.stderr.write(f"{path} differs from bridge/edge/catalogue.py: run python -m bridge.edge.catalogue\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
