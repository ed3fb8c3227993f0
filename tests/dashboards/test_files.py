"""The dashboards' files: made from their source, fit for Grafana's sidecar, and true to the bridge and to its alerts."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dashboards.asking import FILES, FOREIGN, ROOT, document, panels, queries

from bridge.core.gate import HELD
from bridge.core.outcome import REASONS, Commit, Drop, Result
from bridge.core.vocabulary import GroupState
from bridge.edge.catalogue import BY_NAME, PROCESS
from bridge.edge.metric import GROUP_LABELS, Type
from bridge.edge.metrics import KINDS
from grafana.__main__ import CHART, files, main
from grafana.health import PROBLEMS

ALERTS = ROOT / "deploy/helm/ocs-bridge/files/alerts.yaml"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
GALLERY = sorted((ROOT / "grafana/gallery").glob("*.json"))
by_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
#: Uids are addresses: bookmarks and links in runbooks break when one changes.
UIDS = {"ocs-bridge-overview", "ocs-bridge-delivery", "ocs-bridge-groups", "ocs-bridge-resources"}
#: Of the target, not of the bridge.
TARGET = {"namespace", "job", "instance", "pod"}


def test_the_files_are_what_the_source_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err
    here = {path.relative_to(ROOT) for path in [*FILES, *GALLERY, *(ROOT / CHART).iterdir()]}
    assert here == set(files()), "a file that the source does not make"


def test_a_file_that_differs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grafana.__main__.ROOT", tmp_path)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "grafana/ocs-bridge-overview.json").write_text("{}")
    assert main(["--check"]) == 1


def test_uids_stay() -> None:
    assert {document(path)["uid"] for path in FILES} == UIDS
    assert {document(path)["uid"] for path in GALLERY} == UIDS


@by_file
def test_a_provisioned_file_asks_for_nothing(path: Path) -> None:
    """The sidecar fills in no inputs; the gallery's import does."""
    text = path.read_text()
    assert "${DS_" not in text
    assert "__inputs" not in text
    assert len(text.encode()) < 256 * 1024, "kubectl apply keeps it in an annotation"
    made = json.loads(text)
    assert made["id"] is None
    assert 39 <= made["schemaVersion"] <= 42
    assert not {"version", "iteration"} & made.keys()


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_gallerys_export_asks_for_the_data_source(path: Path) -> None:
    made = document(path)
    assert [one["name"] for one in made["__inputs"]] == ["DS_PROMETHEUS"]
    assert {panel["datasource"]["uid"] for panel in panels(made)} == {"${DS_PROMETHEUS}"}
    assert "${datasource}" not in path.read_text()
    kinds = {one["id"] for one in made["__requires"] if one["type"] == "panel"}
    assert kinds == {panel["type"] for panel in panels(made)}
    provisioned = document(ROOT / "grafana" / path.name)
    assert [panel["title"] for panel in panels(made)] == [panel["title"] for panel in panels(provisioned)]


@by_file
def test_panels_lie_on_the_grid_side_by_side(path: Path) -> None:
    made = document(path)
    everything = [inner for panel in made["panels"] for inner in (panel, *panel.get("panels", []))]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another"
        taken |= cells
    heights = range(max(y for _, y in taken) + 1)
    assert all((x, y) in taken for y in heights for x in range(24)), "a hole: Grafana would move panels into it"
    assert len(panels(made)) <= 26


@by_file
def test_every_panel_asks_a_question_and_says_what_to_do(path: Path) -> None:
    titles = [panel["title"] for panel in panels(document(path))]
    assert len(set(titles)) == len(titles)
    for panel in panels(document(path)):
        assert panel["title"].endswith("?"), panel["title"]
        assert len(panel["description"]) > 60, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]


def selectors(expr: str) -> list[tuple[str, str]]:
    """(metric, matchers) of each selector. Every metric here has braces."""
    return re.findall(r"([a-zA-Z_:][\w:]*)\{(.*?)\}", expr)


@by_file
def test_only_metrics_and_labels_that_exist_are_asked_for(path: Path) -> None:
    histograms = {f"{m.name}_bucket": m for m in BY_NAME.values() if m.type is Type.HISTOGRAM}
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    for asked in queries(document(path)):
        bare = re.sub(r"\{.*?\}", "", re.sub(r'"[^"]*"', '""', asked.expr))
        assert set(re.findall(r"(?<![\w:])(?:ocs_bridge|gsw|process)_\w+", bare)) <= {
            m for m, _ in selectors(asked.expr)
        }
        for metric, matchers in selectors(asked.expr):
            foreign = FOREIGN.match(metric) or metric in recorded
            assert foreign or metric in BY_NAME or metric in histograms, f"{asked}: {metric}"
            assert not metric.startswith("process_") or metric in PROCESS, metric
            if not foreign:
                own = (BY_NAME.get(metric) or histograms[metric]).labels
                known = {label for name in own for label in ([*GROUP_LABELS] if name.startswith("<") else [name])}
                used = set(re.findall(r'(\w+)(?:=~|!=|=|!~)"', matchers))
                assert used <= known | TARGET, f"{asked}: {metric}"


VALUES = {
    "reason": {str(reason) for reasons in REASONS.values() for reason in reasons} | {str(d) for d in Drop} | set(HELD),
    "result": {str(result) for result in Commit},
    "outcome": {str(result) for result in Result},
    "event": {"assigned", "revoked", "lost"},
    "kind": set(KINDS),
}


@by_file
def test_every_label_value_that_is_selected_can_be_there(path: Path) -> None:
    for asked in queries(document(path)):
        for _, matchers in selectors(asked.expr):
            for label, value in re.findall(r'(\w+)(?:=~|!=|=)"([^"$]*)"', matchers):
                if label in VALUES:
                    assert set(value.split("|")) <= VALUES[label], f"{asked}: {label}"


@by_file
def test_series_that_have_a_color_exist(path: Path) -> None:
    """A name that is misspelt would lose its color in silence."""
    words = {str(result) for result in Result} | {state.name for state in GroupState} | {"unknown"}
    words |= {str(result) for result in Commit}
    fates = {name.removeprefix("ocs_bridge_records_").removesuffix("_total") for name in BY_NAME}
    for panel in panels(document(path)):
        legends = {target["legendFormat"] for target in panel["targets"]} | words
        for one in panel["fieldConfig"]["overrides"]:
            if any(part["id"] == "color" for part in one["properties"]) and panel["type"] != "table":
                named = one["matcher"]["options"]
                whole = named in legends or any(f"/^{word}/" == named for word in words | fates)
                assert whole, panel["title"]


# Thresholds and runbooks


def compared(alert: str) -> set[float]:
    """What the alert's expressions compare with."""
    numbers: set[float] = set()
    for rule in RULES:
        if rule.get("alert") == alert:
            expr = re.sub(r"#.*", "", rule["expr"])
            for factor, number in re.findall(r"(?:>=?|==)\s*(?:([0-9.]+) \* )?([0-9.]+)", expr):
                numbers.add(round(float(factor or 1) * float(number), 6))
    return numbers


def bounds(panel: dict[str, Any]) -> set[float]:
    """Where its color changes."""
    settings = [panel["fieldConfig"]["defaults"].get("thresholds")]
    settings += [part["value"] for one in panel["fieldConfig"]["overrides"] for part in one["properties"] if part["id"] == "thresholds"]  # fmt: skip
    return {step["value"] for one in settings if one for step in one["steps"] if step["value"] is not None}


def linked(panel: dict[str, Any]) -> list[str]:
    return [re.sub(r".*/|\.md$", "", link["url"]) for link in panel["links"]]


@by_file
def test_thresholds_are_those_of_the_alerts_whose_runbooks_are_linked(path: Path) -> None:
    judged = 0
    for panel in panels(document(path)):
        alerts = linked(panel)
        for alert in alerts:
            assert (ROOT / f"docs/runbooks/{alert}.md").is_file()
        told = set().union(*(compared(alert) for alert in alerts))
        allowed = told | ({0.001, 1.0} if 0.0 in told else set())  # the least above zero; the first whole number above
        if alerts:
            assert bounds(panel) - {0.01} <= allowed, f"{panel['title']}: {bounds(panel)} is not of {alerts}: {told}"
            judged += bool(bounds(panel))
    assert judged >= 2 or path.stem == "ocs-bridge-resources"


def test_the_budgets_windows_are_judged_by_their_own_alerts() -> None:
    panel = next(p for p in panels(document(FILES[2])) if "error budget" in p["title"])
    by_window = {
        rule["labels"]["long"]: max(compared_in(rule["expr"]))
        for rule in RULES
        if rule.get("alert") == "OcsBridgeErrorBudgetBurn"
    }
    found = {one["matcher"]["options"]: one["properties"][0]["value"]["steps"][1]["value"] for one in panel["fieldConfig"]["overrides"]}  # fmt: skip
    assert found == by_window


def compared_in(expr: str) -> list[float]:
    return [round(float(factor) * float(number), 6) for factor, number in re.findall(r"> ([0-9.]+) \* ([0-9.]+)", expr)]


#: Those that look back for hours, or for a quarter of one at a sum: the panel of firing alerts has them.
NOT_AT_ONCE = {"OcsBridgeErrorBudgetBurn", "OcsBridgeLagGrowing", "OcsBridgeTicksMissing"}


def test_the_list_of_problems_has_the_numbers_of_the_alerts() -> None:
    [target] = next(p for p in panels(document(FILES[2])) if p["title"].startswith("What is wrong"))["targets"]
    parts = re.split(r"\nor (?=label_replace)", target["expr"])
    listed = [re.findall(r'"alert", "(\w+)"', part) for part in parts]
    assert {alert for [alert] in listed} == {rule["alert"] for rule in RULES if "alert" in rule} - NOT_AT_ONCE
    marked = 0
    for part, [alert] in zip(parts, listed, strict=True):
        numbers = set(re.findall(r"([0-9.]+) # thresholds\.(\w+)\n", part))
        allowed = {found for rule in RULES if rule.get("alert") == alert for found in re.findall(r"([0-9.]+) # thresholds\.(\w+)", rule["expr"])}  # fmt: skip
        assert numbers == allowed, alert
        rest = {float(n) for n in re.findall(r"(?:>=?|==)\s*([0-9.]+)(?![0-9.]| # thresholds)", part)}
        assert rest <= {0.0}, f"{alert}: a number that the chart can't set"
        marked += len(numbers)
    assert marked == len(re.findall("# thresholds", target["expr"])) == 10


def test_what_pages_somebody_is_no_yellow() -> None:
    grave = {rule["alert"] for rule in RULES if rule.get("labels", {}).get("severity") == "critical"} - NOT_AT_ONCE
    assert {alert for place, alert, _ in PROBLEMS if place > 1} >= grave


def test_every_alert_is_linked_from_a_panel() -> None:
    links = {alert for path in FILES for panel in panels(document(path)) for alert in linked(panel)}
    assert {rule["alert"] for rule in RULES if "alert" in rule} - links == set()
