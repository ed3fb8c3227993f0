"""The main job, with programs that are not ours on both sides: one writes events, the other takes notifications."""

from collections.abc import Iterable
from pathlib import Path

from bridge_process import BridgeProcess
from group_events import assert_each_once_in_order, change, changes
from kafka_broker import CLUSTER_ID, KafkaBroker
from kafka_topics import committed, end_offsets, fresh_name, make_topic
from support.foreign_clients import ForeignClient
from support.foreign_receivers import ForeignReceiver


def encoded(records: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(key.encode(), value.encode()) for key, value in records]


def test_each_of_1000_events_of_50_groups_is_posted_once_and_in_the_order_of_its_group(
    broker: KafkaBroker, foreign_client: ForeignClient, foreign_receiver: ForeignReceiver, tmp_path: Path
) -> None:
    topic, group = make_topic(broker.bootstrap, fresh_name("events"), partitions=4), fresh_name("group")
    foreign_client.produce(broker.bootstrap, topic, encoded(changes(1000, groups=50)))
    settings = {
        "kafka": {"bootstrap_servers": broker.bootstrap, "topics": topic, "group_id": group},
        "notifications": {"url": f"{foreign_receiver.url}/campaign-groups"},
    }

    with BridgeProcess(tmp_path, settings) as bridge:
        bridge.wait_ready()
        notifications = foreign_receiver.wait_for(1000, timeout=30)
        metrics = bridge.wait_metric("posts_sent_total", 1000, kind="change")
        assert bridge.stop() == 0

    assert_each_once_in_order(notifications, 1000)
    requests = foreign_receiver.requests()
    assert len({request["event_id"] for request in requests}) == 1000
    assert all(request["event_id"].startswith(f"{CLUSTER_ID}/{topic}/") for request in requests)
    assert {(r["method"], r["uri"], r["content_type"]) for r in requests} == {
        ("POST", "/campaign-groups", "application/json")
    }
    assert {(n["GSW_USER_EVENT"], n["GSW_CAMPAIGN_GROUP_STATE"]) for n in notifications} == {("CampaignGroupState", 5)}
    assert metrics("records_consumed_total", topic=topic) == metrics("records_posted_total") == 1000
    assert metrics("posts_failed_total") == 0
    assert metrics("campaign_groups", state="Running") == 50
    ends = end_offsets(broker.bootstrap, topic)
    assert {n: o.offset for n, o in committed(broker.bootstrap, group, topic).items()} == ends
    assert not [line for line in bridge.log if line.get("level") != "info" and line["event"] != "library"]


def test_statistics_are_merged_and_come_with_the_next_change(
    broker: KafkaBroker, foreign_client: ForeignClient, foreign_receiver: ForeignReceiver, tmp_path: Path
) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=1)
    statistics = [change("G", n, kind="statistics", statistics={"hit_ratio": n / 100}) for n in range(30)]
    records = [("G", text) for text in [change("G", 0), *statistics, change("G", 31)]]
    foreign_client.produce(broker.bootstrap, topic, encoded(records))
    settings = {
        "kafka": {"bootstrap_servers": broker.bootstrap, "topics": topic, "group_id": fresh_name("group")},
        "notifications": {"url": foreign_receiver.url},
    }

    with BridgeProcess(tmp_path, settings) as bridge:
        first, last = foreign_receiver.wait_for(2, timeout=30)
        metrics = bridge.wait_metric("records_absorbed_total", 30)
        assert bridge.stop() == 0

    assert first["GSW_STAT_HIT_RATIO"] is None
    assert last["GSW_STAT_HIT_RATIO"] == 0.29
    assert metrics("records_posted_total") == 2
