"""What goes wrong around the bridge, and what it says and does then."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from edge.receivers import Receiver
from group_events import assert_each_once_in_order, bodies, change, changes, numbers
from kafka_broker import PASSWORD, USER, KafkaBroker
from kafka_topics import fresh_name, make_topic, produce
from loopback import free_port, wait_until


def arrived(receiver: Receiver, count: int, timeout: float = 20) -> None:
    wait_until(lambda: len(receiver.ids) >= count, timeout=timeout, what=f"{count} notifications")


def test_a_topic_that_is_missing_is_named_and_read_once_it_is_made(
    broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    topic = fresh_name("late")
    settings = {
        "kafka": {"bootstrap_servers": broker.bootstrap, "topics": topic, "group_id": fresh_name("group")},
        "notifications": {"url": receiver.url},
    }

    with BridgeProcess(tmp_path, settings) as bridge:
        told, began = bridge.wait_for_line("topic_missing"), time.monotonic()
        assert topic in told["reason"]
        assert "kafka.topics" in told["reason"]
        status, text = bridge.probe("readyz")
        assert status == 503
        assert topic in text
        assert bridge.probe("livez")[0] == 200
        assert bridge.metrics()("topics_missing") == 1

        make_topic(broker.bootstrap, topic)
        produce(broker.bootstrap, topic, [("G1", change("G1", 1))])
        bridge.wait_ready()
        arrived(receiver, 1)
        assert bridge.metrics()("topics_missing") == 0
        assert bridge.stop() == 0
    # kafka-python says it ten times a second; it is let through once a second at most.
    assert len(bridge.told("library")) < 5 + (time.monotonic() - began)


def test_one_of_two_topics_that_is_missing_keeps_nobody_from_reading_the_other(
    broker: KafkaBroker, receiver: Receiver, settings_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    settings = settings_of(receiver.url)
    there, late = settings["kafka"]["topics"], fresh_name("late")
    settings["kafka"]["topics"] = [there, late]
    produce(broker.bootstrap, there, [("G1", change("G1", 1))])

    with BridgeProcess(tmp_path, settings) as bridge:
        arrived(receiver, 1)
        assert bridge.metrics()("topics_missing") == 1
        make_topic(broker.bootstrap, late)
        produce(broker.bootstrap, late, [("G2", change("G2", 1))])
        arrived(receiver, 2, timeout=30)
        assert bridge.stop() == 0


def test_a_broker_that_is_down_at_the_start_is_told_with_the_cause_and_used_once_it_is_up(
    own_broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    topic = make_topic(own_broker.bootstrap, "events")
    produce(own_broker.bootstrap, topic, changes(10, groups=2))
    own_broker.stop()
    settings = {
        "kafka": {
            "bootstrap_servers": own_broker.bootstrap,
            "topics": topic,
            "properties": {"bootstrap_timeout_ms": 1000, "metadata_max_age_ms": 1000},
        },
        "notifications": {"url": receiver.url},
    }

    with BridgeProcess(tmp_path, settings) as bridge:
        told = bridge.wait_for_line("kafka_unreachable")
        assert own_broker.bootstrap in told["reason"]
        assert "ECONNREFUSED" in told["reason"]
        assert "kafka.bootstrap_servers" in told["reason"]
        status, text = bridge.probe("readyz")
        assert status == 503
        assert own_broker.bootstrap in text
        assert bridge.probe("livez")[0] == 200
        own_broker.start()
        arrived(receiver, 10)
        assert bridge.stop() == 0
    assert_each_once_in_order(bodies(receiver), 10)


@pytest.mark.alone
def test_it_can_be_stopped_while_no_broker_answers(receiver: Receiver, tmp_path: Path) -> None:
    settings = {
        "kafka": {"bootstrap_servers": f"127.0.0.1:{free_port()}", "topics": "events"},
        "notifications": {"url": receiver.url},
    }
    with BridgeProcess(tmp_path, settings) as bridge:
        assert bridge.probe("livez")[0] == 200
        began = time.monotonic()
        assert bridge.stop() == 0
        assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        pytest.param(
            {"sasl_password": "not-the-pass-phrase"},
            "SaslAuthenticationFailed|wrong user or password",
            id="wrong-password",
        ),
        pytest.param({"ssl_cafile": "stranger"}, "CERTIFICATE_VERIFY_FAILED", id="unknown-authority"),
    ],
)
def test_a_broker_that_does_not_let_it_in_is_told_with_the_cause_and_no_secret(
    secure_broker: KafkaBroker, receiver: Receiver, tmp_path: Path, changed: dict[str, str], cause: str
) -> None:
    certificates = secure_broker.certificates
    assert certificates is not None
    authority = certificates.stranger if changed.get("ssl_cafile") else certificates.ca
    settings: dict[str, Any] = {
        "kafka": {
            "bootstrap_servers": secure_broker.address("SASL_SSL"),
            "topics": "events",
            "security_protocol": "SASL_SSL",
            "sasl_username": USER,
            "sasl_password": PASSWORD,
            "properties": {"bootstrap_timeout_ms": 2000},
            **changed,
            "ssl_cafile": str(authority),
        },
        "notifications": {"url": receiver.url},
    }

    with BridgeProcess(tmp_path, settings) as bridge:
        bridge.wait(
            lambda: any(re.search(cause, line["reason"]) for line in bridge.told("kafka_unreachable")),
            timeout=30,
            what=f"a line that says {cause}",
        )
        status, text = bridge.probe("readyz")
        assert status == 503
        assert secure_broker.address("SASL_SSL") in text
        assert bridge.probe("livez")[0] == 200
        assert bridge.stop() == 0
    assert settings["kafka"]["sasl_password"] not in json.dumps(bridge.log)


def test_a_broker_that_is_away_for_less_than_the_session_costs_nothing_but_time(
    own_broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    topic = make_topic(own_broker.bootstrap, "events", partitions=2)
    settings = {
        "kafka": {"bootstrap_servers": own_broker.bootstrap, "topics": topic, "session_timeout": 30},
        "notifications": {"url": receiver.url},
    }

    with BridgeProcess(tmp_path, settings) as bridge:
        produce(own_broker.bootstrap, topic, changes(300, groups=10))
        arrived(receiver, 300)
        produce(own_broker.bootstrap, topic, changes(300, groups=10, first=300))
        own_broker.stop()  # with some of these neither posted nor committed
        own_broker.start()
        produce(own_broker.bootstrap, topic, changes(300, groups=10, first=600))
        arrived(receiver, 900, timeout=40)
        bridge.wait_ready()
        metrics = bridge.wait_metric("records_posted_total", 900)
        assert bridge.stop() == 0

    assert_each_once_in_order(bodies(receiver), 900)
    assert metrics("rebalances_total", event="lost") == 0


def test_a_broker_that_is_away_for_longer_loses_nothing(
    own_broker: KafkaBroker, receiver: Receiver, tmp_path: Path
) -> None:
    topic = make_topic(own_broker.bootstrap, "events", partitions=2)
    settings = {
        "kafka": {"bootstrap_servers": own_broker.bootstrap, "topics": topic},
        "notifications": {"url": receiver.url},
    }

    with BridgeProcess(tmp_path, settings) as bridge:
        produce(own_broker.bootstrap, topic, changes(100, groups=10))
        arrived(receiver, 100)
        own_broker.kill()
        killed = time.monotonic()
        bridge.wait(lambda: time.monotonic() > killed + 9, what="the end of the session")
        own_broker.start()
        produce(own_broker.bootstrap, topic, changes(100, groups=10, first=100))
        bridge.wait_ready(40)
        wait_until(
            lambda: len({n for found in numbers(bodies(receiver)).values() for n in found}) == 200,
            timeout=30,
            what="all 200 events",
        )
        assert bridge.stop() == 0
