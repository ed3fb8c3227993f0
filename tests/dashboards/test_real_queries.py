"""Every query of every dashboard, asked of a real Prometheus that scrapes real bridges: it has an answer.

Panels that are empty when all is well have one in the fault that they are for. A scene is a namespace, chosen by the
dashboards' own variable.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
from dashboards.asking import FILES, Asked, Prometheus, document, filled_in, queries
from dashboards.lab import Lab, Scene
from kafka_broker import KafkaBroker
from loopback import wait_until

from grafana import campaigns, delivery, health, intake, process
from grafana.signals import Signal

pytestmark = [pytest.mark.dashboards, pytest.mark.timeout(480)]
EVERY = 1.0  # seconds between scrapes, and that each may take
RATE_INTERVAL = "8s"
ASKED = [asked for path in FILES for asked in queries(document(path))]
SIGNALS = [s for module in (campaigns, delivery, health, intake, process) for s in vars(module).values() if isinstance(s, Signal)]  # fmt: skip
#: Title -> the fault without which there is no data; that of annotations is told here.
EMPTY = {signal.title: signal.empty for signal in SIGNALS if signal.empty} | {
    "Firing alerts": "a receiver that is down",
    "Rebalances": "a bridge that joins",  # perhaps also where several begin at once
}
#: Namespace in which there is the fault.
SCENE_OF = {
    "a receiver that is down": "receiver-down",
    "records that are no event": "odd",
    "a platform that goes silent": "odd",
    "a CPU limit": "odd",
    "a bridge that joins": "odd",
}


@dataclass(frozen=True)
class Watched:
    prometheus: Prometheus
    since: float

    def answer(self, asked: Asked, namespace: str) -> list[list[object]]:
        """Values of each series that are numbers."""
        expr = filled_in(asked.expr, {"namespace": namespace}, RATE_INTERVAL)
        now = time.time()
        if asked.instant:
            found = [[one["value"]] for one in self.prometheus.instant(expr, now)]
        else:
            found = [one["values"] for one in self.prometheus.range(expr, self.since, now, EVERY)]
        numbers = [[value for _, value in values if value != "NaN"] for values in found]
        return [values for values in numbers if values]


@pytest.fixture(scope="module")
def watched(broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    since = time.time()
    with Lab(tmp_path_factory.mktemp("watched"), broker.bootstrap, EVERY) as lab:
        scenes = [
            lab.scene("healthy"),
            lab.scene("receiver-down", bridges=1),
            lab.scene("odd", bridges=1, bad=0.2, limited=True),
        ]
        for scene in scenes:
            scene.begin()
        told = 'sum by (namespace) (rate(ocs_bridge_posts_sent_total{kind="periodic"}[8s])) > 0'
        wait_until(lambda: len(lab.prometheus.instant(told)) == 3, timeout=150, what="all scenes notify")
        fall_ill(scenes[1], scenes[2])
        fallen_ill = (
            'count_over_time(ALERTS{alertstate="firing", namespace="receiver-down"}[10s]) > 3',
            'sum(increase(ocs_bridge_rebalances_total{namespace="odd", event="revoked"}[2m])) > 0',
            'gsw_stat_busy_factor{namespace="odd", campaign_group="Silent"}',
        )
        for expr in fallen_ill:
            wait_until(lambda e=expr: bool(lab.prometheus.instant(e)), timeout=150, what=expr)  # type: ignore[misc]
        yield Watched(lab.prometheus, since)


def fall_ill(receiver_down: Scene, odd: Scene) -> None:
    receiver_down.receiver_down()
    odd.add_bridge()
    names = dict.fromkeys(("tenant_name", "group_name", "campaign_name", "queue_name", "campaign_group_name"), "Silent")
    about = {**names, "campaign_group_guid": "S", "campaign_group_dbid": "1", "tenant_ccid": "1"}
    at = round((time.time() - 300) * 1000)
    for more in (
        {"kind": "change", "state": "Running", "action": "StartDialing", "actor": "OcsClient"},
        {"kind": "statistics", "statistics": {"busy_factor": 0.5}},
    ):
        odd.write("S", msgspec.json.encode({"time": at, **about, **more}).decode())


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_query_has_an_answer(asked: Asked, watched: Watched) -> None:
    fault = EMPTY.get(asked.panel)
    found = watched.answer(asked, "healthy")
    if fault is None:
        assert found, "no data although all is well"
    else:
        assert not found or asked.panel == "Rebalances", "listed as empty when well"
        # Of a panel with several queries each may need another fault of the scene; the panel must not stay empty.
        siblings = [one for one in ASKED if (one.dashboard, one.panel) == (asked.dashboard, asked.panel)]
        assert any(watched.answer(one, SCENE_OF[fault]) for one in siblings), f"no data in the fault: {fault}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_variable_offers_what_is_there(path: object, watched: Watched) -> None:
    expected = {
        "namespace": {"healthy", "receiver-down", "odd"},
        "job": {"ocs-bridge"},
        "instance": {"ocs-bridge-aa70:9464", "ocs-bridge-bb71:9464"},
        "tenant": {"Environment", "Northwind Bank", "Contoso Energy"},
    }
    now = time.time()
    for found in document(path)["templating"]["list"]:  # type: ignore[arg-type]
        if found["type"] != "query":
            continue
        query = filled_in(found["query"]["query"], {"namespace": "healthy"}, RATE_INTERVAL)
        values = set(watched.prometheus.label_values(query, watched.since, now))
        if found["name"] == "campaign_group":
            assert "Spring Renewal@Agents North" in values
        else:
            assert values == expected[found["name"]], query


def test_every_fault_has_a_scene() -> None:
    assert set(EMPTY.values()) == set(SCENE_OF)
    assert set(EMPTY) <= {asked.panel for asked in ASKED}
