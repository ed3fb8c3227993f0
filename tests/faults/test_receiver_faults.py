"""A receiver that misbehaves: each event is attempted once, in order, and what is known of the attempt is counted."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from edge import scripts
from edge.receivers import FullBacklog, Line, Script
from faults.harness.case import MakeCase
from faults.harness.history import Mode
from faults.harness.recorder import Recorder
from faults.harness.scenes import FAULTY, SETTINGS, playing, through

pytestmark = pytest.mark.faults
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n"


@dataclass(frozen=True)
class Fault:
    """`outcome` of all that is posted while `script` is played: sent, rejected, not_sent, ambiguous; or one `or` another."""

    script: Script
    outcome: str


def silent(line: Line) -> None:
    """Reads nothing at all, until the peer gives up."""
    line.wait()


def close_when_idle(line: Line) -> None:
    """Answer, and close the connection a moment later: often just when the next POST is on its way."""
    line.request()
    line.send(scripts.http(200))
    line.wait(0.005)


FAULTS = {
    "resets on accept": Fault(scripts.reset_on_accept, "ambiguous or not_sent"),  # not sent: the reset came first
    "resets before reading all": Fault(scripts.reset_after(10), "ambiguous"),
    "resets within the body": Fault(scripts.reset_within_body, "ambiguous"),
    "resets after the body": Fault(scripts.reset_after_request, "ambiguous"),
    "closes after the body": Fault(scripts.close_after_request, "ambiguous"),
    "never reads": Fault(silent, "ambiguous"),
    "never answers": Fault(scripts.never_answer, "ambiguous"),
    "drips a byte a second": Fault(scripts.drip(b"", scripts.bytewise(scripts.http(200)), 1.0), "ambiguous"),
    "answers no HTTP": Fault(scripts.answer_and_close(b"SSH-2.0-OpenSSH_9.2\r\n"), "ambiguous"),
    "100 Continue first": Fault(scripts.answer_raw(b"HTTP/1.1 100 Continue\r\n\r\n", scripts.http(200)), "sent"),
    "103 Early Hints first": Fault(
        scripts.answer_raw(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", scripts.http(204)), "sent"
    ),
    "HTTP/1.0": Fault(scripts.answer_and_close(b"HTTP/1.0 200 OK\r\n\r\nfine"), "sent"),
    "2xx with 10 GB": Fault(scripts.endless(ENDLESS, b"x" * 65_536), "sent"),
    "answers before the body": Fault(scripts.answer_early(200), "sent"),
    **{
        str(status): Fault(scripts.answer(status, headers), "rejected")
        for status, headers in {
            401: {"WWW-Authenticate": 'Basic realm="x"'},
            407: {"Proxy-Authenticate": 'Basic realm="x"'},
            408: {"Connection": "close"},
            425: {},
            429: {"Retry-After": "1"},
            500: {},
            503: {"Retry-After": "1"},
        }.items()
    },
}
IN_CI = {"resets after the body", "503", "never answers"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, id=n, marks=[pytest.mark.faults_ci] if n in IN_CI else []) for n in FAULTS]
)
def test_an_answer_of_any_kind_ends_the_one_attempt(make_case: MakeCase, mode: Mode, name: str) -> None:
    case = make_case(f"receiver: {name}", mode=mode, journal=True, settings=SETTINGS)
    through(case, FAULTS[name].outcome, playing(case.receiver, FAULTS[name].script))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(make_case: MakeCase, mode: Mode, status: int) -> None:
    case = make_case(f"receiver: {status} to another port", mode=mode, journal=True, settings=SETTINGS)
    with Recorder() as elsewhere:
        moved = scripts.answer(status, {"Location": elsewhere.url})
        through(case, "rejected", playing(case.receiver, moved))
        assert elsewhere.connections == 0


def test_a_refused_connection(make_case: MakeCase, mode: Mode) -> None:
    case = make_case("receiver: refuses", mode=mode, journal=True, settings=SETTINGS)

    @contextlib.contextmanager
    def down() -> Iterator[None]:
        case.receiver.stop()
        yield
        case.receiver.start()

    through(case, "not_sent", down())


def test_a_receiver_that_restarts_under_load(make_case: MakeCase, mode: Mode) -> None:
    case = make_case("receiver: restarts x 4", mode=mode, journal=True, settings=SETTINGS)
    case.ready()
    case.workload.start(rate=200)
    for _ in range(4):
        case.wait_arrived(case.receiver.arrived + 200)
        case.receiver.stop()
        case.receiver.start()
    case.workload.stop()
    case.finish()


def test_a_receiver_that_closes_every_idle_connection(make_case: MakeCase, mode: Mode) -> None:
    case = make_case(
        "receiver: closes idle connections", mode=mode, journal=True, settings=SETTINGS, receiver=close_when_idle
    )
    (member,) = case.ready()
    case.workload.start(rate=200)
    case.wait_arrived(1000)
    case.workload.stop()
    case.finish(note=lambda: f"{member.counts[-1].failed['ambiguous']} of them ambiguous")


def test_a_full_backlog(make_case: MakeCase, mode: Mode) -> None:
    """A connect that nobody answers: only the journal knows of the attempts."""
    with FullBacklog() as full:
        settings = {**SETTINGS, "notifications": {"url": full.url}}
        case = make_case("receiver: full backlog", mode=mode, journal=True, settings=settings)
        (member,) = case.ready()
        case.workload.produce(FAULTY)
        case.finish()
        assert member.counts[-1].failed == {"rejected": 0, "not_sent": FAULTY, "ambiguous": 0}


@pytest.mark.parametrize(("seconds", "outcome"), [(0.2, "sent"), (5.0, "not_sent")], ids=["slow", "too slow"])
def test_slow_names(
    make_case: MakeCase, mode: Mode, seconds: float, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(f"receiver: DNS takes {seconds:g} s", mode=mode, journal=True, settings=SETTINGS)
    monkeypatch.setenv("NAMES_TAKE", str(seconds))
    named = {"notifications": {"url": case.receiver.url.replace("127.0.0.1", "localhost")}}
    (member,) = case.ready(settings=named, command=["-m", "tests.faults.harness.slow_names"])
    case.workload.produce(FAULTY)
    case.finish()
    assert (member.counts[-1].sent if outcome == "sent" else member.counts[-1].failed[outcome]) == FAULTY
