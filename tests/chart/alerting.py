"""A real Prometheus with the chart's alerts, a real Alertmanager, and the webhook that it calls."""

import functools
import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml
from chart.release import CHART
from loopback import free_port, reachable, wait_until
from support import processes

SPEED = 20  # times as fast as the alerts are written for
UNITS = {"m": 60, "h": 3600, "d": 86400}
#: Seconds that are compared with, at that speed; what a bridge in a test can reach of the others.
THRESHOLDS = {
    "oldestSeconds": 15,
    "standingSeconds": 6,
    "lagRecords": 100,
    "inFlight": 1.9,
    "rebalances": 2,
    "tickLatenessSeconds": 0.9,
}


def faster(rules: str) -> str:
    """The same rules with every duration a twentieth, and the thresholds above."""

    def shorter(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) * UNITS[found[3]] * 1000 // SPEED}ms{found[4]}"

    for before, after in ((r"\[", r"\]"), (r"offset ", r"\b"), (r"for: ", r"\b")):
        rules = re.sub(rf"({before})(\d+)([mhd])({after})", shorter, rules)
    for name, value in THRESHOLDS.items():
        rules = re.sub(rf"[0-9.]+( # thresholds\.{name}\b)", rf"{value}\1", rules)
    return rules


class Alerting:
    """`scrape(namespace, port)` adds a target; `told` is what came to the webhook: (alert, namespace)."""

    def __init__(self, folder: Path) -> None:
        self.told: set[tuple[str, str]] = set()
        self._folder = folder
        self._targets: list[dict[str, Any]] = []
        self._processes: list[processes.Process[bytes]] = []
        self._webhook = ThreadingHTTPServer(("127.0.0.1", 0), self._receiver())
        self._prometheus = free_port()

    def scrape(self, namespace: str, port: int) -> None:
        """From now on, as the chart's ServiceMonitor would."""
        self._targets.append({"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": namespace}})
        (self._folder / "targets.tmp").write_text(json.dumps(self._targets))
        (self._folder / "targets.tmp").rename(self._folder / "targets.json")

    def wait_scraped(self, namespace: str) -> None:
        """Until it has been: an increase is seen only from then on. Prometheus looks for targets every five seconds."""
        url = f"http://127.0.0.1:{self._prometheus}/api/v1/query"

        def scraped() -> bool:
            answer = httpx.get(url, params={"query": f'up{{namespace="{namespace}"}} == 1'}, timeout=10)
            return bool(answer.json()["data"]["result"])

        wait_until(scraped, timeout=60, what=f"{namespace} is scraped")

    def wait_told(self, alert: str, namespace: str, timeout: float) -> None:
        """Until the webhook has been called for it."""
        wait_until(lambda: (alert, namespace) in self.told, timeout=timeout, what=f"{alert} of {namespace}")

    def _receiver(self) -> type[BaseHTTPRequestHandler]:
        told = self.told

        class Webhook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.update((alert["labels"]["alertname"], alert["labels"].get("namespace", "")) for alert in body["alerts"] if alert["status"] == "firing")  # fmt: skip
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        return Webhook

    def __enter__(self) -> Self:
        threading.Thread(target=self._webhook.serve_forever, daemon=True).start()
        manager, folder = free_port(), self._folder
        (folder / "targets.json").write_text("[]")
        (folder / "rules.yaml").write_text(faster((CHART / "files/alerts.yaml").read_text()))
        route = {
            "receiver": "hook",
            "group_by": ["..."],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        }
        hook = {"name": "hook", "webhook_configs": [{"url": f"http://127.0.0.1:{self._webhook.server_port}/"}]}
        (folder / "alertmanager.yaml").write_text(yaml.safe_dump({"route": route, "receivers": [hook]}))
        configuration = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
            "rule_files": [str(folder / "rules.yaml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}]},
            "scrape_configs": [{"job_name": "ocs-bridge", "file_sd_configs": [{"files": [str(folder / "targets.json")], "refresh_interval": "1s"}]}],
        }  # fmt: skip
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
        program = shutil.which("alertmanager") or "prometheus-alertmanager"
        self._start("alertmanager", program, f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/am", f"--web.listen-address=127.0.0.1:{manager}", "--cluster.listen-address=")  # fmt: skip
        self._start("prometheus", "prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address=127.0.0.1:{self._prometheus}")  # fmt: skip
        for port in (manager, self._prometheus):
            wait_until(functools.partial(reachable, port), timeout=60, what=f"port {port} is served")
        return self

    def _start(self, name: str, *command: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes.append(processes.start(list(command), stdout=log, stderr=log))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(20)
        self._webhook.shutdown()
        self._webhook.server_close()
