"""The rules of Grafana's dashboard-linter, done anew: its module is not to be had where these tests run.

The names of the rules are its own; EXCEPTIONS has what is left out, and why.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dashboards.asking import FILES, Asked, document, filled_in, panels, queries
from support import processes

by_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)

#: (rule, what of the panel's title or expression, reason)
EXCEPTIONS = (
    ("template-job", "allValue", "`.+` would take in the `up` of every other job of this Prometheus"),
    ("target-job", "container_|kube_pod_", "cAdvisor's and kube-state-metrics' series have their own job"),
    ("target-instance", "container_|kube_pod_", "and the node's instance: the pods are joined to the bridges chosen"),
    ("target-instance", "job:ocs_bridge_", "recorded for all instances of a job together"),
    ("target-instance", "ALERTS", "alerts are of a job"),
    (
        "target-counter-agg",
        "ocs_bridge_(offsets_missing|posts_unknown|state_records_bad|state_restore_seconds|state_groups_restored|state_records_seeded)_total",
        "counted when a partition starts, perhaps before the first scrape: a series that is new counts from 0",
    ),
    (
        "target-rate-interval",
        r"\[\$__range\]",
        "which campaign groups are shown is decided once, over all of the time shown",
    ),
    ("target-rate-interval", r"\[2m\]", "looks past the seconds in which every start restores its partitions"),
    ("target-rate-interval", r"\[5m\]", "judged over the window of its alert"),
    ("target-rate-interval", r"\[15m\]", "judged over the window of its alert"),
    ("target-rate-interval", r"\[30m\]", "judged over the window of its alert"),
    ("target-rate-interval", r"\[1h\]", "counts the last hour; the title or the description says so"),
)
ASKED = [asked for path in FILES for asked in queries(document(path)) if asked.ref != "annotation"]
by_query = pytest.mark.parametrize("asked", ASKED, ids=str)
#: Grafana's ids of the units that are used (grafana/data's valueFormats).
UNITS = {"none", "short", "percentunit", "s", "bytes", "ops", "reqps", "rps", "wps"}


def excepted(rule: str, found: str) -> bool:
    return any(name == rule and re.search(pattern, found) for name, pattern, _ in EXCEPTIONS)


def variables(path: Path) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in document(path)["templating"]["list"]}


@by_file
def test_template_datasource(path: Path) -> None:
    sources = [one for one in variables(path).values() if one["type"] == "datasource"]
    assert [(one["name"], one["label"], one["query"]) for one in sources] == [
        ("datasource", "Data source", "prometheus")
    ]


@by_file
@pytest.mark.parametrize(("name", "label"), [("job", "Job"), ("instance", "Instance")])
def test_template_job_and_instance(path: Path, name: str, label: str) -> None:
    found = variables(path)[name]
    assert found["label"] == label
    assert found["type"] == "query"
    assert found["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert found["multi"]
    assert found["includeAll"]
    assert found["allValue"] == ".+" or excepted(f"template-{name}", "allValue")


@by_file
def test_template_label_promql_and_on_time_change_reload(path: Path) -> None:
    for found in variables(path).values():
        if found["type"] == "query":
            assert re.fullmatch(r"label_values\(\w+(\{[^{}]*\})?, \w+\)", found["query"]["query"])
            assert found["query"]["query"] == found["definition"]
            assert found["refresh"] == 2


@by_file
def test_panel_datasource_title_description_units_and_targets(path: Path) -> None:
    for panel in panels(document(path)):
        source = {"type": "prometheus", "uid": "${datasource}"}
        assert panel["datasource"] == source
        assert panel["targets"]
        assert all(target["datasource"] == source for target in panel["targets"])
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)


@by_file
def test_uneditable_dashboard(path: Path) -> None:
    assert document(path)["editable"] is False


def whole_selectors(expr: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"([a-zA-Z_:][\w:]*)\{(.*?)\}", expr)


@by_query
def test_target_job_and_instance(asked: Asked) -> None:
    for metric, matchers in whole_selectors(asked.expr):
        for name in ("job", "instance"):
            assert f'{name}=~"${name}"' in matchers or excepted(f"target-{name}", metric), metric


@by_query
def test_target_rate_interval(asked: Asked) -> None:
    for window in re.findall(r"(\[[^\]]+\])", asked.expr):
        assert window == "[$__rate_interval]" or excepted("target-rate-interval", window)


@by_query
def test_target_counter_agg(asked: Asked) -> None:
    """A counter alone tells how long ago a process began: only its growth means something."""
    for found in re.finditer(r"([a-zA-Z_:][\w:]*_(?:total|bucket))\{", asked.expr):
        grown = re.search(r"(?:rate|irate|increase)\($", asked.expr[: found.start()])
        assert grown or excepted("target-counter-agg", found[1]), found[1]


@pytest.mark.needs("promtool")
def test_target_promql(tmp_path: Path) -> None:
    """Every query parses, those of annotations and variables too: as rules of promtool, one for each."""
    asked = [filled_in(one.expr, {}, "4m") for path in FILES for one in queries(document(path))]
    offered = [found["query"]["query"] for path in FILES for found in variables(path).values() if found["type"] == "query"]  # fmt: skip
    asked += [filled_in(re.sub(r"label_values\((.*), \w+\)", r"\1", query), {}, "4m") for query in offered]
    rules = [{"record": f"query:{n}", "expr": expr} for n, expr in enumerate(asked)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    command = ["promtool", "check", "rules", "--lint=none", str(tmp_path / "rules.yaml")]
    done = processes.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{len(asked)} rules found" in done.stdout


def test_every_exception_is_needed() -> None:
    everything = " ".join([asked.expr for asked in ASKED] + ["allValue"])
    for rule, pattern, reason in EXCEPTIONS:
        assert re.search(pattern, everything), rule
        assert reason
