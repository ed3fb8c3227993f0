"""ocs-bridge / Overview: for whoever is on call. Is it well? What do I do?"""

from grafana import campaigns, delivery, health, process
from grafana.dashboard import Dashboard, Row
from grafana.panels import RUNBOOKS, Json, bars, lines, override, stat, steps, table, timeline
from grafana.signals import ABOVE_ZERO, Bad, bad

_TO_RUNBOOK = {
    "title": "What to do",
    "url": f"{RUNBOOKS}docs/runbooks/${{__data.fields.alert}}.md",
    "targetBlank": True,
}


def _problems() -> Json:
    columns: dict[str, Json] = {
        "problem": {
            "title": "Problem",
            "links": [_TO_RUNBOOK],
            "color": {"mode": "fixed", "fixedColor": "red"},
            "custom.cellOptions": {"type": "color-text"},
        },
        "alert": {"title": "Runbook", "links": [_TO_RUNBOOK], "custom.width": 260},
        "Value": {},
    }
    return table(health.PROBLEM_LIST, columns, hidden=("Value",))


def fleet() -> Json:
    """A line for each bridge."""
    yes: Json = {
        "mappings": [
            {"type": "value", "options": {"0": {"text": "no", "color": "red"}, "1": {"text": "yes", "color": "green"}}}
        ],
        "custom.cellOptions": {"type": "color-text"},
    }
    oldest = {"mode": "thresholds"}
    columns: dict[str, Json] = {
        "instance": {"title": "Bridge", "custom.minWidth": 180},
        "Answers": {**yes, "custom.width": 90},
        "version": {"title": "Version", "custom.width": 90},
        "Up for": {"unit": "s", "decimals": 0, "custom.width": 100},
        "In the group": {**yes, "custom.width": 110},
        "Partitions": {"unit": "short", "custom.width": 90},
        "Delivered": {"unit": "reqps", "decimals": 1, "custom.width": 110},
        "Failed": {
            "unit": "reqps",
            "decimals": 1,
            "custom.width": 110,
            "color": {"mode": "thresholds"},
            "thresholds": steps(Bad(ABOVE_ZERO, color="orange")),
            "custom.cellOptions": {"type": "color-text"},
        },
        "In flight": {"unit": "short", "decimals": 0, "custom.width": 90},
        "Oldest event": {
            "unit": "s",
            "decimals": 1,
            "custom.width": 120,
            "color": oldest,
            "thresholds": steps(bad("oldestSeconds")),
            "custom.cellOptions": {"type": "color-text"},
        },
    }
    return table(process.FLEET, columns, hidden=("Info",), sort="instance")


def _budget() -> Json:
    """Each window is judged by the threshold of its own alert."""
    made = stat(delivery.BUDGET, several=True)
    made["options"]["orientation"] = "auto"
    for window, times in delivery.BUDGET_WINDOWS:
        made["fieldConfig"]["overrides"].append(override(window, {"thresholds": steps(bad("errorBudget", times))}))
    return made


OVERVIEW = Dashboard(
    "overview",
    "Overview",
    "For whoever is on call: is the bridge well, and what do I do if not? Start at the top left.",
    (
        Row(6, ((6, stat(health.WELL, fill=True)), (18, _problems()))),
        Row(3, ((24, timeline(health.WHEN_WELL, points=200)),)),
        # Three beside each other: their questions can be read at 1280 pixels.
        Row(3, ((8, stat(health.BRIDGES_UP)), (8, stat(health.PARTITIONS)), (8, stat(health.HELD)))),
        Row(3, ((8, stat(health.FAILING)), (8, stat(health.OLDEST)), (8, stat(health.DELAY)))),
        Row(
            8,
            ((12, lines(delivery.ARRIVING, stacked=True, legend="list")), (12, lines(delivery.REASONS, stacked=True))),
        ),
        Row(8, ((12, lines(health.OLDEST_BY_BRIDGE)), (12, lines(delivery.AGE)))),
        Row(
            7,
            (
                (8, stat(health.FIRING, several=True)),
                (8, _budget()),
                (8, bars(campaigns.COUNTS)),
            ),
        ),
        Row(8, ((24, fleet()),)),
    ),
)
