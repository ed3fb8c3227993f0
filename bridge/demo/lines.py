"""Notifications and counts as text for people: one line each, and the summary at the end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum

from bridge.core.vocabulary import Action, DialMode, GroupState
from bridge.demo.receiver import Arrival, Received


def clock(at: float | None) -> str:
    """Time of day in UTC, like the notification's own time."""
    return "--:--:--.---" if at is None else datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def word(numbers: type[IntEnum], value: object) -> str:
    """The name behind a number of the format, or the value itself if it has none."""
    names = {one.value: one.name for one in numbers}
    return names.get(value, str(value)) if isinstance(value, int) else ""


def number(value: object, unit: str = "") -> str:
    """A statistic; "-" where it can't be computed or is not known."""
    return f"{value:g}{unit}" if isinstance(value, int | float) else "-"


def state(arrival: Arrival) -> str:
    """The campaign group's state in words."""
    return word(GroupState, arrival.body.get("GSW_CAMPAIGN_GROUP_STATE"))


def action(arrival: Arrival) -> str:
    """What caused the notification in words."""
    return "periodic" if arrival.periodic else word(Action, arrival.body.get("GSW_CAMPAIGN_GROUP_ACTION"))


def mode(arrival: Arrival) -> str:
    """The dial mode in words; empty unless the group runs."""
    return word(DialMode, arrival.body.get("GSW_DIAL_MODE"))


def statistics(arrival: Arrival) -> tuple[str, str, str, str]:
    """Busy factor, hit ratio, overdial rate, time to complete."""
    body = arrival.body
    return (
        number(body.get("GSW_STAT_BUSY_FACTOR")),
        number(body.get("GSW_STAT_HIT_RATIO")),
        number(body.get("GSW_STAT_OVERDIAL_RATE")),
        number(body.get("GSW_STAT_TIME_TO_COMPLETE"), " s"),
    )


def name(arrival: Arrival) -> str:
    """The campaign group's name."""
    return str(arrival.body.get("GSW_CAMPAIGN_GROUP_NAME", "?"))


def remarks(arrival: Arrival) -> str:
    """What is wrong with it; empty if nothing is."""
    odd = [*arrival.problems]
    odd += ["duplicate"] * arrival.duplicate
    odd += ["out of order"] * arrival.step_back
    return "; ".join(odd)


def line(arrival: Arrival) -> str:
    """Everything about one notification that fits on a line, without its remarks."""
    busy, hit, overdial, left = statistics(arrival)
    return (
        f"{clock(arrival.time)}  {name(arrival):<36.36} {state(arrival):<13} {action(arrival):<15} {mode(arrival):<16} "
        f"busy {busy:<6} hit {hit:<6} over {overdial:<7} left {left:<8} {arrival.status}"
    )


def checks(received: Received) -> str:
    """What the receiver found odd."""
    return (
        f"{received.with_problems} with problems, {received.duplicates} duplicates, {received.steps_back} out of order"
    )


def delays(received: Received) -> str:
    """How long changes took from the platform's event to the receiver."""
    median, most = received.delay(0.5), received.delay(0.99)
    return "-" if median is None or most is None else f"median {1000 * median:.0f} ms, 99 % within {1000 * most:.0f} ms"


def summary(received: Received, counts: Mapping[str, int], written: int, started_at: float) -> list[str]:
    """The end of a demo: what was written, what the bridge made of it, what arrived. `started_at`: epoch seconds."""
    changes = received.notifications - received.periodic
    answers = ", ".join(f"{times} x {status}" for status, times in sorted(received.answers.items()))
    lines = [
        f"written to Kafka   {written} records",
        f"bridge             {', '.join(f'{label} {count}' for label, count in counts.items()) or '-'}",
        f"received           {received.notifications} notifications: {changes} changes, {received.periodic} periodic",
        f"answered           {answers or '-'}",
        f"checked            {checks(received)}",
        f"event to receiver  {delays(received)}",
    ]
    if received.first_at is not None:
        lines.append(f"first notification {received.first_at - started_at:.1f} s after the start")
    return lines
