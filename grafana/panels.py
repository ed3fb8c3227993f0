"""How a signal is drawn: one function for each of Grafana's panels that is used. They give the panel without its place."""

from collections.abc import Mapping
from typing import Any

from grafana.alerts import severity
from grafana.signals import Bad, Query, Signal

Json = dict[str, Any]
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
#: Where runbooks are: a hidden variable, whose value the chart replaces by that of its values.
RUNBOOKS = "${runbooks:raw}"
LAST: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def lines(
    signal: Signal, *, stacked: bool = False, legend: str = "table", height: float = 0, to_limit: bool = False
) -> Json:
    """Values over time; `stacked`: areas on each other. `height`: of the axis, at least; `to_limit`: as far as it gets bad.

    Stacked series have no line of their own: those that are 0 would draw one over what is below them.
    """
    several = any("{{" in query.legend for query in signal.queries)
    custom: Json = {
        "drawStyle": "line",
        "lineWidth": 0 if stacked else 2,
        "fillOpacity": 70 if stacked else 0 if several else 8,
        "gradientMode": "none",
        "lineInterpolation": "linear",
        "showPoints": "auto",
        "spanNulls": False,
        "axisPlacement": "auto",
        "axisSoftMin": 0,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if signal.bad else "off"},
    }
    if to_limit and signal.bad:
        height = round(1.1 * signal.bad.value, 6)
    if height:
        custom["axisSoftMax"] = height
    table = legend == "table"
    shown: Json = {
        "showLegend": True,
        "displayMode": "table" if table else "list",
        "placement": "right" if table else "bottom",
        "calcs": ["lastNotNull"] if table else [],
        "sortBy": "Last *",
        "sortDesc": True,
    }
    if table:
        shown["width"] = 300
    defaults = {"custom": custom, "color": {"mode": "palette-classic"}, "min": 0}
    options = {"legend": shown, "tooltip": {"mode": "multi", "sort": "desc"}}
    return _panel("timeseries", signal, defaults, options)


def stat(signal: Signal, *, fill: bool = False, graph: bool = False, several: bool = False) -> Json:
    """The last value, large. `fill`: its color is the background's; `several`: a value for each series, with its name."""
    defaults: Json = {"color": {"mode": "thresholds" if signal.bad or signal.names else "fixed", "fixedColor": "text"}}
    options: Json = {
        "reduceOptions": LAST,
        "colorMode": "background" if fill else "value",
        "graphMode": "area" if graph else "none",
        "textMode": "value_and_name" if several else "value",
        "justifyMode": "center",
        "orientation": "vertical" if several else "auto",
        "wideLayout": True,
        "showPercentChange": False,
    }
    if several:
        options["text"] = {"titleSize": 14, "valueSize": 32}
    return _panel("stat", signal, defaults, options, instant=not graph)


def bars(signal: Signal, *, names: str = "auto") -> Json:
    """The last value of each series as a bar. `names`: where they are; "top" has room for long ones."""
    options = {
        "reduceOptions": LAST,
        "displayMode": "basic",
        "orientation": "horizontal",
        "valueMode": "color",
        "namePlacement": names,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 40,
        "showUnfilled": True,
    }
    color = {"mode": "thresholds"} if signal.bad else {"mode": "fixed", "fixedColor": "blue"}
    return _panel("bargauge", signal, {"color": color, "min": 0}, options, instant=True)


def timeline(signal: Signal, *, points: int) -> Json:
    """States over time, a row for each series. `points`: at most so many values of each are asked for."""
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.85,
        "perPage": 20,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    defaults = {"custom": {"lineWidth": 0, "fillOpacity": 80, "spanNulls": False}, "color": {"mode": "thresholds"}}
    return {**_panel("state-timeline", signal, defaults, options), "maxDataPoints": points}


def heatmap(signal: Signal) -> Json:
    """A histogram over time."""
    options: Json = {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "mode": "scheme",
            "scheme": "Turbo",
            "steps": 64,
            "scale": "exponential",
            "exponent": 0.5,
            "reverse": False,
        },
        "filterValues": {"le": 1e-9},
        "rowsFrame": {"layout": "auto"},
        "yAxis": {"axisPlacement": "left", "unit": signal.unit, "reverse": False},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": True},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    made = _panel("heatmap", signal, {"custom": {"scaleDistribution": {"type": "linear"}}}, options)
    for target in made["targets"]:
        target["format"] = "heatmap"
    made["fieldConfig"]["defaults"]["unit"] = "short"  # of a cell: POSTs
    return made


def table(signal: Signal, columns: Mapping[str, Json], *, hidden: tuple[str, ...] = (), sort: str = "") -> Json:
    """A row for each label set of the queries, a column for each query. `columns`: field options by column's name, in order."""
    made = _panel("table", signal, {"custom": {"align": "auto", "filterable": False}}, {}, instant=True)
    several = len(signal.queries) > 1
    renamed = {
        f"Value #{_letter(n)}" if several else "Value": q.column for n, q in enumerate(signal.queries) if q.column
    }
    order = {name: n for n, name in enumerate(columns)}
    back = {column: value for value, column in renamed.items()}
    organize = {
        "excludeByName": {"Time": True, **dict.fromkeys((back.get(name, name) for name in hidden), True)},
        "indexByName": {back.get(name, name): n for name, n in order.items()},
        "renameByName": renamed | {name: options["title"] for name, options in columns.items() if "title" in options},
    }
    made["transformations"] = [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]
    titles = {name: options.get("title", name) for name, options in columns.items()}
    made["options"] = {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
    if sort:
        made["options"]["sortBy"] = [{"displayName": titles[sort.removeprefix("-")], "desc": sort.startswith("-")}]
    made["fieldConfig"]["overrides"] += [
        override(titles[name], {k: v for k, v in options.items() if k != "title"}) for name, options in columns.items()
    ]
    for target in made["targets"]:
        target["format"] = "table"
    return made


def override(name: str, options: Mapping[str, Any]) -> Json:
    """Field options of the series or column of that name."""
    properties = [{"id": key, "value": value} for key, value in options.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def steps(bad: Bad) -> Json:
    """Thresholds: green on the good side. Grafana passes over the name, which the chart looks for."""
    first, second = (bad.color, "green") if bad.below else ("green", bad.color)
    begin: Json = {"color": second, "value": int(bad.value) if float(bad.value).is_integer() else bad.value}
    if bad.name:
        begin["name"] = bad.name
    return {"mode": "absolute", "steps": [{"color": first, "value": None}, begin]}


def named(names: Mapping[int, tuple[str, str]]) -> list[Json]:
    """Value mappings."""
    options = {str(n): {"text": text, "color": color, "index": n} for n, (text, color) in names.items()}
    return [{"type": "value", "options": options}]


def _panel(kind: str, signal: Signal, defaults: Json, options: Json, *, instant: bool = False) -> Json:
    config: Json = {"unit": signal.unit, **defaults}
    if signal.bad:
        config["thresholds"] = steps(signal.bad)
    else:
        config["thresholds"] = {"mode": "absolute", "steps": [{"color": "text", "value": None}]}
    if signal.names:
        config["mappings"] = named(signal.names)
    if signal.unknown:
        nothing = {"match": "null", "result": {"text": signal.no_value, "color": "text"}}
        config["mappings"] = [*config.get("mappings", []), {"type": "special", "options": nothing}]
    if signal.decimals is not None:
        config["decimals"] = signal.decimals
    if signal.no_value:
        config["noValue"] = signal.no_value
    colors = [
        override(name, {"color": {"mode": "fixed", "fixedColor": color}}) for name, color in signal.colors.items()
    ]
    for beginning, color in signal.shades.items():
        made = override(f"/^{beginning}/", {"color": {"mode": "shades", "fixedColor": color}})
        colors.append({**made, "matcher": {"id": "byRegexp", "options": f"/^{beginning}/"}})
    return {
        "type": kind,
        "title": signal.title,
        "description": signal.meaning,
        "datasource": SOURCE,
        "targets": [_target(n, query, instant=instant) for n, query in enumerate(signal.queries)],
        "fieldConfig": {"defaults": config, "overrides": colors},
        "options": options,
        "links": [runbook(alert) for alert in signal.alerts],
    }


def runbook(alert: str) -> Json:
    """The link to what to do."""
    return {
        "title": f"Runbook: {alert} ({severity(alert)})",
        "url": f"{RUNBOOKS}docs/runbooks/{alert}.md",
        "targetBlank": True,
    }


def _target(number: int, query: Query, *, instant: bool) -> Json:
    target: Json = {
        "refId": _letter(number),
        "datasource": SOURCE,
        "expr": query.promql,
        "legendFormat": query.legend or "__auto",
        "editorMode": "code",
        "instant": instant,
        "range": not instant,
    }
    return target


def _letter(number: int) -> str:
    return chr(ord("A") + number)
