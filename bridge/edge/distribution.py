"""What a histogram counts, in a fifth of the time that the Python client takes to: there are two for each POST."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from prometheus_client.utils import floatToGoString

from bridge.core.outcome import Result
from bridge.core.post_outcome import Outcome


class Distribution:
    """Values by `bounds`, ascending upper ones. Counted by one thread; read by any."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0  # of all values

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """How many values were at most each bound, as Prometheus has it."""
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        return list(zip(bounds, accumulate(self._counts.copy()), strict=True))


class Posts:
    """What is observed of POSTs. The bounds are of seconds."""

    def __init__(self, seconds: Sequence[float], age: Sequence[float], late: Sequence[float]) -> None:
        self.by_result = {result: Distribution(seconds) for result in Result}
        self.age = Distribution(age)
        self.late = Distribution(late)

    def ended(self, outcome: Outcome, *, age: float | None = None, late: float | None = None) -> None:
        """One ended: of an event, `age` seconds old by now, or of a slot, begun `late` by so many seconds."""
        self.by_result[outcome.result].observe(outcome.seconds)
        if age is not None:
            self.age.observe(max(0.0, age))
        if late is not None:
            self.late.observe(max(0.0, late))
