"""Counted as the Python client counts: that one is asked what is right."""

import random

import pytest
from prometheus_client import CollectorRegistry, Histogram

from bridge.edge.distribution import Distribution
from bridge.edge.metric import AGE_BUCKETS, LATE_BUCKETS, POST_BUCKETS


@pytest.mark.parametrize("bounds", [POST_BUCKETS, AGE_BUCKETS, LATE_BUCKETS])
def test_values_below_at_and_above_each_bound_are_counted_as_the_client_does(bounds: tuple[float, ...]) -> None:
    known = Histogram("known", "", buckets=bounds, registry=CollectorRegistry())
    ours = Distribution(bounds)
    draw = random.Random(1)
    for value in [0.0, *bounds, *(draw.uniform(0, 2) * bound for bound in bounds for _ in range(20))]:
        known.observe(value)
        ours.observe(value)
    (metric,) = known.collect()
    buckets = [(sample.labels["le"], sample.value) for sample in metric.samples if sample.name == "known_bucket"]
    assert ours.cumulative() == buckets
    assert ours.total == pytest.approx(next(s.value for s in metric.samples if s.name == "known_sum"))
