"""Which CPU the threads of the process run on.

The interpreter runs one thread at a time. Between two CPUs each hand-over of its lock, and of what they both touch, takes
longer than on one: docs/performance.md has the figures.
"""

import os
import secrets
import sys


def stay_on_one_cpu() -> int | None:
    """Keep this thread, and those that it starts, on one of its CPUs: which. None: the system has no such call."""
    if sys.platform != "linux":
        return None
    cpu = secrets.choice(sorted(os.sched_getaffinity(0)))  # not by the pid: every container's is 1
    os.sched_setaffinity(0, {cpu})
    return cpu
