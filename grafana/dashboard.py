"""A dashboard: panels on the grid, variables, annotations, links; and its export for the public gallery."""

import copy
import json
from dataclasses import dataclass

from grafana.panels import SOURCE, Json
from grafana.signals import BRIDGES

#: 39 is that of Grafana 11, and of many an older one; newer ones migrate it when they load it.
SCHEMA = 39
WIDTH = 24
TAG = "ocs-bridge"
#: Stands for the address of your copy of this repository: the chart replaces it by monitoring.prometheusRule.runbookBaseUrl.
RUNBOOK_BASE = "https://repository.example.com/ocs-bridge/"
Placed = tuple[int, Json]


@dataclass(frozen=True, slots=True)
class Row:
    """Panels beside each other: (width, panel), of one height. `title` begins a section; `closed`: it is opened by a click."""

    height: int
    panels: tuple[Placed, ...]
    title: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`name` makes the uid, which must never change. `groups`: also the variables of campaign groups."""

    name: str
    title: str
    description: str
    rows: tuple[Row, ...]
    groups: bool = False
    hours: int = 6

    @property
    def uid(self) -> str:
        """Of its address in Grafana."""
        return f"ocs-bridge-{self.name}"

    def document(self) -> Json:
        """The dashboard as it is provisioned."""
        return {
            "uid": self.uid,
            "id": None,
            "title": f"ocs-bridge / {self.title}",
            "description": self.description,
            "tags": [TAG],
            "editable": False,
            "schemaVersion": SCHEMA,
            "refresh": "30s",
            "time": {"from": f"now-{self.hours}h", "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "graphTooltip": 1,
            "fiscalYearStartMonth": 0,
            "liveNow": False,
            "weekStart": "",
            "links": [_others()],
            "annotations": {"list": _annotations()},
            "templating": {"list": _variables(groups=self.groups)},
            "panels": _placed(self.rows),
        }


def exported(document: Json) -> Json:
    """The same for the public gallery, where an import asks for the data source."""
    made: Json = json.loads(json.dumps(document).replace("${datasource}", "${DS_PROMETHEUS}"))
    made["editable"] = True
    made["templating"]["list"] = [one for one in made["templating"]["list"] if one["name"] != "datasource"]
    kinds = sorted({panel["type"] for panel in panels(document)})
    return {
        "__inputs": [
            {
                "name": "DS_PROMETHEUS",
                "label": "Prometheus",
                "description": "The Prometheus that scrapes the bridges",
                "type": "datasource",
                "pluginId": "prometheus",
                "pluginName": "Prometheus",
            }
        ],
        "__elements": {},
        "__requires": [
            {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "11.0.0"},
            {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
            *({"type": "panel", "id": kind, "name": kind, "version": ""} for kind in kinds if kind != "row"),
        ],
        **made,
    }


def text(document: Json) -> str:
    """As a file: its lines differ only where something changed."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def panels(document: Json) -> list[Json]:
    """All of them, those of closed rows too."""
    return [inner for panel in document["panels"] for inner in (panel, *panel.get("panels", []))]


def _placed(rows: tuple[Row, ...]) -> list[Json]:
    made: list[Json] = []
    y, number = 0, 1
    for row in rows:
        into = made
        if row.title:
            bar = {"type": "row", "title": row.title, "collapsed": row.closed, "panels": [], "id": number}
            bar["gridPos"] = {"x": 0, "y": y, "w": WIDTH, "h": 1}
            made.append(bar)
            y, number = y + 1, number + 1
            into = bar["panels"] if row.closed else made  # type: ignore[assignment]
        x = 0
        for width, panel in row.panels:
            place = {"x": x, "y": y, "w": width, "h": row.height}
            into.append({**copy.deepcopy(panel), "id": number, "gridPos": place})
            x, number = x + width, number + 1
        y += row.height
    return made


def _others() -> Json:
    return {
        "title": "ocs-bridge",
        "type": "dashboards",
        "tags": [TAG],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
    }


def _variables(*, groups: bool) -> list[Json]:
    info = "ocs_bridge_build_info"
    chosen = [
        # Without Kubernetes there is no label namespace: `.*` fits that too.
        _variable("namespace", "Namespace", info, "", ".*"),
        # All: those of this query, as `.+` would take in the `up` of every other job.
        _variable("job", "Job", info, 'namespace=~"$namespace"', None),
        _variable("instance", "Instance", info, 'namespace=~"$namespace", job=~"$job"', ".+"),
    ]
    if groups:
        of = "gsw_campaign_group_state"
        # `.*`: metrics.labels may leave these labels out.
        chosen.append(_variable("tenant", "Tenant", of, BRIDGES, ".*"))
        chosen.append(_variable("campaign_group", "Campaign group", of, f'{BRIDGES}, tenant=~"$tenant"', ".*"))
    source: Json = {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
    }
    base = {"selected": True, "text": RUNBOOK_BASE, "value": RUNBOOK_BASE}
    runbooks: Json = {
        "name": "runbooks",
        "label": "Runbooks at",
        "type": "textbox",
        "query": RUNBOOK_BASE,
        "current": base,
        "options": [base],
        "hide": 2,
        "skipUrlSync": True,
    }
    return [source, *chosen, runbooks]


def _variable(name: str, label: str, metric: str, selectors: str, all_value: str | None) -> Json:
    query = f"label_values({metric}{{{selectors}}}, {name})" if selectors else f"label_values({metric}, {name})"
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": all_value,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "options": [],
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
    }


def _annotations() -> list[Json]:
    info = f"ocs_bridge_build_info{{{BRIDGES}}}"
    versions = f"count by (version) ({info}) unless count by (version) ({info} offset 2m)"
    alerts = 'ALERTS{alertname=~"OcsBridge.*", alertstate="firing", namespace=~"$namespace", job=~"$job"}'
    moved = f'sum by (event) (increase(ocs_bridge_rebalances_total{{{BRIDGES}, event=~"revoked|lost"}}[2m])) > 0'
    return [
        _annotation(
            "Firing alerts", f"max by (alertname, severity) ({alerts})", "red", "{{alertname}}", "severity", on=True
        ),
        _annotation(
            "New versions", versions, "blue", "version {{version}} begins", "version", on=True
        ),
        _annotation("Rebalances", moved, "purple", "partitions {{event}}", "event", on=True),
    ]  # fmt: skip


def _annotation(name: str, expr: str, color: str, title: str, tag: str, *, on: bool) -> Json:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": on,
        "hide": False,
        "iconColor": color,
        "expr": expr,
        "step": "60s",
        "titleFormat": title,
        "textFormat": "",
        "tagKeys": tag,
        "useValueForTime": False,
    }
