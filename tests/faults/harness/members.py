"""Bridge processes: started, stopped, killed and frozen; with their counters and the journal of what they began."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from bridge_process import SHORT, Scrape
from faults.harness.history import Attempt, Counts
from loopback import PATIENCE, wait_until
from support import processes

ROOT = Path(__file__).parents[3]
ENDS = ("posted", "absorbed", "skipped", "quarantined", "returned")
Settings = Mapping[str, Mapping[str, Any]]


class Member:
    """One process from its start to its end; `name` is also its User-Agent, so that the receiver knows who posts."""

    def __init__(
        self, name: str, folder: Path, settings: Settings, *, command: Sequence[str] = (), stdout: int | None = None
    ) -> None:
        self.name = name
        self.output = folder / f"{name}.log"
        self.counts: list[Counts] = []
        self._last: Scrape | None = None
        self.ended_in_order = False
        whole = merged(SHORT, settings)
        self._admin: int | None = whole["admin"]["port"] or None
        config = folder / f"{name}.yaml"
        config.write_text(yaml.safe_dump(whole))
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("BRIDGE_", "COVERAGE_", "COV_"))}
        start = [sys.executable, *(command or ["-m", "bridge"]), "run", "-c", str(config)]
        with self.output.open("wb") as output:
            self.process = processes.start(
                start,
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=output,
                env=environ,
                cwd=ROOT,  # a mutated copy of the tree runs its own bridge
            )

    # Its log

    def lines(self) -> Iterator[dict[str, Any]]:
        """Its log; a traceback's lines as {"event": the line}."""
        for text in self.output.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                line = text
            yield line if isinstance(line, dict) else {"event": text}

    def told(self, *events: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"] in events]

    def told_unknown(self) -> Iterator[tuple[str, int, int]]:
        """Positions of the POSTs that a crash before it left open."""
        for line in self.told("post_unknown"):
            yield line["topic"], line["partition"], line["offset"]

    def given_up(self) -> Iterator[str]:
        """Ids of the POSTs that ended without an answer, as far as its log has a line for each."""
        for line in self.told("post_failed"):
            if line["outcome"] == "ambiguous":
                yield line["event_id"].partition("/")[2]

    def journal(self) -> Iterator[Attempt]:
        """The POSTs that it began, by its log at level TRACE."""
        for line in self.told("notification_sending"):
            identity = line["event_id"].partition("/")[2]
            yield Attempt(identity, self.name, datetime.fromisoformat(line["timestamp"]).timestamp(), seen=False)

    # Its admin server

    def get(self, path: str) -> tuple[int, str]:
        """Status and text; OSError while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._admin_port(), timeout=15)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def _admin_port(self) -> int:
        if self._admin is None:
            started = self.told("started")
            if not started:
                raise ConnectionError("not started yet")
            self._admin = int(started[0]["admin_port"])
        return self._admin

    def ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def wait_ready(self, timeout: float = PATIENCE) -> None:
        """Until it is a member of its group."""
        self.wait(self.ready, timeout=timeout, what="ready")

    def wait(self, true: Callable[[], bool], *, timeout: float, what: str) -> None:
        """Until it is true; at once an error when the process has ended instead."""

        def alive_and_true() -> bool:
            done = true()
            assert done or self.process.poll() is None, f"{self.name} ended ({self.process.poll()}) before: {what}"
            return done

        wait_until(alive_and_true, timeout=timeout, what=f"{self.name}: {what}")

    def scrape(self) -> Scrape:
        """Its metrics now, also kept as `counts`."""
        scrape = self._last = Scrape(self.get("/metrics")[1])
        self.counts.append(counts_of(self.name, scrape))
        return scrape

    def scraped(self, metric: str) -> int:
        """A metric as it was when it was last scraped."""
        assert self._last is not None, f"{self.name} was never scraped"
        return self._last(metric)

    def last(self, metric: str, **labels: str) -> int:
        """A metric as it was when it was last scraped; 0 if it never was."""
        return self._last(metric, **labels) if self._last is not None else 0

    # Its end

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, timeout: float = 25) -> int:
        """SIGTERM; the exit code. Scraped until the end, so that its counters tell of its last POST."""
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.scrape()
            except OSError:
                time.sleep(0.02)
        code = self.process.wait(max(0.1, deadline - time.monotonic()))
        self.ended_in_order = code == 0
        return code

    def kill(self) -> float:
        """SIGKILL; when it was dead."""
        self.process.kill()
        self.process.wait()
        return time.time()

    def resident(self) -> int:
        """Bytes of memory resident now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def merged(*settings: Settings) -> dict[str, dict[str, Any]]:
    """Settings laid over each other, key by key."""
    found: dict[str, dict[str, Any]] = {}
    for one in settings:
        for section, values in one.items():
            found.setdefault(section, {}).update(values)
    return found


def counts_of(member: str, scrape: Scrape) -> Counts:
    """A scrape as the oracle reads it."""
    return Counts(
        member,
        consumed=scrape("records_consumed_total"),
        ends={end: scrape(f"records_{end}_total") for end in ENDS},
        held=scrape("records_held"),
        rendered=scrape("notifications_rendered_total"),
        sent=scrape("posts_sent_total"),
        failed={o: scrape("posts_failed_total", outcome=o) for o in ("rejected", "not_sent", "ambiguous")},
        in_flight=scrape("posts_in_flight"),
        dropped=scrape("notifications_dropped_total"),
        unknown=scrape("posts_unknown_total"),
        gaps=scrape("offsets_missing_total"),
    )
