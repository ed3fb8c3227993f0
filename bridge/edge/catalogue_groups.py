"""The metrics of campaign groups, and of what is known of them."""

from bridge.edge.metric import GROUP, LATE_BUCKETS, LIST, C, G, H, Metric

GROUPS: tuple[Metric, ...] = (
    Metric(
        "ocs_bridge_event_times_replaced_total",
        C,
        "Events whose time lay more than mapping.max_future ahead of their record.",
    ),
    Metric(
        "ocs_bridge_late_events_total",
        C,
        "Changes (notified) and reports (not notified) older than what was known of their campaign group: nothing turned back.",
    ),
    Metric(
        "ocs_bridge_reports_unchanged_total",
        C,
        "Reports that differ in nothing from what was known of their campaign group: merged, not notified.",
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
        "Campaign groups without series, by why: `limit` (metrics.max_groups have some), `labels` (another has the same), "
        "`dormant` (the input got partitions since; no periodic notifications either, until their next event).",
        ("reason",),
    ),
    Metric("ocs_bridge_campaign_groups_expired_total", C, "Campaign groups forgotten after `state.ttl`."),
    Metric("ocs_bridge_ticks_due_total", C, "Periodic notifications whose time came: attempted + dropped + waiting."),
    Metric(
        "ocs_bridge_ticks_dropped_total",
        C,
        "Periodic notifications that were due and are not attempted, nor caught up, by why.",
        ("reason",),
    ),
    Metric("ocs_bridge_ticks_waiting", G, "Periodic notifications waiting for their turn."),
    Metric(
        "ocs_bridge_tick_lateness_seconds",
        H,
        "From the time when a periodic notification was due to the begin of its POST.",
        (),
        LATE_BUCKETS,
    ),
    Metric("ocs_bridge_clock_jumps_total", C, "Times the wall clock was set by more than a second."),
    Metric(
        "ocs_bridge_state_records_written_total",
        C,
        "Records written to the state topic with confirmed checkpoints, those that forget a group too.",
    ),
    Metric(
        "ocs_bridge_state_records_read_total",
        C,
        "Records of the state topic read by restores; far more than groups are restored: compaction lags behind.",
    ),
    Metric("ocs_bridge_state_groups_restored_total", C, "Campaign groups read from the state topic."),
    Metric(
        "ocs_bridge_state_records_bad_total", C, "Records of the state topic that are no campaign group; passed over."
    ),
    Metric("ocs_bridge_state_restoring_partitions", G, "Partitions of the state topic that are being read."),
    Metric("ocs_bridge_state_restoring_offsets", G, "Offsets that the partitions have that are being read."),
    Metric("ocs_bridge_state_restoring_offsets_left", G, "Of these, offsets that are not read yet."),
    Metric("ocs_bridge_state_restore_seconds_total", C, "Seconds that reading the state topic took, all partitions."),
    Metric("ocs_bridge_partitions_starting", G, "Assigned partitions that are not read yet: their state is restored."),
    Metric("ocs_bridge_state_records_seeded_total", C, "Records of the input's history read by `state.seed_from`."),
    Metric(
        "ocs_bridge_quarantine_failures_total",
        C,
        "Invalid records that could not be written to mapping.quarantine_topic; they are in the log.",
    ),
    Metric(
        "ocs_bridge_outcomes_written_total",
        C,
        "Records written to delivery.outcome_topic.",
    ),
    Metric(
        "ocs_bridge_outcomes_lost_total",
        C,
        "Records that could not be written to delivery.outcome_topic; the log says why.",
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
    Metric(
        "gsw_stat_last_update_timestamp_seconds",
        G,
        "Event time of the youngest statistics of a campaign group.",
        GROUP,
    ),
    Metric("gsw_stat_calling_list_hit_ratio", G, "GSW_STAT_HIT_RATIO of a calling list (metrics.calling_lists).", LIST),
    Metric(
        "gsw_stat_calling_list_time_to_complete_seconds",
        G,
        "GSW_STAT_TIME_TO_COMPLETE of a calling list (metrics.calling_lists).",
        LIST,
    ),
)
