"""Prometheus: the counts of one moment, made into text off the loop.

The loop takes a `Moment`, a thread renders it: a scrape never sees half an update and never holds up a POST.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bridge import __version__
from bridge.core import lanes
from bridge.core.gate import HELD
from bridge.core.outcome import REASONS, Commit, Drop, Invalid, Reason, Result, Return, Skip
from bridge.core.profile_readers import IGNORABLE, UNREADABLE
from bridge.core.record import Partition
from bridge.core.tally import Tally
from bridge.edge.catalogue import BY_NAME, CATALOGUE
from bridge.edge.distribution import Distribution, Posts
from bridge.edge.metric import AGE_BUCKETS, LATE_BUCKETS, POST_BUCKETS, Type
from bridge.edge.restoring import Progress
from bridge.edge.series import Hidden

disable_created_metrics()  # type: ignore[no-untyped-call] # a timestamp beside each series doubles the histograms for nobody
KINDS = ("change", "periodic")
#: Whether the hot path is (tools/hatch_build.py): all of its modules are, or none.
COMPILED = not lanes.__file__.endswith(".py")
Labels = tuple[str, ...]
Samples = Mapping[str, Iterable[tuple[Labels, float]]]


class Lag(msgspec.Struct, frozen=True):
    """How far behind an owned partition is."""

    partition: Partition
    records: int
    seconds: float


class Moment(msgspec.Struct, frozen=True):
    """What the loop knows at a scrape. `groups` and `lists`: samples by metric name (bridge.edge.series)."""

    tally: Tally
    held: int
    queued: int
    in_flight: int
    lags: tuple[Lag, ...]
    assigned: int
    joined: bool
    polled_at: float  # seconds since the epoch
    missing_topics: int
    replaced_times: int
    replaced_producers: int
    standing: Mapping[Partition, float]  # seconds
    unconfirmed: int
    posting_held: str | None
    split: int
    late: int
    unchanged: int
    above_one: int
    expired: int
    ticks_waiting: int
    starting: int  # partitions
    states: Mapping[str, int]
    hidden: dict[Hidden, int]
    quarantine_failures: int
    log_lines_dropped: int
    series: Samples
    group_labels: Labels
    outcomes_written: int = 0
    outcomes_lost: int = 0
    restoring: Sequence[Progress] = ()  # partitions of the state topic


class Metrics(Collector):
    """The histograms, which are fed as things happen, and the rendering of moments.

    `process`: with the Python client's own metrics of the process (catalogue.PROCESS), which it knows on Linux only.
    """

    def __init__(self, *, process: bool = False) -> None:
        self._registry = CollectorRegistry()
        self.posts = Posts(POST_BUCKETS, AGE_BUCKETS, LATE_BUCKETS)
        self._registry.register(self)
        if process:
            ProcessCollector(registry=self._registry)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histograms."""
        results = [((result.value,), seen) for result, seen in self.posts.by_result.items()]
        yield _family("ocs_bridge_post_duration_seconds", results)
        yield _family("ocs_bridge_event_age_seconds", [((), self.posts.age)])
        yield _family("ocs_bridge_tick_lateness_seconds", [((), self.posts.late)])

    def render(self, moment: Moment, accept: str) -> tuple[str, bytes]:
        """Content type and text for a scrape whose Accept header is `accept`."""
        encoder, content_type = choose_encoder(accept)
        registry = CollectorRegistry()
        registry.register(_OneMoment(moment))
        return content_type, _joined(encoder(self._registry), encoder(registry))


def _family(name: str, seen: Iterable[tuple[Labels, Distribution]]) -> HistogramMetricFamily:
    metric = BY_NAME[name]
    family = HistogramMetricFamily(name, metric.help, labels=metric.labels)
    for labels, distribution in seen:
        family.add_metric(labels, distribution.cumulative(), distribution.total)
    return family


def _joined(first: bytes, second: bytes) -> bytes:
    """Two expositions as one: OpenMetrics ends with a line that may stand only once."""
    return first.removesuffix(b"# EOF\n") + second


class _OneMoment(Collector):
    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        samples = {**_counts(self._moment), **_gauges(self._moment), **self._moment.series}
        for metric in CATALOGUE:
            if metric.type is Type.HISTOGRAM:
                continue
            labels = [
                x for name in metric.labels for x in (self._moment.group_labels if name.startswith("<") else (name,))
            ]
            make = CounterMetricFamily if metric.type is Type.COUNTER else GaugeMetricFamily
            family = make(metric.name, metric.help, labels=labels)
            for values, number in samples[metric.name]:
                family.add_metric(values, number)
            yield family


def _counts(moment: Moment) -> Samples:
    """Counters, with every known label set from the start: a rate can't see the first step of a series that appears."""
    tally = moment.tally
    failed = [
        (kind, result, reason)
        for kind in KINDS
        for result, reasons in REASONS.items()
        if result is not Result.DELIVERED
        for reason in reasons
    ]
    delivered = REASONS[Result.DELIVERED][0]
    return {
        "ocs_bridge_posts_sent_total": [
            ((kind,), tally.outcomes.get((kind, Result.DELIVERED, delivered), 0)) for kind in KINDS
        ],
        "ocs_bridge_posts_failed_total": [
            ((k, o.value, r.value), tally.outcomes.get((k, o, r), 0)) for k, o, r in failed
        ],
        "ocs_bridge_notifications_rendered_total": [((kind,), tally.rendered[kind]) for kind in KINDS],
        "ocs_bridge_notifications_dropped_total": [((Reason.LEASE.value,), tally.dropped[Reason.LEASE])],
        "ocs_bridge_posts_unknown_total": [((), tally.skipped[Skip.UNKNOWN])],
        "ocs_bridge_checkpoint_producers_replaced_total": [((), moment.replaced_producers)],
        "ocs_bridge_records_consumed_total": [((topic,), count) for topic, count in tally.consumed.items()],
        "ocs_bridge_records_posted_total": [((), tally.posted)],
        "ocs_bridge_records_absorbed_total": [((), tally.absorbed)],
        "ocs_bridge_records_skipped_total": [((reason.value,), tally.skipped[reason]) for reason in Skip],
        "ocs_bridge_fields_ignored_total": [
            ((field, reason.value), tally.ignored[field, reason]) for field in IGNORABLE for reason in UNREADABLE
        ],
        "ocs_bridge_records_quarantined_total": [((reason.value,), tally.quarantined[reason]) for reason in Invalid],
        "ocs_bridge_records_returned_total": [((reason.value,), tally.returned[reason]) for reason in Return],
        "ocs_bridge_rebalances_total": [
            ((event,), tally.rebalances[event]) for event in ("assigned", "revoked", "lost")
        ],
        "ocs_bridge_commits_total": [((result.value,), tally.commits[result]) for result in Commit],
        "ocs_bridge_offsets_missing_total": [((), tally.gaps)],
        "ocs_bridge_event_times_replaced_total": [((), moment.replaced_times)],
        "ocs_bridge_late_events_total": [((), moment.late)],
        "ocs_bridge_reports_unchanged_total": [((), moment.unchanged)],
        "ocs_bridge_statistics_above_one_total": [((), moment.above_one)],
        "ocs_bridge_campaign_groups_split_total": [((), moment.split)],
        "ocs_bridge_campaign_groups_expired_total": [((), moment.expired)],
        "ocs_bridge_ticks_due_total": [((), tally.ticks_due)],
        "ocs_bridge_ticks_dropped_total": [((reason.value,), tally.ticks_dropped[reason]) for reason in Drop],
        "ocs_bridge_clock_jumps_total": [((), tally.clock_jumps)],
        "ocs_bridge_state_records_written_total": [((), tally.states_saved)],
        "ocs_bridge_state_records_read_total": [((), tally.states_read)],
        "ocs_bridge_state_groups_restored_total": [((), tally.states_restored)],
        "ocs_bridge_state_records_bad_total": [((), tally.states_bad)],
        "ocs_bridge_state_restore_seconds_total": [((), tally.restore_seconds)],
        "ocs_bridge_state_records_seeded_total": [((), tally.seeded)],
        "ocs_bridge_quarantine_failures_total": [((), moment.quarantine_failures)],
        "ocs_bridge_outcomes_written_total": [((), moment.outcomes_written)],
        "ocs_bridge_outcomes_lost_total": [((), moment.outcomes_lost)],
        "ocs_bridge_log_lines_dropped_total": [((), moment.log_lines_dropped)],
    }


def _gauges(moment: Moment) -> Samples:
    compiled = str(COMPILED).lower()
    versions = (__version__, platform.python_version(), version("kafka-python"), version("httpx"), compiled)
    lags = [((lag.partition.topic, str(lag.partition.number)), lag) for lag in moment.lags]
    return {
        "ocs_bridge_build_info": [(versions, 1)],
        "ocs_bridge_posts_in_flight": [((), moment.in_flight)],
        "ocs_bridge_posts_unconfirmed": [((), moment.unconfirmed)],
        "ocs_bridge_posting_held": [((why,), why == moment.posting_held) for why in HELD],
        "ocs_bridge_records_held": [((), moment.held)],
        "ocs_bridge_events_queued": [((), moment.queued)],
        "ocs_bridge_ticks_waiting": [((), moment.ticks_waiting)],
        "ocs_bridge_partitions_starting": [((), moment.starting)],
        "ocs_bridge_state_restoring_partitions": [((), len(moment.restoring))],
        "ocs_bridge_state_restoring_offsets": [((), sum(one.offsets for one in moment.restoring))],
        "ocs_bridge_state_restoring_offsets_left": [((), sum(one.offsets - one.read for one in moment.restoring))],
        "ocs_bridge_lag_records": [(labels, lag.records) for labels, lag in lags],
        "ocs_bridge_lag_seconds": [(labels, lag.seconds) for labels, lag in lags],
        "ocs_bridge_partition_standing_seconds": [
            ((p.topic, str(p.number)), seconds) for p, seconds in moment.standing.items()
        ],
        "ocs_bridge_partitions_assigned": [((), moment.assigned)],
        "ocs_bridge_group_joined": [((), moment.joined)],
        "ocs_bridge_poll_timestamp_seconds": [((), moment.polled_at)],
        "ocs_bridge_topics_missing": [((), moment.missing_topics)],
        "ocs_bridge_campaign_groups": [((state,), count) for state, count in moment.states.items()],
        "ocs_bridge_campaign_groups_hidden": [((why.value,), count) for why, count in moment.hidden.items()],
    }
