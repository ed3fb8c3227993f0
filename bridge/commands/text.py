"""Campaign groups as text for people. What events said is shown as it is, but for characters that steer a terminal."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec import UNSET
from rich.cells import cell_len

from bridge.core.event import Statistic
from bridge.core.listing import Listed

HEAD = ("KEY", "NAME", "PARTITION", "STATE", "DIAL MODE", "HIT RATIO", "LISTS", "EVERY", "NEXT", "LAST EVENT")
LIST_HEAD = ("CALLING LIST", "DBID", "HIT RATIO", "TIME TO COMPLETE")
NAME = "campaign_group_name"
UNKNOWN = "-"
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def table(groups: Iterable[Listed], now: datetime) -> str:
    """One line for each group, in aligned columns."""
    return _aligned([HEAD, *(_row(group, now) for group in groups)])


def detail(group: Listed, now: datetime) -> str:
    """All that is known of one group."""
    values = group.statistics
    said = {
        "key": group.key,
        "partition": str(group.partition),
        **{name.replace("_", " "): text for name, text in group.names.items()},
        "state": _state(group),
        "dial mode": group.dial_mode or UNKNOWN,
        "optimized for": _optimized(group),
        "busy factor": number(values.busy_factor if values else UNSET),
        "hit ratio": number(values.hit_ratio if values else UNSET),
        "overdial rate": number(values.overdial_rate if values else UNSET),
        "time to complete": _seconds(values.time_to_complete if values else UNSET),
        "notified every": _every(group),
        "next notification": _moment(group.next_notification, now),
        "state changed": _moment(group.changed, now),
        "last event": _moment(group.last_event, now),
    }
    lists = [
        (v.name, v.dbid or UNKNOWN, number(v.hit_ratio), _seconds(v.time_to_complete)) for v in group.calling_lists
    ]
    text = _aligned(list(said.items()))
    return f"{text}\n{_aligned([LIST_HEAD, *lists])}" if lists else text


def number(value: Statistic) -> str:
    """A statistic; null is told from what nobody said."""
    if value is UNSET:
        return UNKNOWN
    if value is None:
        return "null"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _seconds(value: Statistic) -> str:
    return f"{number(value)} s" if isinstance(value, int | float) else number(value)


def _row(group: Listed, now: datetime) -> tuple[str, ...]:
    return (
        group.key,
        group.names.get(NAME, UNKNOWN),
        str(group.partition),
        _state(group),
        group.dial_mode or UNKNOWN,
        number(group.statistics.hit_ratio if group.statistics else UNSET),
        str(len(group.calling_lists)),
        _every(group),
        _distance(group.next_notification, now),
        _distance(group.last_event, now),
    )


def _state(group: Listed) -> str:
    return f"{group.state or 'not known'}{' (dormant)' if group.dormant else ''}"


def _optimized(group: Listed) -> str:
    if group.optimize_by is None:
        return UNKNOWN
    return group.optimize_by if group.optimize_goal is None else f"{group.optimize_by} {group.optimize_goal}"


def _every(group: Listed) -> str:
    if group.enabled is False:
        return "off"
    if group.interval is None:
        return UNKNOWN
    return f"{group.interval:g} s" if group.interval else "never"


def _moment(text: str | None, now: datetime) -> str:
    return UNKNOWN if text is None else f"{text} ({_distance(text, now)})"


def _distance(text: str | None, now: datetime) -> str:
    """How long ago, or in how long."""
    if text is None:
        return UNKNOWN
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return UNKNOWN
    seconds = (now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
    size, unit = next(((size, unit) for size, unit in UNITS if abs(seconds) >= size), UNITS[-1])
    amount = f"{abs(seconds) / size:.0f} {unit}"
    return f"in {amount}" if seconds < 0 else f"{amount} ago"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of texts, each column as wide as its widest text (a Chinese character takes two cells)."""
    cells = [[harmless(text) for text in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
    return "".join(f"{line}\n" for line in lines)


def harmless(text: str) -> str:
    """Without characters that steer a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
