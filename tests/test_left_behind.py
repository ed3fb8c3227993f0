"""However a run of the tests ends, none of its processes is left."""

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bridge_process import BridgeProcess
from embedded_broker import EmbeddedBroker
from loopback import wait_until
from support import processes
from support.foreign_receivers import ForeignReceiver, waitress
from support.programs import BROKER, absent

ROOT = Path(__file__).parent.parent
HEED_CTRL_C = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"
)
MARK, SCENE = "LEFT_BEHIND_MARK", "LEFT_BEHIND_SCENE"


def marked(mark: str) -> dict[int, str]:
    """The processes with this mark in their environment, by pid: their command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it has ended
            continue
    return found


@pytest.mark.skipif(SCENE not in os.environ, reason="run by the test below, in a run of its own")
@pytest.mark.parametrize("side", ["one worker", "the other"])
def test_scene(request: pytest.FixtureRequest, side: str, tmp_path: Path) -> None:
    """All kinds of processes, one of them stopped; then it says that it is ready, and waits for its end."""
    embedded = EmbeddedBroker()
    broker = embedded.bootstrap if absent(BROKER) else request.getfixturevalue("broker").bootstrap
    receiver = ForeignReceiver(tmp_path / "receiver", waitress)
    stopped = processes.start(["sleep", "300"])
    comm = Path(f"/proc/{stopped.pid}/comm")
    wait_until(lambda: comm.read_text() == "sleep\n", timeout=60, what="the program is on its way")
    stopped.send_signal(signal.SIGSTOP)
    kafka = {"bootstrap_servers": broker, "topics": "events", "group_id": "left-behind"}
    with BridgeProcess(tmp_path / "bridge", {"kafka": kafka, "notifications": {"url": receiver.url}}):
        Path(os.environ[SCENE], side).touch()
        time.sleep(300)


def command_of(found: dict[int, str], *words: str) -> int:
    """The pid of the first process whose command has all these words."""
    return next(pid for pid, command in sorted(found.items()) if all(word in command for word in words))


ENDS: dict[str, Callable[[dict[int, str], int], None]] = {
    "Ctrl-C in the terminal": lambda _, runner: os.killpg(runner, signal.SIGINT),
    "SIGTERM to make": lambda _, runner: os.kill(runner, signal.SIGTERM),
    "SIGKILL of make": lambda _, runner: os.kill(runner, signal.SIGKILL),
    "SIGKILL of pytest": lambda found, _: os.kill(command_of(found, "-m pytest"), signal.SIGKILL),
}


@pytest.fixture
def mark() -> Iterator[str]:
    """A mark of its own; what still carries it at the end is killed, so that a failure leaves nothing either."""
    mark = uuid.uuid4().hex
    yield mark
    for pid in marked(mark):
        os.kill(pid, signal.SIGKILL)


CHOSEN = f"ARGS=-n 2 --dist each {Path(__file__).relative_to(ROOT)} -k test_scene"


@pytest.mark.needs("make", "setpriv", "proc")
@pytest.mark.parametrize(
    ("end", "arguments"),
    [(end, [CHOSEN]) for end in ENDS] + [("SIGKILL of make", [])],  # no arguments: step by step
)
def test_a_run_that_ends_in_any_way_leaves_no_process(
    end: str, arguments: list[str], mark: str, tmp_path: Path
) -> None:
    unset = ("PYTEST_", "GUARDED", "MAKE", "STEP", "TESTS", "PYTHON")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    environ["STEPS"] = str(tmp_path / "steps")
    if not arguments:
        environ["PYTEST_ADDOPTS"] = (
            f"-k test_scene --ignore-glob={ROOT}/tests/[a-z]*/*"  # what else is there takes long to collect
        )
    # A shell that starts this in the background has set SIGINT to be ignored, which is inherited.
    command = [sys.executable, "-c", HEED_CTRL_C, "make", "test", *arguments]
    with (tmp_path / "log").open("wb") as log:
        runner = processes.start(
            command,
            cwd=ROOT,
            env={**environ, MARK: mark, SCENE: str(tmp_path)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    wait_until((tmp_path / "one worker").exists, timeout=150, what=f"the scene: {(tmp_path / 'log').read_text()}")
    running = marked(mark)
    assert len(running) > 6, running

    ENDS[end](running, runner.pid)

    wait_until(lambda: not marked(mark), timeout=30, what="the end of all processes")
    runner.wait(10)
