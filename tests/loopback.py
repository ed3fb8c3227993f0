"""Servers beside the tests: free ports, waiting for something to come true."""

import random
import socket
import time
from collections.abc import Callable

PATIENCE = 60.0  # seconds to wait for what comes in one or two where the machine is not busy; nothing is judged by it


def free_port() -> int:
    """A free port below the range that the system gives to outgoing connections.

    From inside that range a client that reconnects to a stopped server can get the server's own port and connect to
    itself; the server can't come back then.
    """
    for port in random.sample(range(20_000, 32_000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port between 20000 and 32000")


def reachable(port: int) -> bool:
    """Whether somebody listens on the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def wait_until(true: Callable[[], bool], *, timeout: float, what: str) -> None:
    """Ask until it is true; TimeoutError with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(0.02)
