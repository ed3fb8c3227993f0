"""The live picture of a demo: campaign groups as the receiver knows them, the last notifications, counts, URLs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bridge.demo import lines
from bridge.demo.receiver import Arrival, Receiver

#: Lines of the layout besides URLs, groups and notifications: borders, titles and heads of tables, blanks, counts.
_FRAME = 13
_NOTIFICATIONS = 10  # shown at most
_STATE_STYLES = {"Running": "green", "Active": "yellow", "NotLoaded": "bright_black", "WaitingUnload": "magenta"}


@dataclass(frozen=True, slots=True)
class Scene:
    """What is shown. the functions are asked anew for each picture (`log`: its last line); `started_at` is epoch seconds."""

    urls: Mapping[str, str]
    note: str
    receiver: Receiver
    counts: Callable[[], Mapping[str, int]]
    written: Callable[[], int]
    log: Callable[[], str]
    started_at: float = field(default_factory=time.time)


def picture(scene: Scene, now: float, height: int) -> RenderableType:
    """The scene at `now` (epoch seconds) in `height` lines: groups and notifications share what the rest leaves."""
    latest = list(scene.receiver.latest.values())
    room = height - _FRAME - len(scene.urls) - bool(scene.note) - bool(scene.log())
    groups = latest[: max(3, room * 2 // 3, room - _NOTIFICATIONS)]
    left = min(_NOTIFICATIONS, max(3, room - len(groups)))
    last = list(scene.receiver.recent)[-left:]
    return Group(_header(scene, now), _groups(groups, len(latest), now), "", _notifications(last), "", _counts(scene))


def _header(scene: Scene, now: float) -> RenderableType:
    grid = _labelled()
    for label, url in scene.urls.items():
        grid.add_row(label, Text(url, style="cyan"))
    body: list[RenderableType] = [grid]
    if scene.note:
        body.append(Text(scene.note, style="yellow", no_wrap=True, overflow="ellipsis"))
    title = f"[bold]ocs-bridge demo[/]  {now - scene.started_at:.0f} s  (Ctrl-C ends it)"
    return Panel(Group(*body), title=title, title_align="left", box=box.ROUNDED)


def _groups(arrivals: list[Arrival], of: int, now: float) -> RenderableType:
    hidden = f", {of - len(arrivals)} more" if of > len(arrivals) else ""
    table = _table(f"Campaign groups{hidden}")
    table.add_column("campaign group", no_wrap=True, overflow="ellipsis", ratio=1)
    for title in ("state", "dial mode", "last"):
        table.add_column(title, no_wrap=True)
    for title in ("busy", "hit", "overdial", "left", "ago"):
        table.add_column(title, justify="right", no_wrap=True)
    for arrival in arrivals:
        state = lines.state(arrival)
        table.add_row(
            Text(lines.name(arrival)),
            Text(state, style=_STATE_STYLES.get(state, "")),
            lines.mode(arrival),
            lines.action(arrival),
            *lines.statistics(arrival),
            f"{max(0.0, now - arrival.at):.0f} s",
        )
    if not arrivals:
        table.add_row("waiting for the first notification")
    return table


def _notifications(arrivals: list[Arrival]) -> RenderableType:
    table = _table("Last notifications")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("campaign group", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("state", no_wrap=True)
    table.add_column("action", no_wrap=True)
    table.add_column("answer", no_wrap=True)
    table.add_column("remarks", overflow="ellipsis", no_wrap=True, ratio=1)
    for arrival in reversed(arrivals):
        style = "dim" if arrival.periodic else ""
        answer = Text(str(arrival.status), style="green" if arrival.status < 300 else "red")
        texts = (lines.clock(arrival.time), lines.name(arrival), lines.state(arrival), lines.action(arrival))
        table.add_row(*(Text(text, style=style) for text in texts), answer, Text(lines.remarks(arrival), style="red"))
    return table


def _labelled() -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(style="bold", width=8, no_wrap=True)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    return grid


def _table(title: str) -> Table:
    """A table without lines of its own: each is a group or notification less on a small terminal."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim underline",
        box=None,
        expand=True,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )


def _counts(scene: Scene) -> RenderableType:
    received = scene.receiver.received
    rows = {
        "records": f"written {scene.written()}  " + "  ".join(f"{what} {n}" for what, n in scene.counts().items()),
        "receiver": f"{received.notifications} received ({received.periodic} periodic): {lines.checks(received)}",
        "delay": f"{lines.delays(received)} (changes, event to receiver)",
    }
    grid = _labelled()
    for label, text in rows.items():
        grid.add_row(label, Text(text))
    if scene.log():
        grid.add_row("log", Text(scene.log(), style="yellow"))
    return grid


def plain_start(scene: Scene, console: Console) -> None:
    """The header as lines, for output that is no terminal."""
    for label, url in scene.urls.items():
        console.print(f"{label:<10} {url}", markup=False, highlight=False, soft_wrap=True)
    if scene.note:
        console.print(scene.note, markup=False, highlight=False, soft_wrap=True)


def plain(arrival: Arrival, console: Console) -> None:
    """One notification as a line, its remarks in red below it."""
    console.print(lines.line(arrival), markup=False, highlight=False, soft_wrap=True)
    plain_remarks(arrival, console)


def plain_remarks(arrival: Arrival, console: Console) -> None:
    """What is odd about a notification in red; nothing if nothing is."""
    if remarks := lines.remarks(arrival):
        console.print(f"    {remarks}", style="red", markup=False, highlight=False, soft_wrap=True)
