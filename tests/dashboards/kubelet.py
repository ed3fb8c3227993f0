"""Stands in for cAdvisor and kube-state-metrics: their names, and the figures of real processes."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

LIMIT = 256 * 2**20


class Pod(NamedTuple):
    """`throttled`: whether a CPU limit is said to stop it half of the time."""

    namespace: str
    name: str
    pid: int
    throttled: bool


def exposition(pods: list[Pod]) -> str:
    """What both would tell."""
    lines: list[str] = []
    for pod in pods:
        resident = _resident(pod.pid)
        labels = f'namespace="{pod.namespace}",pod="{pod.name}",container="bridge"'
        if resident:
            lines.append(f"container_memory_working_set_bytes{{{labels}}} {resident}")
        lines.append(f'kube_pod_container_resource_limits{{{labels},resource="memory",unit="byte"}} {LIMIT}')
        lines.append(f"kube_pod_container_status_restarts_total{{{labels}}} 0")
        if pod.throttled:
            periods = int(os.times().elapsed * 10)
            lines.append(f"container_cpu_cfs_periods_total{{{labels}}} {periods}")
            lines.append(f"container_cpu_cfs_throttled_periods_total{{{labels}}} {periods // 2}")
    return "\n".join(lines) + "\n"


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@contextmanager
def kubelet(pods: list[Pod]) -> Iterator[int]:
    """Serves it, of whatever is in `pods`; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exposition(list(pods)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
