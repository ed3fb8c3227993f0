"""When a POST may begin: the lease first, then the window of what is not committed, then the receiver's wish."""

import pytest

from bridge.core.gate import HELD, Gate
from bridge.core.outcome import Reason, Result
from bridge.core.post_outcome import Outcome

DELIVERED = Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.01, 204)
NOT_SENT = Outcome(Result.NOT_SENT, Reason.CONNECT, 0.01)
AMBIGUOUS = Outcome(Result.AMBIGUOUS, Reason.READ_TIMEOUT, 10.0)


def overloaded(retry_after: float | None, status: int = 503) -> Outcome:
    reason = Reason.STATUS_5XX if status >= 500 else Reason.STATUS_4XX
    return Outcome(Result.REJECTED, reason, 0.01, status, retry_after=retry_after)


def gate(max_unconfirmed: int = 1000, cool_down: float = 30.0, cool_down_after: int = 3) -> Gate:
    return Gate(max_unconfirmed=max_unconfirmed, cool_down=cool_down, cool_down_after=cool_down_after)


def closed_for(one: Gate, now: float) -> float:
    """Seconds from `now` on during which no POST may begin, to a tenth."""
    return next(n for n in range(10_000) if one.why_closed(now + n / 10) is None) / 10


def test_without_a_lease_no_post_begins_whatever_else_is_the_case() -> None:
    owned = False
    one = Gate(lambda: owned, max_unconfirmed=1, cool_down=30)
    one.posted(overloaded(20), 0)
    assert one.why_closed(0) == "lease"
    owned = True
    assert one.why_closed(0) == "unconfirmed"
    one.confirmed(1)
    assert one.why_closed(0) == "cool_down"
    assert one.why_closed(20) is None
    assert HELD == ("lease", "unconfirmed", "cool_down")


def test_it_closes_at_max_unconfirmed_and_opens_with_a_checkpoint_that_covers_some() -> None:
    one = gate(max_unconfirmed=3)
    seen = []
    for outcome in (DELIVERED, NOT_SENT, AMBIGUOUS):  # whatever became of them
        seen.append(one.why_closed(0))
        one.posted(outcome, 0)
    assert seen == [None, None, None]
    assert one.why_closed(0) == "unconfirmed"
    one.confirmed(1)
    assert (one.unconfirmed, one.why_closed(0)) == (2, None)


@pytest.mark.parametrize(("most", "at"), [(1, 1), (2, 2), (4, 3), (1000, 750)])
def test_it_says_once_that_three_quarters_of_the_window_are_used(most: int, at: int) -> None:
    one, said = gate(max_unconfirmed=most), list[int]()
    one.filling = lambda: said.append(one.unconfirmed)
    for _ in range(at - 1):
        one.posted(DELIVERED, 0)
    assert not one.filled
    for _ in range(2):
        one.posted(DELIVERED, 0)
        assert one.filled
    assert said == [at]
    one.confirmed(at + 1)
    assert not one.filled


def test_what_is_out_counts_to_the_window_too() -> None:
    one = gate(max_unconfirmed=3)
    one.posted(DELIVERED, 0)
    assert [one.why_closed(0, out) for out in (0, 1, 2)] == [None, None, "unconfirmed"]


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_receiver_is_left_alone_for_as_long_as_it_asks(status: int) -> None:
    one = gate()
    one.posted(overloaded(12, status), 100)
    assert closed_for(one, 100) == 12


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        pytest.param(overloaded(3600), 30, id="longer-than-the-longest-pause"),
        pytest.param(overloaded(0), 0, id="no-pause"),
        pytest.param(overloaded(None), 0, id="no-wish"),
        pytest.param(overloaded(12, 500), 0, id="not-overloaded"),
        pytest.param(overloaded(12, 302), 0, id="moved"),
    ],
)
def test_what_else_it_may_ask(outcome: Outcome, seconds: float) -> None:
    one = gate()
    one.posted(outcome, 100)
    assert closed_for(one, 100) == seconds


def test_of_answers_that_overlap_the_longest_pause_holds() -> None:
    one = gate()
    one.posted(overloaded(20), 100)
    one.posted(overloaded(0), 101)
    one.posted(overloaded(5), 102)
    assert closed_for(one, 102) == 18


def test_a_receiver_that_can_not_be_reached_several_times_in_a_row_is_left_alone() -> None:
    one = gate()
    for now in (100, 101):
        one.posted(NOT_SENT, now)
        assert closed_for(one, now) == 0
    one.posted(NOT_SENT, 102)
    assert closed_for(one, 102) == 30
    one.posted(NOT_SENT, 140)  # still away: one try a pause
    assert closed_for(one, 140) == 30


@pytest.mark.parametrize(
    "between", [DELIVERED, AMBIGUOUS, overloaded(None)], ids=["delivered", "ambiguous", "rejected"]
)
def test_anything_that_was_sent_ends_the_row(between: Outcome) -> None:
    one = gate()
    for outcome in (NOT_SENT, NOT_SENT, between, NOT_SENT, NOT_SENT):
        one.posted(outcome, 100)
    assert closed_for(one, 100) == 0


def test_without_a_cool_down_nothing_the_receiver_does_closes_it() -> None:
    one = gate(cool_down=0)
    for outcome in (overloaded(60), *[NOT_SENT] * 50):
        one.posted(outcome, 0)
    assert one.why_closed(0) is None
    assert one.unconfirmed == 51
