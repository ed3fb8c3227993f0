"""What the identity of records counts as ended."""

from bridge.core.outcome import Invalid, Reason, Result, Return, Skip
from bridge.core.post_outcome import Outcome
from bridge.core.tally import Done, Tally


def test_every_way_a_record_can_end_counts_once() -> None:
    tally = Tally()
    tally.posted, tally.absorbed = 1, 10
    for skip in Skip:
        tally.skipped[skip] += 100
    for invalid in Invalid:
        tally.quarantined[invalid] += 1000
    for why in Return:
        tally.returned[why] += 100_000
    assert tally.finished() == 11 + 100 * len(Skip) + 1000 * len(Invalid) + 100_000 * len(Return)


def test_what_became_of_a_record_is_counted_as_one_end_whatever_it_was() -> None:
    tally = Tally()
    fates = [*Done, *Skip, *Invalid]
    for fate in fates:
        tally.end(fate)
    assert tally.finished() == len(fates)


def test_what_is_rendered_dropped_or_consumed_is_no_end_of_a_record() -> None:
    tally = Tally()
    tally.consumed["events"] += 1
    tally.rendered["change"] += 1
    tally.dropped[Reason.LEASE] += 1
    tally.post("change", Outcome(Result.DELIVERED, Reason.STATUS_2XX, 0.1, 204))
    assert tally.finished() == 0
    assert dict(tally.outcomes) == {("change", Result.DELIVERED, Reason.STATUS_2XX): 1}
