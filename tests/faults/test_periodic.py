"""Periodic notifications while bridges join, leave and are killed: no slot twice, and only takeovers miss any."""

import time
from bisect import bisect_right
from collections import Counter
from statistics import quantiles

import pytest
from faults.harness.case import Case, MakeCase
from faults.harness.members import Member
from faults.harness.ticking import Traffic, arrivals
from faults.harness.ticking_oracle import Limits, Missed, Verdict, judge, missed, owners

from bridge.core.outcome import Drop

pytestmark = pytest.mark.faults

INTERVAL = 2.0
HTTP = 2.0  # seconds; a busy machine takes one for a connection
LEASE = 9.0  # it also takes seconds for a rebalance, in which nothing is read and no heartbeat renews the lease
SESSION = LEASE + HTTP + 2
SETTINGS = {
    "kafka": {"session_timeout": SESSION, "heartbeat_interval": 0.5},
    "http": {"timeout": HTTP, "connect_timeout": HTTP},
    "notifications": {"interval": INTERVAL},
}
CUSHION = 4.0  # seconds for a rebalance and a restore on a busy machine
PARTITIONS = 6
LIMITS = Limits(INTERVAL, PARTITIONS, behind=LEASE + CUSHION, takeover=SESSION + CUSHION + INTERVAL)


def come_and_go(case: Case, seconds: float) -> dict[str, float]:
    """Three members, of which one leaves, is killed or joins now and then; when each was killed."""
    case.ready(3)
    ends, dead = time.monotonic() + seconds, {}
    while time.monotonic() < ends:
        time.sleep(case.random.uniform(4.0, 8.0))
        living = [member for member in case.living if member.ready()]
        for member in living:
            member.scrape()
        what = case.random.choice(["join", "stop", "kill"])
        if len(living) < 2 or (what == "join" and len(case.living) < 4):
            case.member()
        elif what == "stop":
            assert case.random.choice(living).stop() == 0
        else:
            victim = case.random.choice(living)
            case.kill(victim)
            dead[victim.name] = time.time()
    return dead


def periodic(make_case: MakeCase, groups: int, seconds: float) -> None:
    case = make_case(
        f"{groups} groups ticking, 3 members come and go", partitions=PARTITIONS, groups=1, settings=SETTINGS
    )
    with Traffic(case.kafka, case.topic, partitions=PARTITIONS, groups=groups, rate=groups / 4) as traffic:
        traffic.load()
        traffic.start()
        dead = come_and_go(case, seconds)
        traffic.stop()
        time.sleep(SESSION + CUSHION + 2 * INTERVAL)
        end = time.time()
        for member in case.living:
            member.scrape()
            assert member.stop() == 0
    seen = arrivals(case.receiver.requests)
    assert len(seen.ticks) > groups * seconds / INTERVAL / 3, "they tick most of the time"
    owned = owners(case.members, dead, end)
    gaps, verdict = missed(seen, traffic.written, owned, LIMITS), judge(seen, traffic.written, owned, LIMITS)
    counted = reasons(case.members)
    tell(gaps, verdict)
    print(
        f"{len(seen.ticks)} slots told; {len(case.members)} members, {len(dead)} of them killed; they counted", counted
    )
    assert verdict.bad == []
    assert len(gaps.owned) <= counted.total()


def reasons(members: list[Member]) -> Counter[str]:
    """Why slots were not told by who owned their partition, as the members counted while they could be asked."""
    found = Counter({"failed": sum(member.last("posts_failed_total", kind="periodic") for member in members)})
    for reason in (Drop.SUPERSEDED, Drop.LEASE):
        found[reason.value] = sum(member.last("ticks_dropped_total", reason=reason) for member in members)
    return found


def tell(gaps: Missed, verdict: Verdict) -> None:
    behind = sorted(verdict.behind)
    print(
        f"\ntold with the last value that was written: {100 * bisect_right(behind, 0.1) / len(behind):.1f} %; the others with one "
        f"that had been replaced for {quantiles(behind, n=1000)[-1]:.1f} s at most (p99.9), {behind[-1]:.1f} s the longest"
    )
    for why, longest in gaps.longest.items():
        print(f"{gaps.counts[why]} slots missed, {longest} in a row: {why}")
    print(*verdict.bad[:20], *gaps.owned[:20], sep="\n")


@pytest.mark.timeout(240)
@pytest.mark.faults_ci
def test_a_hundred_groups_tick_through_joins_leaves_and_kills(make_case: MakeCase) -> None:
    periodic(make_case, groups=100, seconds=30)


@pytest.mark.timeout(600)
def test_a_thousand_groups_tick_through_five_minutes_of_joins_leaves_and_kills(make_case: MakeCase) -> None:
    periodic(make_case, groups=1000, seconds=300)
