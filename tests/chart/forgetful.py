"""`python -m bridge` with a defect: a campaign group whose first event is done never has another turn."""

from typing import Any

from bridge.cli import main
from bridge.core.lanes import Lane, Lanes

true_settle = Lanes.settle


def settle(lanes: Lanes[Any], lane: Lane[Any]) -> None:
    """As it should be, but that what follows in the lane is not ready."""
    true_settle(lanes, lane)
    if lane.queue:
        lanes._ready.remove(lane)


if __name__ == "__main__":
    Lanes.settle = settle  # type: ignore[assignment, method-assign]
    main()
