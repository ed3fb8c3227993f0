"""How glibc keeps the memory that the process has freed.

By default each thread takes an arena of its own, and one that once held a fetched batch never gives it back. The bridge's threads
run by turns anyway (the interpreter's lock), so one arena serves all; and what is large is returned to the system when
it is freed. docs/performance.md has the figures.
"""

import ctypes
import sys
from contextlib import suppress

#: Of mallopt(3), from glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
#: Bytes. glibc's own start values, which it else raises to 32 MiB with the first large block that is freed.
THRESHOLD = 128 * 1024


def give_memory_back() -> bool:
    """To be called before other threads are started. False: the C library is none of glibc, and stays as it is."""
    if not sys.platform.startswith("linux"):
        return False
    with suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        options = {M_ARENA_MAX: 1, M_TRIM_THRESHOLD: THRESHOLD, M_MMAP_THRESHOLD: THRESHOLD}
        taken = [mallopt(option, value) for option, value in options.items()]
        return taken == [1] * len(options)
    return False
