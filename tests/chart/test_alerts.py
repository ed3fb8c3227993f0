"""The alerts: they name what exists, each has a runbook and a test, the chart ships them as they are."""

import json
import re
from pathlib import Path

import pytest
import yaml
from chart.release import CHART, ROOT, TOOLS, Object, one, rendered, run

from bridge.core.gate import HELD
from bridge.core.outcome import Commit, Drop
from bridge.core.vocabulary import GroupState
from bridge.edge.catalogue import BY_NAME
from bridge.edge.metric import Type

FILE = CHART / "files/alerts.yaml"
GROUPS: list[Object] = yaml.safe_load(FILE.read_text())["groups"]
RULES: list[Object] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})
THRESHOLDS: Object = yaml.safe_load((CHART / "values.yaml").read_text())["monitoring"]["prometheusRule"]["thresholds"]
TESTS = [ROOT / "tests/chart/alerts_test.yaml", ROOT / "tests/chart/alerts_slow_test.yaml"]
#: Values that labels of the bridge's metrics can have.
LABEL_VALUES = {
    "state": {state.name for state in GroupState} | {"unknown"},
    "result": {result.value for result in Commit},
    "event": {"assigned", "revoked", "lost"},
}
REASONS = {"ocs_bridge_ticks_dropped_total": {reason.value for reason in Drop}, "ocs_bridge_posting_held": set(HELD)}


def expression(rule: Object) -> str:
    """Without comments."""
    return re.sub(r"#.*", "", rule["expr"])


def test_every_metric_that_a_rule_names_exists() -> None:
    buckets = {f"{metric.name}_bucket" for metric in BY_NAME.values() if metric.type is Type.HISTOGRAM}
    for rule in RULES:
        named = set(re.findall(r"(?<![\w:])(?:ocs_bridge|gsw)_\w+", expression(rule)))
        assert named - BY_NAME.keys() - buckets == set(), rule


def test_every_recorded_series_that_a_rule_names_is_recorded() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    named = {name for rule in RULES for name in re.findall(r"job:\w+:\w+", expression(rule))}

    assert named == recorded, "one is missing, or recorded for nobody"


def test_every_label_and_value_that_a_rule_selects_by_can_be_there() -> None:
    for rule in RULES:
        for metric, matchers in re.findall(r"([\w:]+)\{(.*?)\}", expression(rule)):
            for label, values in re.findall(r"(\w+)!?=~?\"(.*?)\"", matchers):
                if label == "job":
                    continue
                assert label in BY_NAME[metric].labels
                assert set(values.split("|")) <= REASONS.get(metric, LABEL_VALUES.get(label, set())), (metric, values)


def test_every_selector_is_of_this_job() -> None:
    for rule in RULES:
        selectors = re.findall(r"(?:\b(?:up|ocs_bridge_\w+)|job:\w+:\w+)(\{.*?\})?", expression(rule))
        assert selectors
        assert all('job="ocs-bridge"' in selector for selector in selectors), rule


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_says_what_is_wrong_and_what_to_do(name: str) -> None:
    page = ROOT / f"docs/runbooks/{name}.md"
    text = page.read_text()

    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "What it means",
        "How to check",
        "How to mend",
        "When to ignore",
    ]
    for rule in (rule for rule in ALERTS if rule["alert"] == name):
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["labels"]["severity"] in text.split("##")[0]
        assert re.fullmatch(r"\d+[mhd]", rule["for"])
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
        assert rule["annotations"]["summary"]
        assert (
            "{{ $labels.job }}" in rule["annotations"]["description"]
            or "{{ $labels." in rule["annotations"]["description"]
        )


def test_every_page_is_of_an_alert() -> None:
    assert sorted(page.stem for page in (ROOT / "docs/runbooks").glob("*.md")) == NAMES


def test_every_log_line_that_a_page_names_can_be_logged() -> None:
    code = "".join(path.read_text() for path in (ROOT / "bridge").rglob("*.py"))
    text = "".join(path.read_text() for path in (ROOT / "docs/runbooks").glob("*.md"))
    named = {
        word for found in re.findall(r"lines? `(\w+)`(?: and `(\w+)`)?|`(\w+)` lines?", text) for word in found if word
    }

    assert len(named) > 8
    assert [word for word in named if f'"{word}"' not in code] == []


def test_thresholds_of_the_values_are_those_of_the_file() -> None:
    told: dict[str, set[float]] = {}
    for rule in ALERTS:
        for number, name in re.findall(r"([0-9.]+) # thresholds\.(\w+)", rule["expr"]):
            told.setdefault(name, set()).add(float(number))

    assert told == {name: {value if value is not None else 0.95 * 64} for name, value in THRESHOLDS.items()}


def test_every_alert_fires_and_stays_silent_in_a_test_of_promtool() -> None:
    fired: set[str] = set()
    silent: set[str] = set()
    for path in TESTS:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for test in case.get("alert_rule_test", []):
                (fired if test.get("exp_alerts") else silent).add(test["alertname"])
            for test in case.get("promql_expr_test", []):
                (fired if test.get("exp_samples") else silent).update(re.findall(r'alertname="(\w+)"', test["expr"]))

    assert fired == set(NAMES)
    assert silent == set(NAMES)


PROMTOOLS = ["promtool", *map(str, (TOOLS / "bin").glob("promtool3"))]
PROMTOOL_RUNS = [
    pytest.param(path, promtool, id=f"{path.stem}-{'newest' if index else 'oldest'}")
    for path in TESTS
    for index, promtool in enumerate(PROMTOOLS)
]


@pytest.mark.chart
@pytest.mark.parametrize(("path", "promtool"), PROMTOOL_RUNS)
def test_promtool_finds_the_rules_good_and_its_tests_pass(path: Path, promtool: str) -> None:
    checked = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(FILE))
    assert checked.returncode == 0, checked.stdout + checked.stderr

    tested = run(promtool, "test", "rules", str(path))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def shipped(values: Object) -> Object:
    settings = {"enabled": True, **values}
    spec: Object = one(rendered({"monitoring": {"prometheusRule": settings}}), "PrometheusRule")["spec"]
    return spec


@pytest.mark.chart
def test_the_chart_ships_the_file_with_its_own_selectors() -> None:
    text = json.dumps(GROUPS).replace('job=\\"ocs-bridge\\"', 'namespace=\\"ns\\",job=\\"r-ocs-bridge\\"')

    assert shipped({})["groups"] == json.loads(text)
    assert shipped({})["groups"] != GROUPS


@pytest.mark.chart
def test_the_job_that_alerts_select_is_that_of_service_and_pod_monitor() -> None:
    """A ServiceMonitor without jobLabel gives job = the Service's name (Prometheus Operator); a PodMonitor is told to."""
    for monitor in ("serviceMonitor", "podMonitor"):
        objects = rendered({"monitoring": {monitor: {"enabled": True}, "prometheusRule": {"enabled": True}}})
        service = one(objects, "Service")["metadata"]["name"]

        assert f'job="{service}"' in str(one(objects, "PrometheusRule"))
        if monitor == "serviceMonitor":
            assert "jobLabel" not in one(objects, "ServiceMonitor")["spec"]
        else:
            relabelings = one(objects, "PodMonitor")["spec"]["podMetricsEndpoints"][0]["relabelings"]
            assert {"action": "replace", "targetLabel": "job", "replacement": service} in relabelings


@pytest.mark.chart
def test_values_change_thresholds_and_single_alerts(tmp_path: Path) -> None:
    spec = shipped(
        {
            "thresholds": {name: 7 if value is None or value > 1 else 0.5 for name, value in THRESHOLDS.items()},
            "disabled": {"OcsBridgeLagGrowing": True},
            "overrides": {"OcsBridgeDown": {"for": "10m", "severity": "warning", "labels": {"pager": "no"}}},
            "alertLabels": {"team": "outbound"},
            "runbookBaseUrl": "https://wiki.example.com/",
        }
    )
    alerts = {rule["alert"]: rule for group in spec["groups"] for rule in group["rules"] if "alert" in rule}

    assert "OcsBridgeLagGrowing" not in alerts
    assert alerts["OcsBridgeDown"]["for"] == "10m"
    assert alerts["OcsBridgeDown"]["labels"] == {"severity": "warning", "pager": "no", "team": "outbound"}
    assert (
        alerts["OcsBridgeDown"]["annotations"]["runbook_url"]
        == "https://wiki.example.com/docs/runbooks/OcsBridgeDown.md"
    )
    numbers = {n for rule in alerts.values() for n in re.findall(r"([0-9.]+) # thresholds", rule["expr"])}
    assert numbers == {"7", "0.5"}
    assert "{{ $value | humanizePercentage }}" in alerts["OcsBridgeFailureRatioHigh"]["annotations"]["description"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(spec))
    checked = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(tmp_path / "rules.yaml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
