"""Signals of delivery: what goes to the receiver."""

from grafana.health import LATENESS, TICKS_LEFT_OUT
from grafana.signals import ABOVE_ZERO, Bad, Query, Signal, bad, one

OUTCOMES = {"delivered": "green", "rejected": "orange", "not_sent": "red", "ambiguous": "purple"}


def _quantiles(metric: str, *shares: float) -> tuple[Query, ...]:
    return tuple(
        Query(f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{@}}[rate])))", f"{share * 100:g} of 100")
        for share in shares
    )


ARRIVING = Signal(
    "Do notifications arrive?",
    "POSTs a second by what is known of them. delivered: answered with 2xx. rejected: another answer. not_sent: nothing can have reached "
    "the receiver. ambiguous: it may have. Anything but green that stays: look at why they fail.",
    "reqps",
    (
        Query("sum(rate(ocs_bridge_posts_sent_total{@}[rate]))", "delivered"),
        Query("sum by (outcome) (rate(ocs_bridge_posts_failed_total{@}[rate]))", "{{outcome}}"),
    ),
    alerts=("OcsBridgeFailureRatioHigh",),
    colors=OUTCOMES,
)
REASONS = Signal(
    "Why do POSTs fail?",
    "Failed POSTs a second by reason. connect, dns, tls: network or the receiver is down. 4xx: it does not like the content, path or "
    "credentials. 5xx: it is broken. read_timeout: it is slower than http.timeout. Empty: none fails.",
    "reqps",
    one("sum by (outcome, reason) (rate(ocs_bridge_posts_failed_total{@}[rate])) > 0", "{{outcome}}: {{reason}}"),
    alerts=("OcsBridgeFailureRatioHigh",),
    empty="a receiver that is down",
    no_value="None fails",
    shades={outcome: color for outcome, color in OUTCOMES.items() if outcome != "delivered"},
)
KINDS = Signal(
    "Which notifications are made?",
    "Notifications a second: change, of an event; periodic, of a campaign group's interval. Periodic ones that end while campaign "
    "groups are active: look at ocs-bridge / Campaign groups.",
    "ops",
    (
        Query("sum(rate(ocs_bridge_notifications_rendered_total{@}[rate]))", "change"),
        Query("sum(rate(ocs_bridge_ticks_due_total{@}[rate]))", "periodic"),
    ),
    alerts=("OcsBridgeTicksMissing",),
    colors={"change": "green", "periodic": "blue"},
)
DURATION_MAP = Signal(
    "How long does a POST take?",
    "POSTs by their duration, the brighter the more. A band that rises: the receiver gets slower; it may reach http.timeout. "
    "Two bands: two kinds of answers, such as one of its servers being slow.",
    "s",
    one("sum by (le) (increase(ocs_bridge_post_duration_seconds_bucket{@}[rate]))", "{{le}}"),
)
DURATION = Signal(
    "How long do the slow ones take?",
    "The duration that 50, 95 and 99 of 100 POSTs stay under. Near http.timeout (5 s by default) they begin to fail as ambiguous.",
    "s",
    _quantiles("ocs_bridge_post_duration_seconds", 0.5, 0.95, 0.99),
)
AGE_MAP = Signal(
    "How old are events when they are told?",
    "Changes by their age at the end of their POST, from the record's time in Kafka on, the brighter the more. A cloud that rises: "
    "events wait, for the receiver or for bridges that were away.",
    "s",
    one("sum by (le) (increase(ocs_bridge_event_age_seconds_bucket{@}[rate]))", "{{le}}"),
)
AGE = Signal(
    "How soon are changes told?",
    "The age that 50, 95 and 99 of 100 changes stay under when their POST has ended.",
    "s",
    _quantiles("ocs_bridge_event_age_seconds", 0.5, 0.95, 0.99),
    bad=bad("oldestSeconds"),
    alerts=("OcsBridgeEventsOld",),
)
IN_FLIGHT = Signal(
    "Is the receiver the limit?",
    "POSTs under way of each bridge. At the red line, 95 % of http.max_in_flight as it is by default, and with events waiting: the receiver "
    "is too slow, or bridges are missing.",
    "short",
    one("max by (instance) (ocs_bridge_posts_in_flight{@})", "{{instance}}"),
    bad=bad("inFlight"),
    alerts=("OcsBridgeSaturated",),
)
WAITING = Signal(
    "What waits inside the bridges?",
    "Records whose fate is open, events waiting for their turn, and periodic notifications waiting for theirs. Numbers that only grow: see "
    "whether POSTs are slow, or held.",
    "short",
    (
        Query("sum(ocs_bridge_records_held{@})", "records held"),
        Query("sum(ocs_bridge_events_queued{@})", "events queued"),
        Query("sum(ocs_bridge_ticks_waiting{@})", "periodic waiting"),
    ),
)
HELD_BY = Signal(
    "Why are POSTs held back?",
    "Whether some bridge begins no POST, by reason. lease: it may have lost its partitions. unconfirmed: checkpoints fail, and a crash would "
    "repeat too much. cool_down: the receiver asked for a pause, which is wanted.",
    "none",
    one("max by (reason) (ocs_bridge_posting_held{@})", "{{reason}}"),
    alerts=("OcsBridgePostingHeld",),
    names={0: ("not held", "green"), 1: ("held", "red")},
    bad=Bad(ABOVE_ZERO),
)
DROPPED = Signal(
    "Are notifications left out?",
    "Notifications a second that were made or due and not attempted, by reason. Periodic ones are not caught up; changes are told later, or "
    "by the next owner. superseded: the receiver is too slow for the interval. starting, revoked, inactive: normal in a rebalance or "
    "after an unload.",
    "ops",
    (
        Query("sum by (reason) (rate(ocs_bridge_ticks_dropped_total{@}[rate]))", "periodic: {{reason}}"),
        Query("sum by (reason) (rate(ocs_bridge_notifications_dropped_total{@}[rate]))", "change: {{reason}}"),
    ),
    alerts=("OcsBridgeTicksDropped",),
)
LATE = Signal(
    "Are periodic notifications late?",
    "From the time a periodic notification was due to the begin of its POST: 99 of 100 are quicker. Above the red line: the receiver, "
    "or the process, is too slow for the intervals.",
    "s",
    one(LATENESS, "99 of 100"),
    bad=bad("tickLatenessSeconds"),
    alerts=("OcsBridgeTicksLate",),
)
TICK_LOSS = Signal(
    "What share of periodic notifications is left out?",
    "Of those due in the last five minutes, the share that the receiver misses. Red: it is slower than the intervals ask for.",
    "percentunit",
    one(TICKS_LEFT_OUT, "left out"),
    bad=bad("tickDropRatio"),
    alerts=("OcsBridgeTicksDropped", "OcsBridgeTicksMissing"),
    decimals=1,
    no_value="none due",
)
#: Burn rates: (window, times the error budget of 1 %), as in the rules.
BUDGET_WINDOWS = (("1h", 14.4), ("6h", 6.0), ("1d", 3.0), ("3d", 1.0))
BUDGET = Signal(
    "Is the error budget used up too fast?",
    "Share of failed POSTs in four windows, each red where its alert begins. Recorded by the alert rules, for all bridges of a job: without "
    "the rules there is no value. Short windows red: it fails now. Only long ones: it failed, and the budget of 30 days is short.",
    "percentunit",
    tuple(
        Query(
            f'max(job:ocs_bridge_posts_failed:ratio_rate{window}{{namespace=~"$namespace", job=~"$job"}})', f"{window}"
        )
        for window, _ in BUDGET_WINDOWS
    ),
    bad=bad("errorBudget"),
    alerts=("OcsBridgeErrorBudgetBurn",),
    decimals=2,
    no_value="no POSTs",
)
