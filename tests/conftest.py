"""Fixtures for tests with a real broker and a foreign receiver, and what becomes of them where these are missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_broker import EmbeddedBroker
from hypothesis import HealthCheck, settings
from kafka_broker import KafkaBroker
from support import processes, programs
from support.examples import ALL
from support.foreign_clients import ForeignClient, Kcat, Librdkafka
from support.foreign_receivers import ForeignReceiver, nginx, waitress
from support.shared_brokers import SharedBrokers

from bridge.edge import log

# No example fails for its time: the machine may be busy. The few examples of a quick run are the same each time.
settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=not ALL)
settings.load_profile("any-speed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--step", choices=["rest", "alone"], help="the step of tools/test.sh to run")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        processes.end_with_parent()
    config.pluginmanager.register(SharedBrokers(), "shared brokers")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The tests that wait longest begin first: none of them is left for the end, when other workers have nothing to do."""
    for item in items:
        if {"own_broker", "guarded"} & set(getattr(item, "fixturenames", ())):  # a broker of its own: seconds of CPU
            item.add_marker("long")
        if item.get_closest_marker("faults_ci") or _mixed(item):
            item.add_marker("long")
    if step := config.getoption("--step"):
        chosen = [item for item in items if _in_step(item, step)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
    order = ("faults", "broker", "e2e")
    items.sort(key=lambda item: order.index(name) if (name := item.path.parent.name) in order else len(order))


def _mixed(item: pytest.Item) -> bool:
    """Whether a test has a foreign client and a foreign receiver of which one is a package, and one a program.

    A first look has the packages together, and the programs together: with both, each of them has run.
    """
    chosen = getattr(item, "callspec", None)
    both = [chosen.params.get(name) for name in ("foreign_client", "foreign_receiver")] if chosen else []
    return None not in both and both in (["librdkafka", "nginx"], ["kcat", "waitress"])


def _in_step(item: pytest.Item, step: str) -> bool:
    """What takes long is in none, unless all tests are asked for."""
    long = item.get_closest_marker("long") is not None and not ALL
    return not long and (item.get_closest_marker("alone") is not None) == (step == "alone")


def pytest_runtest_setup(item: pytest.Item) -> None:
    programs.require(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in programs.report(terminalreporter.getreports("skipped")):
        terminalreporter.write_line(line, red=True, bold=True)


def _shared(request: pytest.FixtureRequest, kind: str) -> KafkaBroker:
    plugin = request.config.pluginmanager.getplugin("shared brokers")
    assert isinstance(plugin, SharedBrokers)
    return plugin.get(request.config, kind)


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> KafkaBroker:
    """One real Apache Kafka for all tests of a run. Leave it running; topics and groups by `fresh_name`."""
    return _shared(request, "plain")


@pytest.fixture(scope="session")
def secure_broker(request: pytest.FixtureRequest) -> KafkaBroker:
    """The same with SASL and TLS listeners and certificates."""
    return _shared(request, "secure")


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


@pytest.fixture(params=["librdkafka", pytest.param("kcat", marks=pytest.mark.needs("kcat"))])
def foreign_client(request: pytest.FixtureRequest) -> ForeignClient:
    """Kafka clients that are not ours."""
    return Kcat() if request.param == "kcat" else Librdkafka()


@pytest.fixture(params=["waitress", pytest.param("nginx", marks=pytest.mark.needs("nginx"))])
def foreign_receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForeignReceiver]:
    """HTTP servers that are not ours."""
    receiver = ForeignReceiver(tmp_path / "receiver", nginx if request.param == "nginx" else waitress)
    yield receiver
    receiver.stop()


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """The log is one for the process: a test that configures it must not silence those after it."""
    output = log._output
    threshold, processors, writer = output.threshold, list(output.processors), output.writer
    yield
    if output.writer is not None and output.writer is not writer:
        output.writer.close(1.0)
    output.threshold, output.processors[:], output.writer = threshold, processors, writer
