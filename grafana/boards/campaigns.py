"""ocs-bridge / Campaign groups: for the people who run campaigns."""

from grafana import campaigns, delivery, health
from grafana.dashboard import Dashboard, Row
from grafana.panels import Json, bars, lines, named, stat, table, timeline

_RATIO: Json = {"unit": "percentunit", "decimals": 1}


def _groups() -> Json:
    columns: dict[str, Json] = {
        "tenant": {"title": "Tenant", "custom.width": 140},
        "campaign_group": {"title": "Campaign group", "custom.minWidth": 260},
        "State": {"mappings": named(campaigns.STATES), "custom.cellOptions": {"type": "color-text"}, "custom.width": 120},
        "Busy factor": {**_RATIO, "min": 0, "max": 1, "custom.cellOptions": {"type": "gauge", "mode": "basic"}},
        "Hit ratio": {**_RATIO, "custom.width": 90},
        "Overdial rate": {**_RATIO, "custom.width": 110},
        "Time to complete": {"unit": "s", "decimals": 1, "custom.width": 140},
        "Statistics' age": {"unit": "s", "decimals": 0, "custom.width": 120},
    }  # fmt: skip
    return table(campaigns.TABLE, columns, sort="campaign_group")


def _lists() -> Json:
    columns: dict[str, Json] = {
        "tenant": {"title": "Tenant", "custom.width": 130},
        "campaign_group": {"title": "Campaign group"},
        "calling_list": {"title": "Calling list"},
        "Hit ratio": {**_RATIO, "custom.width": 90},
        "Time to complete": {"unit": "s", "decimals": 1, "custom.width": 140},
    }
    return table(campaigns.LISTS, columns, sort="calling_list")


CAMPAIGNS = Dashboard(
    "groups",
    "Campaign groups",
    "For the people who run campaigns: what does each campaign group do, how well, and for how long still?",
    (
        Row(4, ((6, stat(health.WELL, fill=True)), (18, stat(campaigns.COUNTS, several=True)))),
        Row(10, ((24, timeline(campaigns.TIMELINE, points=500)),)),
        Row(10, ((24, _groups()),)),
        Row(9, ((12, lines(campaigns.BUSY, height=1)), (12, lines(campaigns.HIT)))),
        Row(9, ((12, lines(campaigns.OVERDIAL)), (12, lines(campaigns.REMAINING)))),
        Row(9, ((16, _lists()), (8, bars(campaigns.SILENT, names="top")))),
        Row(
            8,
            (
                (8, lines(campaigns.TICKS, legend="list")),
                (8, lines(delivery.LATE, legend="list", to_limit=True)),
                (8, lines(delivery.TICK_LOSS, legend="list", to_limit=True)),
            ),
            "Periodic notifications",
        ),
        Row(5, ((24, stat(campaigns.ODD, several=True)),)),
    ),
    groups=True,
)
