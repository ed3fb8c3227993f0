"""Periodic notifications and the state behind them, on a real broker: through crashes, growth, and what people change."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from edge import scripts
from edge.receivers import Line, Receiver, Script
from group_events import change
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka_broker import KafkaBroker
from kafka_topics import committed, fresh_name, make_topic, produce
from loopback import wait_until
from periodic import gauges, next_tick, slots, ticks, told, wait_ticks, without_date
from support.foreign_clients import ForeignClient

SettingsOf = Callable[..., dict[str, Any]]
INTERVAL = 1.0
G = "G"


def statistics(group: str = G, **said: object) -> str:
    return json.dumps({"kind": "statistics", "campaign_group_guid": group, **said})


def ratio(value: float, group: str = G) -> str:
    return statistics(group, statistics={"hit_ratio": value})


@pytest.fixture
def ticking(settings_of: SettingsOf) -> Callable[..., dict[str, Any]]:
    """Settings for a topic of its own, with an interval of INTERVAL, and `more` laid over them section by section."""

    def make(url: str, partitions: int = 1, **more: Mapping[str, Any]) -> dict[str, Any]:
        settings = settings_of(url, partitions)
        settings["notifications"]["interval"] = INTERVAL
        return {**settings, **{name: {**settings.get(name, {}), **section} for name, section in more.items()}}

    return make


def write(broker: KafkaBroker, settings: Mapping[str, Any], *values: str, partition: int | None = 0) -> None:
    records = [(json.loads(value)["campaign_group_guid"], value) for value in values]
    produce(broker.bootstrap, settings["kafka"]["topics"], records, partition=partition)


def wait_committed(broker: KafkaBroker, settings: Mapping[str, Any], offset: int) -> None:
    """Until a checkpoint holds everything before `offset`; what is known goes with it."""
    kafka = settings["kafka"]

    def done() -> bool:
        found = committed(broker.bootstrap, kafka["group_id"], kafka["topics"])
        return 0 in found and found[0].offset >= offset

    wait_until(done, timeout=60, what=f"offset {offset} is committed")


def state_topic(settings: Mapping[str, Any]) -> str:
    return f"{settings['kafka']['group_id']}-state"


# Crashes


def test_after_a_kill_ticks_and_gauges_come_back_with_the_same_values_and_no_new_event(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    settings = ticking(receiver.url)
    values = {"busy_factor": 0.81, "hit_ratio": None, "overdial_rate": 0.02, "time_to_complete": 600}
    lists = [{"name": "L", "hit_ratio": 0.5}]
    write(
        broker,
        settings,
        change(G, 0, dial_mode="Predict", optimize_by="BusyFactor", optimize_goal=80),
        statistics(statistics=values, calling_lists=lists),
    )
    with BridgeProcess(tmp_path / "first", settings) as bridge:
        bridge.wait_metric("records_absorbed_total", 1)
        before, shown = next_tick(receiver, more=2).body, gauges(bridge)
        wait_committed(broker, settings, 2)
        bridge.process.kill()
        bridge.process.wait()
    assert shown, "there is something to compare"
    with BridgeProcess(tmp_path / "second", settings) as bridge:
        after = next_tick(receiver, more=2, timeout=30).body
        assert gauges(bridge) == shown
        assert bridge.metrics()("records_consumed_total") == 0
        assert bridge.stop() == 0
    assert without_date(after) == without_date(before)
    assert float(after["GSW_DATE_TIME"]) > float(before["GSW_DATE_TIME"])
    assert (after["GSW_STAT_BUSY_FACTOR"], after["GSW_STAT_HIT_RATIO"]) == (0.81, None)
    for group, found in slots(receiver).items():
        assert len(found) == len(set(found)), f"{group}: a slot was told twice"


def of_one_life() -> list[str]:
    """Events of which each is told with what those before it said. Their times are given, so that bodies can be the same."""
    made = [
        json.loads(change(G, 0, dial_mode="Predict")),
        {"kind": "statistics", "statistics": {"hit_ratio": 0.25, "busy_factor": 0.8}},
        {"kind": "change", "action": "StopDialing"},
        {"kind": "statistics", "statistics": {"hit_ratio": None}},
        {"kind": "change", "action": "StartDialing", "optimize_by": "BusyFactor", "optimize_goal": 70},
    ]
    times = [f"2026-03-01T10:00:0{second}Z" for second in range(len(made))]
    return [json.dumps({**e, "campaign_group_guid": G, "time": at}) for e, at in zip(made, times, strict=True)]


def first_alone() -> Script:
    """Answers the first request of all, and no other."""
    answered = threading.Event()

    def script(line: Line) -> None:
        while True:
            line.request()
            if answered.is_set():
                line.wait_for_close()
            answered.set()
            line.send(scripts.http(204))

    return script


def test_what_was_queued_at_a_kill_is_posted_with_the_bytes_that_it_would_have_had(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    unkilled = ticking(receiver.url, notifications={"interval": 0})
    write(broker, unkilled, *of_one_life())
    with BridgeProcess(tmp_path / "unkilled", unkilled) as bridge:
        wait_until(lambda: len(receiver.ids) >= 3, timeout=60, what="three changes are told")
        assert bridge.stop() == 0
    expected = [request.body for request in receiver.requests]

    with Receiver(first_alone()) as holding:
        settings = ticking(
            holding.url, notifications={"interval": 0}, http={"timeout": 3}, kafka={"session_timeout": 8}
        )
        write(broker, settings, *of_one_life())
        with BridgeProcess(tmp_path / "killed", settings) as bridge:
            wait_until(lambda: len(holding.ids) == 2, timeout=60, what="the second is on its way, the third waits")
            wait_committed(broker, settings, 2)
            bridge.process.kill()
            bridge.process.wait()
    assert [request.body for request in holding.requests] == expected[:2]

    with Receiver(scripts.answer(204)) as again:
        settings["notifications"]["url"] = again.url
        with BridgeProcess(tmp_path / "again", settings) as bridge:
            wait_until(lambda: len(again.ids) == 2, timeout=60, what="the second again, and the third")
            wait_committed(broker, settings, 5)
            assert bridge.stop() == 0
    assert [request.body for request in again.requests] == expected[1:]
    last = json.loads(expected[2])
    assert (last["GSW_STAT_HIT_RATIO"], last["GSW_CAMPAIGN_GROUP_NAME"]) == (None, G)


# The state topic


def state_of(broker: KafkaBroker, settings: Mapping[str, Any], client: ForeignClient) -> dict[str, Any]:
    """The last record of the group, as a client that is not ours shows it."""
    records = client.read(broker.bootstrap, state_topic(settings))
    found: dict[str, Any] = json.loads([value for key, value in records if key == G.encode() and value][-1])
    return found


def test_records_are_readable_and_one_of_the_next_version_survives_a_round_trip(
    broker: KafkaBroker, foreign_client: ForeignClient, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    settings = ticking(receiver.url)
    write(broker, settings, change(G, 7, dial_mode="Predict"), ratio(0.5))
    with BridgeProcess(tmp_path / "first", settings) as bridge:
        next_tick(receiver)
        wait_committed(broker, settings, 2)
        assert bridge.stop() == 0
    record = state_of(broker, settings, foreign_client)
    assert (record["v"], record["state_name"], record["statistics"]) == (1, "Running", {"hit_ratio": 0.5})
    assert record["names"]["queue_name"] == "7"

    newer = {**record, "v": 2, "agents": {"logged_in": [1, 2.50, None], "ü": True}, "pace": 1e2}
    replaced = (G.encode(), json.dumps(newer, ensure_ascii=False).encode())
    foreign_client.produce(broker.bootstrap, state_topic(settings), [replaced], partition=0)
    with BridgeProcess(tmp_path / "second", settings) as bridge:
        known = next_tick(receiver, timeout=30).body
        assert (known["GSW_QUEUE_NAME"], known["GSW_STAT_HIT_RATIO"]) == ("7", 0.5)
        write(broker, settings, ratio(0.75))
        wait_committed(broker, settings, 3)
        assert bridge.stop() == 0
    written = state_of(broker, settings, foreign_client)
    assert written["statistics"] == {"hit_ratio": 0.75}
    assert {name: written[name] for name in ("v", "agents", "pace")} == {
        "v": 2,
        "agents": {"logged_in": [1, 2.5, None], "ü": True},
        "pace": 100,
    }


def test_with_the_table_in_memory_a_restart_ticks_only_what_it_hears_of_again_and_no_topic_is_made(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    settings = ticking(receiver.url, state={"store": "memory"})
    write(broker, settings, change(G, 0), change("H", 0))
    with BridgeProcess(tmp_path / "first", settings) as bridge:
        next_tick(receiver)
        next_tick(receiver, "H")
        assert bridge.stop() == 0
    before = len(ticks(receiver))
    with BridgeProcess(tmp_path / "second", settings) as bridge:
        bridge.wait_for_line("partition_starts")
        write(broker, settings, change("H", 1))
        next_tick(receiver, "H", more=3, timeout=30)
        assert len(ticks(receiver)) == before
        assert bridge.metrics()("state_records_written_total") == 0
        assert bridge.stop() == 0
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    assert state_topic(settings) not in admin.list_topics()
    admin.close()


def test_a_state_topic_that_can_not_be_used_is_told_by_readyz_with_the_command_and_used_once_it_is_mended(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    settings = ticking(receiver.url, state={"replication_factor": 3})  # there is one broker
    topic = state_topic(settings)
    write(broker, settings, change(G, 0))
    with BridgeProcess(tmp_path, settings) as bridge:
        bridge.wait_for_line("state_topic_unusable")
        status, text = bridge.probe("readyz")
        assert status == 503
        assert f"kafka-topics.sh --bootstrap-server {broker.bootstrap} --create --topic {topic}" in text
        make_topic(broker.bootstrap, topic, partitions=1)
        bridge.wait(lambda: f"--entity-name {topic} --add-config" in bridge.probe("readyz")[1], what="not compacted")
        assert receiver.ids == []

        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": "compact"})])
        admin.close()
        bridge.wait_ready()
        next_tick(receiver, timeout=20)
        assert len(told(receiver)[0]) == 1
        assert bridge.stop() == 0


# Topics and partitions


@pytest.mark.long
def test_a_group_whose_states_and_statistics_come_in_two_topics_is_one_and_is_told_once_a_slot_by_three_members(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    profile = tmp_path / "progress.yaml"
    profile.write_text(
        "key: campaign_group_guid\n"
        "events: [{when: {type: progress}, kind: statistics}]\n"
        "fields: {campaign_group_guid: campaign, hit_ratio: hits}\n"
    )
    progress = make_topic(broker.bootstrap, fresh_name("progress"), partitions=3)
    settings = ticking(receiver.url, 3, mapping={"profiles": {progress: str(profile)}})
    states = settings["kafka"]["topics"]
    settings["kafka"]["topics"] = [states, progress]
    groups = [f"G{n}" for n in range(12)]

    def hits(more: int) -> None:
        values = {
            g: json.dumps({"type": "progress", "campaign": g, "hits": n / 16 + more}) for n, g in enumerate(groups)
        }
        produce(broker.bootstrap, progress, values.items())

    produce(broker.bootstrap, states, [(g, change(g, n)) for n, g in enumerate(groups)])
    hits(0)
    members = [BridgeProcess(tmp_path / name, settings) for name in "abc"]
    with members[0], members[1], members[2]:
        wait_until(
            lambda: [m.metrics()("partitions_assigned") for m in members] == [2, 2, 2], timeout=90, what="even shares"
        )
        before = {group: wait_ticks(receiver, 4, group)[-1].body for group in groups}
        assert [m.metrics()("campaign_groups_split_total") for m in members] == [0, 0, 0]
        assert sum(m.metrics()("campaign_groups") for m in members) == len(groups)
        assert members[0].stop() == 0
        hits(1)
        after = {group: next_tick(receiver, group, more=4, timeout=30).body for group in groups}
        assert all(member.stop() == 0 for member in members[1:])
    for n, group in enumerate(groups):
        for body, hit_ratio in ((before[group], n / 16), (after[group], n / 16 + 1)):
            assert (body["GSW_STAT_HIT_RATIO"], body["GSW_QUEUE_NAME"]) == (hit_ratio, str(n))
        found = [tick.slot for tick in ticks(receiver, group)]
        assert found == sorted(set(found)), "each slot once"


def grow(broker: KafkaBroker, topic: str, partitions: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_partitions({topic: partitions})
    admin.close()


def test_when_the_input_grows_a_group_is_told_only_once_an_event_shows_where_it_lives(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    settings = ticking(receiver.url, 1)
    write(broker, settings, change("stays", 0), change("moves", 0))
    with BridgeProcess(tmp_path, settings) as bridge:
        next_tick(receiver, "stays")
        next_tick(receiver, "moves")
        grow(broker, settings["kafka"]["topics"], 2)
        bridge.wait_for_line("partition_starts", partition=1, timeout=60)
        time.sleep(0.3)  # what was on its way
        before = slots(receiver)
        time.sleep(2.5 * INTERVAL)
        assert slots(receiver) == before
        write(broker, settings, ratio(0.5, "stays"), partition=0)
        write(broker, settings, change("moves", 1), partition=1)
        next_tick(receiver, "stays", more=3)
        assert next_tick(receiver, "moves").body["GSW_QUEUE_NAME"] == "1"
        assert bridge.metrics()("campaign_groups") == 2
        assert bridge.stop() == 0
    for found in slots(receiver).values():
        assert len(found) == len(set(found))


def test_when_the_input_grows_groups_of_a_member_that_gets_nothing_new_wait_for_an_event_too(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    settings = ticking(receiver.url, 2)
    write(broker, settings, change("G0", 0), partition=0)
    write(broker, settings, change("G1", 0), partition=1)
    members = [BridgeProcess(tmp_path / name, settings) for name in "abc"]  # one has nothing
    with members[0], members[1], members[2]:
        for group in ("G0", "G1"):
            next_tick(receiver, group, timeout=30)
        wait_until(
            lambda: sorted(m.metrics()("partitions_assigned") for m in members) == [0, 1, 1], timeout=60, what="spread"
        )
        grow(broker, settings["kafka"]["topics"], 3)
        wait_until(
            lambda: [m.metrics()("partitions_assigned") for m in members] == [1, 1, 1], timeout=60, what="all have one"
        )
        write(broker, settings, change("G0", 1), partition=2)  # it moved
        next_tick(receiver, "G0", more=2 + 3)
        write(broker, settings, ratio(0.5, "G1"), partition=1)  # it did not
        next_tick(receiver, "G1", more=2)
        for member in members:
            assert member.stop() == 0
    for group, found in slots(receiver).items():
        assert len(found) == len(set(found)), f"{group}: told twice, by two members"


# Other beginnings


def test_a_first_start_on_live_groups_learns_them_from_the_history_without_posting_it(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    settings = ticking(receiver.url, 1, kafka={"auto_offset_reset": "latest"}, state={"seed_from": 3600})
    write(broker, settings, change(G, 5), ratio(0.5), change("gone", 0), change("gone", 1, action="UnloadCampaign"))
    unloaded = json.dumps({"kind": "change", "campaign_group_guid": "gone", "action": "UnloadCampaign"})
    write(broker, settings, unloaded)
    with BridgeProcess(tmp_path / "first", settings) as bridge:
        known = next_tick(receiver, timeout=30).body
        assert (known["GSW_QUEUE_NAME"], known["GSW_STAT_HIT_RATIO"]) == ("5", 0.5)
        scrape = bridge.wait_metric("state_records_written_total", 2)
        assert scrape("state_records_seeded_total") == 5
        assert scrape("records_consumed_total") == 0
        assert bridge.stop() == 0
    with BridgeProcess(tmp_path / "second", settings) as bridge:
        next_tick(receiver, timeout=30)
        assert bridge.metrics()("state_records_seeded_total") == 0, "only a first start reads it"
        assert bridge.stop() == 0
    changes, found = told(receiver)
    assert changes == []
    assert {tick.group for tick in found} == {G}


# What people change


def test_an_interval_that_an_event_or_the_directory_changes_holds_at_once(
    broker: KafkaBroker, receiver: Receiver, ticking: SettingsOf, tmp_path: Path
) -> None:
    directory = tmp_path / "directory.csv"
    directory.write_text("campaign_group_guid,notification_interval\nH,3600\n")
    settings = ticking(receiver.url, 1, notifications={"interval": 3600}, mapping={"directory_file": str(directory)})
    write(broker, settings, change(G, 0), change("H", 0))
    with BridgeProcess(tmp_path / "bridge", settings) as bridge:
        bridge.wait_metric("records_posted_total", 2)
        write(broker, settings, statistics(notification_interval=0.5))
        bridge.wait_metric("records_absorbed_total", 1)
        began = time.monotonic()
        wait_ticks(receiver, 3)
        assert time.monotonic() - began < 2.5
        assert ticks(receiver, "H") == []

        directory.write_text("campaign_group_guid,notification_interval\nH,0.5\nG,3600\n")
        bridge.wait_for_line("directory_read")
        began = time.monotonic()
        wait_ticks(receiver, 3, "H")
        assert time.monotonic() - began < 2.5
        next_tick(receiver)  # what its event said goes over the directory

        write(broker, settings, statistics(notification_interval=0))
        bridge.wait_metric("records_absorbed_total", 2)
        time.sleep(0.3)  # what was on its way
        before = len(ticks(receiver))
        directory.write_text("campaign_group_guid,notifications_enabled\nH,false\n")
        wait_until(lambda: len(bridge.told("directory_read")) == 2, timeout=60, what="the directory is read again")
        time.sleep(0.3)
        last = len(ticks(receiver, "H"))
        time.sleep(1.5)
        assert (len(ticks(receiver)), len(ticks(receiver, "H"))) == (before, last), "both are off"
        assert bridge.stop() == 0
