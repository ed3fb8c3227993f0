"""Signals of health: is it well, and if not, what is wrong?

PROBLEMS are the conditions of alerts without their waiting time, so that a dashboard tells at once, and also where the
alert rules are not loaded. The verdict is the gravest of them.
"""

from grafana.alerts import summary
from grafana.signals import ABOVE_ZERO, Bad, Signal, bad, limit, one

SENT = "sum(rate(ocs_bridge_posts_sent_total{@}[5m]))"
FAILED = "sum(rate(ocs_bridge_posts_failed_total{@}[5m]))"
FAILURE_RATIO = f"{FAILED} / (({FAILED} + {SENT}) > 0)"
POSTS = "sum(increase(ocs_bridge_posts_failed_total{@}[5m])) + sum(increase(ocs_bridge_posts_sent_total{@}[5m]))"
QUARANTINED = "sum(increase(ocs_bridge_records_quarantined_total{@}[15m]))"
READ = " + ".join(
    f"sum(increase(ocs_bridge_records_{end}_total{{@}}[15m]))"
    for end in ("quarantined", "posted", "absorbed", "skipped")
)
QUARANTINED_RATIO = f"{QUARANTINED} / (({READ}) > 0)"
LATENESS = "histogram_quantile(0.99, sum by (le) (rate(ocs_bridge_tick_lateness_seconds_bucket{@}[5m])))"
POLL_AGE = "time() - min(ocs_bridge_poll_timestamp_seconds{@})"
CHECKPOINTS_FAIL = (
    '(sum(rate(ocs_bridge_commits_total{@, result!="done"}[5m])) > sum(rate(ocs_bridge_commits_total{@, result="done"}[5m]))) '
    'or (sum(rate(ocs_bridge_commits_total{@, result="refused"}[5m])) > 0)'
)
TICKS_LEFT_OUT = (
    'sum(rate(ocs_bridge_ticks_dropped_total{@, reason=~"superseded|lease|clock"}[5m])) '
    "/ (sum(rate(ocs_bridge_ticks_due_total{@}[5m])) > 0)"
)


def in_an_hour(metric: str) -> str:
    """What a counter counted in the last hour, of which series that are new are all: it may count before its first scrape."""
    grown = f"increase({metric}{{@}}[1h])"
    return f"sum(({grown} and {metric}{{@}} offset 1h) or {metric}{{@}} or {grown})"


#: Words of the verdict, from well to worst, and their colors.
VERDICT = {
    0: ("All is well", "green"),
    1: ("Look at it", "yellow"),
    2: ("Notifications fail", "orange"),
    3: ("Checkpoints fail", "orange"),
    4: ("Events wait too long", "orange"),
    5: ("POSTs are held back", "red"),
    6: ("Nothing is read", "red"),
    7: ("No bridge answers", "dark-red"),
}
#: (place in VERDICT, alert, what is bad as a vector that is empty when all is well)
PROBLEMS: tuple[tuple[int, str, str], ...] = (
    (7, "OcsBridgeDown", "(sum(up{@}) == 0) or absent(up{@})"),
    (6, "OcsBridgeNotConsuming", f"(sum(ocs_bridge_partitions_assigned{{@}}) == 0) or ({POLL_AGE} > {limit('pollSeconds')})"),
    (6, "OcsBridgeTopicsMissing", "max(ocs_bridge_topics_missing{@}) > 0"),
    # For two minutes: in each start they are, for seconds.
    (6, "OcsBridgePartitionsNotStarting", "sum(min_over_time(ocs_bridge_partitions_starting{@}[2m])) > 0"),
    (5, "OcsBridgePostingHeld", 'max(ocs_bridge_posting_held{@, reason!="cool_down"}) > 0'),
    (5, "OcsBridgePartitionStanding", f"max(ocs_bridge_partition_standing_seconds{{@}}) > {limit('standingSeconds')}"),
    (4, "OcsBridgeEventsOld", f"max(ocs_bridge_lag_seconds{{@}}) > {limit('oldestSeconds')}"),
    (
        3,
        "OcsBridgeCheckpointsFailing",
        CHECKPOINTS_FAIL,
    ),
    (2, "OcsBridgeFailureRatioHigh", f"({FAILURE_RATIO} > {limit('failureRatio')}) and ({POSTS} >= {limit('minimumPosts')})"),
    (2, "OcsBridgeEventsLost", f"{in_an_hour('ocs_bridge_offsets_missing_total')} > 0"),
    (
        1,
        "OcsBridgeSaturated",
        f"max((ocs_bridge_posts_in_flight{{@}} >= {limit('inFlight')}) and (ocs_bridge_events_queued{{@}} > 0))",
    ),
    (1, "OcsBridgeTicksLate", f"{LATENESS} > {limit('tickLatenessSeconds')}"),
    (1, "OcsBridgeTicksDropped", f"{TICKS_LEFT_OUT} > {limit('tickDropRatio')}"),
    (1, "OcsBridgeRecordsQuarantined", f"{QUARANTINED_RATIO} > {limit('quarantinedRatio')}"),
    (1, "OcsBridgeRebalancing", f'sum(increase(ocs_bridge_rebalances_total{{@, event=~"revoked|lost"}}[30m])) > {limit("rebalances")}'),
    (1, "OcsBridgeQuarantineFailing", "sum(increase(ocs_bridge_quarantine_failures_total{@}[15m])) > 0"),
    (1, "OcsBridgeOutcomesLost", "sum(increase(ocs_bridge_outcomes_lost_total{@}[15m])) > 0"),
    (1, "OcsBridgeGroupsSplit", "sum(increase(ocs_bridge_campaign_groups_split_total{@}[1h])) > 0"),
    (1, "OcsBridgeGroupsHidden", "sum(ocs_bridge_campaign_groups_hidden{@}) > 0"),
    (1, "OcsBridgePostsUnknown", f"{in_an_hour('ocs_bridge_posts_unknown_total')} > 0"),
    (1, "OcsBridgeStateRecordsBad", f"{in_an_hour('ocs_bridge_state_records_bad_total')} > 0"),
)  # fmt: skip


def _labelled(place: int, alert: str, expr: str) -> str:
    told = f'label_replace({expr}, "alert", "{alert}", "", "")'
    return f'label_replace({told}, "problem", "{summary(alert)}", "", "")' if place else told


def _verdict() -> str:
    """The place of the gravest problem; 0 without one."""
    # `* 0 + place`: whatever value the condition has, it counts as its place.
    places = [f'label_replace(({expr}) * 0 + {place}, "alert", "{alert}", "", "")' for place, alert, expr in PROBLEMS]
    return "max(" + "\nor ".join(places) + "\nor vector(0))"


WELL = Signal(
    "Is it well?",
    "The gravest of the problems that the list beside it shows. Green: nothing to do. Otherwise open the runbook of the first problem in "
    "the list. It judges by the thresholds of the alerts, without their waiting time: a short orange is no reason to be woken.",
    "none",
    one(_verdict(), "verdict"),
    names=VERDICT,
    bad=Bad(2),
)
WHEN_WELL = WELL.asked("When was it well?", queries=one(_verdict(), "ocs-bridge"))
PROBLEM_LIST = Signal(
    "What is wrong, and what do I do?",
    "One line for each problem there is now; the link opens what to do. Empty: nothing is wrong. The conditions of the alerts, without "
    "their waiting time and without the rules having to be loaded; those that look back for hours are in Which alerts fire?",
    "none",
    one("\nor ".join(_labelled(*problem) for problem in PROBLEMS)),
    empty="a receiver that is down",
    no_value="Nothing is wrong",
)
BRIDGES_UP = Signal(
    "How many bridges answer?",
    "Bridges that answered the last scrape. 0: nobody notifies; Kafka keeps the events. Fewer than there should be: `kubectl get pods`.",
    "none",
    one("sum(up{@})", "bridges"),
    bad=Bad(1, below=True),
    alerts=("OcsBridgeDown",),
    no_value="none",
)
PARTITIONS = Signal(
    "How many partitions are read?",
    "Partitions that the bridges read together: as many as the input topics have. 0: no event is read. Fewer: some wait for their state.",
    "none",
    one("sum(ocs_bridge_partitions_assigned{@})", "partitions"),
    bad=Bad(1, below=True),
    alerts=("OcsBridgeNotConsuming", "OcsBridgeTopicsMissing"),
    no_value="none",
)
FAILING = Signal(
    "What share of notifications fails?",
    "Of the POSTs of the last five minutes, those that the receiver did not answer with 2xx. Each is made once: what failed is not "
    "repeated. Red: look at why, in ocs-bridge / Delivery. No value: nothing was posted.",
    "percentunit",
    one(FAILURE_RATIO, "failing"),
    bad=bad("failureRatio"),
    alerts=("OcsBridgeFailureRatioHigh", "OcsBridgeErrorBudgetBurn"),
    decimals=1,
    no_value="no POSTs",
    unknown=True,
)
OLDEST = Signal(
    "How old is the oldest event that waits?",
    "Age of the oldest event that was read or could be, and is not notified. Red: users of the receiver see states that are no longer "
    "true. Rising on one bridge: that bridge; on all: the receiver, or too few bridges.",
    "s",
    one("max(ocs_bridge_lag_seconds{@})", "oldest"),
    bad=bad("oldestSeconds"),
    alerts=("OcsBridgeEventsOld",),
    decimals=1,
    no_value="nobody knows",
    unknown=True,
)
OLDEST_BY_BRIDGE = OLDEST.asked(
    "Which bridge has events that wait?",
    queries=one("max by (instance) (ocs_bridge_lag_seconds{@})", "{{instance}}"),
    decimals=None,
)
DELAY = Signal(
    "How soon is a change told?",
    "From the event's time in Kafka to the answer of the receiver: 95 of 100 changes are quicker. No limit of its own; it grows with the "
    "receiver's time and with the events that wait.",
    "s",
    one("histogram_quantile(0.95, sum by (le) (rate(ocs_bridge_event_age_seconds_bucket{@}[5m])))", "95 of 100"),
    decimals=2,
    no_value="no changes",
)
HELD = Signal(
    "Are POSTs held back?",
    "Whether some bridge begins no POST because of its lease, or because checkpoints fail. Held: Kafka's side is ill, not the receiver.",
    "none",
    one('max(ocs_bridge_posting_held{@, reason!="cool_down"})', "held"),
    bad=Bad(ABOVE_ZERO),
    alerts=("OcsBridgePostingHeld",),
    names={0: ("no", "green"), 1: ("yes", "red")},
    no_value="nobody knows",
    unknown=True,
)
FIRING = Signal(
    "Which alerts fire?",
    "Alerts of the bridge that fire now, with their waiting times over. Needs the alert rules in this Prometheus; without them there are "
    "never any. One whose bridges are all gone may lack a namespace and is shown with all namespaces chosen.",
    "none",
    one('count by (alertname) (ALERTS{alertname=~"OcsBridge.*", alertstate="firing", namespace=~"$namespace", job=~"$job"})', "{{alertname}}"),
    bad=Bad(ABOVE_ZERO),
    empty="a receiver that is down",
    no_value="none",
)  # fmt: skip
