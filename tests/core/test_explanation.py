"""What is answered about a record, by what is known of it."""

from datetime import UTC, datetime

import pytest

from bridge.core.explanation import Explanation, Mapped, Search, Standing, standing
from bridge.core.fate import Author, Fate
from bridge.core.ledger import Ledger
from bridge.core.runs import Checkpoint

AUTHOR = Author("north", "pod-1", "1.2.3")
TIME = datetime(2026, 3, 1, 9, 0, 0, 250_000, tzinfo=UTC)
BY = "by north on pod-1 at 2026-03-01 09:00:00.250 UTC"
CHANGE = Mapped(kind="change", campaign_group="G")


def fate(outcome: str, reason: str, status: int | None = None, detail: str = "", seconds: float | None = None) -> Fate:
    return Fate(
        event_id="id",
        outcome=outcome,
        reason=reason,
        status=status,
        detail=detail,
        seconds=seconds,
        time=TIME,
        bridge=AUTHOR,
    )


def answer(
    where: Standing,
    *fates: Fate,
    mapped: Mapped | None = CHANGE,
    topic: str | None = "outcomes",
    problem: str | None = None,
) -> list[str]:
    return Explanation(
        topic="events",
        partition=0,
        offset=7,
        time=TIME,
        missing=None,
        mapped=mapped,
        group_id="g",
        committed=None if where is Standing.NO_COMMIT else 5,
        standing=where,
        search=Search(topic=topic, problem=problem, fates=list(fates)),
    ).answer()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (fate("delivered", "2xx", 204, seconds=0.0123), f"delivered 204 after 12 ms {BY}"),
        (fate("rejected", "5xx", 503, seconds=0.5), f"rejected 503 after 500 ms {BY}"),
        (
            fate("not_sent", "connect", detail="refused", seconds=0.001),
            f"not_sent (connect: refused) after 1 ms {BY}",
        ),
        (
            fate("ambiguous", "read_timeout", seconds=5.0),
            f"ambiguous (read_timeout) after 5000 ms {BY} (the receiver may have read it)",
        ),
        (fate("quarantined", "bad_json", detail="at 3"), f"quarantined: bad_json: at 3, {BY}"),
        (fate("skipped", "too_old"), f"skipped: too_old, {BY}"),
        (
            fate("unknown", "crash"),
            f"unknown: a crash left open whether it was posted; not posted again, said {BY}",
        ),
    ],
    ids=lambda value: value.outcome if isinstance(value, Fate) else "",
)
def test_what_the_outcome_topic_has_is_told_in_a_sentence(told: Fate, sentence: str) -> None:
    assert answer(Standing.DONE, told) == [sentence]


def test_each_post_of_a_record_that_a_crash_made_repeat_is_told() -> None:
    told = answer(Standing.DONE_BEYOND, fate("ambiguous", "cut"), fate("delivered", "2xx", 200))
    assert [sentence.split()[0] for sentence in told] == ["ambiguous", "delivered"]


def test_a_post_that_no_commit_confirms_yet_may_happen_again() -> None:
    told = answer(Standing.NOT_DONE, fate("delivered", "2xx", 200))
    assert told[0].startswith("delivered 200")
    assert "after a crash it may be done again" in told[1]


def test_what_is_not_done_says_how_far_the_commit_is() -> None:
    assert answer(Standing.NOT_DONE) == ["not done yet: consumer group g has committed offset 5"]
    [nothing] = answer(Standing.NO_COMMIT)
    assert nothing.endswith("has committed nothing of this partition")
    [covered] = answer(Standing.COVERED)
    assert "its POST may have begun" in covered


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({"mapped": Mapped(skipped="tombstone")}, "skipped: tombstone"),
        ({"mapped": Mapped(kind="statistics", campaign_group="G")}, "merged: statistics"),
        (
            {"mapped": Mapped(kind="report", campaign_group="G")},
            "merged; notified only if it said something new, but no record",
        ),
        ({"topic": None}, "done, but no record of how: delivery.outcome_topic is not set"),
        ({"problem": "there is no topic"}, "done, but no record of how: there is no topic"),
        ({}, "done, but no record of how: outcome_topic was not set then"),
        ({"mapped": None}, "done, but no record of how: "),
    ],
    ids=["skipped", "statistics", "report", "off", "unreadable", "expired", "no record"],
)
def test_what_is_done_without_an_outcome_says_why_there_is_none(known: dict[str, object], text: str) -> None:
    [told] = answer(Standing.DONE, **known)  # type: ignore[arg-type]
    assert told.startswith(text)


def test_what_would_be_quarantined_now_is_told_as_no_more_than_that() -> None:
    [told] = answer(Standing.DONE, mapped=Mapped(invalid="bad_json: at 3"))
    assert told.startswith("done, but no record of how")
    assert told.endswith("this configuration puts it into quarantine: bad_json: at 3")


def test_the_standing_of_an_offset_is_what_a_ledger_committed() -> None:
    ledger = Ledger(10, born=1, max_covered=2)
    for offset in range(10, 15):
        ledger.see(offset)
    assert ledger.cover(12)
    for offset in (10, 13):
        ledger.settle(offset)
    commit = ledger.checkpoint()
    assert commit is not None
    found = {offset: standing(commit, offset) for offset in (9, 10, 11, 12, 13, 14, 99)}
    assert found == {
        9: Standing.DONE,
        10: Standing.DONE,
        11: Standing.NOT_DONE,
        12: Standing.COVERED,
        13: Standing.DONE_BEYOND,
        14: Standing.NOT_DONE,
        99: Standing.NOT_DONE,
    }


def test_without_a_commit_or_with_another_programs_nothing_beyond_it_is_done() -> None:
    assert standing(None, 0) is Standing.NO_COMMIT
    assert standing(Checkpoint(5, "what kcat wrote"), 4) is Standing.DONE
    assert standing(Checkpoint(5, "what kcat wrote"), 5) is Standing.NOT_DONE
