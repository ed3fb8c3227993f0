"""Where a newly assigned partition is read from: each rule, and the races of a group's first start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core import start as starts
from bridge.core.runs import Checkpoint, write
from bridge.core.start import Commits, Log, Reset, Start

LOG = Log(100, 500)
RESETS: list[Reset] = ["latest", "earliest"]


def ours(offset: int, born: int, *runs: tuple[int, int]) -> Checkpoint:
    return Checkpoint(offset, write(born, offset, runs))


def resolve(
    number: int, own: Checkpoint | None, others: list[Checkpoint], log: Log, *, count: int, reset: Reset
) -> Start:
    """With the others' commits at other numbers."""
    found = {100 + n: commit for n, commit in enumerate(others)}
    if own is not None:
        found[number] = own
    return starts.resolve(number, Commits(found, count), log, reset=reset)


FOREIGN = [Checkpoint(7, ""), Checkpoint(7, "another program's text"), Checkpoint(7, "2;12;AQI")]


@pytest.mark.parametrize("reset", RESETS)
def test_a_committed_offset_holds_whatever_the_reset_says(reset: Reset) -> None:
    start = resolve(0, ours(200, 3, (210, 220)), [], LOG, count=3, reset=reset)
    assert start == Start(200, ((210, 220),), 3, "committed", latest=LOG.latest)


@pytest.mark.parametrize("offset", [LOG.earliest, LOG.latest])
def test_both_ends_of_the_log_are_in_range(offset: int) -> None:
    assert resolve(0, ours(offset, 3), [], LOG, count=3, reset="latest") == Start(
        offset, (), 3, "committed", latest=LOG.latest
    )


@pytest.mark.parametrize("reset", RESETS)
def test_an_expired_offset_goes_to_the_earliest_and_the_gap_is_known(reset: Reset) -> None:
    start = resolve(0, ours(60, 3), [], LOG, count=3, reset=reset)
    assert start == Start(100, (), 3, "out_of_range", gap=40, latest=LOG.latest)


def test_what_was_done_before_it_expired_is_no_gap() -> None:
    start = resolve(0, ours(60, 3, (70, 80), (90, 110), (120, 130)), [], LOG, count=3, reset="latest")
    assert start.gap == 20
    assert start.runs[-1] == (120, 130), "and what is done beyond is not posted again"


@pytest.mark.parametrize("offset", [60, 200])
def test_what_a_crash_left_covered_is_known_to_the_next_owner_also_where_its_offset_expired(offset: int) -> None:
    committed = Checkpoint(offset, write(3, offset, ((210, 220),), ((230, 231), (240, 250))))
    start = resolve(0, committed, [], LOG, count=3, reset="latest")
    assert start.covered == ((230, 231), (240, 250))
    assert start.runs == ((210, 220),)


@pytest.mark.parametrize("reset", RESETS)
def test_an_offset_beyond_the_end_goes_to_the_earliest_and_forgets_its_runs(reset: Reset) -> None:
    for committed in (ours(501, 3, (510, 520)), Checkpoint(501, write(3, 501, (), ((510, 511),)))):
        start = resolve(0, committed, [], LOG, count=3, reset=reset)
        assert start == Start(100, (), 3, "out_of_range", latest=LOG.latest)


@pytest.mark.parametrize(("reset", "offset"), [("latest", 500), ("earliest", 100)])
def test_a_fresh_group_starts_where_the_reset_says_and_remembers_the_number_of_partitions(
    reset: Reset, offset: int
) -> None:
    assert resolve(2, None, [], LOG, count=3, reset=reset) == Start(offset, (), 3, reset, latest=LOG.latest)


@pytest.mark.parametrize(("reset", "offset"), [("latest", 500), ("earliest", 100)])
def test_the_reset_also_applies_where_another_member_of_the_fresh_group_has_committed_already(
    reset: Reset, offset: int
) -> None:
    others = [ours(500, 3), ours(480, 3)]
    assert resolve(2, None, others, LOG, count=3, reset=reset) == Start(offset, (), 3, reset, latest=LOG.latest)


@pytest.mark.parametrize("reset", RESETS)
def test_it_still_does_once_the_topic_has_grown_and_the_number_at_first_is_kept(reset: Reset) -> None:
    start = resolve(2, None, [ours(500, 3)], LOG, count=8, reset=reset)
    assert (start.origin, start.born) == (reset, 3)


@pytest.mark.parametrize("reset", RESETS)
def test_a_partition_that_was_added_later_is_read_from_its_beginning(reset: Reset) -> None:
    start = resolve(3, None, [ours(500, 3), ours(480, 3)], LOG, count=4, reset=reset)
    assert start == Start(100, (), 3, "added_later", latest=LOG.latest), (
        "and the next owner still knows how many there were at first"
    )


def test_a_partition_between_first_start_and_growth_keeps_the_number_of_the_first_start() -> None:
    grown = resolve(3, None, [ours(500, 3)], LOG, count=4, reset="latest")
    again = resolve(4, None, [ours(500, 3), ours(100, grown.born)], LOG, count=5, reset="latest")
    assert again == Start(100, (), 3, "added_later", latest=LOG.latest)


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("reset", RESETS)
def test_without_a_commit_of_ours_a_partition_beside_foreign_commits_counts_as_added_later(
    foreign: Checkpoint, reset: Reset
) -> None:
    assert resolve(0, None, [foreign], LOG, count=3, reset=reset).origin == "added_later"


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_foreign_commit_holds_and_learns_born_from_the_others(foreign: Checkpoint) -> None:
    committed = Checkpoint(200, foreign.metadata)
    assert resolve(0, committed, [], LOG, count=3, reset="latest") == Start(200, (), 0, "committed", latest=LOG.latest)
    assert resolve(0, committed, [ours(9, 3)], LOG, count=4, reset="latest") == Start(
        200, (), 3, "committed", latest=LOG.latest
    )
    assert resolve(1, None, [committed, ours(9, 3)], LOG, count=4, reset="latest").origin == "latest"


@pytest.mark.parametrize("reset", RESETS)
def test_a_new_topic_starts_at_its_first_offset(reset: Reset) -> None:
    assert resolve(0, None, [], Log(0, 0), count=8, reset=reset) == Start(0, (), 8, reset, latest=0)


@given(
    st.integers(0, 20),
    st.one_of(st.none(), st.integers(0, 600)),
    st.lists(st.tuples(st.integers(0, 600), st.integers(1, 20)), max_size=4),
    st.sampled_from(RESETS),
)
def test_every_start_lies_in_the_log_and_never_skips_what_exists_after_a_commit(
    number: int, committed: int | None, others: list[tuple[int, int]], reset: Reset
) -> None:
    own = None if committed is None else ours(committed, 5)
    start = resolve(number, own, [ours(o, born) for o, born in others], LOG, count=21, reset=reset)
    assert LOG.earliest <= start.offset <= LOG.latest
    if committed is not None:
        assert start.offset <= max(committed, LOG.earliest)
    assert start.gap == (max(0, LOG.earliest - committed) if committed is not None else 0)


@pytest.mark.parametrize("offset", [60, 200, 501], ids=["expired", "in-range", "beyond-the-end"])
def test_until_when_the_last_owner_told_slots_is_known_wherever_the_partition_starts(offset: int) -> None:
    committed = Checkpoint(offset, write(3, offset, (), (), 1_790_000_000_123))
    assert resolve(0, committed, [], LOG, count=3, reset="latest").told_until_ms == 1_790_000_000_123


@pytest.mark.parametrize(
    ("committed", "others", "first"),
    [(ours(200, 3), [], False), (ours(60, 3), [], False), (None, [], True), (None, [ours(7, 1)], True)],
    ids=["committed", "out-of-range", "fresh", "added-later"],
)
def test_it_is_a_first_start_where_the_group_never_committed(
    committed: Checkpoint | None, others: list[Checkpoint], first: bool
) -> None:
    assert resolve(2, committed, others, LOG, count=3, reset="latest").first is first


def test_a_start_is_told_with_its_gap_and_with_what_latest_passes_over() -> None:
    assert resolve(0, ours(200, 3), [], LOG, count=3, reset="latest").told() == {"offset": 200, "origin": "committed"}
    assert resolve(0, ours(60, 3), [], LOG, count=3, reset="latest").told()["offsets_missing"] == 40
    assert "latest" in str(resolve(0, None, [], LOG, count=3, reset="latest").told()["note"])
    assert "note" not in resolve(0, None, [], LOG, count=3, reset="earliest").told()


# A topic that was deleted and made again

OLD, NEW = "A" * 22, "B" * 22


def of(topic_id: str, offset: int, told_ms: int = 0) -> Checkpoint:
    return Checkpoint(
        offset, write(3, offset, ((offset + 10, offset + 20),), ((offset + 30, offset + 31),), told_ms, topic_id)
    )


def made_again(told_ms: int = 0) -> Start:
    return Start(100, (), 4, "made_again", told_until_ms=told_ms, latest=LOG.latest, topic_id=NEW)


@pytest.mark.parametrize("reset", RESETS)
def test_a_commit_of_a_deleted_topic_says_nothing_of_the_one_made_again_but_until_when_slots_were_told(
    reset: Reset,
) -> None:
    for offset in (60, 200, 501):
        commits = Commits({0: of(OLD, offset, 1_790_000_000_123)}, 4, NEW)
        assert starts.resolve(0, commits, LOG, reset=reset) == made_again(1_790_000_000_123)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("number", [1, 7])
def test_nor_does_latest_pass_over_records_of_a_partition_whose_commit_kafka_deleted_with_the_topic(
    reset: Reset, number: int
) -> None:
    assert starts.resolve(number, Commits({0: of(OLD, 200)}, 4, NEW), LOG, reset=reset) == made_again()
    assert starts.resolve(number, Commits({}, 4, NEW), LOG, reset=reset, known_id=OLD) == made_again()


def test_a_commit_of_the_topic_as_it_is_holds_also_beside_those_of_the_deleted_one() -> None:
    commits = Commits({0: of(NEW, 200), 1: of(OLD, 300)}, 4, NEW)
    start = starts.resolve(0, commits, LOG, reset="latest", known_id=OLD)
    assert (start.offset, start.runs, start.origin) == (200, ((210, 220),), "committed")


@pytest.mark.parametrize(("committed", "now"), [("", NEW), (OLD, ""), ("", "")])
def test_where_an_id_is_not_known_the_offset_is_believed(committed: str, now: str) -> None:
    start = starts.resolve(0, Commits({0: of(committed, 200)}, 4, now), LOG, reset="latest", known_id=committed)
    assert (start.offset, start.origin) == (200, "committed")
    fresh = starts.resolve(0, Commits({}, 4, now), LOG, reset="latest", known_id=committed)
    assert fresh.origin == "latest"


def test_that_it_was_made_again_is_told() -> None:
    assert "made again" in str(made_again().told()["note"])
