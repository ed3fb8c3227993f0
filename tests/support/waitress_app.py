"""A program: waitress as a receiver that logs each request to a file. Arguments: the file, the port."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from waitress import serve

#: The fields of a request that WSGI has, by our names.
WSGI_NAMES = {
    "method": "REQUEST_METHOD",
    "uri": "PATH_INFO",
    "connection": "REMOTE_PORT",
    "content_type": "CONTENT_TYPE",
    "user_agent": "HTTP_USER_AGENT",
    "authorization": "HTTP_AUTHORIZATION",
    "event_id": "HTTP_X_GSW_EVENT_ID",
}


def main(log: Path, port: int) -> None:
    """Serve until it is terminated. One thread: the log has the order in which requests were taken."""

    def app(environ: dict[str, Any], answer: Callable[[str, list[tuple[str, str]]], object]) -> list[bytes]:
        answer("200 OK", [("Content-Length", "0")])
        request = {name: environ.get(key, "") for name, key in WSGI_NAMES.items()}
        request["body"] = environ["wsgi.input"].read().decode()
        with log.open("a") as file:
            file.write(f"{json.dumps(request)}\n")
        return [b""]

    serve(app, host="127.0.0.1", port=port, threads=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
