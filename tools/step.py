#!/usr/bin/env python3
"""Runs one step of a longer run: `tools/step.py NAME COMMAND...`. It needs nothing but Python.

The step's output is shown and kept in NAME.log of the folder STEPS (default: .cache/steps), whose file `table` gets a row:
name, seconds, tests passed and skipped, result. The command is killed when this program ends, however it ends (Linux, with
setpriv).

`tools/step.py --clear` forgets the steps of the run before; `tools/step.py --table` prints the table, and fails where a step
has failed.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

STEPS = Path(os.environ.get("STEPS") or Path(__file__).parent.parent / ".cache" / "steps")
TABLE = STEPS / "table"


def run(name: str, command: list[str]) -> int:
    """Runs the command to its end; returns its exit status."""
    STEPS.mkdir(parents=True, exist_ok=True)
    print(f"--- {name}", flush=True)
    guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    begin = time.monotonic()
    step = subprocess.Popen([*guard, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert step.stdout is not None
    with (STEPS / f"{name}.log").open("wb") as log:
        while True:
            try:
                piece = step.stdout.read1()
            except KeyboardInterrupt:  # the command has got it, too: it ends in its own way, and says so
                continue
            if not piece:
                break
            log.write(piece)
            log.flush()
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    status = step.wait()
    text = (STEPS / f"{name}.log").read_bytes()
    seconds = f"{time.monotonic() - begin:.0f}"
    result = "ok" if status == 0 else "FAILED"
    with TABLE.open("a") as table:
        table.write(f"{name} {seconds} {tests(text, 'passed')} {tests(text, 'skipped')} {result}\n")
    return abs(status)


def tests(text: bytes, outcome: str) -> int:
    """How many tests had this outcome, by the last lines of the pytest runs in a log."""
    endings = re.findall(rb"^.*\d (?:passed|failed|skipped|deselected|error)\w*\b.* in [0-9.]+s.*$", text, re.MULTILINE)
    return sum(int(found) for ending in endings for found in re.findall(rb"(\d+) " + outcome.encode(), ending))


def show() -> int:
    """Prints the table; returns 1 where a step has failed."""
    rows = [row.split() for row in TABLE.read_text().splitlines()]
    for name, seconds, passed, skipped, result in [["step", "seconds", "passed", "skipped", "result"], *rows]:
        print(f"{name:16} {seconds:>8} {passed:>8} {skipped:>8}  {result}")
    return int(any(row[-1] == "FAILED" for row in rows))


def main(arguments: list[str]) -> int:
    """Does what the module's first lines say."""
    if arguments == ["--clear"]:
        shutil.rmtree(STEPS, ignore_errors=True)
        return 0
    if arguments == ["--table"]:
        return show()
    return run(arguments[0], arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
