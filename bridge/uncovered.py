"""at_least_once: what stands in the place of bridge/cover.py."""

from bridge.core.lanes import Lane
from bridge.work import Item, Work


class Uncovered:
    """A POST needs no cover."""

    failing = False

    def covers(self, lane: Lane[Work]) -> bool:  # noqa: ARG002 (as Covering)
        """Always."""
        return True

    def ended(self) -> None:
        """Nothing waits for it."""

    def take_back(self, item: Item) -> None:
        """Nothing was covered."""
