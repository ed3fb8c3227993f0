"""The fate of a record or slot as JSON: what a program that is not ours reads from the outcome topic."""

import json

import msgspec
import pytest
from values import changed

from bridge.core import fate
from bridge.core.fate import MAX_DETAIL, Author, Fate
from bridge.core.outcome import Invalid, InvalidEvent, Reason, Result, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.record import Partition, Record
from bridge.core.schedule import Due

AUTHOR = Author("north", "pod-1", "1.2.3")
RECORD = Record(Partition("events", 3), 42, 1_772_355_600_123, b"k", b"{}")
WALL = 1_772_355_600.25
OK = Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.0123456789, 204)


def posted(record: Record = RECORD, event_id: str = "c/events/3/42/1772355600123") -> Fate:
    return fate.posted(record, "change", "T/G", event_id, OK, WALL, AUTHOR)


def as_json(told: Fate) -> dict[str, object]:
    found: dict[str, object] = json.loads(msgspec.json.encode(told))
    return found


def test_a_post_of_a_record_is_one_json_object() -> None:
    assert as_json(posted()) == {
        "event_id": "c/events/3/42/1772355600123",
        "kind": "change",
        "campaign_group": "T/G",
        "topic": "events",
        "partition": 3,
        "offset": 42,
        "slot": None,
        "outcome": "delivered",
        "reason": "2xx",
        "status": 204,
        "seconds": 0.012346,
        "detail": "",
        "time": "2026-03-01T09:00:00.250000Z",
        "bridge": {"client_id": "north", "host": "pod-1", "version": "1.2.3"},
    }


def test_a_periodic_one_has_its_slot_instead_of_a_place() -> None:
    due = Due("T/G", 1_772_355_590_000, 1_772_355_593_000, 10_000)
    told = as_json(fate.posted(due, "periodic", "T/G", "c/T/G/1772355590000", OK, WALL, AUTHOR))
    assert [told[name] for name in ("topic", "partition", "offset")] == [None, None, None]
    assert (told["kind"], told["slot"]) == ("periodic", "2026-03-01T08:59:50Z")


def test_what_is_not_posted_says_why_and_has_the_same_fields() -> None:
    error = InvalidEvent(Invalid.NEGATIVE, "hit_ratio", "-0.1" + "x" * 1000)
    bad = as_json(fate.quarantined(RECORD, "id", error, WALL, AUTHOR))
    old = as_json(fate.skipped(RECORD, "id", "T/G", Skip.TOO_OLD, WALL, AUTHOR))
    open_ = as_json(fate.unknown(RECORD, "id", WALL, AUTHOR))
    said = ("outcome", "reason", "campaign_group", "kind", "offset", "status", "seconds")
    assert [bad[name] for name in said] == ["quarantined", "negative", None, None, 42, None, None]
    assert str(bad["detail"]).startswith("hit_ratio: -0.1xx")
    assert len(str(bad["detail"])) == MAX_DETAIL
    assert [old[name] for name in said] == ["skipped", "too_old", "T/G", None, 42, None, None]
    assert [open_[name] for name in said] == ["unknown", "crash", None, None, 42, None, None]
    assert bad.keys() == old.keys() == open_.keys() == as_json(posted()).keys()


def test_it_is_read_as_it_was_written_and_fields_of_a_newer_bridge_are_passed_over() -> None:
    text = msgspec.json.encode(posted())
    assert msgspec.json.decode(text, type=Fate) == posted()
    assert msgspec.json.decode(b'{"newer": 1, ' + text[1:], type=Fate) == posted()


@pytest.mark.parametrize(
    ("told", "same"),
    [
        (posted(), True),
        (posted(changed(RECORD, offset=41)), False),
        (posted(changed(RECORD, partition=Partition("events", 4))), False),
        (posted(changed(RECORD, partition=Partition("others", 3))), False),
        (posted(event_id="c/events/3/42/1700000000000"), False),  # an older topic of the same name
    ],
    ids=["same", "offset", "partition", "topic", "timestamp"],
)
def test_a_fate_is_of_one_record_only(told: Fate, same: bool) -> None:
    assert told.of(RECORD) is same
