"""The dashboards as the chart brings them to Grafana: to its sidecar, or to grafana-operator."""

import json
import re

import pytest
import yaml
from chart.release import CHART, HELMS, ROOT, Object, one, rendered, values_of

pytestmark = pytest.mark.chart
FILES = {path.name: path.read_text() for path in (ROOT / "grafana").glob("*.json")}
BASE = "https://repository.example.com/ocs-bridge/"


def config_maps(objects: list[Object]) -> list[Object]:
    return [item for item in objects if item["kind"] == "ConfigMap" and "bridge.yaml" not in item["data"]]


@pytest.mark.parametrize("helm", HELMS)
def test_a_config_map_holds_a_dashboard_as_it_is(helm: str) -> None:
    maps = config_maps(rendered({"monitoring": {"dashboards": {"enabled": True}}}, helm=helm))

    assert {name: text for item in maps for name, text in item["data"].items()} == FILES
    assert len(FILES) == 4
    assert sorted(item["metadata"]["name"] for item in maps) == [
        "r-ocs-bridge-delivery",
        "r-ocs-bridge-groups",
        "r-ocs-bridge-overview",
        "r-ocs-bridge-resources",
    ]
    for item in maps:
        assert item["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert "grafana_folder" not in item["metadata"].get("annotations", {})


def test_label_folder_and_runbooks_are_values() -> None:
    maps = config_maps(rendered("monitoring"))

    for item in maps:
        assert item["metadata"]["labels"]["dashboards.example.com/load"] == "yes"
        assert item["metadata"]["annotations"]["grafana_folder"] == "Outbound"
        assert item["metadata"]["annotations"]["example.com/team"] == "outbound"
        [text] = item["data"].values()
        assert BASE not in text
        variables = {found["name"]: found for found in json.loads(text)["templating"]["list"]}
        assert variables["runbooks"]["query"] == "https://wiki.example.com/ocs-bridge/"
    assert "folder: Outbound" in values_of("monitoring").read_text()


def drawn(text: str) -> set[tuple[str, float]]:
    """(name, number) of every threshold, where colors change and in queries."""
    colors = re.findall(r'"name": "([^"]*thresholds\.\w+)",\s+"value": ([0-9.e+-]+)', text)
    in_queries = re.findall(r"([0-9.e+-]+) # (thresholds\.\w+)\b", text)
    return {(name, float(n)) for name, n in colors} | {(name, float(n)) for n, name in in_queries}


def test_thresholds_are_those_of_the_alerts() -> None:
    """All of them changed: also those of the error budget's windows, and that of POSTs under way, which is a setting's."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())["monitoring"]["prometheusRule"]["thresholds"]
    changed = {name: value * 2 for name, value in values.items() if value is not None}
    monitoring = {"dashboards": {"enabled": True}, "prometheusRule": {"enabled": True, "thresholds": changed}}
    objects = rendered({"config": {"http": {"max_in_flight": 100}}, "monitoring": monitoring})
    alerts = str(one(objects, "PrometheusRule"))
    told = {(f"thresholds.{name}", float(n)) for n, name in re.findall(r"([0-9.e+-]+) # thresholds\.(\w+)", alerts)}

    shown: set[tuple[str, float]] = set().union(
        *(drawn(text) for item in config_maps(objects) for text in item["data"].values())
    )
    expected = {(f"thresholds.{name}", float(value)) for name, value in {**changed, "inFlight": 95}.items()}
    times = {(f"{n:g} * thresholds.errorBudget", n * changed["errorBudget"]) for n in (14.4, 6, 3)}
    assert told == expected
    assert {(name, round(value, 9)) for name, value in shown} == {
        (name, round(value, 9)) for name, value in expected | times
    }


def test_grafana_operator_gets_its_own_kind() -> None:
    objects = rendered("pod-monitor")
    made = [item for item in objects if item["kind"] == "GrafanaDashboard"]

    assert config_maps(objects) == []
    assert [json.loads(item["spec"]["json"])["uid"] for item in made] == sorted(
        name.removesuffix(".json") for name in FILES
    )
    for item in made:
        assert item["apiVersion"] == "grafana.integreatly.org/v1beta1"
        assert item["spec"]["folder"] == "Outbound"
        assert item["spec"]["allowCrossNamespaceImport"] is True
        assert item["spec"]["instanceSelector"] == {"matchLabels": {"dashboards": "grafana"}}


def test_there_are_none_unless_they_are_asked_for() -> None:
    objects = rendered("minimal")

    assert config_maps(objects) == []
    assert "GrafanaDashboard" not in {item["kind"] for item in objects}


def test_the_container_that_panels_look_at_is_the_bridges() -> None:
    template = (CHART / "templates/_pod.tpl").read_text()

    assert "\nname: bridge\n" in template
    assert 'container=\\"bridge\\"' in FILES["ocs-bridge-resources.json"]
