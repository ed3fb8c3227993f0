"""`ocs-bridge demo` as a newcomer runs it: the real bridge, in a process and a terminal of its own."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from kafka_broker import KafkaBroker
from support import processes

DEMO = [sys.executable, "-m", "bridge", "demo"]


def counted(text: str, pattern: str) -> int:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in:\n{text}"
    return int(found[1])


def checked(text: str) -> None:
    """The summary's numbers agree with each other."""
    written = counted(text, r"written to Kafka +(\d+) records")
    assert counted(text, r"consumed (\d+)") == written
    ends = ("posted", "absorbed", "skipped", "quarantined")
    assert sum(counted(text, rf"{end} (\d+)") for end in ends) == written
    received = counted(text, r"received +(\d+) notifications")
    assert received == counted(text, r"delivered (\d+)") + counted(text, r"failed (\d+)") > 0
    assert "0 with problems, 0 duplicates, 0 out of order" in text
    assert re.search(r"first notification +\d{1,2}\.\d s after the start", text)


def test_without_a_terminal_it_prints_lines_and_a_summary_and_ends_by_itself() -> None:
    command = [*DEMO, "--for", "10s", "--rate", "60", "--bad", "0.05"]
    done = processes.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert "http://127.0.0.1:" in done.stdout
    assert "for trying only" in done.stdout
    assert counted(done.stdout, r"quarantined (\d+)") > 0
    checked(done.stdout)


def shown(terminal: int, until: str, timeout: float) -> str:
    """What appears on the terminal until it matches, or ends."""
    text, deadline = "", time.monotonic() + timeout
    while time.monotonic() < deadline and not re.search(until, text):
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                text += os.read(terminal, 65_536).decode("utf-8", "replace")
            except OSError:  # Linux says so when the other side is gone
                break
    return text


def test_in_a_terminal_it_shows_a_live_picture_until_ctrl_c_and_leaves_the_terminal_as_it_was() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"}
    process = processes.start(DEMO, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True)
    os.close(theirs)
    try:
        picture = shown(ours, r"StartDialing", 40)
        assert "\x1b[?1049h" in picture, picture
        assert re.search(r"Campaign groups.*StartDialing", picture, re.DOTALL)
        process.send_signal(signal.SIGINT)
        rest = shown(ours, r"first notification.*\n", 30)
        assert process.wait(30) == 0
    finally:
        process.kill()
        os.close(ours)
    _, restored, summary = rest.partition("\x1b[?1049l")
    assert restored
    assert "Traceback" not in rest
    checked(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", summary))


@pytest.mark.parametrize("after", [0.3, 1.0, 2.0, 4.0])
def test_ctrl_c_ends_it_cleanly_at_any_moment_of_the_start(after: float) -> None:
    process = processes.start([*DEMO], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # the URLs: everything is up but the bridge's membership
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert time.monotonic() - begin < 15
    assert "Traceback" not in errors
    assert "written to Kafka" in output


@pytest.mark.long
def test_it_works_with_a_real_broker_and_goes_on_where_it_was(broker: KafkaBroker) -> None:
    for _ in range(2):
        command = [*DEMO, "--for", "8s", "--rate", "50", "--broker", broker.bootstrap]
        done = processes.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "embedded" not in done.stdout
        checked(done.stdout)
