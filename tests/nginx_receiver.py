"""A receiver that is not ours: nginx, with a request log that holds each body and event id."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from loopback import dying_with_its_parent, free_port, reachable, wait_until

# One process, no daemon: started and ended by its pid. nginx only knows a body that it passes on, so the first server
# hands it to the second, which answers. Every temporary folder is named, so that no root is needed.
CONFIG = """\
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
    '{{"time":$msec,"method":"$request_method","uri":"$request_uri","status":$status,"connection":$connection,'
    '"content_type":"$content_type","user_agent":"$http_user_agent","authorization":"$http_authorization",'
    '"event_id":"$http_x_gsw_event_id","body":"$request_body"}}';
  client_max_body_size 1m;
  client_body_buffer_size 1m;
  client_body_in_single_buffer on;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    access_log {folder}/requests.log notification;
    location / {{ proxy_pass http://127.0.0.1:{answers}; }}
  }}
  server {{
    listen 127.0.0.1:{answers};
    access_log off;
    location / {{ return {status}; }}
  }}
}}
"""


def program() -> str | None:
    """nginx's path; Debian keeps it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class NginxReceiver:
    """Answers every request with `status`. `url` is where to post, any path under it will do."""

    def __init__(self, folder: Path, *, status: int = 204) -> None:
        nginx = program()
        assert nginx is not None, "nginx is not installed"
        folder.mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._log = folder / "requests.log"
        self._errors = folder / "errors.log"
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=folder, port=self._port, answers=free_port(), status=status))
        command = [nginx, "-e", "stderr", "-p", str(folder), "-c", str(config)]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(dying_with_its_parent(command), stdin=subprocess.DEVNULL, stderr=errors)
        wait_until(self._listens, timeout=60, what=f"nginx listens on {self.url}")

    def requests(self) -> list[dict[str, Any]]:
        """The log so far, one object a request: method, uri, event_id, body (text), content_type, connection, ...

        A line is written just after its answer was: see `wait_for`.
        """
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def notifications(self) -> list[dict[str, Any]]:
        """The JSON bodies of the POSTs so far, in the order they came."""
        return [json.loads(request["body"]) for request in self.requests() if request["method"] == "POST"]

    def wait_for(self, count: int, *, timeout: float = 10) -> list[dict[str, Any]]:
        """The notifications, once there are `count`; TimeoutError else."""
        wait_until(lambda: len(self.requests()) >= count, timeout=timeout, what=f"{count} requests at nginx")
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
            raise RuntimeError(f"nginx ended while starting:\n{self._errors.read_text()}")
        return reachable(self._port)
