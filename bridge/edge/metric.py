"""What a metric is: name, type, labels, meaning, buckets."""

from enum import StrEnum

import msgspec


class Type(StrEnum):
    """Prometheus' types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(msgspec.Struct, frozen=True):
    """One metric. `labels` are its label names; `buckets` upper bounds of a histogram."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


C, G, H = Type.COUNTER, Type.GAUGE, Type.HISTOGRAM
#: A POST on a LAN takes milliseconds; http.timeout is 5 s by default and 60 s at most in practice.
POST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: From "at once" to "a day late".
AGE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)
#: A turn lasts 0.1 s at most; the default interval is 10 s.
LATE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
#: Names that a label of the statistics can have (metrics.labels), and the field of the group it shows.
GROUP_LABELS = {
    "tenant": "tenant_name",
    "tenant_ccid": "tenant_ccid",
    "campaign_group": "campaign_group_name",
    "campaign_group_guid": "campaign_group_guid",
    "campaign_group_dbid": "campaign_group_dbid",
    "group": "group_name",
    "campaign": "campaign_name",
}
GROUP = ("<metrics.labels>",)
LIST = (*GROUP, "calling_list")
