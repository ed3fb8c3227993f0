"""The plain producer and what every Kafka client is given, on the embedded broker."""

import gc
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError
from pydantic import SecretStr

from bridge.connections import KafkaSettings
from bridge.demo.broker import API_VERSION, EmbeddedBroker
from bridge.edge.kafka_options import Unreachable, connecting, connection_options, consumer_properties
from bridge.edge.producer import Producer, abandon

VERSION: dict[str, str | int | float | bool | None] = {"api_version": API_VERSION}


@pytest.fixture(autouse=True)
def _sockets_left_behind() -> Iterator[None]:
    """kafka-python leaves the sockets of failed attempts to the garbage collector, which warns about each."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def on(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=[broker.address], properties=VERSION)


def senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "network-thread" in thread.name]


def test_key_value_headers_and_partition_arrive_as_they_were_sent() -> None:
    broker = EmbeddedBroker()
    producer = Producer(on(broker))
    assert producer.partitions("t") == {0, 1, 2, 3}
    producer.send("t", b"key", b"value", [("a", b"1"), ("a", b"2")], partition=3).get(5)
    producer.send("t", b"key", None, partition=3).get(5)
    producer.close(5)
    consumer = KafkaConsumer(auto_offset_reset="earliest", **connection_options(on(broker)))
    consumer.assign([TopicPartition("t", 3)])
    found: list[tuple[object, ...]] = []
    deadline = time.monotonic() + 10
    while len(found) < 2 and time.monotonic() < deadline:
        found += [(one.key, one.value, one.headers) for batch in consumer.poll(500).values() for one in batch]
    consumer.close()
    broker.close()
    assert found == [(b"key", b"value", [("a", b"1"), ("a", b"2")]), (b"key", None, [])]


def test_a_record_without_an_answer_fails_after_the_delivery_timeout_and_the_producer_lives_on() -> None:
    broker = EmbeddedBroker()
    producer = Producer(on(broker), delivery_timeout_ms=1500, request_timeout_ms=1000)
    producer.send("t", b"k", b"v").get(5)
    broker.close()
    future = producer.send("t", b"k", b"v")
    with pytest.raises(KafkaTimeoutError):
        future.get(10)
    producer.close(1)
    assert senders() == []


def test_close_gives_up_what_waits_for_a_broker_that_is_away_and_leaves_no_thread() -> None:
    broker = EmbeddedBroker()
    producer = Producer(on(broker))
    producer.send("t", b"k", b"v").get(5)
    broker.close()
    future = producer.send("t", b"k", b"v")
    begin = time.monotonic()
    producer.close(0.5)
    assert time.monotonic() - begin < 3
    assert senders() == []
    assert future.failed()
    producer.close(0.5)


def test_kafka_python_itself_leaves_its_thread_in_that_case() -> None:
    # When this fails, kafka-python has been mended and `abandon` can go.
    broker = EmbeddedBroker()
    mute = Producer(on(broker))
    producer: KafkaProducer = mute.kafka
    producer.send("t", value=b"v").get(5)
    broker.close()
    producer.send("t", value=b"v")
    with pytest.raises(KafkaTimeoutError):
        producer.close(timeout=0.5)
    assert len(senders()) == 1
    abandon(producer)
    assert senders() == []


def test_the_reason_why_no_broker_can_be_reached_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Unreachable, match=rf"no connection to Kafka at {address}: .*(refused|111)"):
        Producer(KafkaSettings(bootstrap_servers=[address]), bootstrap_timeout_ms=1000)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("made", [KafkaConsumer, KafkaProducer, KafkaAdminClient])
def test_a_client_that_finds_no_broker_leaves_no_thread_and_few_sockets(made: Callable[..., object]) -> None:
    kafka = KafkaSettings(bootstrap_servers=["127.0.0.1:1"])
    before = set(threading.enumerate()), open_files()
    for _ in range(3):
        with pytest.raises(Unreachable), connecting(kafka):
            made(**{**connection_options(kafka), "bootstrap_timeout_ms": 200})
    assert set(threading.enumerate()) == before[0]
    # A dead socket or two of each attempt wait for the garbage collector; the thread and its selector do not.
    assert open_files() <= before[1] + 2 * 3


def test_without_security_no_secret_and_no_file_is_passed_on() -> None:
    options = connection_options(KafkaSettings(bootstrap_servers=["a:1", "b:2"], sasl_password=SecretStr("x")))
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert not [name for name in options if name.startswith(("sasl", "ssl"))]


def test_sasl_over_tls_passes_on_user_password_and_files(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("first\n", encoding="utf-8")
    kafka = KafkaSettings(
        bootstrap_servers=["a:1"],
        security_protocol="SASL_SSL",
        sasl_username="bridge",
        sasl_password_file=secret,
        ssl_cafile=Path("/ca.pem"),
    )
    options = connection_options(kafka)
    assert options["security_protocol"] == "SASL_SSL"
    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == ("SCRAM-SHA-512", "bridge")
    assert options["sasl_plain_password"] == "first"
    assert (options["ssl_cafile"], options["ssl_check_hostname"]) == ("/ca.pem", True)
    secret.write_text("second\n", encoding="utf-8")
    assert connection_options(kafka)["sasl_plain_password"] == "second"


def test_properties_of_any_client_and_of_the_consumer_alone_are_told_apart() -> None:
    kafka = KafkaSettings(properties={"api_version": "2.3", "request_timeout_ms": 9000, "fetch_min_bytes": 1024})
    options = connection_options(kafka)
    assert (options["api_version"], options["request_timeout_ms"]) == ((2, 3), 9000)
    assert "fetch_min_bytes" not in options
    assert consumer_properties(kafka) == {"fetch_min_bytes": 1024}


def test_properties_win_over_what_the_bridge_chose_for_connections() -> None:
    assert (
        connection_options(KafkaSettings(properties={"reconnect_backoff_max_ms": 7}))["reconnect_backoff_max_ms"] == 7
    )
