"""The outcome topic in an outage, and of a user who may not write it, or not read it: POSTs go on, and it is told."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from edge.receivers import Receiver
from group_events import change
from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern
from kafka.admin import ResourceType as Resource
from kafka_broker import PASSWORD, USER, KafkaBroker
from kafka_topics import fresh_name, make_topic, produce, read_all
from loopback import wait_until
from pydantic import SecretStr

from bridge.connections import KafkaSettings
from bridge.core import fate
from bridge.core.fate import Author
from bridge.core.record import Partition, Record
from bridge.edge.outcomes import Outcomes
from bridge.explain import explain
from bridge.settings import DeliverySettings, Settings

AUTHOR = Author("north", "pod-1", "1.2.3")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A user may do anything with a topic of which no right is said; without a login everything is allowed."""
    settings = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "true",
    }
    made = KafkaBroker(tmp_path_factory.mktemp("guarded-broker"), secure=True, settings=settings)
    made.start()
    yield made
    made.stop()


def allow_only(broker: KafkaBroker, topic: str, operation: ACLOperation) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    pattern = ResourcePattern(Resource.TOPIC, topic)
    made = admin.create_acls([ACL(f"User:{USER}", "*", operation, ACLPermissionType.ALLOW, pattern)])
    admin.close()
    assert not made["failed"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("operation", "outcomes", "problem"),
    [
        (ACLOperation.CREATE, "outcomes_lost_total", "there is no topic {}, or the bridge's user may not read it"),
        (ACLOperation.DESCRIBE, "outcomes_lost_total", ""),
        (ACLOperation.WRITE, "outcomes_written_total", "{}: TopicAuthorizationFailedError"),
    ],
    ids=["nothing", "see", "write"],
)
def test_posts_go_on_and_it_is_told_what_the_outcome_topic_could_not_be_used_for(
    guarded: KafkaBroker,
    receiver: Receiver,
    tmp_path: Path,
    operation: ACLOperation,
    outcomes: str,
    problem: str,
) -> None:
    topic = make_topic(guarded.bootstrap, fresh_name("events"), partitions=1)
    outcome_topic = make_topic(guarded.bootstrap, fresh_name("outcomes"), partitions=1)
    allow_only(guarded, outcome_topic, operation)
    produce(guarded.bootstrap, topic, [("A", change("A", n)) for n in range(20)])
    kafka: dict[str, Any] = {
        "group_id": fresh_name("group"),
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_username": USER,
    }
    settings = {
        "kafka": {
            **kafka,
            "bootstrap_servers": guarded.address("SASL_PLAINTEXT"),
            "topics": topic,
            "sasl_password": PASSWORD,
        },
        "notifications": {"url": receiver.url},
        "delivery": {"outcome_topic": outcome_topic, "checkpoint_interval": 0.2, "drain_timeout": 8},
    }
    with BridgeProcess(tmp_path, settings) as bridge:
        bridge.wait_metric(outcomes, 20, timeout=60)
        assert bridge.metrics()("posts_sent_total") == 20
        if outcomes == "outcomes_lost_total":
            assert "TopicAuthorizationFailedError" in bridge.wait_for_line("outcomes_lost")["reason"]
        assert bridge.stop() == 0

    connection = {
        **kafka,
        "bootstrap_servers": [guarded.address("SASL_PLAINTEXT")],
        "sasl_password": SecretStr(PASSWORD),
    }
    asked = Settings(kafka=KafkaSettings(**connection), delivery=DeliverySettings(outcome_topic=outcome_topic))
    found = explain(asked, Partition(topic, 0), 0, 10)
    assert found.standing.value == "done"
    assert (found.search.problem or "").startswith(problem.format(outcome_topic)), found
    assert bool(problem) is bool(found.search.problem)
    assert found.answer()[0].startswith("done, but no record of how: ")


def test_an_outage_of_kafka_loses_nothing(own_broker: KafkaBroker) -> None:
    topic = make_topic(own_broker.bootstrap, fresh_name("outcomes"), partitions=2)
    writer = Outcomes(KafkaSettings(bootstrap_servers=[own_broker.bootstrap]), topic)

    def write(first: int, count: int) -> None:
        for offset in range(first, first + count):
            record = Record(Partition("in", 0), offset, 1, None, b"")
            writer.write(b"G%d" % (offset % 5), fate.unknown(record, f"id-{offset}", time.time(), AUTHOR))

    write(0, 10)
    wait_until(lambda: writer.written == 10, timeout=60, what="the topic is known")
    own_broker.kill()
    write(10, 500)
    time.sleep(12)  # longer than the other producers of the bridge try
    write(510, 10)
    own_broker.start()
    wait_until(lambda: writer.written == 520, timeout=60, what="all are written")
    asyncio.run(writer.close(5))
    found = Counter(json.loads(record.value)["offset"] for record in read_all(own_broker.bootstrap, topic))
    assert found.keys() == set(range(520))
    assert writer.lost == 0
