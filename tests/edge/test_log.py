"""What the log writes, what it hides, and that it never holds the bridge up."""

import fcntl
import io
import json
import logging
import os
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka.errors import KafkaConnectionError
from kafka.net.transport import KafkaTCPTransport
from support import processes

from bridge.edge import log as bridge_log
from bridge.edge.log import TRACE, Repeated, configure, dropped_lines, flush, get_logger, safe_url


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    assert flush(5)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(secret: str) -> None:
    raise OSError(f"no way to https://user:pw@host/path?key=1 {len(secret)}")


def test_a_line_is_json_with_time_level_event_and_fields() -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream)

    get_logger("bridge.pipeline").bind(topic="events").info("started", partitions=3)

    [line] = lines(stream)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "event": "started",
        "logger": "bridge.pipeline",
        "topic": "events",
        "partitions": 3,
    }


def test_the_time_is_utc() -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream)

    get_logger("x").info("now")

    assert abs(datetime.fromisoformat(lines(stream)[0]["timestamp"]) - datetime.now(UTC)).total_seconds() < 60


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("TRACE", ["trace", "debug", "info", "warning", "error"]),
        ("DEBUG", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("WARNING", ["warning", "error"]),
        ("ERROR", ["error"]),
    ],
)
def test_lines_below_the_level_are_not_written(level: Any, written: list[str]) -> None:
    stream = io.StringIO()
    log = get_logger("made before configure")
    configure(level, "json", stream)

    for name in ("trace", "debug", "info", "warning", "error"):
        getattr(log, name)("event")

    assert [line["level"] for line in lines(stream)] == written
    assert log.enabled(TRACE) == (level == "TRACE")


def test_an_error_has_its_traceback_in_the_same_line_and_no_local_variables() -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream)

    try:
        fail(secret=f"the-{'local'}")
    except OSError as error:
        get_logger("x").error("failed", exc_info=error)

    [line] = lines(stream)
    assert "OSError: no way to https://host/path 9" in line["exception"]
    assert "test_log.py" in line["exception"]
    assert "the-local" not in line["exception"]


def test_the_console_form_shows_tracebacks_without_local_variables_too() -> None:
    stream = io.StringIO()
    configure("INFO", "console", stream)

    try:
        fail(secret=f"the-{'local'}")
    except OSError as error:
        get_logger("x").error("failed", url="https://user:pw@host/", exc_info=error)

    assert flush(5)
    assert "failed" in stream.getvalue()
    assert "OSError: no way to https://host/path 9" in stream.getvalue()
    assert "the-local" not in stream.getvalue()
    assert "pw" not in stream.getvalue()


@pytest.mark.parametrize(
    "name", ["password", "sasl_password", "bearer_token", "Token", "client_secret", "Authorization", "api_key"]
)
def test_fields_named_like_secrets_are_masked_at_any_depth(name: str) -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream)

    get_logger("x").info("settings", **{name: "hunter2"}, nested={"list": [{name: "hunter2"}]})

    [line] = lines(stream)
    assert line[name] == "***"
    assert line["nested"] == {"list": [{name: "***"}]}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@host:8443/a/b?token=1#there", "https://host:8443/a/b"),
        ("http://host", "http://host"),
        ("http://p@ss@host/x", "http://host/x"),
        ("http://[::1]:80/x?y", "http://[::1]:80/x"),
        ("http://[::1/x?secret", "(not a URL)"),
        ("/only/a/path?q=1", "/only/a/path"),
    ],
)
def test_a_safe_url_has_no_userinfo_and_no_query(url: str, shown: str) -> None:
    assert safe_url(url) == shown


def test_urls_inside_any_text_are_made_safe() -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream)

    get_logger("x").info("e", text='POST "https://u:p@h/x?t=1" failed', error=ValueError("see amqp://u:p@h?x"), n=[1])

    [line] = lines(stream)
    assert line["text"] == 'POST "https://h/x" failed'
    assert line["error"] == "ValueError: see amqp://h"
    assert line["n"] == [1]


def test_fields_that_are_no_json_are_still_a_line_of_json() -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream)
    circle: dict[str, object] = {}
    circle["self"] = circle

    log = get_logger("x")
    log.info("a", nan=float("nan"), object=object, broken="\ud800", text="line\nbreak Ünïcode")
    log.info("b", circle=circle, keys={1: 2}, bytes=b"\xff")
    log.info("c", long="x" * 100_000)

    written = lines(stream)
    assert [line["event"].strip("'") for line in written] == ["a", "b", "c"]
    assert len(written[2]["long"]) < 10_000


def test_lines_of_libraries_come_in_the_same_form_from_warning_on() -> None:
    stream = io.StringIO()
    configure("DEBUG", "json", stream)

    logging.getLogger("httpx").info("HTTP Request: POST %s", "http://host")
    logging.getLogger("kafka.net").warning("connection to %s lost", "http://u:p@host?q")
    try:
        fail(secret="")
    except OSError:
        logging.getLogger("asyncio").exception("never retrieved")

    warning, error = lines(stream)
    assert warning.items() >= {
        "level": "warning", "event": "library", "logger": "kafka.net", "message": "connection to http://host lost"
    }.items()  # fmt: skip
    assert error["level"] == "error"
    assert "OSError: no way" in error["exception"]


def test_kafka_python_s_read_from_a_connection_that_it_has_closed_is_no_error() -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream)
    assert isinstance(KafkaTCPTransport(None, None)._sock_recv()[1], KafkaConnectionError)
    assert lines(stream) == []

    with socket.socket() as never_connected:
        KafkaTCPTransport(None, never_connected)._sock_recv()
    (line,) = lines(stream)
    assert "OSError" in line["exception"]


def test_a_library_s_broken_format_string_does_not_raise(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    configure("INFO", "json", stream)

    logging.getLogger("kafka").warning("%d", "no number")

    assert lines(stream) == []


class BlockedPipe:
    """A pipe of the smallest size; nobody reads until `read_all`."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        self.writer = os.fdopen(write, "w")

    def read_all(self) -> list[dict[str, Any]]:
        """Read from now on, until what was logged is written; returns the lines."""
        chunks: list[bytes] = []
        reader = threading.Thread(target=lambda: chunks.extend(iter(lambda: os.read(self._read, 65536), b"")))
        reader.start()
        assert flush(10)
        configure("INFO", "json", io.StringIO())
        self.writer.close()
        reader.join(10)
        os.close(self._read)
        return [json.loads(line) for line in b"".join(chunks).splitlines()]


def test_a_pipe_that_nobody_reads_does_not_hold_the_bridge_up_and_lost_lines_are_counted() -> None:
    pipe = BlockedPipe()
    configure("INFO", "json", pipe.writer)
    log = get_logger("x")

    for n in range(20_000):
        log.info("event", n=n)

    dropped = dropped_lines()
    assert dropped > 10_000
    written = pipe.read_all()
    events = [line["n"] for line in written if line["event"] == "event"]
    reports = [line["count"] for line in written if line["event"] == "log_lines_dropped"]
    assert events == sorted(events)
    assert len(events) + dropped == 20_000
    assert sum(reports) == dropped


def test_a_reader_that_has_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        configure("INFO", "json", gone)
        get_logger("x").info("event")
        assert flush(5)
        get_logger("x").info("event")
        assert flush(5)

        assert dropped_lines() >= 2
        configure("INFO", "json", io.StringIO())


def test_a_descriptor_that_somebody_made_non_blocking_loses_nothing() -> None:
    pipe = BlockedPipe()
    os.set_blocking(pipe.writer.fileno(), False)
    configure("INFO", "json", pipe.writer)

    for n in range(1_000):
        get_logger("x").info("event", n=n)

    assert [line["n"] for line in pipe.read_all()] == list(range(1_000))


PROGRAM = """
    import sys, time
    from bridge.edge.log import configure, get_logger
    configure("INFO", "json")
    for n in range(int(sys.argv[1])):
        get_logger("x").info("event", n=n)
"""


def test_what_was_logged_last_is_written_when_the_process_ends() -> None:
    done = processes.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), "500"], capture_output=True, timeout=30, check=True
    )

    assert [json.loads(line)["n"] for line in done.stdout.splitlines()] == list(range(500))
    assert done.stderr == b""


def test_the_process_ends_within_seconds_though_nobody_reads_its_log() -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), "20000"]
    with processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.wait(20) == 0
        finally:
            program.kill()
        assert program.stderr is not None
        assert program.stderr.read() == ""


def test_a_second_configure_replaces_the_first() -> None:
    first, second = io.StringIO(), io.StringIO()
    log = get_logger("x")
    configure("INFO", "json", first)
    log.info("one")
    configure("WARNING", "json", second)
    log.info("two")
    log.warning("three")

    assert [line["event"] for line in lines(second)] == ["three"]
    assert [json.loads(line)["event"] for line in first.getvalue().splitlines()] == ["one"]


class SlowStream(io.StringIO):
    def write(self, text: str) -> int:
        threading.Event().wait(0.2)
        return super().write(text)


def test_configure_returns_when_the_lines_before_it_are_written() -> None:
    slow = SlowStream()
    configure("INFO", "json", slow)
    get_logger("x").info("event")

    configure("INFO", "json", io.StringIO())

    assert json.loads(slow.getvalue())["event"] == "event"


def test_a_logger_made_before_takes_the_new_form_and_level() -> None:
    stream = io.StringIO()
    configure("INFO", "json", io.StringIO())
    log = get_logger("x")
    configure("DEBUG", "console", stream)
    log.debug("event", n=1)

    assert flush(5)
    assert "n=1" in stream.getvalue()


def test_nothing_is_written_to_a_stream_that_was_replaced() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        configure("INFO", "json", gone)
        get_logger("x").info("lost")
        configure("INFO", "json", io.StringIO())

    # The number of the closed pipe is the next file's.
    read, write = os.pipe()
    os.set_blocking(read, False)
    get_logger("x").info("event")
    assert flush(5)
    with pytest.raises(BlockingIOError):
        os.read(read, 1)
    os.close(read)
    os.close(write)


class Written(list[tuple[str, dict[str, object]]]):
    def emit(self, event: str, **fields: object) -> None:
        self.append((event, fields))


def test_the_first_of_a_kind_is_written_at_once_and_repeats_are_counted() -> None:
    written, repeated = Written(), Repeated(interval=10)

    for now in (0.0, 1.0, 2.0, 9.9, 10.0, 11.0):
        repeated.say(written.emit, "post_failed", "connect", now, at=now)
    repeated.say(written.emit, "post_failed", "tls", 11.0, at="other kind")

    assert written == [
        ("post_failed", {"at": 0.0}),
        ("post_failed", {"at": 10.0, "suppressed": 3}),
        ("post_failed", {"at": "other kind"}),
    ]


def test_the_end_of_a_burst_is_written_by_the_tick_with_its_count() -> None:
    written, repeated = Written(), Repeated(interval=10)
    for now in (0.0, 1.0, 2.0, 3.0):
        repeated.say(written.emit, "post_failed", "connect", now, at=now)

    repeated.tick(9.0)
    assert len(written) == 1
    repeated.tick(10.0)
    repeated.tick(30.0)

    # Four in all: two written, two not.
    assert written == [("post_failed", {"at": 0.0}), ("post_failed", {"at": 3.0, "suppressed": 2})]


def test_a_kind_long_quiet_is_written_at_once_again() -> None:
    written, repeated = Written(), Repeated(interval=10)
    repeated.say(written.emit, "post_failed", "connect", 0.0)
    repeated.tick(10.0)
    repeated.say(written.emit, "post_failed", "connect", 10.5)

    assert written == [("post_failed", {}), ("post_failed", {})]


def test_kinds_without_end_are_forgotten_oldest_first() -> None:
    written, repeated = Written(), Repeated(interval=10)
    for kind in range(5_000):
        repeated.say(written.emit, "e", kind, 0.0)
    written.clear()

    repeated.say(written.emit, "e", 4_999, 1.0)
    repeated.say(written.emit, "e", 0, 1.0)

    assert len(written) == 1


def test_before_configure_lines_go_to_stderr() -> None:
    program = "from bridge.edge.log import get_logger; get_logger('x').error('early', password='p')"
    done = processes.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)

    assert json.loads(done.stderr)["event"] == "early"
    assert json.loads(done.stderr)["password"] == "***"
    assert bridge_log.TRACE < logging.DEBUG
