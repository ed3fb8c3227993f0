"""One partition of the state topic while it is read: what is known of its groups in the end, and how far it is."""

import asyncio
import json
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from bridge.core.campaign_group import CampaignGroup
from bridge.core.saved import Restored, save
from bridge.edge import restoring as module
from bridge.edge.restoring import Progress, Restoring

BAD = b"no state"
Said = tuple[str, int | bytes | None]  # a key, and what its record says: a number, something else, or nothing


class Polled(NamedTuple):
    """A record, as far as it is looked at."""

    offset: int
    key: bytes
    value: bytes | None


def value(key: str, said: int | bytes | None) -> bytes | None:
    return save(CampaignGroup(key, 0, seen_ms=said)) if isinstance(said, int) else said


def polled(said: Iterable[Said], first: int = 0) -> list[Polled]:
    return [Polled(n, key.encode(), value(key, what)) for n, (key, what) in enumerate(said, first)]


def restored(said: list[Said], at_a_time: int) -> Restored:
    async def scenario() -> Restored:
        one = Restoring("state", 0)
        one.begin(0, len(said))
        for first in range(0, len(said), at_a_time):
            one.take(polled(said[first : first + at_a_time], first))
        one.finish()
        return await one.done

    return asyncio.run(scenario())


@pytest.mark.parametrize("pending", [0, 40, 1_000_000], ids=["each batch", "some", "all"])
@pytest.mark.parametrize("at_a_time", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("said", "known"),
    {
        "the last counts": ([("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3)], {"a": 3, "b": 1, "c": 1}),
        "a tombstone takes it away": ([("a", 1), ("b", 1), ("a", None)], {"b": 1}),
        "it comes again": ([("a", 1), ("a", None), ("b", 1), ("a", 2)], {"a": 2, "b": 1}),
        "what nobody reads takes it away": ([("a", 1), ("b", 1), ("a", BAD)], {"b": 1}),
        "a good one after a bad one": ([("a", BAD), ("b", 1), ("a", 2)], {"a": 2, "b": 1}),
        "a tombstone of nothing": ([("a", None), ("b", 1)], {"b": 1}),
    }.values(),
    ids=lambda value: None,
)
def test_the_last_record_of_a_key_counts_however_many_are_decoded_at_a_time(
    said: list[Said], known: dict[str, int], at_a_time: int, pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PENDING", pending)
    found = restored(said, at_a_time)

    assert {group.key: group.seen_ms for group in found.groups} == known
    assert found.records == len(said)


def test_values_that_wait_to_be_decoded_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        one = Restoring("state", 0)
        large = b'{"v":1,"state_name":"' + b"x" * 1000 + b'"}'
        for n in range(100):
            one.take([Polled(n, b"key %d" % n, large)])
            waiting = max(waiting_before[-1], sum(map(len, one._values.values())))
            waiting_before.append(waiting)
        one.finish()
        assert len((await one.done).groups) == 100

    waiting_before = [0]
    monkeypatch.setattr(module, "PENDING", 10_000)
    asyncio.run(scenario())
    assert 8_000 < waiting_before[-1] <= 10_000


def test_a_bad_record_is_told_with_its_offset(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "PENDING", 0)
    assert restored([("a", 1), ("b", BAD), ("c", 1), ("d", BAD), ("e", 1)], 2).bad == 2
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["offset"] for line in told if line["event"] == "state_record_bad"] == [1, 3]


def test_its_progress_is_known_and_told_every_five_seconds(capfd: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> None:
        one = Restoring("state", 7)
        found = [one.progress]
        began = one.moved
        one.begin(100, 1_100)
        for turn in range(12):
            one.take(polled([(f"{turn % 3}", turn), (f"x{turn}", None)]))
            one.reached(150 + 50 * turn, began + 1 + turn)
            found.append(one.progress)
        assert not one.ended
        assert found == [Progress(0, 0), *(Progress(50 + 50 * turn, 1_000) for turn in range(12))]
        one.finish()
        await one.done

    asyncio.run(scenario())
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    lines = [line for line in told if line["event"] == "state_restoring"]
    assert [(line["partition"], line["offsets"], line["of"]) for line in lines] == [(7, 300, 1_000), (7, 600, 1_000)]
    assert [(line["records"], line["groups"], line["bad"]) for line in lines] == [(12, 3, 0), (24, 3, 0)]
