"""A receiver that fails: each notification has its one request, is counted by what is known of it, and the next goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from edge import scripts
from edge.receivers import Receiver, Script, closed_port
from group_events import bodies, change, numbers
from kafka_broker import KafkaBroker
from kafka_topics import committed, produce

SettingsOf = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("script", "outcome", "reason"),
    [
        pytest.param(scripts.answer(503), "rejected", "5xx", id="503"),
        pytest.param(scripts.answer(401, {"WWW-Authenticate": "Basic"}), "rejected", "4xx", id="401"),
        pytest.param(scripts.reset_after_request, "ambiguous", "reset", id="reset"),
        pytest.param(scripts.never_answer, "ambiguous", "read_timeout", id="no-answer"),
        pytest.param(scripts.answer_and_close(b"what?\r\n\r\n"), "ambiguous", "protocol", id="no-http"),
    ],
)
def test_a_failed_notification_is_not_sent_again_and_the_next_goes_on(
    broker: KafkaBroker,
    settings_of: SettingsOf,
    tmp_path: Path,
    script: Script,
    outcome: str,
    reason: str,
) -> None:
    with Receiver(script) as receiver:
        settings = {**settings_of(receiver.url, 1), "http": {"timeout": 0.5, "connect_timeout": 0.5}}
        topic, group = settings["kafka"]["topics"], settings["kafka"]["group_id"]
        produce(broker.bootstrap, topic, [("G1", change("G1", n)) for n in range(3)])
        with BridgeProcess(tmp_path, settings) as bridge:
            metrics = bridge.wait_metric("posts_failed_total", 3, kind="change", outcome=outcome, reason=reason)
            assert bridge.stop() == 0

    assert numbers(bodies(receiver)) == {"G1": [0, 1, 2]}
    assert len(set(receiver.ids)) == 3
    assert metrics("posts_failed_total") == 3
    assert metrics("posts_sent_total") == 0
    assert bridge.told("post_failed", outcome=outcome, reason=reason, campaign_group="G1")
    assert committed(broker.bootstrap, group, topic)[0].offset == 3


def test_a_redirect_is_not_followed(
    broker: KafkaBroker, receiver: Receiver, settings_of: SettingsOf, tmp_path: Path
) -> None:
    with Receiver(scripts.answer(307, {"Location": receiver.url})) as redirecting:
        settings = settings_of(redirecting.url, 1)
        produce(broker.bootstrap, settings["kafka"]["topics"], [("G1", change("G1", n)) for n in range(2)])
        with BridgeProcess(tmp_path, settings) as bridge:
            bridge.wait_metric("posts_failed_total", 2, kind="change", outcome="rejected", reason="3xx")
            assert bridge.stop() == 0

    assert len(redirecting.ids) == 2
    assert receiver.connections == 0


def test_a_receiver_that_is_down_costs_the_notifications_of_that_time_and_no_others(
    broker: KafkaBroker, settings_of: SettingsOf, tmp_path: Path
) -> None:
    port = closed_port()
    settings = settings_of(f"http://127.0.0.1:{port}/ocs", 1)
    topic = settings["kafka"]["topics"]
    produce(broker.bootstrap, topic, [("G1", change("G1", n)) for n in range(2)])
    with BridgeProcess(tmp_path, settings) as bridge:
        bridge.wait_metric("posts_failed_total", 2, outcome="not_sent", reason="connect")
        with Receiver(scripts.answer(200), port=port) as receiver:
            produce(broker.bootstrap, topic, [("G1", change("G1", n)) for n in range(2, 4)])
            metrics = bridge.wait_metric("posts_sent_total", 2)
        assert bridge.stop() == 0

    assert numbers(bodies(receiver)) == {"G1": [2, 3]}
    assert metrics("posts_failed_total") == 2
