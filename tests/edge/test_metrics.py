"""The exposition: it parses, holds every metric of the catalogue, and its numbers add up."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from campaigns import FULL, LENIENT, STRICT, change, stamp, statistics
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from support import processes
from support.examples import examples

import bridge.edge.distribution
from bridge.core.event import CallingList, Statistics
from bridge.core.group import Policy
from bridge.core.groups import GroupTable
from bridge.core.outcome import REASONS, Commit, Drop, Invalid, Reason, Result, Return, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Partition
from bridge.core.tally import Tally
from bridge.core.vocabulary import GroupState
from bridge.edge.catalogue import BY_NAME, CATALOGUE, PROCESS
from bridge.edge.metric import AGE_BUCKETS, GROUP_LABELS, POST_BUCKETS, Type
from bridge.edge.metrics import Lag, Metrics, Moment
from bridge.edge.restoring import Progress
from bridge.edge.series import series

POST_ENDS = ("posts_sent_total", "posts_failed_total", "notifications_dropped_total", "posts_in_flight")
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
LABELS = ("tenant", "campaign_group")
Found = dict[str, dict[tuple[tuple[str, str], ...], float]]
STATS = Statistics(busy_factor=0.85, hit_ratio=0.3, overdial_rate=0.02, time_to_complete=600)


def moment(
    table: GroupTable | None = None,
    *,
    labels: tuple[str, ...] = LABELS,
    limit: int = 9,
    calling_lists: bool = True,
    **changes: object,
) -> Moment:
    found = series(table or GroupTable(), labels, limit=limit, calling_lists=calling_lists)
    made = Moment(
        tally=Tally(),
        held=0,
        queued=0,
        in_flight=0,
        expired=0,
        ticks_waiting=0,
        starting=0,
        lags=(),
        assigned=0,
        joined=False,
        polled_at=1_544_659_952.123,
        missing_topics=0,
        replaced_times=0,
        replaced_producers=0,
        standing={},
        unconfirmed=0,
        posting_held=None,
        split=0,
        late=0,
        unchanged=0,
        above_one=0,
        states=found.states,
        hidden=found.hidden,
        quarantine_failures=0,
        log_lines_dropped=0,
        series=found.samples,
        group_labels=labels,
    )
    return msgspec.structs.replace(made, **changes)


def samples(families: Iterable[Metric]) -> Found:
    """Samples by name and labels; none is there twice."""
    found: Found = defaultdict(dict)
    for family in families:
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found[sample.name], f"{sample.name}{labels} is there twice"
            found[sample.name][labels] = sample.value
    return dict(found)


def scraped(at: Moment, metrics: Metrics | None = None) -> Found:
    content_type, text = (metrics or Metrics()).render(at, "")
    assert content_type.startswith("text/plain; version=0.0.4")
    return samples(parse_text(text.decode()))


def group(name: str = "Spring@East", **said: str) -> dict[str, str]:
    return FULL | {"tenant_name": "Environment", "campaign_group_name": name} | said


def table_of(*groups: tuple[str, GroupState, dict[str, str]]) -> GroupTable:
    table = GroupTable()
    for offset, (key, state, names) in enumerate(groups):
        table.merge(key, change(offset, state=state, statistics=STATS, **names), stamp(offset, offset), STRICT)
    return table


def busy() -> tuple[Metrics, Moment]:
    """Something of everything."""
    metrics = Metrics()
    for result, reasons in REASONS.items():
        metrics.posts.ended(Outcome(result, reasons[0], 0.012), age=0.5)
    table = table_of(
        ("a", GroupState.Running, group("a")),
        ("b", GroupState.Active, group('tricky "quoted" \\back\nline ü\U0001f600')),
    )
    table.merge(
        "a",
        statistics(9, calling_lists=(CallingList(name="A", hit_ratio=0.1, time_to_complete=60),)),
        stamp(9, 9),
        STRICT,
    )
    tally = counted(posted=7, gaps=3)
    tally.consumed.update(events=20, more=2)
    tally.skipped.update({Skip.TOMBSTONE: 2})
    lags = (Lag(Partition("events", 0), 5, 1.5), Lag(Partition("events", 1), 0, 0.0))
    return metrics, moment(
        table, tally=tally, lags=lags, joined=True, assigned=2, held=13, standing={lags[0].partition: 2.5}
    )


# The text


def test_the_text_parses_and_has_every_metric_with_its_type_and_meaning() -> None:
    metrics, at = busy()
    families = {family.name: family for family in parse_text(metrics.render(at, "")[1].decode())}
    assert len(families) == len(CATALOGUE)
    for metric in CATALOGUE:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.type.value, metric.help)
        assert family.samples, f"{metric.name} has no sample"


def test_prometheus_asks_for_openmetrics_and_gets_it_with_the_same_numbers() -> None:
    metrics, at = busy()
    content_type, text = metrics.render(at, OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith(b"# EOF\n")
    assert text.count(b"# EOF") == 1
    assert samples(parse_openmetrics(text.decode())) == scraped(at, metrics)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/plain;version=0.0.4", "application/json"])
def test_anybody_else_gets_plain_text(accept: str) -> None:
    content_type, text = Metrics().render(moment(), accept)
    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"# EOF" not in text


def test_every_sample_has_exactly_the_labels_of_the_catalogue() -> None:
    metrics, at = busy()
    for name, found in scraped(at, metrics).items():
        bare = name if name in BY_NAME else name.rpartition("_")[0]
        expected = [x for label in BY_NAME[bare].labels for x in (LABELS if label.startswith("<") else (label,))]
        for labels in found:
            assert {label for label, _ in labels} - {"le"} == set(expected), name


def test_label_values_come_through_whatever_stands_in_them() -> None:
    names = {dict(labels)["campaign_group"] for labels in scraped(busy()[1])["gsw_campaign_group_state"]}
    assert 'tricky "quoted" \\back\nline ü\U0001f600' in names


@pytest.mark.needs("promtool")
def test_promtool_has_nothing_to_say() -> None:
    metrics, at = busy()
    done = processes.run(
        ["promtool", "check", "metrics"], input=metrics.render(at, "")[1], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


# From the start


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ocs_bridge_posts_sent_total", ["change", "periodic"]),
        ("ocs_bridge_notifications_rendered_total", ["change", "periodic"]),
        ("ocs_bridge_records_skipped_total", list(Skip)),
        ("ocs_bridge_records_quarantined_total", list(Invalid)),
        ("ocs_bridge_records_returned_total", list(Return)),
        ("ocs_bridge_commits_total", list(Commit)),
        ("ocs_bridge_rebalances_total", ["assigned", "revoked", "lost"]),
        ("ocs_bridge_campaign_groups", [*(state.name for state in GroupState), "unknown"]),
        ("ocs_bridge_records_posted_total", []),
        ("ocs_bridge_records_absorbed_total", []),
        ("ocs_bridge_offsets_missing_total", []),
        ("ocs_bridge_event_times_replaced_total", []),
        ("ocs_bridge_late_events_total", []),
        ("ocs_bridge_reports_unchanged_total", []),
        ("ocs_bridge_statistics_above_one_total", []),
        ("ocs_bridge_campaign_groups_split_total", []),
        ("ocs_bridge_quarantine_failures_total", []),
        ("ocs_bridge_log_lines_dropped_total", []),
    ],
)
def test_every_known_label_set_is_there_from_the_start(name: str, values: list[str]) -> None:
    found = scraped(moment())[name]
    labels = BY_NAME[name].labels
    assert set(found) == ({tuple(zip(labels, [value], strict=True)) for value in values} or {()})
    assert set(found.values()) == {0}


def test_every_way_a_post_can_fail_is_there_from_the_start() -> None:
    found = {
        (labels["kind"], labels["outcome"], labels["reason"])
        for labels in map(dict, scraped(moment())["ocs_bridge_posts_failed_total"])
    }
    pairs = [(result.value, reason.value) for result, reasons in REASONS.items() for reason in reasons]
    assert found == {(kind, *pair) for kind in ("change", "periodic") for pair in pairs if pair[0] != "delivered"}


def test_every_counter_is_in_one_of_the_tests_above_or_has_labels_unknown_before() -> None:
    empty = scraped(moment())
    without = {metric.name for metric in CATALOGUE if metric.type is Type.COUNTER and metric.name not in empty}
    assert without == {"ocs_bridge_records_consumed_total"}


def test_the_histograms_have_their_label_sets_and_buckets_from_the_start() -> None:
    found = scraped(moment())
    assert {dict(labels)["outcome"] for labels in found["ocs_bridge_post_duration_seconds_count"]} == set(Result)
    for name, buckets in [
        ("ocs_bridge_post_duration_seconds", POST_BUCKETS), ("ocs_bridge_event_age_seconds", AGE_BUCKETS)
    ]:  # fmt: skip
        bounds = {float(dict(labels)["le"]) for labels in found[f"{name}_bucket"]}
        assert bounds == {*buckets, float("inf")}


# Numbers


COUNTS = st.integers(0, 10**9)
OUTCOMES = [
    (kind, result, reason)
    for kind in ("change", "periodic")
    for result, reasons in REASONS.items()
    for reason in reasons
]


def counter(keys: Iterable[object]) -> st.SearchStrategy[Counter[object]]:
    return st.dictionaries(st.sampled_from(list(keys)), COUNTS).map(Counter)


def counted(**counts: object) -> Tally:
    tally = Tally()
    for name, count in counts.items():
        setattr(tally, name, count)
    return tally


@settings(max_examples=examples(60))
@given(
    st.builds(
        counted,
        posted=COUNTS,
        absorbed=COUNTS,
        skipped=counter(Skip),
        quarantined=counter(Invalid),
        returned=counter(Return),
        outcomes=counter(OUTCOMES),
        dropped=counter([Reason.LEASE]),
        commits=counter(Commit),
        gaps=COUNTS,
    ),
    COUNTS,
    COUNTS,
    COUNTS,
)
def test_the_identities_hold_in_each_scrape_so_no_count_is_left_out(
    tally: Tally, held: int, in_flight: int, to_first: int
) -> None:
    consumed = tally.finished() + held
    tally.consumed.update({"a": min(to_first, consumed), "b": consumed - min(to_first, consumed)})
    rendered = sum(tally.outcomes.values()) + sum(tally.dropped.values()) + in_flight
    tally.rendered.update({"change": min(to_first, rendered), "periodic": rendered - min(to_first, rendered)})

    found = scraped(moment(tally=tally, held=held, in_flight=in_flight))

    def total(*names: str) -> float:
        return sum(sum(found[name].values()) for name in names)

    ends = [f"ocs_bridge_records_{end}_total" for end in ("posted", "absorbed", "skipped", "quarantined", "returned")]
    assert total("ocs_bridge_records_consumed_total") == total(*ends, "ocs_bridge_records_held") == consumed
    posts = [f"ocs_bridge_{end}" for end in POST_ENDS]
    assert total("ocs_bridge_notifications_rendered_total") == total(*posts) == rendered
    assert total("ocs_bridge_commits_total") == sum(tally.commits.values())
    assert total("ocs_bridge_offsets_missing_total") == tally.gaps


def test_each_count_stands_under_its_own_name() -> None:
    numbers = {
        "replaced_times": "ocs_bridge_event_times_replaced_total",
        "late": "ocs_bridge_late_events_total",
        "unchanged": "ocs_bridge_reports_unchanged_total",
        "above_one": "ocs_bridge_statistics_above_one_total",
        "split": "ocs_bridge_campaign_groups_split_total",
        "quarantine_failures": "ocs_bridge_quarantine_failures_total",
        "log_lines_dropped": "ocs_bridge_log_lines_dropped_total",
        "queued": "ocs_bridge_events_queued",
        "assigned": "ocs_bridge_partitions_assigned",
        "missing_topics": "ocs_bridge_topics_missing",
        "polled_at": "ocs_bridge_poll_timestamp_seconds",
        "joined": "ocs_bridge_group_joined",
        "expired": "ocs_bridge_campaign_groups_expired_total",
        "ticks_waiting": "ocs_bridge_ticks_waiting",
        "starting": "ocs_bridge_partitions_starting",
    }
    values = {field: float(n) for n, field in enumerate(numbers, start=100)} | {"joined": True}
    found = scraped(msgspec.structs.replace(moment(), **values))
    assert {field: found[name][()] for field, name in numbers.items()} == values | {"joined": 1}


def test_each_count_of_slots_and_of_the_state_topic_stands_under_its_own_name() -> None:
    numbers = {
        "ticks_due": "ocs_bridge_ticks_due_total",
        "clock_jumps": "ocs_bridge_clock_jumps_total",
        "states_saved": "ocs_bridge_state_records_written_total",
        "states_read": "ocs_bridge_state_records_read_total",
        "states_restored": "ocs_bridge_state_groups_restored_total",
        "states_bad": "ocs_bridge_state_records_bad_total",
        "restore_seconds": "ocs_bridge_state_restore_seconds_total",
        "seeded": "ocs_bridge_state_records_seeded_total",
    }
    values = {field: n for n, field in enumerate(numbers, start=100)}
    drops = Counter({reason.value: n for n, reason in enumerate(Drop, start=1)})
    found = scraped(moment(tally=counted(ticks_dropped=drops, **values)))
    assert {field: found[name][()] for field, name in numbers.items()} == values
    assert {dict(labels)["reason"]: n for labels, n in found["ocs_bridge_ticks_dropped_total"].items()} == drops


def test_how_far_restores_are_is_told_over_all_partitions() -> None:
    found = scraped(moment(restoring=(Progress(3, 10), Progress(0, 0), Progress(5, 5))))
    names = ("partitions", "offsets", "offsets_left")
    assert [found[f"ocs_bridge_state_restoring_{name}"][()] for name in names] == [3, 15, 7]


def test_a_post_is_counted_under_its_kind_result_and_reason() -> None:
    tally = Tally()
    tally.post("change", Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.1, 204))
    tally.post("periodic", Outcome(Result.REJECTED, Reason.STATUS_5XX, 0.1, 503))
    tally.post("periodic", Outcome(Result.REJECTED, Reason.STATUS_5XX, 0.1, 500))
    found = scraped(moment(tally=tally))
    assert found["ocs_bridge_posts_sent_total"] == {(("kind", "change"),): 1, (("kind", "periodic"),): 0}
    failed = {labels: n for labels, n in found["ocs_bridge_posts_failed_total"].items() if n}
    assert failed == {(("kind", "periodic"), ("outcome", "rejected"), ("reason", "5xx")): 2}


def test_lag_is_told_by_topic_and_partition() -> None:
    found = scraped(busy()[1])
    assert found["ocs_bridge_lag_records"] == {
        (("partition", "0"), ("topic", "events")): 5,
        (("partition", "1"), ("topic", "events")): 0,
    }
    assert found["ocs_bridge_lag_seconds"][("partition", "0"), ("topic", "events")] == 1.5


def test_durations_and_ages_are_observed_and_a_clock_that_is_behind_gives_no_negative_age() -> None:
    metrics = Metrics()
    metrics.posts.ended(Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.02), age=2.0)
    metrics.posts.ended(Outcome(Result.AMBIGUOUS, Reason.RESET, 0.04), age=-5.0)
    found = scraped(moment(), metrics)
    assert found["ocs_bridge_post_duration_seconds_sum"][(("outcome", "delivered"),)] == 0.02
    assert found["ocs_bridge_post_duration_seconds_count"][(("outcome", "ambiguous"),)] == 1
    assert found["ocs_bridge_event_age_seconds_sum"][()] == 2.0
    assert found["ocs_bridge_event_age_seconds_count"][()] == 2
    assert found["ocs_bridge_tick_lateness_seconds_count"][()] == 0


def test_of_a_periodic_notification_the_lateness_is_observed_and_no_age() -> None:
    metrics = Metrics()
    metrics.posts.ended(Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.02), late=0.04)
    found = scraped(moment(), metrics)
    assert found["ocs_bridge_tick_lateness_seconds_sum"][()] == 0.04
    assert found["ocs_bridge_event_age_seconds_count"][()] == 0


def test_two_bridges_in_one_process_share_no_numbers() -> None:
    first = Metrics()
    first.posts.ended(Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.02), age=2.0)
    assert scraped(moment(), Metrics())["ocs_bridge_event_age_seconds_count"][()] == 0


def test_versions_are_told() -> None:
    ((labels, value),) = scraped(moment())["ocs_bridge_build_info"].items()
    assert value == 1
    assert all(text[:1].isdecimal() for name, text in labels if name != "compiled")
    assert dict(labels)["compiled"] == str(bridge.edge.distribution.__file__.endswith(".so")).lower()


# The GSW_STAT gauges


def of(name: str) -> tuple[tuple[str, str], ...]:
    return (("campaign_group", name), ("tenant", "Environment"))


def test_the_statistics_of_a_group_have_a_series_each() -> None:
    found = scraped(moment(table_of(("a", GroupState.Running, group("a")))))
    assert {name: found[name] for name in found if name.startswith("gsw_")} == {
        "gsw_campaign_group_state": {of("a"): 5},
        "gsw_stat_busy_factor": {of("a"): 0.85},
        "gsw_stat_hit_ratio": {of("a"): 0.3},
        "gsw_stat_overdial_rate": {of("a"): 0.02},
        "gsw_stat_time_to_complete_seconds": {of("a"): 600},
        "gsw_stat_last_update_timestamp_seconds": {of("a"): 0.0},
    }


def test_a_statistic_that_is_null_or_unknown_has_no_series() -> None:
    table = table_of(("a", GroupState.Running, group("a")), ("b", GroupState.Running, group("b")))
    table.merge("a", statistics(9, statistics=Statistics(hit_ratio=None, busy_factor=0)), stamp(9, 9), STRICT)
    found = scraped(moment(table))
    assert set(found["gsw_stat_hit_ratio"]) == {of("b")}
    assert found["gsw_stat_busy_factor"] == {of("a"): 0, of("b"): 0.85}


def hidden(found: Any) -> dict[str, float]:
    return {dict(labels)["reason"]: count for labels, count in found["ocs_bridge_campaign_groups_hidden"].items()}


def test_an_unloaded_group_has_no_series_and_is_counted_by_its_state() -> None:
    table = table_of(("a", GroupState.Running, group("a")), ("b", GroupState.Running, group("b")))
    table.merge("a", change(9, state=GroupState.NotLoaded, statistics=STATS), stamp(9, 9), STRICT)
    found = scraped(moment(table))
    for name in ("gsw_campaign_group_state", "gsw_stat_hit_ratio", "gsw_stat_busy_factor"):
        assert set(found[name]) == {of("b")}
    states = {dict(labels)["state"]: n for labels, n in found["ocs_bridge_campaign_groups"].items() if n}
    assert states == {"NotLoaded": 1, "Running": 1}
    assert hidden(found) == {"limit": 0, "labels": 0, "dormant": 0}


def test_a_group_of_which_only_statistics_were_seen_has_them_but_no_state() -> None:
    table = GroupTable()
    table.merge("a", statistics(1, statistics=STATS, campaign_group_name="a"), stamp(1), STRICT)
    found = scraped(moment(table))
    assert found["gsw_stat_hit_ratio"] == {(("campaign_group", "a"), ("tenant", "Unknown")): 0.3}
    assert "gsw_campaign_group_state" not in found
    assert found["ocs_bridge_campaign_groups"][(("state", "unknown"),)] == 1


def test_names_from_the_directory_are_the_labels_too() -> None:
    table = GroupTable()
    row = tuple("Environment" if name == "tenant_name" else "a" for name in FULL)
    table.merge("a", change(1, state=GroupState.Active), stamp(1), LENIENT, row)
    assert set(scraped(moment(table))["gsw_campaign_group_state"]) == {of("a")}


@pytest.mark.parametrize(("limit", "shown"), [(0, 0), (1, 1), (2, 2), (3, 3), (9, 3)])
def test_groups_beyond_the_cap_have_no_series_and_are_counted(limit: int, shown: int) -> None:
    table = table_of(("x", GroupState.NotLoaded, group("x")), *((key, GroupState.Running, group(key)) for key in "abc"))
    found = scraped(moment(table, limit=limit))
    assert set(found.get("gsw_stat_hit_ratio", {})) == {of(key) for key in "abc"[:shown]}
    assert hidden(found) == {"limit": 3 - shown, "labels": 0, "dormant": 0}
    assert found["ocs_bridge_campaign_groups"][(("state", "Running"),)] == 3


def test_of_two_groups_with_the_same_labels_one_is_hidden_and_the_scrape_stays_whole() -> None:
    table = table_of(*((key, GroupState.Running, group("same")) for key in "abc"))
    found = scraped(moment(table))
    assert set(found["gsw_stat_hit_ratio"]) == {of("same")}
    assert hidden(found) == {"limit": 0, "labels": 2, "dormant": 0}


def test_groups_without_names_are_told_apart_by_their_ids() -> None:
    table = GroupTable()
    for key in "abc":
        table.merge(key, change(1, state=GroupState.Running, campaign_group_guid=key), stamp(1), Policy({}))
    found = scraped(moment(table))
    labels = {dict(labels)["campaign_group"] for labels in found["gsw_campaign_group_state"]}
    assert labels == {"a", "b", "c"}
    assert hidden(found) == {"limit": 0, "labels": 0, "dormant": 0}


def test_groups_that_may_live_elsewhere_since_the_input_grew_are_counted_until_their_next_event() -> None:
    table = table_of(*((key, GroupState.Running, group(key)) for key in "ab"))
    table.grow(7)
    assert hidden(scraped(moment(table))) == {"limit": 0, "labels": 0, "dormant": 2}
    table.merge("a", change(9, state=GroupState.Active), stamp(9, 9), STRICT)
    found = scraped(moment(table))
    assert hidden(found) == {"limit": 0, "labels": 0, "dormant": 1}
    assert set(found["gsw_campaign_group_state"]) == {of("a")}


def test_the_labels_are_those_of_the_settings() -> None:
    table = table_of(("a", GroupState.Running, group("a")))
    found = scraped(moment(table, labels=tuple(GROUP_LABELS)))
    ((labels, _),) = found["gsw_campaign_group_state"].items()
    assert dict(labels) == {label: group("a")[field] for label, field in GROUP_LABELS.items()}


@pytest.mark.parametrize("calling_lists", [True, False])
def test_calling_lists_have_series_where_they_are_asked_for(calling_lists: bool) -> None:
    table = table_of(("a", GroupState.Running, group("a")))
    lists = (CallingList(name="A", hit_ratio=0.1, time_to_complete=None), CallingList(name="B", time_to_complete=60))
    table.merge("a", statistics(9, calling_lists=lists), stamp(9, 9), STRICT)
    found = scraped(moment(table, calling_lists=calling_lists))
    ratios = found.get("gsw_stat_calling_list_hit_ratio", {})
    times = found.get("gsw_stat_calling_list_time_to_complete_seconds", {})
    assert {dict(labels)["calling_list"]: n for labels, n in ratios.items()} == ({"A": 0.1} if calling_lists else {})
    assert {dict(labels)["calling_list"]: n for labels, n in times.items()} == ({"B": 60} if calling_lists else {})


@pytest.mark.needs("proc")
def test_the_process_is_told_of_where_the_bridge_asks_for_it() -> None:
    found = scraped(moment(), Metrics(process=True))

    assert {name for name in found if name.startswith("process_")} == set(PROCESS)
    assert {name for name in scraped(moment()) if name.startswith("process_")} == set()
