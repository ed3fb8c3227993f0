"""SSL contexts from settings, and what is said of files that can't be used."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from edge.certificates import Certificates, make

from bridge.connections import HttpSettings, KafkaSettings
from bridge.edge.tls import TlsFileError, certificate, file_problems, kafka_context, receiver_context


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def garbage(tmp_path: Path) -> Path:
    path = tmp_path / "garbage.pem"
    path.write_text("no certificate\n")
    return path


def test_the_default_verifies_the_chain_and_the_name_from_tls_1_2_on() -> None:
    context = receiver_context(HttpSettings())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_verification_can_be_switched_off() -> None:
    context = receiver_context(HttpSettings(verify=False))
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


def test_a_ca_file_replaces_the_authorities_of_the_system(made: Certificates) -> None:
    context = receiver_context(HttpSettings(ca_file=made.authority.cert))
    assert [ca["subject"] for ca in context.get_ca_certs()] == [((("commonName", "authority"),),)]


def test_kafka_has_a_context_only_with_tls(made: Certificates) -> None:
    assert kafka_context(KafkaSettings()) is None
    # A file that nothing reads is no problem.
    assert kafka_context(KafkaSettings(ssl_cafile=Path("/nowhere"), security_protocol="SASL_PLAINTEXT")) is None
    context = kafka_context(KafkaSettings(ssl_cafile=made.authority.cert, security_protocol="SASL_SSL"))
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_kafka_without_the_name_still_verifies_the_chain() -> None:
    context = kafka_context(KafkaSettings(security_protocol="SSL", ssl_check_hostname=False))
    assert context is not None
    assert not context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def problem_of(**http: Any) -> TlsFileError:
    with pytest.raises(TlsFileError) as raised:
        receiver_context(HttpSettings(**http))
    return raised.value


@pytest.mark.parametrize("setting", ["ca_file", "cert_file"])
def test_a_file_that_is_missing_is_told_with_its_setting(setting: str, tmp_path: Path) -> None:
    problem = problem_of(**{setting: tmp_path / "none.pem"})
    assert (problem.setting, problem.path, problem.why) == (
        f"http.{setting}",
        tmp_path / "none.pem",
        "No such file or directory",
    )
    assert str(problem) == f"http.{setting}: {tmp_path / 'none.pem'}: No such file or directory"


@pytest.mark.parametrize("setting", ["ca_file", "cert_file"])
def test_a_file_without_a_certificate_is_told_with_its_setting(
    setting: str, garbage: Path, tmp_path: Path, made: Certificates
) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for path in (garbage, empty, made.client.key):
        problem = problem_of(**{setting: path})
        assert (problem.setting, problem.path) == (f"http.{setting}", path)
        assert problem.why.startswith("no certificate in PEM format")
    assert problem_of(**{setting: tmp_path}).why == "Is a directory"


def test_a_key_that_cannot_be_used_is_told_with_the_setting_that_named_it(
    made: Certificates, garbage: Path, tmp_path: Path
) -> None:
    why = {
        tmp_path / "none.key": "No such file or directory",
        garbage: "no usable private key in PEM format",
        made.server.key: f"the key does not belong to the certificate in {made.client.cert}",
        made.encrypted_key: "the key is encrypted",
    }
    for key, expected in why.items():
        problem = problem_of(cert_file=made.client.cert, key_file=key)
        assert (problem.setting, problem.path) == ("http.key_file", key)
        assert problem.why.startswith(expected)


def test_a_certificate_without_its_key_is_told(made: Certificates) -> None:
    problem = problem_of(cert_file=made.client.cert)
    assert problem.setting == "http.cert_file"
    assert problem.why.endswith("http.key_file is not set")


def test_all_problems_of_both_are_told_at_once(made: Certificates, garbage: Path, tmp_path: Path) -> None:
    none = tmp_path / "none"
    kafka: dict[str, Any] = {"ssl_cafile": none, "ssl_certfile": made.client.cert, "ssl_keyfile": made.server.key}
    http = HttpSettings(ca_file=garbage, cert_file=none, key_file=none)
    problems = file_problems(http, KafkaSettings(security_protocol="SSL", **kafka))
    assert [problem.setting for problem in problems] == [
        "http.ca_file",
        "http.cert_file",
        "kafka.ssl_cafile",
        "kafka.ssl_keyfile",
    ]
    assert file_problems(HttpSettings(), KafkaSettings(**kafka)) == []


def test_a_certificate_tells_its_end_and_whether_a_key_is_its_own(made: Certificates, garbage: Path) -> None:
    now = datetime.now(UTC)
    found = certificate("http.cert_file", made.client.cert, made.client.key)
    assert found.subject == "commonName=client"
    assert timedelta(days=29) < found.not_after - now < timedelta(days=31)
    assert found.key_matches
    assert certificate("http.cert_file", made.expired.cert).not_after < now
    assert certificate("http.cert_file", made.client.cert).key_matches is None
    for key in (made.server.key, made.encrypted_key, garbage, Path("/nowhere")):
        assert certificate("http.cert_file", made.client.cert, key).key_matches is False
    with pytest.raises(TlsFileError, match=r"^kafka\.ssl_certfile: "):
        certificate("kafka.ssl_certfile", garbage)
