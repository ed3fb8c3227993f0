"""The fixtures themselves: what the other tests stand on."""

import json
from pathlib import Path

import httpx
import pytest
from embedded_broker import EmbeddedBroker
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
from kafka_broker import MECHANISMS, PASSWORD, USER, KafkaBroker
from kafka_topics import committed, end_offsets, fresh_name, make_topic, read_all
from support.foreign_clients import ForeignClient, Refused
from support.foreign_receivers import ForeignReceiver


def test_what_a_foreign_client_writes_is_read_in_order_by_kafka_python_and_by_itself(
    broker: KafkaBroker, foreign_client: ForeignClient
) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=3)
    written = [(f"group-{n % 7}".encode(), json.dumps({"n": n}).encode()) for n in range(100)]

    foreign_client.produce(
        broker.bootstrap, topic, written, headers={"origin": "abroad"}, config={"compression.type": "zstd"}
    )

    records = read_all(broker.bootstrap, topic)
    assert sorted((r.key, r.value) for r in records) == sorted(written)
    assert sum(end_offsets(broker.bootstrap, topic).values()) == 100
    assert {tuple(r.headers) for r in records} == {(("origin", b"abroad"),)}
    for key in {r.key for r in records}:
        same_key = [r for r in records if r.key == key]
        assert len({r.partition for r in same_key}) == 1
        assert [json.loads(r.value)["n"] for r in same_key] == sorted(json.loads(r.value)["n"] for r in same_key)
    assert sorted(foreign_client.read(broker.bootstrap, topic)) == sorted(written)


def test_a_foreign_client_and_kafka_python_choose_the_same_partition_for_a_key(
    broker: KafkaBroker, foreign_client: ForeignClient
) -> None:
    topic = make_topic(broker.bootstrap, fresh_name("events"), partitions=5)
    keys = [f"key-{n}".encode() for n in range(20)]
    foreign_client.produce(broker.bootstrap, topic, [(key, b"foreign") for key in keys])
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for key in keys:
        producer.send(topic, key=key, value=b"kafka-python")
    producer.close()

    records = read_all(broker.bootstrap, topic)

    partitions = {(r.key, r.value): r.partition for r in records}
    assert all(partitions[key, b"foreign"] == partitions[key, b"kafka-python"] for key in keys)


def test_committed_offsets_and_metadata_can_be_asked_for(broker: KafkaBroker) -> None:
    topic, group = make_topic(broker.bootstrap, fresh_name("events"), partitions=2), fresh_name("group")
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group, enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 1)])
    consumer.commit({TopicPartition(topic, 1): OffsetAndMetadata(7, "the bitmap", -1)})
    consumer.close()

    assert {p: (o.offset, o.metadata) for p, o in committed(broker.bootstrap, group, topic).items()} == {
        1: (7, "the bitmap")
    }


def test_records_survive_a_stop_and_a_kill_of_a_broker_of_ones_own(own_broker: KafkaBroker) -> None:
    topic = make_topic(own_broker.bootstrap, "events", partitions=1)
    for end in (own_broker.stop, own_broker.kill):
        producer = KafkaProducer(bootstrap_servers=own_broker.bootstrap, acks="all")
        producer.send(topic, value=end.__name__.encode()).get(10)
        producer.close()
        end()
        own_broker.start()

    assert [r.value for r in read_all(own_broker.bootstrap, topic)] == [b"stop", b"kill"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_the_secure_broker_takes_the_right_password(secure_broker: KafkaBroker, protocol: str, mechanism: str) -> None:
    certificates = secure_broker.certificates
    assert certificates is not None

    consumer = KafkaConsumer(
        bootstrap_servers=secure_broker.address(protocol),
        security_protocol=protocol,
        sasl_mechanism=mechanism,
        sasl_plain_username=USER,
        sasl_plain_password=PASSWORD,
        ssl_cafile=str(certificates.ca),
    )

    assert isinstance(consumer.topics(), set)
    consumer.close()


# A kafka-python client that is refused leaves its thread and sockets behind, so another one asks here.
def test_the_secure_broker_refuses_a_wrong_password(secure_broker: KafkaBroker, foreign_client: ForeignClient) -> None:
    def ask(password: str) -> int:
        login = {"sasl.username": USER, "sasl.password": password, "sasl.mechanisms": "PLAIN"}
        address = secure_broker.address("SASL_PLAINTEXT")
        return foreign_client.brokers(address, {"security.protocol": "sasl_plaintext", **login})

    assert ask(PASSWORD) == 1
    with pytest.raises(Refused, match="Authentication failed"):
        ask("wrong")


def test_the_secure_broker_shows_a_certificate_of_its_own_ca(
    secure_broker: KafkaBroker, foreign_client: ForeignClient
) -> None:
    certificates = secure_broker.certificates
    assert certificates is not None

    def ask(authority: Path) -> int:
        client = {"ssl.certificate.location": certificates.client, "ssl.key.location": certificates.client_key}
        trust = {"security.protocol": "ssl", "ssl.ca.location": authority}
        config = {name: str(value) for name, value in {**client, **trust}.items()}
        return foreign_client.brokers(secure_broker.address("SSL"), config)

    assert ask(certificates.ca) == 1
    with pytest.raises(Refused, match="certificate verify failed"):
        ask(certificates.stranger)


def test_the_embedded_broker_keeps_records_and_the_metadata_of_commits(embedded_broker: EmbeddedBroker) -> None:
    bootstrap, partition = embedded_broker.bootstrap, TopicPartition("events", 0)
    producer = KafkaProducer(bootstrap_servers=bootstrap, api_version=(2, 3))
    producer.send("events", key=b"k", value=b"v", partition=0).get(10)
    producer.close()
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, api_version=(2, 3), group_id="group", enable_auto_commit=False
    )
    consumer.assign([partition])
    consumer.commit({partition: OffsetAndMetadata(1, "the bitmap", -1)})

    assert consumer.committed(partition, metadata=True).metadata == "the bitmap"
    consumer.close()
    assert [r.value for r in read_all(bootstrap, "events", api_version=(2, 3))] == [b"v"]


def test_a_foreign_receiver_logs_each_post_with_its_body_and_event_id(foreign_receiver: ForeignReceiver) -> None:
    bodies = [
        {"GSW_CAMPAIGN_NAME": 'Ünïcode "quoted" \\ back\n', "n": n, "padding": "x" * 20_000 * n} for n in range(3)
    ]

    with httpx.Client() as client:
        for n, body in enumerate(bodies):
            answer = client.post(f"{foreign_receiver.url}/ocs", json=body, headers={"X-GSW-Event-Id": f"id-{n}"})
            assert answer.is_success

    assert foreign_receiver.wait_for(3) == bodies
    requests = foreign_receiver.requests()
    assert [request["event_id"] for request in requests] == ["id-0", "id-1", "id-2"]
    assert {request["uri"] for request in requests} == {"/ocs"}
    assert len({request["connection"] for request in requests}) == 1
