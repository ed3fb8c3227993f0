"""One arena for all threads, in a process of its own, since what was made stays."""

import platform
import sys

import pytest
from support import processes

SCRIPT = """
import ctypes, sys, threading
from bridge.edge.allocator import give_memory_back
if sys.argv[1] == "mended":
    print(give_memory_back())
libc = ctypes.CDLL(None)
threads = [threading.Thread(target=lambda: libc.malloc(1000)) for _ in range(4)]
for thread in threads:
    thread.start()
    thread.join()
libc.malloc_stats()
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such call")


def arenas(how: str) -> tuple[str, int]:
    run = processes.run(
        [sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True, timeout=60
    )  # the C library writes to stderr
    return run.stdout.strip(), sum(line.startswith("Arena ") for line in run.stderr.splitlines())


@glibc
def test_threads_share_one_arena_and_would_have_one_each_without() -> None:
    assert arenas("mended") == ("True", 1)
    assert arenas("stock")[1] > 1
