"""Asks Prometheus what Grafana would ask it: variables and macros filled in, the same endpoints."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from loopback import wait_until

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "grafana").glob("*.json"))
Json = dict[str, Any]
#: Metrics that are not the bridge's own.
FOREIGN = re.compile(r"(up|ALERTS|scrape_\w+|process_\w+|container_\w+|kube_pod_container_\w+)$")


class Asked(NamedTuple):
    """A query of a dashboard."""

    dashboard: str
    panel: str
    ref: str
    expr: str
    instant: bool
    points: int = 720  # the values of each series at most: 6 hours of one every 30 s

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel} [{self.ref}]"


def document(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def panels(dashboard: Json) -> list[Json]:
    """Those that show something."""
    found = [inner for panel in dashboard["panels"] for inner in (panel, *panel.get("panels", []))]
    return [panel for panel in found if panel["type"] != "row"]


def queries(dashboard: Json) -> Iterator[Asked]:
    """Of its panels and annotations."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            name = dashboard["uid"], panel["title"], target["refId"]
            yield Asked(*name, target["expr"], target["instant"], panel.get("maxDataPoints", 720))
    for annotation in dashboard["annotations"]["list"]:
        yield Asked(dashboard["uid"], annotation["name"], "annotation", annotation["expr"], instant=False)


def filled_in(expr: str, values: Mapping[str, str], rate_interval: str, shown: float = 3600) -> str:
    """As Grafana sends it, where `shown` seconds are. Variables without a value stand for All."""
    expr = expr.replace("$__rate_interval", rate_interval).replace("$__range", f"{shown:.0f}s")
    every = {"namespace": ".*", "job": "ocs-bridge", "instance": ".+", "tenant": ".*", "campaign_group": ".*"}
    chosen = {**every, **values}
    found = re.sub(r"\$(\w+)", lambda name: chosen[name[1]], expr)
    assert "$" not in found, found
    return found


class Prometheus:
    """At `url`. Errors of it are AssertionErrors with what it says."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=120)

    def wait_ready(self) -> None:
        """Until it has read what is on its disk."""
        wait_until(self._ready, timeout=120, what="Prometheus")

    def _ready(self) -> bool:
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def instant(self, expr: str, at: float | None = None) -> list[Json]:
        """The vector."""
        return self._vector("query", {"query": expr, **({"time": f"{at}"} if at else {})})

    def range(self, expr: str, begin: float, end: float, step: float) -> list[Json]:
        """The matrix."""
        return self._vector("query_range", {"query": expr, "start": f"{begin}", "end": f"{end}", "step": f"{step}"})

    def samples(self, expr: str, begin: float, end: float, step: float) -> int:
        """How many samples the range query looks at, as Prometheus counts them: its cost, however busy the machine is."""
        times = {"start": f"{begin}", "end": f"{end}", "step": f"{step}"} if begin < end else {"time": f"{end}"}
        endpoint = "query_range" if begin < end else "query"
        found = self._data(endpoint, {"query": expr, "stats": "all", **times})
        return int(found["stats"]["samples"]["totalQueryableSamples"])

    def label_values(self, query: str, begin: float, end: float) -> list[str]:
        """What Grafana makes of `label_values(selector, label)`: the label's values over the time shown."""
        found = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
        assert found, query
        times = {"start": f"{begin}", "end": f"{end}"}
        answer = self._client.get(f"/api/v1/label/{found[2]}/values", params={"match[]": found[1], **times}).json()
        assert answer["status"] == "success", answer
        return list(answer["data"])

    def _vector(self, endpoint: str, data: Mapping[str, str]) -> list[Json]:
        return list(self._data(endpoint, data)["result"])

    def _data(self, endpoint: str, data: Mapping[str, str]) -> Json:
        answer = self._client.post(f"/api/v1/{endpoint}", data=dict(data)).json()
        assert answer["status"] == "success", f"{answer.get('error')}: {data['query']}"
        assert "warnings" not in answer, answer["warnings"]
        found: Json = answer["data"]
        return found

    def close(self) -> None:
        self._client.close()
