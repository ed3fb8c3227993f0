"""Where a group begins to read, on a real broker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge_process import BridgeProcess
from edge.receivers import Receiver
from group_events import assert_each_once_in_order, bodies, change, changes, numbers
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata
from kafka_broker import KafkaBroker
from kafka_topics import committed, produce
from loopback import wait_until

SettingsOf = Callable[..., dict[str, Any]]


def arrived(receiver: Receiver, count: int) -> None:
    wait_until(lambda: len(receiver.ids) >= count, timeout=60, what=f"{count} notifications")


def test_a_fresh_group_with_latest_skips_what_is_older_says_so_and_commits_where_idle_partitions_start(
    broker: KafkaBroker, receiver: Receiver, settings_of: SettingsOf, tmp_path: Path
) -> None:
    settings = settings_of(receiver.url, partitions=2)
    settings["kafka"]["auto_offset_reset"] = "latest"
    topic, group = settings["kafka"]["topics"], settings["kafka"]["group_id"]
    produce(broker.bootstrap, topic, [("G1", change("G1", n)) for n in range(5)], partition=0)

    with BridgeProcess(tmp_path, settings) as bridge:
        for number in range(2):
            bridge.wait_for_line("partition_starts", partition=number)
        produce(broker.bootstrap, topic, [("G1", change("G1", 5))], partition=0)
        arrived(receiver, 1)
        bridge.wait(
            lambda: {n: o.offset for n, o in committed(broker.bootstrap, group, topic).items()} == {0: 6, 1: 0},
            what="both partitions are committed while the bridge runs",
        )
        assert bridge.stop() == 0

    assert numbers(bodies(receiver)) == {"G1": [5]}
    [told] = bridge.told("partition_starts", partition=0)
    assert (told["offset"], told["origin"]) == (5, "latest")
    assert "kafka.auto_offset_reset" in told["note"]


def test_a_fresh_group_with_earliest_reads_everything(
    broker: KafkaBroker, receiver: Receiver, settings_of: SettingsOf, tmp_path: Path
) -> None:
    settings = settings_of(receiver.url, partitions=2)
    produce(broker.bootstrap, settings["kafka"]["topics"], changes(20, groups=4))

    with BridgeProcess(tmp_path, settings) as bridge:
        arrived(receiver, 20)
        assert bridge.stop() == 0

    assert_each_once_in_order(bodies(receiver), 20)


def test_a_partition_added_later_is_read_from_its_beginning_although_the_group_started_with_latest(
    broker: KafkaBroker, receiver: Receiver, settings_of: SettingsOf, tmp_path: Path
) -> None:
    settings = settings_of(receiver.url, partitions=1)
    settings["kafka"]["auto_offset_reset"] = "latest"
    topic = settings["kafka"]["topics"]

    with BridgeProcess(tmp_path, settings) as bridge:
        bridge.wait_metric("commits_total", 1, result="done")  # what says that the group has begun on the topic
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.create_partitions({topic: 2})
        admin.close()
        # Before the bridge has looked at the topic again.
        produce(broker.bootstrap, topic, [("G1", change("G1", n)) for n in range(3)], partition=1)
        arrived(receiver, 3)
        told = bridge.wait_for_line("partition_starts", partition=1)
        assert bridge.stop() == 0

    assert (told["offset"], told["origin"]) == (0, "added_later")
    assert numbers(bodies(receiver)) == {"G1": [0, 1, 2]}


def test_a_committed_offset_that_no_longer_exists_is_replaced_by_the_earliest_and_the_gap_is_counted(
    broker: KafkaBroker, receiver: Receiver, settings_of: SettingsOf, tmp_path: Path
) -> None:
    settings = settings_of(receiver.url, partitions=1)
    topic, group = settings["kafka"]["topics"], settings["kafka"]["group_id"]
    partition = TopicPartition(topic, 0)
    produce(broker.bootstrap, topic, [("G1", change("G1", n)) for n in range(10)])
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group, enable_auto_commit=False)
    consumer.assign([partition])
    consumer.commit({partition: OffsetAndMetadata(2, "", -1)})
    consumer.close()
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.delete_records({partition: 7})
    admin.close()

    with BridgeProcess(tmp_path, settings) as bridge:
        arrived(receiver, 3)
        metrics = bridge.wait_metric("records_posted_total", 3)
        told = bridge.wait_for_line("partition_starts")
        assert bridge.stop() == 0

    assert numbers(bodies(receiver)) == {"G1": [7, 8, 9]}
    assert (told["offset"], told["origin"], told["offsets_missing"]) == (7, "out_of_range", 5)
    assert metrics("offsets_missing_total") == 5
