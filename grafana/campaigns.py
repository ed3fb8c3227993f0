"""Signals of campaign groups, for the people who run campaigns.

A campaign group that moves to another bridge keeps its line: the instance is aggregated away.
"""

from grafana.signals import Query, Signal, one

BY = "max by (tenant, campaign_group)"
NAME = "{{campaign_group}} ({{tenant}})"
#: More lines than these nobody can tell apart, and a browser draws slowly.
MOST = 50


def _some(metric: str, choose: str) -> tuple[Query, ...]:
    """A line for each campaign group, or for the MOST that `choose` takes by their last value in the time shown."""
    last = f"last_over_time({metric}{{@@}}[$__range] @ end())"
    return one(f"{BY} ({metric}{{@@}})\nand {choose}({MOST}, {BY} ({last}))", NAME)


#: GSW_CAMPAIGN_GROUP_STATE; a group that is not loaded has no series.
STATES = {
    1: ("Waiting unload", "purple"),
    2: ("Unloading", "purple"),
    3: ("Inactive", "text"),
    4: ("Active", "blue"),
    5: ("Running", "green"),
}
COUNT_COLORS = {
    "Running": "green",
    "Active": "blue",
    "InActive": "text",
    "WaitingUnload": "purple",
    "UnloadInProgress": "purple",
    "NotLoaded": "text",
    "unknown": "yellow",
}
COUNTS = Signal(
    "How many campaign groups are in which state?",
    "Running: it dials. Active: loaded, does not dial. unknown: only statistics have been seen, no change of its state yet: it is told with "
    "its first one. All 0: no bridge has read an event of any.",
    "short",
    one("sum by (state) (ocs_bridge_campaign_groups{@})", "{{state}}"),
    colors=COUNT_COLORS,
    no_value="No bridge answers",
)
TIMELINE = Signal(
    "What was each campaign group doing?",
    "The state of each loaded campaign group, as it is told to the receiver. A gap: not loaded, or no bridge answered. A group that is "
    "missing: its platform has sent nothing, or the labels of metrics.labels do not tell it from another. Of more than 50: those that "
    "run; choose a tenant to see others.",
    "none",
    _some("gsw_campaign_group_state", "topk"),
    names=STATES,
)
TABLE = Signal(
    "How is each campaign group doing?",
    "What the last notification of each loaded campaign group tells. Empty fields: not known, or it does not dial. Statistics that are minutes "
    "old while it runs: its platform has gone silent.",
    "none",
    (
        Query(f"{BY} (gsw_campaign_group_state{{@@}})", column="State"),
        Query(f"{BY} (gsw_stat_busy_factor{{@@}})", column="Busy factor"),
        Query(f"{BY} (gsw_stat_hit_ratio{{@@}})", column="Hit ratio"),
        Query(f"{BY} (gsw_stat_overdial_rate{{@@}})", column="Overdial rate"),
        Query(f"{BY} (gsw_stat_time_to_complete_seconds{{@@}})", column="Time to complete"),
        Query(f"time() - {BY} (gsw_stat_last_update_timestamp_seconds{{@@}})", column="Statistics' age"),
    ),
    names=STATES,
)
BUSY = Signal(
    "How busy are the agents?",
    "GSW_STAT_BUSY_FACTOR of each campaign group: the share of their time in which agents talk. Falling while it runs: too few calls, "
    "or contacts run out. Of more than 50: the lowest; choose a tenant to see others.",
    "percentunit",
    _some("gsw_stat_busy_factor", "bottomk"),
)
HIT = Signal(
    "How many calls reach somebody?",
    "GSW_STAT_HIT_RATIO of each campaign group. A sudden fall: bad numbers in a new calling list, or trouble with the lines. Of more "
    "than 50: the lowest.",
    "percentunit",
    _some("gsw_stat_hit_ratio", "bottomk"),
)
OVERDIAL = Signal(
    "How many calls find no agent?",
    "GSW_STAT_OVERDIAL_RATE of each campaign group in a predictive mode. Many countries limit it by law (often 3 %): lower the "
    "optimization goal. Of more than 50: the highest.",
    "percentunit",
    _some("gsw_stat_overdial_rate", "topk"),
)
REMAINING = Signal(
    "How long until each campaign group is through?",
    "GSW_STAT_TIME_TO_COMPLETE of each campaign group. Flat while it runs: it makes no headway. 0: no contacts are left. Of more "
    "than 50: the longest.",
    "s",
    _some("gsw_stat_time_to_complete_seconds", "topk"),
)
LISTS = Signal(
    "How is each calling list doing?",
    "GSW_STAT_HIT_RATIO and GSW_STAT_TIME_TO_COMPLETE of each calling list (with metrics.calling_lists). A list far behind its "
    "campaign group: its contacts are worse, or it comes last.",
    "none",
    (
        Query(
            "max by (tenant, campaign_group, calling_list) (gsw_stat_calling_list_hit_ratio{@@})", column="Hit ratio"
        ),
        Query(
            "max by (tenant, campaign_group, calling_list) (gsw_stat_calling_list_time_to_complete_seconds{@@})",
            column="Time to complete",
        ),
    ),
)
SILENT = Signal(
    "Which running campaign groups are silent?",
    "Running campaign groups whose statistics are older than a minute, by that age. Empty: none. All of one tenant: its platform sends "
    "nothing. All of them: look at ocs-bridge / Overview first.",
    "s",
    one(
        f"topk(15, (time() - {BY} (gsw_stat_last_update_timestamp_seconds{{@@}}) > 60) "
        f"and ({BY} (gsw_campaign_group_state{{@@}}) == 5))",
        NAME,
    ),
    empty="a platform that goes silent",
    no_value="None of those that a bridge reports",
)
TICKS = Signal(
    "Are campaign groups told periodically?",
    "Periodic notifications a second: due, and answered with 2xx. The two lines should lie on each other; active campaign groups and none "
    "due: the interval is 0, or the bridge has lost sight of them.",
    "ops",
    (
        Query("sum(rate(ocs_bridge_ticks_due_total{@}[rate]))", "due"),
        Query('sum(rate(ocs_bridge_posts_sent_total{@, kind="periodic"}[rate]))', "delivered"),
    ),
    alerts=("OcsBridgeTicksMissing",),
    colors={"due": "blue", "delivered": "green"},
)
ODD = Signal(
    "Does the platform send odd things?",
    "In the last hour. late: changes older than what was known. future: times too far ahead, replaced. above one: ratios over 100 %. "
    "split: a campaign group in two partitions. expired: forgotten, since nothing came for state.ttl. hidden, now: without a line of its "
    "own in these panels (metrics.max_groups, labels that are taken, or the input got partitions). Numbers that jump: the platform or its mapping changed.",
    "short",
    (
        Query("sum(increase(ocs_bridge_late_events_total{@}[1h]))", "late"),
        Query("sum(increase(ocs_bridge_event_times_replaced_total{@}[1h]))", "future"),
        Query("sum(increase(ocs_bridge_statistics_above_one_total{@}[1h]))", "above one"),
        Query("sum(increase(ocs_bridge_campaign_groups_split_total{@}[1h]))", "split"),
        Query("sum(increase(ocs_bridge_campaign_groups_expired_total{@}[1h]))", "expired"),
        Query("sum(ocs_bridge_campaign_groups_hidden{@})", "hidden"),
    ),
    decimals=0,
    alerts=("OcsBridgeGroupsHidden",),
)
