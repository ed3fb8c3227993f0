"""Every metric of the bridge: name, type, labels, meaning. What is not here can't be exposed.

docs/metrics.md is made from this table; a test says when they differ.
"""

import sys
from enum import StrEnum
from pathlib import Path

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

CATALOGUE: tuple[Metric, ...] = (
    Metric(
        "ocs_bridge_build_info",
        G,
        "Always 1; versions are in the labels.",
        ("version", "python", "kafka_python", "httpx"),
    ),
    Metric("ocs_bridge_posts_sent_total", C, "Notifications answered with 2xx.", ("kind",)),
    Metric(
        "ocs_bridge_posts_failed_total",
        C,
        "Notifications whose one attempt failed, by what is known of it.",
        ("kind", "outcome", "reason"),
    ),
    Metric(
        "ocs_bridge_post_duration_seconds",
        H,
        "From the hand-over of a notification to its outcome.",
        ("outcome",),
        POST_BUCKETS,
    ),
    Metric("ocs_bridge_posts_in_flight", G, "Notifications on their way."),
    Metric(
        "ocs_bridge_notifications_rendered_total",
        C,
        "Notifications made: sent + failed + dropped + in flight.",
        ("kind",),
    ),
    Metric(
        "ocs_bridge_notifications_dropped_total",
        C,
        "Notifications made and not attempted: the lease ran out before the write. Their events are posted later, or by the next owner.",
        ("reason",),
    ),
    Metric(
        "ocs_bridge_posts_unknown_total",
        C,
        "Notifications that a crash left open in at_most_once; not posted again. Their positions are in the log.",
    ),
    Metric(
        "ocs_bridge_posts_unconfirmed", G, "POSTs since the last good checkpoint: what a crash now may make repeat."
    ),
    Metric(
        "ocs_bridge_posting_held",
        G,
        "1 while no POST may begin, by why: delivery.max_unconfirmed, lease, cool-down.",
        ("reason",),
    ),
    Metric(
        "ocs_bridge_checkpoint_producers_replaced_total", C, "Producers given up with a transaction that did not end."
    ),
    Metric(
        "ocs_bridge_event_age_seconds",
        H,
        "From the record's timestamp to the end of its notification's attempt.",
        (),
        AGE_BUCKETS,
    ),
    Metric(
        "ocs_bridge_records_consumed_total",
        C,
        "Records taken from Kafka: posted + absorbed + skipped + quarantined + returned + held.",
        ("topic",),
    ),
    Metric("ocs_bridge_records_posted_total", C, "Records whose notification was attempted."),
    Metric(
        "ocs_bridge_records_absorbed_total", C, "Statistics merged into their campaign group, without a notification."
    ),
    Metric("ocs_bridge_records_skipped_total", C, "Records that are done without a notification.", ("reason",)),
    Metric("ocs_bridge_records_quarantined_total", C, "Records that are no campaign group event.", ("reason",)),
    Metric(
        "ocs_bridge_records_returned_total",
        C,
        "Records handed back undone: the next owner of the partition has them.",
        ("reason",),
    ),
    Metric("ocs_bridge_records_held", G, "Records in the bridge whose fate is open."),
    Metric("ocs_bridge_events_queued", G, "Events waiting in the lanes of their campaign groups."),
    Metric("ocs_bridge_lag_records", G, "Records of an assigned partition that are not done.", ("topic", "partition")),
    Metric(
        "ocs_bridge_lag_seconds",
        G,
        "Age of the oldest record of an assigned partition that is not done; 0 without one.",
        ("topic", "partition"),
    ),
    Metric(
        "ocs_bridge_partition_standing_seconds",
        G,
        "How long an assigned partition has held records of which none got done although POSTs may begin.",
        ("topic", "partition"),
    ),
    Metric("ocs_bridge_partitions_assigned", G, "Partitions that this bridge reads."),
    Metric(
        "ocs_bridge_group_joined",
        G,
        "1 while this bridge is a member of its consumer group with no rebalance under way.",
    ),
    Metric("ocs_bridge_rebalances_total", C, "Changes of the assignment.", ("event",)),
    Metric("ocs_bridge_commits_total", C, "Commits of offsets, by what became of them.", ("result",)),
    Metric("ocs_bridge_poll_timestamp_seconds", G, "When the poll thread last made a turn."),
    Metric("ocs_bridge_topics_missing", G, "Input topics that do not exist, or may not be described."),
    Metric(
        "ocs_bridge_offsets_missing_total",
        C,
        "Offsets between a committed one and the earliest that still existed: Kafka lost or expired them.",
    ),
    Metric(
        "ocs_bridge_event_times_replaced_total",
        C,
        "Events whose time lay more than mapping.max_future ahead of their record.",
    ),
    Metric(
        "ocs_bridge_late_events_total",
        C,
        "Changes older than what was known of their campaign group: told, but nothing turned back.",
    ),
    Metric("ocs_bridge_statistics_above_one_total", C, "Ratios above 1 that were passed on."),
    Metric(
        "ocs_bridge_campaign_groups_split_total",
        C,
        "Times a campaign group turned up in another partition than before.",
    ),
    Metric(
        "ocs_bridge_campaign_groups",
        G,
        "Campaign groups known, by state; `unknown` while only statistics were seen.",
        ("state",),
    ),
    Metric(
        "ocs_bridge_campaign_groups_hidden",
        G,
        "Campaign groups without series, because metrics.max_groups have some or their labels are taken.",
    ),
    Metric(
        "ocs_bridge_quarantine_failures_total",
        C,
        "Invalid records that could not be written to mapping.quarantine_topic; they are in the log.",
    ),
    Metric("ocs_bridge_log_lines_dropped_total", C, "Log lines thrown away because nobody read the output."),
    Metric(
        "gsw_campaign_group_state",
        G,
        "GSW_CAMPAIGN_GROUP_STATE of a loaded campaign group: 1 waiting unload, 2 unload in progress, 3 inactive, 4 active, 5 running.",
        GROUP,
    ),
    Metric("gsw_stat_busy_factor", G, "GSW_STAT_BUSY_FACTOR: agent busy factor, a fraction.", GROUP),
    Metric("gsw_stat_hit_ratio", G, "GSW_STAT_HIT_RATIO: a fraction.", GROUP),
    Metric("gsw_stat_overdial_rate", G, "GSW_STAT_OVERDIAL_RATE: a fraction.", GROUP),
    Metric("gsw_stat_time_to_complete_seconds", G, "GSW_STAT_TIME_TO_COMPLETE.", GROUP),
    Metric("gsw_stat_calling_list_hit_ratio", G, "GSW_STAT_HIT_RATIO of a calling list (metrics.calling_lists).", LIST),
    Metric(
        "gsw_stat_calling_list_time_to_complete_seconds",
        G,
        "GSW_STAT_TIME_TO_COMPLETE of a calling list (metrics.calling_lists).",
        LIST,
    ),
)
BY_NAME = {metric.name: metric for metric in CATALOGUE}


def markdown() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Made by `python -m bridge.edge.catalogue`. Scrape `/metrics` of the admin port (`admin.port`, 9464).",
        "All counts of a scrape are from one moment, so these hold exactly:",
        "",
        "* records: consumed = posted + absorbed + skipped + quarantined + returned + held",
        "* notifications: rendered = sent + failed + dropped + in flight",
        "",
        f"`<metrics.labels>`: the labels chosen by the setting of that name, from {', '.join(f'`{x}`' for x in GROUP_LABELS)}.",
        "A statistic that is null, or whose campaign group is unloaded, has no series.",
        "",
        "| metric | type | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for metric in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.type.value} | {labels} | {metric.help} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write metrics.md into a folder (docs/), or with --check compare. -> exit code."""
    places = [argument for argument in arguments if argument != "--check"]
    path = (Path(places[0]) if places else Path(__file__).parents[2] / "docs") / "metrics.md"
    if "--check" not in arguments:
        path.write_text(markdown(), encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != markdown():
        sys.stderr.write(f"{path} differs from bridge/edge/catalogue.py: run python -m bridge.edge.catalogue\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
