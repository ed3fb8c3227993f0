"""The programs that tests need besides Python: how each is found, what it is for, and how it is installed.

A test names what it needs by a fixture (FIXTURES) or by `@pytest.mark.needs("promtool")`; a helper demands it. Where a program is missing the
test is skipped and the end of the run says so; with CI=true it fails.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pytest

_SBIN = "/usr/sbin:/usr/local/sbin:/sbin"  # where Debian keeps programs that only root finds


def path_of(*names: str) -> str | None:
    """The path of the first of these programs that is installed."""
    return next((found for name in names if (found := shutil.which(name) or shutil.which(name, path=_SBIN))), None)


@dataclass(frozen=True)
class Need:
    """`what`: what can't be tested without it. `install`: the command, or what else to do."""

    what: str
    install: str
    there: Callable[[], bool]


def _program(what: str, package: str, *names: str) -> Need:
    return Need(what, f"apt-get install {package}", lambda: path_of(*names) is not None)


NEEDS: Mapping[str, Need] = {
    "java": _program("the bridge with a real Apache Kafka broker", "openjdk-17-jre-headless", "java"),
    "mvn": _program("the bridge with a real Apache Kafka broker, whose jars Maven fetches", "maven", "mvn"),
    "openssl": _program("TLS and certificates", "openssl", "openssl"),
    "kcat": _program(
        "records written and read by kcat (librdkafka from Python runs without it)", "kcat", "kcat", "kafkacat"
    ),
    "nginx": _program("notifications received by nginx (waitress receives them without it)", "nginx-light", "nginx"),
    "promtool": _program("the metrics page and the alert rules as Prometheus reads them", "prometheus", "promtool"),
    "make": _program("the Makefile", "make", "make"),
    "git": _program("the mutations of the sources", "git", "git"),
    "ipv6": Need("the admin server on IPv6", "an IPv6 loopback address", socket.has_dualstack_ipv6),
    "proc": Need("metrics of the process", "Linux", lambda: sys.platform == "linux"),
    "setpriv": _program("that nothing of a killed run is left", "util-linux", "setpriv"),
}

BROKER = ("java", "mvn")

_REASON = "not installed: "

#: What the fixtures of tests/conftest.py need.
FIXTURES: Mapping[str, tuple[str, ...]] = {
    "broker": BROKER,
    "own_broker": BROKER,
    "secure_broker": (*BROKER, "openssl"),
}


def needed(item: pytest.Item) -> Iterable[str]:
    """Names of NEEDS that this test has."""
    for fixture in getattr(item, "fixturenames", ()):
        yield from FIXTURES.get(fixture, ())
    for mark in item.iter_markers("needs"):
        yield from mark.args


def absent(names: Iterable[str]) -> list[str]:
    """Those of them that are not here, each once."""
    return [name for name in dict.fromkeys(names) if not NEEDS[name].there()]


def require(item: pytest.Item) -> None:
    """Skips a test that can't be run here; with CI=true it fails instead."""
    demand(*needed(item))


def demand(*names: str) -> None:
    """The same for whatever test is running: what helpers call that start a program."""
    lacking = " ".join(absent(names))
    if lacking and os.environ.get("CI") == "true":
        pytest.fail(f"not installed: {lacking} (CI=true: a failure)", pytrace=False)
    if lacking:
        pytest.skip(f"{_REASON}{lacking}")


def report(skipped: Iterable[pytest.TestReport]) -> Iterable[str]:
    """A line for each thing that was missing: tests, purpose, command."""
    counts: dict[str, int] = {}
    for one in skipped:
        reason = one.longrepr[2] if isinstance(one.longrepr, tuple) else ""
        for name in reason.partition(_REASON)[2].split():
            counts[name] = counts.get(name, 0) + 1
    for name, count in counts.items():
        need = NEEDS[name]
        yield f"NOT RUN for want of {name}: {count} tests of {need.what}. Install it: {need.install}"
