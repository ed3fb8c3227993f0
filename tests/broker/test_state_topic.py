"""Whether the state topic is there and as it must be, on a real broker: made, grown, refused, forbidden."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from broker.states import make_state_topic, restored, state, written
from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ConfigResource, ConfigResourceType, ResourcePattern
from kafka.admin import ResourceType as Resource
from kafka_broker import PASSWORD, USER, KafkaBroker
from kafka_topics import end_offsets, fresh_name, make_topic
from loopback import free_port
from pydantic import SecretStr
from support.programs import BROKER

from bridge.connections import KafkaSettings
from bridge.core.outcome import StateTopicError, Unavailable
from bridge.edge.compacted import CONFIGURATION
from bridge.edge.state_topic import StateTopic


def state_topic(kafka: KafkaSettings, name: str, replication_factor: int = -1) -> StateTopic:
    return StateTopic(kafka, name, replication_factor)


def plain(broker: KafkaBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=[broker.bootstrap])


def ensure(topic: StateTopic, partitions: int) -> None:
    asyncio.run(topic.ensure(partitions))


def refused(topic: StateTopic, partitions: int) -> str:
    """What is told of a topic that somebody must mend."""
    with pytest.raises(StateTopicError) as told:
        ensure(topic, partitions)
    return str(told.value)


def configuration(broker: KafkaBroker, name: str) -> Mapping[str, str]:
    """What is set on the topic itself."""
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    found: dict[str, Any] = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])["topic"][name]
    admin.close()
    return {key: value["value"] for key, value in found.items() if value["config_source"] == "DYNAMIC_TOPIC_CONFIG"}


def test_a_topic_that_is_not_there_is_made_compacted_and_can_be_used_at_once(broker: KafkaBroker) -> None:
    name = fresh_name("state")
    topic = state_topic(plain(broker), name)
    ensure(topic, 5)
    assert end_offsets(broker.bootstrap, name) == dict.fromkeys(range(5), 0)
    assert configuration(broker, name) == CONFIGURATION
    written(broker.bootstrap, name, [state("a", 4)])
    assert asyncio.run(restored(topic, 4)).records == 1


def test_an_answer_that_kafka_python_cant_read_does_not_hide_that_the_topic_was_made(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = KafkaAdminClient.create_topics

    def unread(*given: Any, **options: Any) -> None:
        create(*given, **options)
        raise ValueError("Unrecognized ConfigSourceType: -1")  # as of a broker that is not Kafka's own

    monkeypatch.setattr(KafkaAdminClient, "create_topics", unread)
    name = fresh_name("state")
    ensure(state_topic(plain(broker), name), 2)
    assert len(end_offsets(broker.bootstrap, name)) == 2


def test_a_topic_that_is_as_it_must_be_is_left_alone_even_with_more_partitions(broker: KafkaBroker) -> None:
    name = make_state_topic(broker.bootstrap, 5, retention_ms="1000")
    for partitions in (5, 3):
        ensure(state_topic(plain(broker), name), partitions)
    assert len(end_offsets(broker.bootstrap, name)) == 5
    assert configuration(broker, name) == {"cleanup.policy": "compact", "retention.ms": "1000"}


def test_a_topic_grows_with_the_input_and_keeps_what_it_has(broker: KafkaBroker) -> None:
    name = make_state_topic(broker.bootstrap, 2)
    written(broker.bootstrap, name, [state("a", 1)])
    ensure(state_topic(plain(broker), name), 7)
    assert end_offsets(broker.bootstrap, name) == {**dict.fromkeys(range(7), 0), 1: 1}


def test_replicas_that_make_it_or_let_it_grow_at_the_same_time_all_succeed(broker: KafkaBroker) -> None:
    async def all_at_once(partitions: int) -> None:
        await asyncio.gather(*(state_topic(plain(broker), name).ensure(partitions) for _ in range(6)))

    name = fresh_name("state")
    asyncio.run(all_at_once(3))
    assert len(end_offsets(broker.bootstrap, name)) == 3
    asyncio.run(all_at_once(8))
    assert len(end_offsets(broker.bootstrap, name)) == 8


def test_a_topic_that_is_not_compacted_is_refused_with_the_command_that_mends_it(broker: KafkaBroker) -> None:
    name = make_topic(broker.bootstrap, fresh_name("state"), 3)
    topic = state_topic(plain(broker), name)
    told = refused(topic, 3)
    assert told == (
        f"topic {name} (see state.topic) has cleanup.policy=delete, which loses campaign groups; run: kafka-configs.sh "
        f"--bootstrap-server {broker.bootstrap} --alter --entity-type topics --entity-name {name} "
        f"--add-config cleanup.policy=compact"
    )
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"cleanup.policy": "compact"})])
    admin.close()
    ensure(topic, 3)


def test_a_topic_that_is_compacted_and_expires_too_is_used_with_one_warning(
    broker: KafkaBroker, capfd: pytest.CaptureFixture[str]
) -> None:
    topic = state_topic(
        plain(broker), make_topic(broker.bootstrap, fresh_name("state"), cleanup_policy="compact,delete")
    )
    for _ in range(2):
        ensure(topic, 3)
    assert capfd.readouterr().err.count("lost after retention.ms") == 1


def test_a_replication_that_the_brokers_can_not_do_is_told_with_the_command(broker: KafkaBroker) -> None:
    name = fresh_name("state")
    told = refused(state_topic(plain(broker), name, replication_factor=3), 2)
    assert f"topic {name} (see state.topic) does not exist, and Kafka refused to mend that" in told
    assert "InvalidReplicationFactorError: Unable to replicate the partition 3 time(s)" in told
    settings = " ".join(f"--config {key}={value}" for key, value in CONFIGURATION.items())
    words = f"--create --topic {name} --partitions 2 --replication-factor 3 {settings}"
    assert told.endswith(f"; run: kafka-topics.sh --bootstrap-server {broker.bootstrap} {words}")


def test_a_name_that_can_be_none_of_a_topic_is_refused(broker: KafkaBroker) -> None:
    assert "InvalidTopicError" in refused(state_topic(plain(broker), "no topic"), 1)


def test_no_broker_is_unavailable() -> None:
    kafka = KafkaSettings(bootstrap_servers=[f"127.0.0.1:{free_port()}"], properties={"bootstrap_timeout_ms": 500})
    with pytest.raises(Unavailable, match="no connection to Kafka"):
        ensure(state_topic(kafka, "state"), 1)


class Guarded:
    """A broker that lets a user do only what he is allowed to; without a login everything is."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.broker = broker
        self._admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)

    def kafka(self) -> KafkaSettings:
        return KafkaSettings(
            bootstrap_servers=[self.broker.address("SASL_PLAINTEXT")],
            security_protocol="SASL_PLAINTEXT",
            sasl_username=USER,
            sasl_password=SecretStr(PASSWORD),
        )

    def allow(self, name: str, *operations: ACLOperation) -> None:
        pattern = ResourcePattern(Resource.TOPIC, name)
        acls = [ACL(f"User:{USER}", "*", operation, ACLPermissionType.ALLOW, pattern) for operation in operations]
        assert not self._admin.create_acls(acls)["failed"]

    def close(self) -> None:
        self._admin.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    settings = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    broker = KafkaBroker(tmp_path_factory.mktemp("guarded-broker"), secure=True, settings=settings)
    broker.start()
    made = Guarded(broker)
    yield made
    made.close()
    broker.stop()


def grant(guarded: Guarded, name: str, what: str) -> str:
    """What is told where `what` is not permitted, with the command that permits it."""
    servers = guarded.broker.address("SASL_PLAINTEXT")
    return (
        f"topic {name} (see state.topic): not permitted ({what}), or there is no such topic; run: kafka-acls.sh "
        f"--bootstrap-server {servers} --command-config client.properties --add --allow-principal 'User:{USER}' "
        f"--operation Read --operation Write --operation DescribeConfigs --topic {name}"
    )


@pytest.mark.needs(*BROKER)
def test_a_user_without_rights_is_told_which_he_needs(guarded: Guarded) -> None:
    name = make_state_topic(guarded.broker.bootstrap)
    topic = state_topic(guarded.kafka(), name)
    assert refused(topic, 3) == grant(guarded, name, "DESCRIBE")
    guarded.allow(name, ACLOperation.DESCRIBE)
    assert refused(topic, 3) == grant(guarded, name, "READ and WRITE")
    written(guarded.broker.bootstrap, name, [state("a")])  # where there is nothing to fetch, nothing is refused
    with pytest.raises(StateTopicError) as told:
        asyncio.run(restored(topic, 0))
    assert str(told.value) == grant(guarded, name, "TopicAuthorizationFailedError")
    guarded.allow(name, ACLOperation.READ)
    assert refused(topic, 3) == grant(guarded, name, "WRITE")
    assert asyncio.run(restored(topic, 0)).records == 1


@pytest.mark.needs(*BROKER)
def test_a_user_who_may_only_read_and_write_can_use_a_topic_and_is_warned_once(
    guarded: Guarded, capfd: pytest.CaptureFixture[str]
) -> None:
    name = make_state_topic(guarded.broker.bootstrap)
    guarded.allow(name, ACLOperation.READ, ACLOperation.WRITE)
    topic = state_topic(guarded.kafka(), name)
    for _ in range(2):
        ensure(topic, 3)
    assert capfd.readouterr().err.count("this user has no right DESCRIBE_CONFIGS on it") == 1
    told = refused(topic, 4)
    assert "has fewer partitions than the input, which has 4, and Kafka refused to mend that" in told
    assert "TopicAuthorizationFailedError" in told
    servers = guarded.broker.address("SASL_PLAINTEXT")
    words = f"--command-config client.properties --alter --topic {name} --partitions 4"
    assert told.endswith(f"; run: kafka-topics.sh --bootstrap-server {servers} {words}")
    guarded.allow(name, ACLOperation.ALTER, ACLOperation.DESCRIBE_CONFIGS)
    ensure(topic, 4)
    assert "DESCRIBE_CONFIGS" not in capfd.readouterr().err


@pytest.mark.needs(*BROKER)
def test_a_user_who_may_not_make_the_topic_is_told_the_command(guarded: Guarded) -> None:
    name = fresh_name("state")
    guarded.allow(name, ACLOperation.READ, ACLOperation.WRITE)
    topic = state_topic(guarded.kafka(), name)
    told = refused(topic, 2)
    assert f"topic {name} (see state.topic) does not exist, and Kafka refused to mend that (TopicAuthorization" in told
    assert f"--create --topic {name} --partitions 2 --config cleanup.policy=compact" in told
    guarded.allow(name, ACLOperation.CREATE)
    ensure(topic, 2)
