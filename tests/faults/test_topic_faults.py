"""What happens to a topic or its offsets meanwhile: nothing that exists is lost, and what Kafka itself lost is counted."""

import struct
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions
from faults.harness.case import Case, MakeCase
from faults.harness.history import Excuse, Mode
from faults.harness.members import Member
from kafka_broker import KafkaBroker
from kafka_topics import committed, make_topic, read_all
from loopback import wait_until

pytestmark = pytest.mark.faults


def administer(case: Case, call: Callable[[AdminClient], dict[Any, Any]]) -> None:
    """Ask Kafka, and wait until it is done."""
    client = AdminClient({"bootstrap.servers": case.kafka, "log_level": 2})
    for future in call(client).values():
        future.result(10)


def stop_at(case: Case, count: int) -> None:
    """One bridge does so many, then stops in order."""
    (member,) = case.ready()
    case.workload.produce(count)
    case.wait_done()
    member.scrape()
    assert member.stop() == 0


def test_records_that_retention_took_away_are_counted(make_case: MakeCase, mode: Mode) -> None:
    case = make_case("topic: retention over the committed offset", mode=mode, partitions=2)
    stop_at(case, 200)
    case.workload.produce(400)
    upto = {number: commit.offset + 100 for number, commit in committed(case.kafka, case.group, case.topic).items()}
    parts = [confluent_kafka.TopicPartition(case.topic, number, offset) for number, offset in upto.items()]
    administer(case, lambda client: client.delete_records(parts))
    gone = [e.id for e in case.produced if e.offset < upto[e.place.number]]
    case.lost_by_kafka = set(gone)
    case.gaps = 200
    case.workload.produce(100)
    case.ready()
    case.finish(note=lambda: f"{case.gaps} offsets lost by Kafka, all counted")


@pytest.mark.parametrize("count", [100, 600], ids=["fewer records", "more records"])
def test_a_topic_deleted_and_made_again(make_case: MakeCase, mode: Mode, count: int) -> None:
    """While the bridge runs. The new records have offsets that were committed for the old ones."""
    case = make_case(f"topic: made again with {count} for 300 records", mode=mode, partitions=2)
    (member,) = case.ready()
    case.workload.produce(300)
    case.wait_done()
    remake(case)
    case.workload.produce(count)
    end_of_remade(case, member)


@pytest.mark.parametrize("count", [100, 600], ids=["fewer records", "more records"])
def test_a_topic_made_again_while_the_bridge_is_down(make_case: MakeCase, mode: Mode, count: int) -> None:
    case = make_case(f"topic: made again while down, {count} for 300 records", mode=mode, partitions=2)
    stop_at(case, 300)
    remake(case)
    case.workload.produce(count)
    (member,) = case.ready()
    end_of_remade(case, member)


def end_of_remade(case: Case, member: Member) -> None:
    """By arrivals: commits of the old topic would look as if all were done."""
    with suppress(TimeoutError):
        wait_until(lambda: case.receiver.arrived >= len(case.produced), timeout=60, what="all arrived")
    member.scrape()
    assert member.stop() == 0
    case.judge()


def remake(case: Case) -> None:
    administer(case, lambda client: client.delete_topics([case.topic]))
    wait_until(lambda: _made(case), timeout=60, what="the topic is made again")
    case.workload.topic_id = topic_id(case)


def topic_id(case: Case) -> str:
    """As the bridge writes it, from another client."""
    client = AdminClient({"bootstrap.servers": case.kafka, "log_level": 2})
    (described,) = client.describe_topics(TopicCollection([case.topic])).values()
    identity = described.result(10).topic_id
    halves = identity.get_most_significant_bits(), identity.get_least_significant_bits()
    return urlsafe_b64encode(struct.pack(">qq", *halves)).decode().rstrip("=")


def _made(case: Case) -> bool:
    try:
        make_topic(case.kafka, case.topic, 2)
    except Exception as error:
        if "exists" not in str(error).lower():
            raise
        return False
    return True


def test_a_log_that_was_cut(make_own_case: MakeCase, own_broker: KafkaBroker, mode: Mode) -> None:
    """As by an election of a broker that was behind. Offsets come again, in the topic that it was."""
    case = make_own_case("topic: log cut, offsets come again", mode=mode, partitions=2)
    (member,) = case.ready()
    case.workload.produce(300)
    case.wait_done()
    own_broker.kill()
    for number in range(2):
        for file in (own_broker.folder / "data" / f"{case.topic}-{number}").iterdir():
            if file.name != "partition.metadata":
                file.unlink()
    own_broker.start()
    case.workload.produce(100)
    end_of_remade(case, member)


def test_partitions_added(make_case: MakeCase, mode: Mode) -> None:
    """What is written to them before the bridge knows them is read from the start."""
    case = make_case(
        "topic: partitions added", mode=mode, partitions=2, settings={"kafka": {"auto_offset_reset": "latest"}}
    )
    case.ready(2)

    def both_start() -> bool:  # from `latest`, so before anything is written
        return sum(len(member.told("partition_starts")) for member in case.members) >= 2

    case.members[0].wait(both_start, timeout=60, what="both partitions start")
    case.workload.produce(100)
    case.wait_done()
    administer(case, lambda client: client.create_partitions([NewPartitions(case.topic, 5)]))
    case.workload.partitions = 5
    time.sleep(1.5)  # until the producer knows them
    case.workload.produce(300)
    case.finish()


def test_all_offsets_expired(make_case: MakeCase, mode: Mode) -> None:
    """Kafka forgot what was done: everything there is is new to the group, or nothing, as the setting says."""
    reset = "earliest" if mode is Mode.AT_LEAST_ONCE else "latest"
    settings = {"kafka": {"auto_offset_reset": reset}}
    case = make_case("topic: offsets of the group expired", mode=mode, partitions=2, settings=settings)
    stop_at(case, 200)
    member = case.members[0].name
    case.excuses.append(Excuse(member, "Kafka forgot its offsets", time.time(), time.time()))
    administer(case, lambda client: client.delete_consumer_groups([case.group]))
    (heir,) = case.ready()
    heir.wait(lambda: len(heir.told("partition_starts")) == 2, timeout=60, what="it knows where to start")
    case.workload.produce(100)
    verdict = case.finish(note=lambda: f"kafka.auto_offset_reset={reset}")
    assert len(verdict.repeated) == (200 if reset == "earliest" else 0)


@pytest.mark.faults_ci
def test_gaps_of_transactions_and_compaction(make_case: MakeCase, mode: Mode) -> None:
    configs = {
        "cleanup_policy": "compact",
        "segment_ms": "500",
        "min_cleanable_dirty_ratio": "0.01",
        "max_compaction_lag_ms": "1000",
        "delete_retention_ms": "100",
    }
    case = make_case("topic: markers and compaction gaps", mode=mode, partitions=2, groups=20, topic_configs=configs)
    transactions(case)
    case.workload.produce(400)
    time.sleep(1.0)
    case.workload.produce(40)  # a new segment: the old one may be cleaned
    wait_until(lambda: len(case.produced) - len(in_log(case)) > 100, timeout=60, what="compaction has taken some away")
    case.lost_by_kafka = {event.id for event in case.produced} - in_log(case)
    (member,) = case.ready()
    case.wait_done()
    transactions(case)
    case.lost_by_kafka -= {attempt.id for attempt in case.receiver.attempts()}
    case.finish(note=lambda: f"{len(case.lost_by_kafka)} compacted away, aborted ones never seen")
    assert member.counts[-1].gaps == 0


def in_log(case: Case) -> set[str]:
    """Ids of the records that exist."""
    records = read_all(case.kafka, case.topic, isolation_level="read_committed")
    return {f"{r.topic}/{r.partition}/{r.offset}/{r.timestamp}" for r in records}


def transactions(case: Case) -> None:
    """Some of them committed, some aborted."""
    for number in range(6):
        case.workload.transaction(count=20, commit=number % 2 == 0)


def test_a_record_bigger_than_the_fetch_size(make_case: MakeCase, mode: Mode) -> None:
    small = {"metadata_max_age_ms": 1000, "max_partition_fetch_bytes": 10_000, "fetch_max_bytes": 20_000}
    case = make_case(
        "topic: records bigger than the fetch size", mode=mode, pad=100_000, settings={"kafka": {"properties": small}}
    )
    case.ready()
    case.workload.produce(60)
    case.finish()
