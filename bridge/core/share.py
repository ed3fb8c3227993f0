"""How much of one partition may be held."""

from mypy_extensions import mypyc_attr


@mypyc_attr(acyclic=True)
class Share:
    """Records, and bytes of them."""

    __slots__ = ("bytes", "records")

    def __init__(self, records: int, size: int) -> None:
        self.records = records
        self.bytes = size
