"""The live picture, as text."""

import asyncio
import io

import httpx
import pytest
from rich.console import Console
from test_demo_receiver import GOOD

from bridge.demo.broker import NOTE
from bridge.demo.receiver import Answer, Receiver
from bridge.demo.serve import serving
from bridge.demo.view import Scene, picture, plain, plain_start

URLS = {"metrics": "http://127.0.0.1:9464/metrics", "health": "http://127.0.0.1:9464/livez"}


def filled(groups: int, each: int = 1, **change: object) -> Receiver:
    receiver = Receiver(Answer(fail_rate=0))

    async def main() -> None:
        async with serving(receiver.app, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
            for number in range(groups * each):
                group = number % groups
                names = {"GSW_CAMPAIGN_GROUP_NAME": f"Spring {group}@Agents", "GSW_CAMPAIGN_GROUP_GUID": f"G{group}"}
                await client.post(f"http://127.0.0.1:{port}/", json=GOOD | names | change)

    asyncio.run(main())
    return receiver


def scene(receiver: Receiver, log: str = "") -> Scene:
    return Scene(
        urls=URLS,
        note=NOTE,
        receiver=receiver,
        counts=lambda: {"consumed": 123, "posted": 45},
        written=lambda: 130,
        log=lambda: log,
        started_at=0.0,
    )


def drawn(of: Scene, width: int = 120, height: int = 50) -> str:
    console = Console(record=True, width=width, height=height, file=io.StringIO())
    console.print(picture(of, now=12.0, height=height))
    return console.export_text()


def test_the_picture_shows_groups_notifications_counts_urls_and_the_note() -> None:
    text = drawn(scene(filled(2, GSW_STAT_OVERDIAL_RATE=0.021, GSW_STAT_TIME_TO_COMPLETE=615)))
    for part in (*URLS.values(), NOTE, "12 s", "Ctrl-C", "consumed 123", "posted 45", "written 130", "2 received"):
        assert part in text, part
    row = next(one for one in text.splitlines() if "Spring 1@Agents" in one and "Predict" in one)
    assert row.split()[1:11] == [
        "1@Agents",
        "Running",
        "Predict",
        "StartDialing",
        "0.85",
        "-",
        "0.021",
        "615",
        "s",
        "0",
    ]


def test_before_the_first_notification_it_says_that_it_waits() -> None:
    text = drawn(scene(Receiver()))
    assert "waiting for the first notification" in text
    assert "0 received" in text


def test_what_is_wrong_with_a_notification_stands_beside_it() -> None:
    assert "GSW_STAT_HIT_RATIO can't be" in drawn(scene(filled(1, GSW_STAT_HIT_RATIO=-1)), width=160)


def test_the_last_line_of_the_log_is_shown() -> None:
    assert "no connection" not in drawn(scene(Receiver()))
    assert "no connection to Kafka" in drawn(scene(Receiver(), "no connection to Kafka"))


@pytest.mark.parametrize("height", [24, 30, 40, 60])
@pytest.mark.parametrize("groups", [1, 8, 200])
@pytest.mark.parametrize("width", [80, 132])
def test_the_picture_fits_the_terminal(height: int, groups: int, width: int) -> None:
    lines = (
        drawn(scene(filled(groups, each=2 if groups < 100 else 1)), width=width, height=height)
        .rstrip("\n")
        .splitlines()
    )
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert lines[-1].startswith("delay")


def test_groups_that_do_not_fit_are_counted() -> None:
    text = drawn(scene(filled(200)), height=40)
    shown = sum("0.85" in line for line in text.splitlines())
    assert 3 <= shown < 40
    assert f"{200 - shown} more" in text


def test_markup_in_names_is_shown_as_it_is() -> None:
    assert "[red]Spring[/]" in drawn(scene(filled(1, GSW_CAMPAIGN_GROUP_NAME="[red]Spring[/]")))


def test_without_a_terminal_each_notification_is_a_plain_line() -> None:
    output = io.StringIO()
    console = Console(file=output, width=60)
    receiver = filled(1, GSW_CAMPAIGN_GROUP_NAME="[b]Spring[/b]@Agents", GSW_OPTIMIZE_GOAL="x")
    plain_start(scene(receiver), console)
    for arrival in receiver.recent:
        plain(arrival, console)
    lines = output.getvalue().splitlines()
    assert lines[:3] == ["metrics    " + URLS["metrics"], "health     " + URLS["health"], NOTE]
    assert "[b]Spring[/b]@Agents" in lines[3]
    assert lines[4].strip() == "GSW_OPTIMIZE_GOAL can't be 'x'"
    assert "\x1b" not in output.getvalue()
