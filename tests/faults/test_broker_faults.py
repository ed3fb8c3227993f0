"""A broker that ends, dies or stands still: nothing is lost; repeated is at most what no checkpoint could be told of."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from faults.harness.case import MakeCase
from faults.harness.history import Mode
from faults.harness.scenes import LONG, PATIENT, SHORT, outage
from faults.harness.variants import VARIANTS
from kafka_broker import KafkaBroker

pytestmark = pytest.mark.faults
Outage = Callable[[KafkaBroker, float], AbstractContextManager[None]]


@contextmanager
def stopped(broker: KafkaBroker, seconds: float) -> Iterator[None]:
    broker.stop()
    time.sleep(seconds)
    broker.start()
    yield


@contextmanager
def killed(broker: KafkaBroker, seconds: float) -> Iterator[None]:
    broker.kill()
    time.sleep(seconds)
    broker.start()
    yield


@contextmanager
def frozen(broker: KafkaBroker, seconds: float) -> Iterator[None]:
    with broker.frozen():
        time.sleep(seconds)
    yield


OUTAGES: dict[str, Outage] = {"SIGTERM": stopped, "kill -9": killed, "SIGSTOP": frozen}


@pytest.mark.parametrize("name", OUTAGES)
def test_an_outage_shorter_than_the_session(
    make_own_case: MakeCase, own_broker: KafkaBroker, mode: Mode, name: str
) -> None:
    case = make_own_case(f"broker: {name}, short", mode=mode, settings={"kafka": {"session_timeout": SHORT}})
    outage(case, OUTAGES[name](own_broker, 5 if name == "SIGSTOP" else 0), losing=False)


@pytest.mark.parametrize("name", OUTAGES)
def test_an_outage_longer_than_the_session(
    make_own_case: MakeCase, own_broker: KafkaBroker, mode: Mode, name: str
) -> None:
    settings = {"kafka": {"session_timeout": LONG}, "http": PATIENT}
    case = make_own_case(f"broker: {name}, longer than the session", mode=mode, settings=settings)
    outage(case, OUTAGES[name](own_broker, LONG + 5), losing=True)


@pytest.mark.parametrize("session", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("name", VARIANTS)
def test_an_outage_of_a_bridge_that_is_set_up_otherwise(
    make_own_case: MakeCase, own_broker: KafkaBroker, mode: Mode, name: str, session: float
) -> None:
    """`session` seconds of it: longer or shorter than the outage."""
    losing = session == LONG
    title = VARIANTS[name].title("broker: kill -9, longer than the session" if losing else "broker: kill -9, short")
    settings = {"kafka": {"session_timeout": session}, "http": PATIENT}
    case = make_own_case(title, mode=mode, settings=settings)
    outage(case, killed(own_broker, LONG + 5 if losing else 0), losing=losing, variant=VARIANTS[name])
