"""Fixtures for tests with a real broker and a foreign receiver, and what becomes of them where these are missing."""

import os
import shutil
from collections.abc import Callable, Iterator

import kafka_broker
import nginx_receiver as nginx
import pytest
from embedded_broker import EmbeddedBroker
from hypothesis import HealthCheck, settings
from kafka_broker import KafkaBroker
from nginx_receiver import NginxReceiver

from bridge.edge import log

MARK_OF_FIXTURE = {
    "broker": "broker",
    "secure_broker": "broker",
    "own_broker": "broker",
    "kcat": "foreign",
    "nginx_receiver": "foreign",
}
NOT_RUN = pytest.StashKey[dict[str, set[str]]]()

# No example fails for its time: the machine may be busy.
settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-speed")


def missing(mark: str) -> list[str]:
    """The programs that tests with this mark need and that are not installed."""
    if mark == "broker":
        return kafka_broker.missing_programs()
    found = {
        "kcat": shutil.which("kcat") or shutil.which("kafkacat"),
        "nginx": nginx.program(),
        "promtool": shutil.which("promtool"),
    }
    return [program for program, path in found.items() if path is None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in {MARK_OF_FIXTURE[name] for name in getattr(item, "fixturenames", ()) if name in MARK_OF_FIXTURE}:
            item.add_marker(mark)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in ("broker", "foreign"):
        programs = missing(mark) if item.get_closest_marker(mark) else []
        if programs and os.environ.get("CI") == "true":
            pytest.fail(f"not installed: {', '.join(programs)} (CI=true: a failure)", pytrace=False)
        if programs:
            item.config.stash.setdefault(NOT_RUN, {}).setdefault(", ".join(programs), set()).add(item.nodeid)
            pytest.skip(f"not installed: {', '.join(programs)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for programs, tests in config.stash.get(NOT_RUN, {}).items():
        text = f"NOT RUN: {len(tests)} tests, because {programs} is not installed here. `make system` installs it."
        terminalreporter.write_line(text, red=True, bold=True)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One real Apache Kafka for all tests of a run. Leave it running; topics and groups by `fresh_name`."""
    yield from running(KafkaBroker(tmp_path_factory.mktemp("broker")))


@pytest.fixture(scope="session")
def secure_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """The same with SASL and TLS listeners and certificates."""
    yield from running(KafkaBroker(tmp_path_factory.mktemp("secure-broker"), secure=True))


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker for one test, which may stop, kill, freeze and start it."""
    yield from running(KafkaBroker(tmp_path_factory.mktemp("own-broker")))


def running(started: KafkaBroker) -> Iterator[KafkaBroker]:
    started.start()
    yield started
    started.stop()


@pytest.fixture
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """librdkafka's mock broker in a child process: no Java, one member, no transactions."""
    embedded = EmbeddedBroker()
    yield embedded
    embedded.stop()


@pytest.fixture
def nginx_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NginxReceiver]:
    """A receiver that is not ours, answering 204."""
    receiver = NginxReceiver(tmp_path_factory.mktemp("nginx"))
    yield receiver
    receiver.stop()


@pytest.fixture
def kcat() -> Callable[..., bytes]:
    """Run kcat, a Kafka client that is not ours. Ask for it also where only `kafka_topics.produce` is used."""
    from kafka_topics import kcat

    return kcat


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """The log is one for the process: a test that configures it must not silence those after it."""
    output = log._output
    threshold, processors, writer = output.threshold, list(output.processors), output.writer
    yield
    if output.writer is not None and output.writer is not writer:
        output.writer.close(1.0)
    output.threshold, output.processors[:], output.writer = threshold, processors, writer
