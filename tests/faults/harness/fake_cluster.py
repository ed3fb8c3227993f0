"""Three brokers whose coordinators and leaders move: franz-go's kfake, built by Go. Not there without Go.

It keeps no topic of commits, so the oracle sees a group's last commits only.
"""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from faults.harness.history import Committed, Place
from kafka_topics import committed
from support import processes

from bridge.core.runs import read, read_covered

SOURCE = Path(__file__).parents[1] / "fake_cluster"
PROGRAM = Path(__file__).parents[3] / ".cache" / "fake-cluster"


def left_out() -> str:
    """Why it can't be had; empty: it is built."""
    if shutil.which("go") is None:
        return "no Go"
    command = ["go", "build", "-o", str(PROGRAM), "."]
    done = processes.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=600, check=False)
    return f"Go can't build it: {done.stderr.strip().splitlines()[-1][:100]}" if done.returncode else ""


class FakeCluster:
    """Runs within its `with`."""

    def __init__(self, topic: str, partitions: int) -> None:
        self._process = processes.start(
            [str(PROGRAM), "-topic", topic, "-partitions", str(partitions)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.bootstrap = self._line()

    def tell(self, command: str) -> None:
        """One of the commands of main.go; returns when it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        assert (answer := self._line()) == "done", answer

    def _line(self) -> str:
        assert self._process.stdout is not None
        line: str = self._process.stdout.readline()
        return line.strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def last_commits(bootstrap: str, group: str, topic: str) -> list[Committed]:
    """What the group has committed now."""
    return [
        Committed(
            time.time(),
            Place(topic, number),
            c.offset,
            read(c.metadata, c.offset)[0],
            read_covered(c.metadata, c.offset),
        )
        for number, c in committed(bootstrap, group, topic).items()
    ]
