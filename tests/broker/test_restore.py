"""Restoring partitions of the state topic from a real broker, whatever its log looks like."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from broker.states import (
    group,
    make_state_topic,
    restored,
    said,
    state,
    state_topic,
    states,
    tombstone,
    write,
    written,
)
from kafka import KafkaProducer
from kafka_broker import KafkaBroker
from kafka_topics import end_offsets, fresh_name
from loopback import wait_until

from bridge.core.outcome import Unavailable
from bridge.core.saved import Restored, StateRecord
from bridge.edge import restore as module

OURS = ("kafka-restore", "kafka-io-ocs-bridge")  # the bridge's client id, which no other client here has


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in OURS]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = len(threads())
    yield
    wait_until(lambda: len(threads()) <= before, timeout=60, what="threads and connections end")


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (the thread tells nobody)
            await asyncio.sleep(0.01)


def transactional(bootstrap: str, timeout: float = 60) -> KafkaProducer:
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=fresh_name("transactions"),
        transaction_timeout_ms=round(timeout * 1000),
        retry_backoff_ms=10,
    )
    producer.init_transactions()
    return producer


def test_the_last_record_of_each_key_counts_and_a_tombstone_takes_it_away(broker: KafkaBroker) -> None:
    async def scenario() -> None:
        found = await restored(state_topic(broker.bootstrap, topic), 1)
        assert found.groups == [group("a", 1, 3), group("d", 1, 5)]
        assert (found.records, found.bad) == (8, 0)
        assert 0 < found.seconds < 10

    topic = make_state_topic(broker.bootstrap)
    written(
        broker.bootstrap,
        topic,
        [
            *(state("a", 1, 1), state("b", 1, 1), state("a", 1, 2), state("c", 1, 1), state("c", 0, 7)),
            *(tombstone("b", 1), state("a", 1, 3), tombstone("c", 1), state("d", 1, 5)),
        ],
    )
    run(scenario)


def test_an_empty_partition_has_nothing(broker: KafkaBroker) -> None:
    async def scenario() -> None:
        began = time.monotonic()
        found = await restored(state_topic(broker.bootstrap, topic))
        assert (found.groups, found.records, found.bad) == ([], 0, 0)
        assert time.monotonic() - began < 3

    topic = make_state_topic(broker.bootstrap)
    run(scenario)


def test_what_is_no_state_is_counted_and_told_with_its_place_and_the_rest_is_restored(
    broker: KafkaBroker, capfd: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        found = await restored(state_topic(broker.bootstrap, topic))
        assert said(found) == {"a": 1, "z": 2}
        assert (found.records, found.bad) == (13, 11)

    topic = make_state_topic(broker.bootstrap)
    foreign = [StateRecord(0, b"key %d" % n, b"no state") for n in range(8)]
    foreign += [StateRecord(0, b"\xff", state("x").value), StateRecord(0, b"", state("x").value)]
    foreign += [StateRecord(0, b"no value, and no tombstone", b"")]
    written(broker.bootstrap, topic, [state("a", said=1), *foreign, state("z", said=2)])
    run(scenario)
    told = [line for line in capfd.readouterr().err.splitlines() if '"state_record_bad"' in line]
    assert len(told) == 5, "it does not fill the log"
    assert [f'"offset":{offset},' in line for offset, line in zip([10, 1, 2, 3, 4], told, strict=True)] == [True] * 5
    assert "no state" not in "".join(told)


def test_an_aborted_transaction_at_the_end_is_passed_over(broker: KafkaBroker) -> None:
    async def scenario() -> None:
        topic_of = state_topic(broker.bootstrap, topic)
        first, second = await asyncio.gather(restored(topic_of, 0), restored(topic_of, 1))
        assert (said(first), first.records) == ({"a": 1}, 1)
        assert (said(second), second.records) == ({}, 0), "nothing but what was aborted, and its marker"

    topic = make_state_topic(broker.bootstrap)
    producer = transactional(broker.bootstrap)
    producer.begin_transaction()
    write(producer, topic, [state("a", said=1)])
    producer.commit_transaction()
    producer.begin_transaction()
    write(producer, topic, [state("a", said=2), state("b", said=2), state("c", 1)])
    producer.abort_transaction()
    producer.close()
    assert end_offsets(broker.bootstrap, topic) == {0: 5, 1: 2, 2: 0}
    run(scenario)


def test_it_waits_for_a_transaction_that_is_open_and_knows_what_it_wrote(broker: KafkaBroker) -> None:
    async def scenario() -> None:
        topic_of = state_topic(broker.bootstrap, topic)
        waiting = asyncio.create_task(restored(topic_of, 0))
        assert said(await restored(topic_of, 1)) == {"other": 1}, "other partitions do not wait"
        await asyncio.to_thread(
            written, broker.bootstrap, topic, [state("other", 1, 2)]
        )  # is nobody's to read any more
        await asyncio.sleep(1)
        assert not waiting.done()
        assert topic_of.restoring == {0: (1, 2)}
        await asyncio.to_thread(producer.commit_transaction)
        assert said(await waiting) == {"a": 1, "b": 1}

    topic = make_state_topic(broker.bootstrap)
    written(broker.bootstrap, topic, [state("a", said=1), state("other", 1, 1)])
    producer = transactional(broker.bootstrap)
    producer.begin_transaction()
    write(producer, topic, [state("b", said=1)])
    run(scenario)
    producer.close()


def test_a_transaction_that_its_owner_left_open_is_ended_by_the_broker_and_then_passed_over(
    broker: KafkaBroker,
) -> None:
    async def scenario() -> None:
        began = time.monotonic()
        found = await restored(state_topic(broker.bootstrap, topic), seconds=25)
        assert (said(found), found.records) == ({"a": 1}, 1)
        assert time.monotonic() - began > 0.5, "it was open still"

    topic = make_state_topic(broker.bootstrap)
    written(broker.bootstrap, topic, [state("a", said=1)])
    producer = transactional(broker.bootstrap, timeout=2)
    producer.begin_transaction()
    write(producer, topic, [state("a", said=2)])
    run(scenario)
    producer.close()


def test_what_a_transaction_committed_before_the_question_is_in_the_answer(broker: KafkaBroker) -> None:
    """Each restore has what was committed before it was asked for, while commits and aborts go on."""

    async def scenario() -> None:
        topic_of = state_topic(broker.bootstrap, topic)
        for value in range(1, 30):
            await asyncio.to_thread(commit, value)
            assert said(await restored(topic_of)) == {"a": value}

    def commit(value: int) -> None:
        for end in (producer.commit_transaction, producer.abort_transaction):
            producer.begin_transaction()
            write(producer, topic, [state("a", said=value if end == producer.commit_transaction else -1)])
            end()

    topic = make_state_topic(broker.bootstrap)
    producer = transactional(broker.bootstrap)
    run(scenario)
    producer.close()


def test_a_log_that_is_compacted_away_is_read_to_its_end(broker: KafkaBroker) -> None:
    async def scenario() -> None:
        assert said(await restored(state_topic(broker.bootstrap, topic))) == {"kept": 1, "rolls": 1}

    quick = {"segment_ms": "100", "min_cleanable_dirty_ratio": "0.01", "delete_retention_ms": "0"}
    topic = make_state_topic(broker.bootstrap, 1, max_compaction_lag_ms="100", **quick)
    producer = transactional(broker.bootstrap)
    for value in range(20):
        producer.begin_transaction()
        write(producer, topic, [state(f"gone {n}", said=value) for n in range(20)])
        producer.commit_transaction()
    producer.begin_transaction()
    write(producer, topic, [state("kept", said=1), *(tombstone(f"gone {n}") for n in range(20))])
    producer.commit_transaction()

    def compacted() -> bool:
        """Only what is left, and no tombstone. The last segment is not cleaned: writing rolls it."""
        producer.begin_transaction()
        write(producer, topic, [state("rolls", said=1)])
        producer.commit_transaction()
        return {record.key for record in states(broker.bootstrap, topic)} == {b"kept", b"rolls"}

    wait_until(compacted, timeout=60, what="the log is compacted")
    producer.close()
    run(scenario)


def test_many_partitions_share_one_thread_and_two_connections_and_are_all_restored(broker: KafkaBroker) -> None:
    async def scenario() -> None:
        topic_of = state_topic(broker.bootstrap, topic)
        asked = [asyncio.create_task(restored(topic_of, number)) for number in range(20)]
        most = 0
        while not all(task.done() for task in asked):
            most = max(most, len(threads()))
            assert set(topic_of.restoring) <= set(range(20))
            await asyncio.sleep(0.01)
        found = [await task for task in asked]
        assert [said(of) for of in found] == [{f"group {number}-{n}": n for n in range(100)} for number in range(20)]
        assert most == 3
        assert topic_of.restoring == {}

    topic = make_state_topic(broker.bootstrap, 20)
    written(broker.bootstrap, topic, [state(f"group {p}-{n}", p, n) for n in range(100) for p in range(20)])
    run(scenario)


def test_the_same_partition_asked_for_twice_is_read_twice(broker: KafkaBroker) -> None:
    async def scenario() -> None:
        topic_of = state_topic(broker.bootstrap, topic)
        found = await asyncio.gather(*(restored(topic_of) for _ in range(3)))
        assert [(said(of), of.records) for of in found] == [({"a": 1}, 1)] * 3

    topic = make_state_topic(broker.bootstrap)
    written(broker.bootstrap, topic, [state("a", said=1)])
    run(scenario)


def test_a_restore_that_is_cancelled_ends_soon_and_others_go_on(broker: KafkaBroker) -> None:
    async def scenario() -> None:
        topic_of = state_topic(broker.bootstrap, topic)
        held_up = [asyncio.create_task(restored(topic_of, number)) for number in (0, 1)]
        await until(lambda: topic_of.restoring == {0: (0, 1), 1: (0, 1)})
        held_up[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await held_up[0]
        assert set(topic_of.restoring) == {1}
        again = asyncio.create_task(restored(topic_of, 0))
        await asyncio.to_thread(producer.abort_transaction)
        assert [said(await task) for task in (again, held_up[1])] == [{}, {}]
        await asyncio.to_thread(producer.begin_transaction)
        await asyncio.to_thread(write, producer, topic, [state("a", 2)])
        last = asyncio.create_task(restored(topic_of, 2))
        await until(lambda: topic_of.restoring == {2: (0, 1)})
        last.cancel()
        with pytest.raises(asyncio.CancelledError):
            await last
        before = time.monotonic()
        await asyncio.to_thread(wait_until, lambda: not threads(), timeout=60, what="thread and connections end")
        assert time.monotonic() - before < 2

    topic = make_state_topic(broker.bootstrap)
    producer = transactional(broker.bootstrap)
    producer.begin_transaction()
    write(producer, topic, [state("a", 0), state("a", 1)])
    run(scenario)
    producer.abort_transaction()
    producer.close()


def test_what_does_not_move_for_long_is_unavailable(broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        with pytest.raises(
            Unavailable, match=rf"nothing to read of {topic}-0 from offset 0 on, before its end 1 for 1 s"
        ):
            await restored(state_topic(broker.bootstrap, topic))

    monkeypatch.setattr(module, "STALLED", 1.0)
    topic = make_state_topic(broker.bootstrap)
    producer = transactional(broker.bootstrap)
    producer.begin_transaction()
    write(producer, topic, [state("a")])
    run(scenario)
    producer.abort_transaction()
    producer.close()


@pytest.mark.parametrize("number", [0, 3])
def test_a_partition_that_is_not_there_is_unavailable(broker: KafkaBroker, number: int) -> None:
    async def scenario() -> None:
        topic_of = state_topic(broker.bootstrap, topic)
        other = asyncio.create_task(restored(topic_of, 1)) if number else None
        with pytest.raises(Unavailable, match=f"state topic {topic} has no partition {number}; if it is gone, make it"):
            await restored(topic_of, number)
        if other:
            assert isinstance(await other, Restored)

    topic = make_state_topic(broker.bootstrap) if number else fresh_name("no-such-topic")
    run(scenario)


def test_no_broker_is_unavailable_and_an_outage_under_way_is_waited_for(own_broker: KafkaBroker) -> None:
    async def scenario() -> None:
        topic_of = state_topic(own_broker.bootstrap, topic)
        waiting = asyncio.create_task(restored(topic_of, seconds=60))
        await until(lambda: topic_of.restoring == {0: (0, 1)})
        await asyncio.to_thread(own_broker.kill)
        with pytest.raises(Unavailable, match="no connection to Kafka"):
            await restored(state_topic(own_broker.bootstrap, topic, bootstrap_timeout_ms=500), 1)
        await asyncio.to_thread(own_broker.start)
        producer = await asyncio.to_thread(transactional, own_broker.bootstrap)
        assert said(await waiting) in ({}, {"a": 1}), "the broker ended the transaction"
        await asyncio.to_thread(producer.close)

    topic = make_state_topic(own_broker.bootstrap)
    producer = transactional(own_broker.bootstrap, timeout=2)
    producer.begin_transaction()
    write(producer, topic, [state("a", said=1)])
    run(scenario)
    producer.close(1)
