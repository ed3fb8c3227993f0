"""How much memory pods use, sampled from their control groups: in the home-made cluster, whose nodes are this machine."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

GROUPS = Path("/sys/fs/cgroup/memory/libpod_parent")
MIB = 2**20


class PodMemory:
    """Of all containers with a limit of `limit` bytes, while it is entered.

    `resident`: most bytes that processes of one had. `used`: most that the kernel counted, files it read included. `hits`: how often
    one was at its limit.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.resident = self.used = self.hits = self.samples = 0
        self.containers: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(0.25):
            for group in GROUPS.glob("libpod-*"):
                try:
                    self._sample(group)
                except OSError:  # it ended meanwhile
                    continue

    def _sample(self, group: Path) -> None:
        if int((group / "memory.limit_in_bytes").read_text()) != self.limit:
            return
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        self.resident = max(self.resident, int(statistics["total_rss"]))
        self.used = max(self.used, int((group / "memory.max_usage_in_bytes").read_text()))
        self.hits = max(self.hits, int((group / "memory.failcnt").read_text()))
        self.samples += 1
        self.containers.add(group.name)

    def told(self) -> str:
        return (
            f"memory of {len(self.containers)} containers ({self.samples} samples): at most {self.resident / MIB:.0f} MiB resident, "
            f"{self.used / MIB:.0f} MiB with files, of {self.limit / MIB:.0f} MiB; the limit was reached {self.hits} times"
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(10)
