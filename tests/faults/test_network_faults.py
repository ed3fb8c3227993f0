"""A network between bridge and broker that cuts, slows down or swallows; the broker itself is well."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from faults.harness.case import MakeCase
from faults.harness.history import Mode
from faults.harness.proxy import ProxiedBroker, Proxy
from faults.harness.scenes import LONG, PATIENT, SHORT, outage
from support.programs import BROKER

pytestmark = [pytest.mark.faults, pytest.mark.needs(*BROKER)]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedBroker]:
    broker = ProxiedBroker(tmp_path_factory.mktemp("proxied-broker"))
    with broker.proxy:
        broker.start()
        yield broker
        broker.stop()


@contextmanager
def cut(proxy: Proxy, seconds: float) -> Iterator[None]:
    proxy.cut()
    time.sleep(seconds)
    proxy.mend()
    yield


@contextmanager
def half_open(proxy: Proxy, seconds: float) -> Iterator[None]:
    proxy.silence()
    time.sleep(seconds)
    proxy.mend(forget=True)
    yield


@contextmanager
def late(proxy: Proxy, seconds: float) -> Iterator[None]:
    """What was written meanwhile is delivered afterwards: a commit of an old generation, for one."""
    proxy.silence()
    time.sleep(seconds)
    proxy.mend()
    yield


@contextmanager
def slow(proxy: Proxy, seconds: float) -> Iterator[None]:
    proxy.delay = seconds
    try:
        yield
    finally:
        proxy.delay = 0.0


@pytest.mark.parametrize("name", ["cut", "half_open", "late", "slow"])
def test_a_network_fault_shorter_than_the_session(
    make_case_on: MakeCase, proxied: ProxiedBroker, mode: Mode, name: str
) -> None:
    faults = {"cut": (cut, 2.0), "half_open": (half_open, 3.0), "late": (late, 3.0), "slow": (slow, 0.3)}
    fault, seconds = faults[name]
    case = make_case_on(
        f"network: {name.replace('_', '-')} {seconds:g} s",
        proxied.direct,
        mode=mode,
        bootstrap=proxied.proxied,
        settings={"kafka": {"session_timeout": SHORT}},
    )
    outage(case, fault(proxied.proxy, seconds), losing=False)


@pytest.mark.parametrize("name", ["cut", "half_open", "late"])
def test_a_network_fault_longer_than_the_session(
    make_case_on: MakeCase, proxied: ProxiedBroker, mode: Mode, name: str
) -> None:
    fault = {"cut": cut, "half_open": half_open, "late": late}[name]
    case = make_case_on(
        f"network: {name.replace('_', '-')}, longer than the session",
        proxied.direct,
        mode=mode,
        bootstrap=proxied.proxied,
        settings={"kafka": {"session_timeout": LONG}, "http": PATIENT},
    )
    outage(case, fault(proxied.proxy, LONG + 5), losing=True)
