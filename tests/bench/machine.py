"""What the benches measure with: CPU and memory of processes, the sink, programs that are built once."""

import contextlib
import http.client
import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from loopback import free_port, wait_until
from support import processes

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / ".cache" / "bench"
TICKS = os.sysconf("SC_CLK_TCK")
#: The peers, at fixed versions. Go and its module proxy are needed to build them, once.
GO = {
    "bento": "github.com/warpstreamlabs/bento v1.20.0",
    "connect": "github.com/redpanda-data/connect/v4 v4.100.0",
}


def built_sink() -> Path:
    """The sink, compiled where it is older than its source."""
    program, source = BUILT / "sink", HERE / "sink.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILT.mkdir(parents=True, exist_ok=True)
        processes.run([shutil.which("gcc") or "cc", "-O2", "-o", program, source], check=True)
    return program


def built_peer(name: str) -> Path | None:
    """A peer's program, built at the first call (minutes). None: there is no Go here, or the modules can't be had."""
    program, stamp = BUILT / name, BUILT / f"{name}.version"
    if program.exists() and stamp.exists() and stamp.read_text() == GO[name]:
        return program
    if shutil.which("go") is None:
        return None
    work = BUILT / "go" / name
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(HERE / "peers" / name, work)
    (work / "go.mod").write_text(f"module bench/{name}\n\ngo 1.26\n\nrequire {GO[name]}\n")
    print(f"building {name} (minutes) ...", file=sys.stderr, flush=True)
    for command in (["go", "mod", "tidy"], ["go", "build", "-p", "1", "-trimpath", "-o", str(program), "."]):
        if processes.run(command, cwd=work, capture_output=True, check=False).returncode:
            return None
    stamp.write_text(GO[name])
    return program


def _stat(pid: int) -> tuple[int, int]:
    """Parent, and ticks of CPU with those of children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15]))


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            children.setdefault(_stat(int(entry.name))[0], []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu(pids: Iterable[int]) -> float:
    """Seconds of CPU so far."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            ticks += _stat(pid)[1]
    return ticks / TICKS


def busy() -> float:
    """Seconds of CPU that the whole machine has spent."""
    user, nice, system, _, _, irq, soft, steal, *_ = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
    return (user + nice + system + irq + soft + steal) / TICKS


def peak(pids: Iterable[int]) -> float:
    """MiB resident at most."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return total / 1024


class Sink:
    """The receiver, for a `with`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/notify"
        self.process = processes.start([str(built_sink()), str(self.port)])

    def ask(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.ask("/counts"))
        return found

    def reset(self, latency_ms: float = 0, failing: float = 0) -> None:
        """Forget all. `failing`: share of POSTs that are answered with 503."""
        self.ask(f"/reset?latency_ms={latency_ms}&fail_per_10000={round(failing * 10_000)}")

    def __enter__(self) -> Self:
        def answers() -> bool:
            with contextlib.suppress(OSError):
                return bool(self.ask("/counts"))
            return False

        wait_until(answers, timeout=60, what="the sink answers")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)
