"""The whole way with TLS and logins on both sides."""

from pathlib import Path

from bridge_process import BridgeProcess
from edge import scripts
from edge.certificates import Identity
from edge.receivers import Receiver
from group_events import assert_each_once_in_order, bodies, changes
from kafka_broker import PASSWORD, USER, KafkaBroker
from kafka_topics import fresh_name, make_topic, produce, read_all
from loopback import wait_until


def test_scram_over_tls_to_the_brokers_and_a_client_certificate_to_the_receiver(
    secure_broker: KafkaBroker, tmp_path: Path
) -> None:
    certificates = secure_broker.certificates
    assert certificates is not None
    topic = make_topic(secure_broker.bootstrap, fresh_name("events"))
    quarantine = make_topic(secure_broker.bootstrap, fresh_name("quarantine"))
    produce(secure_broker.bootstrap, topic, [*changes(20, groups=4), ("G1", "no JSON")])
    password, token = tmp_path / "password", tmp_path / "token"
    password.write_text(f"{PASSWORD}\n")
    token.write_text("a-token\n")
    server = scripts.server_context(Identity(certificates.server, certificates.server_key), client_ca=certificates.ca)

    with Receiver(scripts.over_tls(server, scripts.answer(204)), scheme="https") as receiver:
        settings = {
            "kafka": {
                "bootstrap_servers": secure_broker.address("SASL_SSL"),
                "topics": topic,
                "group_id": fresh_name("group"),
                "security_protocol": "SASL_SSL",
                "sasl_username": USER,
                "sasl_password_file": str(password),
                "ssl_cafile": str(certificates.ca),
            },
            "notifications": {"url": receiver.url},
            "http": {
                "timeout": 2,
                "ca_file": str(certificates.ca),
                "cert_file": str(certificates.client),
                "key_file": str(certificates.client_key),
                "bearer_token_file": str(token),
            },
            "mapping": {"quarantine_topic": quarantine},
        }
        with BridgeProcess(tmp_path / "bridge", settings) as bridge:
            wait_until(lambda: len(receiver.ids) >= 20, timeout=60, what="20 notifications")
            bridge.wait_metric("records_quarantined_total", 1)
            bridge.wait_metric("commits_total", 1, result="done")  # the transactional producer got in, too
            assert bridge.stop() == 0

    assert_each_once_in_order(bodies(receiver), 20)
    assert {request.header("authorization") for request in receiver.requests} == {"Bearer a-token"}
    assert [record.value for record in read_all(secure_broker.bootstrap, quarantine)] == [b"no JSON"]


def test_a_receiver_whose_certificate_is_not_trusted_gets_no_byte_of_a_request(
    secure_broker: KafkaBroker, tmp_path: Path
) -> None:
    certificates = secure_broker.certificates
    assert certificates is not None
    topic = make_topic(secure_broker.bootstrap, fresh_name("events"))
    produce(secure_broker.bootstrap, topic, changes(3, groups=3))
    server = scripts.server_context(Identity(certificates.server, certificates.server_key))

    with Receiver(scripts.over_tls(server, scripts.answer(204)), scheme="https") as receiver:
        settings = {
            "kafka": {
                "bootstrap_servers": secure_broker.bootstrap,
                "topics": topic,
                "group_id": fresh_name("group"),
            },
            "notifications": {"url": receiver.url},
            "http": {"timeout": 2, "ca_file": str(certificates.stranger)},
        }
        with BridgeProcess(tmp_path / "bridge", settings) as bridge:
            bridge.wait_metric("posts_failed_total", 3, outcome="not_sent", reason="tls")
            assert bridge.stop() == 0
    assert receiver.requests == []
