"""A platform that is polled, on a real broker, with restarts in between."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge_process import BridgeProcess
from edge.receivers import Receiver
from group_events import bodies, change
from kafka import KafkaProducer
from kafka_broker import KafkaBroker

POLLS = 25  # in each life of the bridge


def poll(broker: KafkaBroker, topic: str, first: int) -> None:
    """What a poller writes of one running campaign, whose priority is edited now and then."""
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(first, first + POLLS):
        said = {"kind": "report", "action": None, "dial_mode": "Predict", "optimize_goal": 80, "priority": number // 10}
        value = change("G", 1, time=1_772_355_600_000 + 60_000 * number, **said)
        producer.send(topic, value.encode(), b"G").get(30)
    producer.close()


def test_100_polls_of_a_running_campaign_over_three_restarts_are_one_post_beside_the_periodic_ones(
    broker: KafkaBroker, receiver: Receiver, settings_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    settings = settings_of(receiver.url)
    settings["notifications"]["interval"] = 0.5
    for life, killed in enumerate([False, True, False, False]):
        with BridgeProcess(tmp_path / str(life), settings) as bridge:
            bridge.wait_ready()
            poll(broker, settings["kafka"]["topics"], life * POLLS)
            metrics = bridge.wait_metric("reports_unchanged_total", POLLS - (life == 0))
            ticks = bridge.wait_metric("posts_sent_total", 2, kind="periodic")
            if not killed:
                assert bridge.stop() == 0
        assert metrics("records_posted_total") == (life == 0)
        assert ticks("records_absorbed_total") == ticks("reports_unchanged_total")

    notifications = bodies(receiver)
    told = [n for n in notifications if n["GSW_CAMPAIGN_GROUP_ACTION"]]
    assert [(n["GSW_CAMPAIGN_GROUP_ACTION"], n["GSW_CAMPAIGN_GROUP_STATE"], n["GSW_DIAL_MODE"]) for n in told] == [
        (9, 5, 1)
    ], json.dumps(told)
    assert len(notifications) >= 9, "periodic ones in each life"
