"""A record, its group's commit and its fates, found on a real broker by what knows no running bridge."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic, read_all

from bridge.connections import KafkaSettings
from bridge.core import fate
from bridge.core.explanation import Explanation, Standing
from bridge.core.fate import Author
from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome
from bridge.core.record import Partition, Record
from bridge.core.runs import Checkpoint
from bridge.edge.lookup import Lookup, partition_of
from bridge.explain import NoSuchRecord, explain
from bridge.settings import DeliverySettings, Settings

OK = Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.01, 204)
AUTHOR = Author("north", "pod-1", "1.2.3")
HOUR = 3_600_000  # milliseconds


def kafka_at(broker: KafkaBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=[broker.bootstrap], group_id=fresh_name("group"))


def write(
    broker: KafkaBroker, topic: str, *values: bytes, at: int | None = None, key: bytes = b"k", **options: Any
) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, **options)
    if "transactional_id" in options:
        producer.init_transactions()
        producer.begin_transaction()
    sent = [producer.send(topic, key=key, value=value, partition=0, timestamp_ms=at) for value in values]
    for future in sent:
        future.get(10)
    if "transactional_id" in options:
        producer.abort_transaction()
    producer.close()


def write_fate(
    broker: KafkaBroker, topic: str, place: Partition, offset: int, *, of: int, at: int, number: int
) -> None:
    """The fate of the record of `place` with the timestamp `of`, written at `at`; both milliseconds."""
    record = Record(place, offset, of, None, b"")
    told = fate.posted(record, "change", "G", f"c/{place.topic}/{place.number}/{offset}/{of}", OK, at / 1000, AUTHOR)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    producer.send(topic, key=b"any", value=msgspec.json.encode(told), partition=number, timestamp_ms=at).get(10)
    producer.close()


@pytest.fixture
def topic(broker: KafkaBroker) -> str:
    return make_topic(broker.bootstrap, fresh_name("events"), partitions=1)


@pytest.fixture
def outcome_topic(broker: KafkaBroker) -> str:
    return make_topic(broker.bootstrap, fresh_name("outcomes"), partitions=4)


def explained(broker: KafkaBroker, topic: str, offset: int, outcomes: str | None, seconds: float = 20) -> Explanation:
    settings = Settings(kafka=kafka_at(broker), delivery=DeliverySettings(outcome_topic=outcomes))
    return explain(settings, Partition(topic, 0), offset, seconds)


def test_a_key_is_looked_for_where_producers_put_it(broker: KafkaBroker) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("keys"), partitions=7)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for n in range(50):
        producer.send(topic, key=f"T/gröup {n}".encode(), value=b"x")
    producer.close()
    found = read_all(broker.bootstrap, topic)
    assert len(found) == 50
    assert [partition_of(record.key, 7) for record in found] == [record.partition for record in found]


def test_a_record_is_found_and_one_that_was_aborted_is_not_waited_for(broker: KafkaBroker, topic: str) -> None:
    write(broker, topic, b"0", b"1")
    write(broker, topic, b"2", b"3", transactional_id=fresh_name("aborted"))  # and a marker at 4
    write(broker, topic, b"5")
    place = Partition(topic, 0)
    with Lookup(kafka_at(broker)) as lookup:
        assert (lookup.partitions(topic), lookup.partitions("no-such-topic")) == (1, 0)
        assert lookup.log(place).latest == 6
        values = [record.value if (record := lookup.record(place, offset)) else None for offset in range(6)]
    assert values == [b"0", b"1", None, None, None, b"5"]


def test_the_commit_is_the_groups_and_reading_it_makes_no_member(broker: KafkaBroker, topic: str) -> None:
    kafka, place = kafka_at(broker), Partition(topic, 0)
    with Lookup(kafka) as lookup:
        assert lookup.commit(place) is None
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=kafka.group_id)
    consumer.commit({TopicPartition(topic, 0): OffsetAndMetadata(0, "1;1;", -1)})
    consumer.close()
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    with Lookup(kafka) as lookup:
        assert lookup.commit(place) == Checkpoint(0, "1;1;")
        assert not admin.describe_groups([kafka.group_id])[kafka.group_id]["members"]
    admin.close()


def test_fates_are_found_in_whatever_partition_and_only_those_of_this_very_record(
    broker: KafkaBroker, topic: str, outcome_topic: str
) -> None:
    now = round(time.time() * 1000)
    write(broker, topic, b"no JSON", b"no JSON", at=now - HOUR)
    place = Partition(topic, 0)
    write(broker, outcome_topic, b"no JSON either", b'{"event_id": 1}')
    other = {"of": now - HOUR, "at": now}
    for number in range(4):
        write_fate(broker, outcome_topic, place, 0, **other, number=number)
        write_fate(broker, outcome_topic, Partition("others", 0), 1, **other, number=number)
        write_fate(broker, outcome_topic, place, 1, of=now - 2 * HOUR, at=now, number=number)  # an older topic's
    assert explained(broker, topic, 1, outcome_topic).search.fates == []
    for number in range(4):
        topic_of_one = make_topic(broker.bootstrap, fresh_name("outcomes"), partitions=4)
        write_fate(broker, topic_of_one, place, 1, **other, number=number)
        found = explained(broker, topic, 1, topic_of_one)
        assert [(one.offset, one.outcome) for one in found.search.fates] == [(1, "delivered")]
    assert found.mapped is not None
    assert (found.mapped.invalid or "").startswith("bad_json")
    assert found.standing is Standing.NO_COMMIT


def test_a_repeated_post_is_found_too_and_what_is_much_later_is_not_read(
    broker: KafkaBroker, topic: str, outcome_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = round(time.time() * 1000)
    written = now - 10 * HOUR
    write(broker, topic, b"no JSON", at=written)
    place = Partition(topic, 0)
    number = partition_of(b"k", 4)
    for at in (written + 1000, written + 60_000):
        write_fate(broker, outcome_topic, place, 0, of=written, at=at, number=number)
    assert len(explained(broker, topic, 0, outcome_topic).search.fates) == 2

    looked: list[int] = []
    real = Lookup.fates

    def watched(self: Lookup, *arguments: Any) -> Iterator[list[Any]]:
        for batch in real(self, *arguments):
            looked.append(len(batch))
            yield batch

    for _ in range(3):  # hours later; each is a batch of its own
        write_fate(broker, outcome_topic, place, 5, of=1, at=now, number=number)
    monkeypatch.setattr(Lookup, "fates", watched)
    monkeypatch.setattr("bridge.edge.lookup.BATCH", 1)
    assert len(explained(broker, topic, 0, outcome_topic).search.fates) == 2
    assert sum(looked) == 3


def test_what_is_older_than_the_record_is_not_read(broker: KafkaBroker, topic: str, outcome_topic: str) -> None:
    now = round(time.time() * 1000)
    place, number = Partition(topic, 0), partition_of(b"k", 4)
    for hours in (3, 2):
        write_fate(broker, outcome_topic, place, 0, of=now, at=now - hours * HOUR, number=number)
    with Lookup(kafka_at(broker)) as lookup:
        assert [len(batch) for batch in lookup.fates(outcome_topic, {number}, now - 2 * HOUR - 1) if batch] == [1]
        assert list(lookup.fates(outcome_topic, {number}, now)) == []


def test_a_search_ends_with_its_time_and_says_how_far_it_came(
    broker: KafkaBroker, topic: str, outcome_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = round(time.time() * 1000)
    write(broker, topic, b"no JSON", at=now)
    for _ in range(3):
        write_fate(broker, outcome_topic, Partition("others", 0), 0, of=1, at=now, number=partition_of(b"k", 4))
    monkeypatch.setattr("bridge.edge.lookup.BATCH", 1)
    assert explained(broker, topic, 0, outcome_topic).search.problem is None
    found = explained(broker, topic, 0, outcome_topic, seconds=0)
    assert found.search.fates == []
    assert "was searched up to 20" in (found.search.problem or "")


def test_a_record_that_expired_is_still_explained_by_its_outcome(
    broker: KafkaBroker, topic: str, outcome_topic: str
) -> None:
    write(broker, topic, b"0", b"1", b"2")
    write_fate(broker, outcome_topic, Partition(topic, 0), 1, of=1, at=round(time.time() * 1000), number=2)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.delete_records({TopicPartition(topic, 0): 2})
    admin.close()
    found = explained(broker, topic, 1, outcome_topic)
    assert (found.time, found.mapped) == (None, None)
    assert found.missing == "expired: the partition begins at offset 2 now"
    assert [one.outcome for one in found.search.fates] == ["delivered"]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (("no-such-topic", 0, 0), "no topic no-such-topic"),
        ((None, 1, 0), "the partitions 0 to 0"),
        ((None, 0, 1), "1 is not written yet"),
    ],
    ids=["topic", "partition", "offset"],
)
def test_what_never_was_is_told(broker: KafkaBroker, topic: str, place: tuple[str | None, int, int], text: str) -> None:
    write(broker, topic, b"0")
    settings = Settings(kafka=kafka_at(broker))
    with pytest.raises(NoSuchRecord, match=text):
        explain(settings, Partition(place[0] or topic, place[1]), place[2], 5)
