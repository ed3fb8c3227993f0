"""The receiver: what it answers, what it finds wrong, what it counts."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest
from support import processes

from bridge.demo.check import problems
from bridge.demo.lines import line, remarks, summary
from bridge.demo.receiver import Answer, Receiver
from bridge.demo.serve import free_port, serving

GOOD: dict[str, object] = {
    "GSW_USER_EVENT": "CampaignGroupState",
    "GSW_DATE_TIME": "1544659952.123",
    "GSW_TENANT_NAME": "Environment",
    "GSW_TENANT_CCID": "101",
    "GSW_CAMPAIGN_GROUP_NAME": "Spring@Agents",
    "GSW_CAMPAIGN_GROUP_GUID": "A" * 32,
    "GSW_CAMPAIGN_GROUP_DBID": "1001",
    "GSW_GROUP_NAME": "Agents",
    "GSW_CAMPAIGN_NAME": "Spring",
    "GSW_QUEUE_NAME": "VQ_Agents",
    "GSW_DIAL_MODE": 1,
    "GSW_OPTIMIZE_BY": 1,
    "GSW_OPTIMIZE_GOAL": 80,
    "GSW_CAMPAIGN_GROUP_STATE": 5,
    "GSW_CAMPAIGN_GROUP_ACTION": 9,
    "GSW_CAMPAIGN_GROUP_ACTOR": 1,
    "GSW_STAT_BUSY_FACTOR": 0.85,
    "GSW_STAT_HIT_RATIO": None,
    "GSW_CALLING_LISTS": [{"GSW_CALLING_LIST": "new", "GSW_STAT_HIT_RATIO": 0.3}],
}


def test_a_notification_as_the_format_wants_it_has_no_problems() -> None:
    assert problems(GOOD) == ()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"GSW_QUEUE_NAME": ...}, "GSW_QUEUE_NAME is missing"),
        ({"GSW_USER_EVENT": "Other"}, "GSW_USER_EVENT can't be 'Other'"),
        ({"GSW_DATE_TIME": "1544659952.12"}, "GSW_DATE_TIME can't be"),
        ({"GSW_DATE_TIME": 1544659952.123}, "GSW_DATE_TIME can't be"),
        ({"GSW_CAMPAIGN_GROUP_DBID": 1001}, "GSW_CAMPAIGN_GROUP_DBID can't be"),
        ({"GSW_CAMPAIGN_GROUP_STATE": 6}, "GSW_CAMPAIGN_GROUP_STATE can't be '6'"),
        ({"GSW_CAMPAIGN_GROUP_ACTION": True}, "GSW_CAMPAIGN_GROUP_ACTION can't be 'True'"),
        ({"GSW_CAMPAIGN_GROUP_STATE": 4}, "GSW_DIAL_MODE of a campaign group that is not running"),
        ({"GSW_DIAL_MODE": 2}, "GSW_OPTIMIZE_GOAL without a predictive dial mode"),
        ({"GSW_OPTIMIZE_GOAL": 0.8}, "GSW_OPTIMIZE_GOAL can't be"),
        ({"GSW_STAT_HIT_RATIO": -0.1}, "GSW_STAT_HIT_RATIO can't be"),
        ({"GSW_STAT_HIT_RATIO": "0.3"}, "GSW_STAT_HIT_RATIO can't be"),
        ({"GSW_CALLING_LISTS": [{"GSW_STAT_HIT_RATIO": -1}]}, "calling list 0: GSW_STAT_HIT_RATIO can't be"),
        ({"GSW_CALLING_LISTS": [{}]}, "calling list 0: GSW_CALLING_LIST is missing"),
        ({"GSW_CALLING_LISTS": "new"}, "GSW_CALLING_LISTS can't be"),
    ],
)
def test_each_departure_from_the_format_is_found(change: dict[str, object], found: str) -> None:
    body = {name: value for name, value in (GOOD | change).items() if value is not ...}
    assert any(found in problem for problem in problems(body)), problems(body)


def met(receiver: Receiver, visit: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Visit the receiver over a real socket."""

    async def main() -> None:
        async with (
            serving(receiver.app, "127.0.0.1", 0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            await visit(client)

    asyncio.run(main())


def post(client: httpx.AsyncClient, event_id: str = "", **change: object) -> Awaitable[httpx.Response]:
    return client.post("/any/path?x=1", json=GOOD | change, headers={"X-GSW-Event-Id": event_id} if event_id else {})


def test_it_answers_as_told_and_counts_what_it_finds() -> None:
    receiver = Receiver(Answer(status=202))

    async def visit(client: httpx.AsyncClient) -> None:
        assert (await post(client, "a")).status_code == 202
        await post(client, "a", GSW_DATE_TIME="1544659953.000")
        await post(client, "b", GSW_DATE_TIME="1544659952.999")
        await post(client, "c", GSW_CAMPAIGN_GROUP_GUID="B", GSW_DATE_TIME="1544659000.000")
        await post(client, "d", GSW_CAMPAIGN_GROUP_ACTION=0)  # sent before the change: no step back
        await post(client, "e", GSW_CAMPAIGN_GROUP_ACTION=0, GSW_DATE_TIME="1544659000.000")
        await client.post("/", content=b"not JSON")
        shown = (await client.get("/")).json()
        assert shown == {
            "notifications": 7,
            "periodic": 2,
            "with_problems": 1,
            "duplicates": 1,
            "steps_back": 2,
            "answers": {"202": 7},
        }

    met(receiver, visit)
    assert [arrival.duplicate for arrival in receiver.recent] == [False, True, False, False, False, False, False]
    assert [arrival.step_back for arrival in receiver.recent] == [False, False, True, False, False, True, False]


def test_notifications_without_an_event_id_are_no_duplicates() -> None:
    receiver = Receiver()

    async def visit(client: httpx.AsyncClient) -> None:
        await post(client)
        await post(client)

    met(receiver, visit)
    assert receiver.received.duplicates == 0


def test_a_share_of_the_answers_fails_if_told_so() -> None:
    receiver = Receiver(Answer(fail_rate=0.5))

    async def visit(client: httpx.AsyncClient) -> None:
        for _ in range(100):
            await post(client)

    met(receiver, visit)
    assert set(receiver.received.answers) == {200, 503}
    assert 20 < receiver.received.answers[503] < 80


def test_it_waits_before_it_answers_if_told_so_and_serves_others_meanwhile() -> None:
    async def visit(client: httpx.AsyncClient) -> None:
        begin = time.monotonic()
        await asyncio.gather(*(post(client) for _ in range(5)))
        assert 0.3 <= time.monotonic() - begin < 1.2

    met(Receiver(Answer(delay=0.3)), visit)


def test_it_remembers_no_more_event_ids_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.demo.receiver.MAX_REMEMBERED", 3)
    receiver = Receiver()

    async def visit(client: httpx.AsyncClient) -> None:
        for number in range(5):
            await post(client, str(number), GSW_CAMPAIGN_GROUP_GUID=str(number))
        await post(client, "4")
        await post(client, "0")

    met(receiver, visit)
    assert receiver.received.duplicates == 1
    assert len(receiver.latest) == 3


def test_the_delay_of_changes_is_told_as_a_share() -> None:
    receiver = Receiver()

    async def visit(client: httpx.AsyncClient) -> None:
        for behind in range(10):
            await post(client, GSW_DATE_TIME=f"{time.time() - behind:.3f}")
        await post(client, GSW_DATE_TIME="1.000", GSW_CAMPAIGN_GROUP_ACTION=0)

    met(receiver, visit)
    assert len(receiver.received.delays) == 10
    median, most = receiver.received.delay(0.5), receiver.received.delay(0.99)
    assert median is not None
    assert most is not None
    assert 4.99 <= median < 6  # the date has three decimals
    assert 8.99 <= most < 10


def test_a_line_says_in_words_what_the_notification_says_in_numbers() -> None:
    receiver = Receiver()

    async def visit(client: httpx.AsyncClient) -> None:
        await post(client, "a")
        await post(client, "a", GSW_STAT_BUSY_FACTOR=-1)
        await post(client, "b", GSW_CAMPAIGN_GROUP_ACTION=0)

    met(receiver, visit)
    first, second, third = receiver.recent
    assert line(third).split()[2:4] == ["Running", "periodic"]
    text = " ".join(line(first).split())
    assert text == ("00:12:32.123 Spring@Agents Running StartDialing Predict busy 0.85 hit - over - left - 200")
    assert remarks(first) == ""
    assert remarks(second) == "GSW_STAT_BUSY_FACTOR can't be '-1'; duplicate"
    assert (
        summary(receiver.received, {"posted": 2}, 9, 0.0)[2]
        == "received           3 notifications: 2 changes, 1 periodic"
    )


def receiver_process(*arguments: str) -> processes.Process[str]:
    code = (
        "import sys; from bridge.demo.commands import run_receiver; from bridge.demo.receiver import Answer;"
        "sys.exit(run_receiver('127.0.0.1', int(sys.argv[1]), Answer(), raw='raw' in sys.argv))"
    )
    return processes.start(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def visited(process: processes.Process[str], port: int, *bodies: dict[str, object]) -> tuple[int, str, str]:
    deadline = time.monotonic() + 15
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        while time.monotonic() < deadline:
            try:
                client.get("/")
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        for body in bodies:
            client.post("/", json=body)
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=15)
    return process.returncode, output, errors


def test_the_command_prints_each_notification_and_ends_well_with_ctrl_c() -> None:
    port = free_port("127.0.0.1", 0)
    code, output, errors = visited(receiver_process(str(port)), port, GOOD)
    assert (code, errors) == (0, "")
    assert "StartDialing" in output
    assert output.endswith("1 notifications: 0 with problems, 0 duplicates, 0 out of order\n")


def test_the_command_ends_with_1_if_something_was_odd() -> None:
    port = free_port("127.0.0.1", 0)
    code, output, _ = visited(receiver_process(str(port)), port, GOOD | {"GSW_USER_EVENT": "Other"})
    assert code == 1
    assert "GSW_USER_EVENT can't be 'Other'" in output


def test_raw_output_is_the_notifications_and_nothing_else() -> None:
    port = free_port("127.0.0.1", 0)
    _, output, errors = visited(receiver_process(str(port), "raw"), port, GOOD, GOOD | {"GSW_QUEUE_NAME": "x" * 500})
    assert [json.loads(one) for one in output.splitlines()] == [GOOD, GOOD | {"GSW_QUEUE_NAME": "x" * 500}]
    assert "receiving on" in errors
