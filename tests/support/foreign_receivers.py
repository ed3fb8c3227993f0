"""HTTP servers that are not ours and take notifications: nginx, and waitress where nginx is not installed.

Each is a process that logs an object per request: method, uri, connection, content_type, user_agent, authorization,
event_id, body (text).
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback import free_port, reachable, wait_until
from support.processes import start
from support.programs import path_of

Request = dict[str, Any]

LOG = "requests.log"

# One process, no daemon: started and ended by its pid. nginx only knows a body that it passes on, so the first server
# hands it to the second, which answers. Every temporary folder is named, so that no root is needed.
NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  log_format notification escape=json
    '{{"method":"$request_method","uri":"$request_uri","connection":"$connection",'
    '"content_type":"$content_type","user_agent":"$http_user_agent","authorization":"$http_authorization",'
    '"event_id":"$http_x_gsw_event_id","body":"$request_body"}}';
  client_max_body_size 1m;
  client_body_buffer_size 1m;
  client_body_in_single_buffer on;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    access_log {folder}/{log} notification;
    location / {{ proxy_pass http://127.0.0.1:{answers}; }}
  }}
  server {{
    listen 127.0.0.1:{answers};
    access_log off;
    location / {{ return 204; }}
  }}
}}
"""


class ForeignReceiver:
    """Answers 2xx to every request; any path under `url` will do."""

    def __init__(self, folder: Path, command: Callable[[Path, int], list[object]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._log = folder / LOG
        self._log.touch()
        self._errors = folder / "errors.log"
        with self._errors.open("wb") as errors:
            self._process = start(command(folder, self._port), stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        wait_until(self._listens, timeout=60, what=f"a receiver listens on {self.url}")

    def requests(self) -> list[Request]:
        """The log, of which a line is written just after its answer was: see `wait_for`."""
        whole, _, _ = self._log.read_text().rpartition("\n")  # the last line may not have been written to its end
        return [json.loads(line) for line in whole.splitlines()]

    def notifications(self) -> list[dict[str, Any]]:
        """The JSON bodies of the POSTs so far, in the order they came."""
        return [json.loads(request["body"]) for request in self.requests() if request["method"] == "POST"]

    def wait_for(self, count: int, *, timeout: float = 10) -> list[dict[str, Any]]:
        """The notifications, once there are `count`; TimeoutError after `timeout` seconds."""
        wait_until(lambda: len(self.requests()) >= count, timeout=timeout, what=f"{count} requests at {self.url}")
        return self.notifications()

    def stop(self) -> None:
        """End it; the log stays readable."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the receiver ended while starting:\n{self._errors.read_text()}")
        return reachable(self._port)


def nginx(folder: Path, port: int) -> list[object]:
    """The command."""
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, log=LOG, port=port, answers=free_port()))
    return [path_of("nginx"), "-e", "stderr", "-p", folder, "-c", config]


def waitress(folder: Path, port: int) -> list[object]:
    """The command: a WSGI server of Python with an HTTP parser of its own."""
    return [sys.executable, Path(__file__).with_name("waitress_app.py"), folder / LOG, port]
