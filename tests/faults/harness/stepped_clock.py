"""`python -m bridge` whose wall clock can be stepped while it runs: the seconds of the step are in the file CLOCK_FILE.

Only `time.time` is stepped: the log keeps the true time, by which the oracle judges.
"""

import mmap
import os
import struct
import time
from pathlib import Path
from typing import Self

SECONDS = struct.Struct("d")


class Steps:
    """The file. What is written there is read by all processes that have it open, at once."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), SECONDS.size)

    @property
    def seconds(self) -> float:
        """How far the clock is ahead of the true time."""
        found: float = SECONDS.unpack_from(self._memory)[0]
        return found

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        SECONDS.pack_into(self._memory, 0, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.close()


if __name__ == "__main__":
    steps, true_time = Steps(Path(os.environ["CLOCK_FILE"])), time.time
    time.time = lambda: true_time() + steps.seconds

    from bridge.cli import main  # whose modules take their clock when they are imported

    main()
