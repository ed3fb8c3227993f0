"""Partitions that stand still: told where the bridge is at fault, and only there."""

import asyncio
import io
import json
from typing import Any

from bridge_of_parts import DELIVERED, Broker, Parts, bridge, partition
from virtual_time import now, run, turns

from bridge.core.outcome import Commit
from bridge.core.post_outcome import Outcome
from bridge.edge.log import configure, flush
from bridge.edge.series import Hidden
from bridge.status import Progress, Unseen

SECONDS = 300.0


def progress(parts: Parts) -> Progress:
    return Progress(parts.pipeline, parts.ownership, SECONDS)


async def at_once() -> Outcome:
    return DELIVERED


async def stuck_after(one: Progress, seconds: float, every: float = 10) -> list[str]:
    """What it says after so long, looked at from time to time."""
    until = now() + seconds
    while now() < until:
        one.stuck(now())
        await asyncio.sleep(every)
    return one.stuck(now())


def test_a_partition_that_holds_a_record_of_which_nothing_becomes_is_told_after_its_seconds() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        async with bridge(broker, 0, 1) as parts:
            one = progress(parts)
            parts.poll()
            await turns()
            assert await stuck_after(one, SECONDS) == []
            assert await stuck_after(one, 20) == ["events-0: nothing done for 320 s"]
            assert one.look(now()) == {partition(0): 320, partition(1): 0}
            parts.poster.out["G1"].set_result(DELIVERED)
            await turns()
            assert one.stuck(now()) == []
            assert one.look(now()) == {partition(0): 0, partition(1): 0}

    run(scenario())


def test_a_partition_that_moves_is_never_told_however_much_it_holds() -> None:
    async def scenario() -> None:
        broker = Broker()
        for n in range(50):
            broker.write(0, f"G{n}")
        async with bridge(broker, 0, senders=1) as parts:

            async def slowly() -> Outcome:
                await asyncio.sleep(SECONDS - 20)
                return DELIVERED

            parts.poster.end = slowly
            one = progress(parts)
            parts.poll(50)
            assert await stuck_after(one, 20 * SECONDS) == []
            assert parts.ownership.held > 20

    run(scenario())


def test_two_that_ask_do_not_disturb_each_other() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        async with bridge(broker, 0) as parts:
            one = progress(parts)
            parts.poll()
            await turns()
            await stuck_after(one, 200, every=7)
            assert await stuck_after(one, 150, every=1) != []

    run(scenario())


def test_while_posts_may_not_begin_nothing_is_stuck_and_time_counts_from_their_release() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        async with bridge(broker, 0) as parts:
            one = progress(parts)
            parts.owned = False
            parts.poll()
            assert await stuck_after(one, 10 * SECONDS) == []
            parts.owned = True  # and nobody nudges: a defect
            assert await stuck_after(one, SECONDS) == []
            assert await stuck_after(one, 20) != []

    run(scenario())


def test_an_outage_of_kafka_is_no_defect_of_the_bridge_where_posts_wait_for_a_checkpoint() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        good = False

        async def answer() -> tuple[Commit, bool]:
            await asyncio.sleep(8)
            return (Commit.DONE, True) if good else (Commit.TIMEOUT, False)

        async with bridge(broker, 0, covered=10) as parts:
            parts.poster.end, parts.committer.answer = at_once, answer
            one = progress(parts)
            parts.poll()
            assert await stuck_after(one, 10 * SECONDS) == []
            good = True
            await asyncio.sleep(20)
            assert broker.posted == [(partition(0), 0)]
            assert one.stuck(now()) == []

    run(scenario())


def test_a_partition_that_left_and_came_back_begins_anew() -> None:
    async def scenario() -> None:
        broker = Broker()
        broker.write(0, "G1")
        async with bridge(broker, 0, drain=1) as parts:
            one = progress(parts)
            parts.poll()
            await turns()
            await stuck_after(one, 200)
            parts.ownership.lost_all()
            one.look(now())
            parts.assign(0)
            await turns()
            parts.poll()
            await turns()
            assert await stuck_after(one, 200) == []

    run(scenario())


def test_hidden_groups_are_warned_of_when_they_begin_and_when_they_double() -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream=stream)
    unseen = Unseen(2000)
    for labels, dormant in ((0, 0), (2, 1), (2, 1), (5, 0), (6, 0), (0, 0), (0, 1)):
        unseen.tell({Hidden.LABELS: labels, Hidden.LIMIT: 0, Hidden.DORMANT: dormant})
    assert flush()
    told: list[dict[str, Any]] = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {(line["level"], line["event"], line["max_groups"]) for line in told} == {
        ("warning", "campaign_groups_hidden", 2000)
    }
    assert [line["by_reason"] for line in told] == [{"labels": 2, "dormant": 1}, {"labels": 6}, {"dormant": 1}]
