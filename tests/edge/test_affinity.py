"""All threads on one CPU, in a process of its own, since it can't be taken back by those that follow."""

import os
import sys

import pytest
from support import processes

SCRIPT = """
import os, threading
from bridge.edge.affinity import stay_on_one_cpu
cpu = stay_on_one_cpu()
thread = threading.Thread(target=lambda: print(os.sched_getaffinity(threading.get_native_id()) == {cpu}))
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such call")
def test_threads_stay_on_one_of_the_cpus_that_the_process_had() -> None:
    told = processes.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout == "True\n"
    assert os.sched_getaffinity(0)
