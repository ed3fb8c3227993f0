"""`python -m bridge` whose every look-up of a host name takes NAMES_TAKE seconds: a slow DNS server, as the bridge sees it."""

import asyncio
import os
from typing import Any

import uvloop

from bridge.cli import main


class SlowNames(uvloop.Loop):
    """The bridge's loop; addresses that are numbers are not looked up."""

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        await asyncio.sleep(float(os.environ["NAMES_TAKE"]))
        return await super().getaddrinfo(*args, **options)


if __name__ == "__main__":
    uvloop.new_event_loop = SlowNames
    main()
