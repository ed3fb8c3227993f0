"""Starts programs for tests. Whatever is started here ends with the run, even when the run is killed with SIGKILL.

1. The kernel kills a child when the thread that started it ends (PR_SET_PDEATHSIG, Linux only), so a program must be
   started by a thread that lives as long as the program is needed.
2. The signal is SIGKILL: a program that a test has stopped with SIGSTOP does not react to SIGTERM.
3. The chain has no gaps: the pytest process dies with `make`, its workers with it, and the programs with their worker.

Ruff (TID251) refuses `subprocess.run` and `subprocess.Popen` elsewhere in the tests.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

Process = subprocess.Popen  # noqa: TID251 (the type)

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> None:
    """The calling process is killed when its parent dies; at once where the parent is dead already."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel knew
        os.kill(os.getpid(), signal.SIGKILL)


def start(command: Sequence[object], **options: Any) -> Process[Any]:
    """Starts a command that ends with the calling thread."""
    return Process(_guarded(command), **options)


def run(command: Sequence[object], *, timeout: float = 600, **options: Any) -> subprocess.CompletedProcess[Any]:
    """`subprocess.run` of the same; `timeout` in seconds."""
    options.setdefault("check", False)
    return subprocess.run(_guarded(command), timeout=timeout, **options)  # noqa: PLW1510, TID251


def _guarded(command: Sequence[object]) -> list[str]:
    words = [str(word) for word in command]
    if shutil.which(words[0]) is None:
        raise FileNotFoundError(f"{words[0]} is not installed")
    return ["setpriv", "--pdeathsig", "KILL", *words] if shutil.which("setpriv") else words
