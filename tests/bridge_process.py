"""The whole bridge in a process of its own, as its users run it: a configuration file, signals, HTTP, log lines."""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml
from loopback import PATIENCE, wait_until
from prometheus_client.parser import text_string_to_metric_families
from support import processes

#: Short times, so that what takes 45 s in production takes a few here; all of them hold the rules between settings.
SHORT: dict[str, dict[str, Any]] = {
    "kafka": {
        "auto_offset_reset": "earliest",
        "session_timeout": 6,
        "heartbeat_interval": 0.5,
        "max_poll_interval": 20,
        "properties": {"metadata_max_age_ms": 1000},
    },
    "notifications": {"interval": 0},
    "http": {"timeout": 2, "connect_timeout": 1},
    "delivery": {"checkpoint_interval": 0.2, "drain_timeout": 8},
    "admin": {"host": "127.0.0.1", "port": 0},
    "log": {"level": "INFO", "format": "json"},
}


class Scrape:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> int:
        """The sum of the samples of this name that have these labels; 0 where there is none."""
        wanted = labels.items()
        found = [v for (n, have), v in self.samples.items() if n.removeprefix("ocs_bridge_") == name and wanted <= have]
        return round(sum(found))

    def balanced(self) -> "Scrape":
        """Itself, once both identities of the architecture hold."""
        ends = ("posted", "absorbed", "skipped", "quarantined", "returned")
        records = sum(self(f"records_{end}_total") for end in ends) + self("records_held")
        assert self("records_consumed_total") == records, self.samples
        notifications = self("posts_sent_total") + self("posts_failed_total") + self("posts_in_flight")
        notifications += self("ticks_dropped_total") + self("ticks_waiting")
        made = self("notifications_rendered_total") + self("ticks_due_total")
        assert made == notifications, self.samples
        return self


class BridgeProcess:
    """`python -m bridge run`; `settings` are laid over SHORT, section by section. Killed at the end of its `with`.

    `module`: one that stands for `bridge`.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, module: str = "bridge") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        sections = SHORT.keys() | settings.keys()
        merged = {name: {**SHORT.get(name, {}), **settings.get(name, {})} for name in sections}
        self._config = folder / "bridge.yaml"
        self._config.write_text(yaml.safe_dump(merged))
        self._output = folder / "bridge.log"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        command = [sys.executable, "-m", module, "run", "-c", str(self._config)]
        with self._output.open("wb") as output:
            self.process = processes.start(command, stdout=output, stderr=output, env=environ)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines so far; what is no JSON (a traceback) as {"event": the line}."""
        return [_line(text) for text in self._output.read_text(errors="replace").splitlines()]

    def told(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Log lines of this event with these fields."""
        return [line for line in self.log if {"event": event, **fields}.items() <= line.items()]

    def wait_for_line(self, event: str, *, timeout: float = PATIENCE, **fields: object) -> dict[str, Any]:
        """The first such line, once it is there."""
        self.wait(lambda: bool(self.told(event, **fields)), timeout=timeout, what=f"log line {event} {fields or ''}")
        return self.told(event, **fields)[0]

    def wait(self, true: Callable[[], bool], *, timeout: float = PATIENCE, what: str) -> None:
        """Until it is true; at once an error when the bridge has ended instead."""

        def alive_and_true() -> bool:
            done = true()
            assert done or self.process.poll() is None, f"the bridge ended ({self.process.poll()}) before: {what}"
            return done

        wait_until(alive_and_true, timeout=timeout, what=what)

    @property
    def admin(self) -> str:
        """The URL of its admin server, once it has one."""
        return f"http://127.0.0.1:{self.wait_for_line('started')['admin_port']}"

    def probe(self, name: str) -> tuple[int, str]:
        """Status and text of /livez, /readyz or /startupz."""
        answer = httpx.get(f"{self.admin}/{name}", timeout=15)
        return answer.status_code, answer.text

    def wait_ready(self, timeout: float = PATIENCE) -> Self:
        """Until it is a member of its group."""
        self.wait(lambda: self.probe("readyz")[0] == 200, timeout=timeout, what="ready")
        return self

    def metrics(self) -> Scrape:
        """A scrape, of which the identities hold."""
        return Scrape(httpx.get(f"{self.admin}/metrics", timeout=15).text).balanced()

    def wait_metric(self, name: str, value: int, *, timeout: float = PATIENCE, **labels: str) -> Scrape:
        """The first scrape in which the metric has come to this value."""
        found: list[Scrape] = []

        def come() -> bool:
            found.append(self.metrics())
            return found[-1](name, **labels) >= value

        self.wait(come, timeout=timeout, what=f"{name} {labels or ''} of {value}")
        return found[-1]

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def stop(self, timeout: float = 20) -> int:
        """SIGTERM; the exit code, once it has ended."""
        self.signal()
        return self.process.wait(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        if error is not None:
            print(f"--- {self._output}", *self._output.read_text(errors="replace").splitlines()[-60:], sep="\n")


def _line(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"event": text}
