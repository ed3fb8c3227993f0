"""A failing receiver fails a thousand times a second: one line at once, then one every ten seconds with a count."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

#: Kinds of line remembered; the least recently written is forgotten, and its count with it.
MAX_KINDS = 1_000


@dataclass(frozen=True, slots=True)
class _Line:
    emit: Callable[..., None]
    event: str
    fields: Mapping[str, object]

    def write(self, suppressed: int) -> None:
        self.emit(self.event, **self.fields, **({"suppressed": suppressed} if suppressed else {}))


@dataclass(slots=True)
class _Kind:
    """When a kind of line was last written, and those kept back since."""

    written: float
    kept_back: int = 0
    newest: _Line | None = None


class Repeated:
    """Lets through the first line of a kind, then one per `interval` seconds, with `suppressed=n` for those between.

    `now` is a monotonic clock's. `tick` is called every second or so: it writes what the end of a burst left unsaid.
    """

    def __init__(self, interval: float = 10.0) -> None:
        self._interval = interval
        self._kinds: dict[Hashable, _Kind] = {}  # the longest ago written first

    def say(self, emit: Callable[..., None], event: str, kind: Hashable, now: float, /, **fields: object) -> None:
        """Call `emit(event, **fields)` now, or keep it back: `say(log.warning, "post_failed", reason, now, url=…)`."""
        line, known = _Line(emit, event, fields), self._kinds.get(kind)
        if known is not None and now - known.written < self._interval:
            known.kept_back += 1
            known.newest = line
        else:
            self._write(kind, line, now, suppressed=known.kept_back if known else 0)

    def tick(self, now: float) -> None:
        """Write the newest line kept back of each kind whose interval is over; forget kinds that have none."""
        for kind, known in list(self._kinds.items()):
            if now - known.written < self._interval:
                break
            if known.newest is None:
                del self._kinds[kind]
            else:
                self._write(kind, known.newest, now, suppressed=known.kept_back - 1)

    def _write(self, kind: Hashable, line: _Line, now: float, *, suppressed: int) -> None:
        self._kinds.pop(kind, None)
        self._kinds[kind] = _Kind(now)
        if len(self._kinds) > MAX_KINDS:
            del self._kinds[next(iter(self._kinds))]
        line.write(suppressed)
