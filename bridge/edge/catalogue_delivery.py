"""The metrics of records, notifications and the Kafka side."""

from bridge.edge.metric import AGE_BUCKETS, POST_BUCKETS, C, G, H, Metric

DELIVERY: tuple[Metric, ...] = (
    Metric(
        "ocs_bridge_build_info",
        G,
        "Always 1; versions are in the labels. `compiled`: whether the hot path is, as in the image.",
        ("version", "python", "kafka_python", "httpx", "compiled"),
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
        "ocs_bridge_records_absorbed_total",
        C,
        "Statistics and reports merged into their campaign group, without a notification.",
    ),
    Metric("ocs_bridge_records_skipped_total", C, "Records that are done without a notification.", ("reason",)),
    Metric("ocs_bridge_records_quarantined_total", C, "Records that are no campaign group event.", ("reason",)),
    Metric(
        "ocs_bridge_fields_ignored_total",
        C,
        "Values of events that could not be read and were left out, by field and why. The events themselves went on.",
        ("field", "reason"),
    ),
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
)
