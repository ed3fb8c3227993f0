"""The bridge's log: event names with fields, one line each, JSON or for a terminal.

`configure` is called once at start; loggers may be made before it. Lines of libraries that use `logging` go the same
way from WARNING on. Nothing here waits for the reader of the log (see log_writer).
"""

import atexit
import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from bridge.edge.log_mask import masked, safe_url
from bridge.edge.log_repeats import Repeated
from bridge.edge.log_writer import LineWriter

__all__ = ["TRACE", "Logger", "Repeated", "configure", "dropped_lines", "flush", "get_logger", "safe_url"]

#: Below DEBUG: one line for each POST.
TRACE = 5
LEVELS = {"TRACE": TRACE, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
Level = Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"]

#: Seconds that the end of the process waits for the log's reader.
FLUSH_AT_EXIT = 1.0

_encoder = msgspec.json.Encoder(enc_hook=repr)


class _Output:
    """Where lines go, and from which level on. One for the process; `configure` fills it."""

    def __init__(self) -> None:
        self.threshold = LEVELS["INFO"]
        self.processors: list[Processor] = []
        self.writer: LineWriter | None = None

    def put(self, line: str) -> None:
        """Hand a rendered line over; before `configure`, to stderr."""
        if self.writer is None:
            sys.stderr.write(line + "\n")
        else:
            self.writer.put(line)

    # structlog hands the rendered line to the method that is called like the level.
    trace = debug = info = warning = error = put


_output = _Output()


class Logger(structlog.BoundLoggerBase):
    """Logs events by name: `log.warning("post_failed", reason="connect", url=safe_url(url))`.

    `bind(**fields)` makes one that adds fields to each line; `exc_info=error` adds the traceback.
    """

    def enabled(self, level: int) -> bool:
        """Whether lines of this level are written: to ask before making costly fields."""
        return level >= _output.threshold

    def trace(self, event: str, **fields: object) -> None:
        """One line for each notification; only these say that something went well."""
        if _output.threshold <= TRACE:
            self._proxy_to_logger("trace", event, **fields)

    def debug(self, event: str, **fields: object) -> None:
        """For the developer of the bridge."""
        if _output.threshold <= logging.DEBUG:
            self._proxy_to_logger("debug", event, **fields)

    def info(self, event: str, **fields: object) -> None:
        """Start, stop, rebalances: a few lines an hour."""
        if _output.threshold <= logging.INFO:
            self._proxy_to_logger("info", event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something was lost, or will be; the bridge goes on."""
        if _output.threshold <= logging.WARNING:
            self._proxy_to_logger("warning", event, **fields)

    def error(self, event: str, **fields: object) -> None:
        """The bridge does not go on, or not with all of its work."""
        self._proxy_to_logger("error", event, **fields)


def get_logger(name: str) -> Logger:
    """A logger that says `name` in each line: the module's `__name__`."""
    return Logger(_output, _output.processors, {"logger": name})


def configure(level: Level, format: Literal["json", "console"], stream: TextIO | None = None) -> None:  # noqa: A002 (the setting's name)
    """Write lines of `level` and above to `stream` (default: stdout). A second call replaces the first."""
    stream = stream or sys.stdout
    before = _output.writer
    _output.threshold = LEVELS[level]
    _output.processors[:] = _processors(format, colours=stream.isatty())
    _output.writer = LineWriter(stream, _drop_report)
    if before is not None:
        before.close(FLUSH_AT_EXIT)
    _take_over_logging()


def flush(timeout: float = FLUSH_AT_EXIT) -> bool:
    """Wait until what was logged so far is written; False after `timeout` seconds. Done at exit by itself."""
    return _output.writer is None or _output.writer.flush(timeout)


def dropped_lines() -> int:
    """Lines that were not written because nobody read the log fast enough."""
    return 0 if _output.writer is None else _output.writer.dropped


def _processors(format: str, *, colours: bool) -> list[Processor]:  # noqa: A002 (the setting's name)
    render: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=colours)
    )
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Before the masks; and for the terminal too, whose own tracebacks show the values of local variables.
        structlog.processors.format_exc_info,
        _order_and_mask,
        render,
    ]


def _order_and_mask(_logger: object, _method: str, fields: EventDict) -> EventDict:
    first = {name: fields.pop(name) for name in ("timestamp", "level", "event")}
    return {**first, **masked(fields)}


def _to_json(fields: Mapping[str, object], **_options: object) -> str:
    """One line of JSON, whatever the fields hold: a log call never raises."""
    try:
        return _encoder.encode(fields).decode()
    except (TypeError, ValueError, RecursionError):  # half a surrogate pair, a key that is no text, a circle
        return json.dumps({str(name): repr(value) for name, value in fields.items()})


def _drop_report(lines: int) -> str:
    """The line that stands for `lines` dropped ones."""
    fields: EventDict = {"event": "log_lines_dropped", "logger": __name__, "count": lines}
    for processor in _output.processors:
        fields = processor(_output, "warning", fields)  # type: ignore[assignment]
    return str(fields)


class _FromLibraries(logging.Handler):
    """Lines of libraries, in the bridge's own form. kafka-python says of a topic that is missing ten times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._repeated = Repeated()  # guarded by the lock of logging's own

    def emit(self, record: logging.LogRecord) -> None:
        if _read_after_close(record):
            return
        try:
            logger, text = get_logger(record.name), record.getMessage()
            emit = logger.error if record.levelno >= logging.ERROR else logger.warning
            kind = record.name, record.levelno, re.sub(r"[0-9.]+", "#", text)  # times and ports differ each time
            self._repeated.say(emit, "library", kind, time.monotonic(), message=text, exc_info=record.exc_info)
        except Exception:  # noqa: BLE001 (a broken format string of a library must not end the bridge)
            self.handleError(record)


def _read_after_close(record: logging.LogRecord) -> bool:
    """Whether kafka-python (3.0.12) only says, with a traceback, that it read from a connection it had just closed."""
    error = record.exc_info[1] if record.exc_info else None
    return record.name == "kafka.net.transport" and isinstance(error, AttributeError)


def _take_over_logging() -> None:
    root = logging.getLogger()
    root.handlers[:] = [_FromLibraries()]
    root.setLevel(logging.WARNING)


_output.processors[:] = _processors("json", colours=False)
atexit.register(flush)
