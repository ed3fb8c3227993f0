"""Where the bridge meets the world: Kafka, the receiver, files, the log, the admin port.

structlog and httpx also look for rich and pygments, for tracebacks and a command line that the bridge does not use. That
is a tenth of the CPU of a start's imports, and 4 MiB: so here they are imported as if those were not installed.
"""

import sys

_absent = {"rich", "pygments"} - sys.modules.keys()
sys.modules.update(dict.fromkeys(_absent))  # type: ignore[arg-type]  # None: what import says of a module that is not there
try:
    import httpx
    import structlog
finally:
    for _name in _absent:
        del sys.modules[_name]

__all__ = ["httpx", "structlog"]
