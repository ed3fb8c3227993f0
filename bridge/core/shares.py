"""How much of the input may be held at a time, and for how long."""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Times in seconds. `bytes`: of all partitions together; `records`, `covered` (at_most_once): of each."""

    drain: float
    records: int
    bytes: int
    covered: int = 0
