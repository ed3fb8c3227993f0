"""The oracle must find what is wrong: histories made by hand, each bad in one way."""

import msgspec
import pytest
from faults.harness.history import Attempt, Committed, Counts, Excuse, History, Mode, Place, Produced
from faults.harness.oracle import Verdict, judge

P = Place("t", 0)


def event(offset: int, group: str = "G", sequence: int | None = None) -> Produced:
    return Produced(f"t/0/{offset}/7", P, offset, group, offset if sequence is None else sequence)


def arrival(offset: int, at: float, member: str = "a.1", *, group: str = "G", sequence: int | None = None) -> Attempt:
    return Attempt(f"t/0/{offset}/7", member, at, group=group, sequence=offset if sequence is None else sequence)


def begun(offset: int, at: float, member: str = "a.1") -> Attempt:
    return Attempt(f"t/0/{offset}/7", member, at, seen=False)


def history(*attempts: Attempt, events: int = 3, mode: Mode = Mode.AT_LEAST_ONCE, **others: object) -> History:
    produced = [event(offset) for offset in range(events)]
    made = History(mode=mode, produced=produced, attempts=list(attempts), commits=[])
    for name, value in others.items():
        setattr(made, name, value)
    return made


def once_each() -> list[Attempt]:
    return [arrival(0, 10), arrival(1, 11), arrival(2, 12)]


def counts(member: str = "a.1", /, **changed: object) -> Counts:
    good = Counts(member, 3, {"posted": 3}, 0, 3, 3, {"ambiguous": 0}, 0)
    return msgspec.structs.replace(good, **changed)


KILLED = Excuse("a.1", "kill -9", since=12.5, until=12.5)


def test_each_event_once_and_in_order_is_good() -> None:
    verdict = judge(history(*once_each(), commits=[Committed(13, P, 3)], counts=[counts()], final=frozenset({"a.1"})))
    assert verdict.bad == []
    assert verdict.repeated == []


def test_an_event_that_nobody_posted_is_lost() -> None:
    verdict = judge(history(arrival(0, 10), arrival(2, 12)))
    assert verdict.lost == ["t/0/1/7"]
    assert verdict.bad


def test_an_event_begun_that_never_arrived_is_not_lost() -> None:
    assert judge(history(arrival(0, 10), begun(1, 11), arrival(2, 12))).bad == []


def test_what_kafka_lost_is_not_held_against_the_bridge_if_it_counts_the_gap() -> None:
    lost = history(arrival(2, 12), lost_by_kafka=frozenset({"t/0/0/7", "t/0/1/7"}), gaps=2)
    lost.counts = [counts(consumed=1, ends={"posted": 1}, rendered=1, sent=1, gaps=2)]
    assert judge(lost).bad == []
    lost.counts = [counts(consumed=1, ends={"posted": 1}, rendered=1, sent=1, gaps=1)]
    assert judge(lost).bad == ["Kafka lost 2 offsets, the bridge counted 1"]


@pytest.mark.parametrize("successor", ["a.1", "b.1"])
def test_a_repetition_without_an_excuse_is_bad(successor: str) -> None:
    verdict = judge(history(*once_each(), arrival(2, 14, successor)))
    assert verdict.repeated == verdict.repeated_by_living_owner == ["t/0/2/7"]
    assert verdict.bad


def test_a_repetition_that_only_the_journal_knows_is_bad() -> None:
    verdict = judge(history(*once_each(), begun(2, 11.9), begun(2, 14)))
    assert verdict.repeated_by_living_owner == ["t/0/2/7"]


def test_an_arrival_and_its_journal_line_are_one_attempt() -> None:
    assert judge(history(*once_each(), begun(0, 9.9), begun(1, 10.9), begun(2, 11.9))).repeated == []


def test_a_repetition_after_a_kill_is_allowed() -> None:
    verdict = judge(history(*once_each(), arrival(2, 14, "a.2"), commits=[Committed(12.1, P, 2)], excuses=[KILLED]))
    assert verdict.repeated == ["t/0/2/7"]
    assert verdict.bad == []


@pytest.mark.parametrize("commit", [Committed(12.1, P, 3), Committed(12.1, P, 1, runs=((2, 3),))])
def test_a_repetition_of_what_a_commit_had_is_bad_even_after_a_kill(commit: Committed) -> None:
    verdict = judge(history(*once_each(), arrival(2, 14, "a.2"), commits=[commit], excuses=[KILLED]))
    assert verdict.repeated_after_commit == ["t/0/2/7"]
    assert verdict.bad


def test_what_a_commit_had_and_a_later_one_has_not_is_judged_by_the_later_one_which_is_bad_itself() -> None:
    commits = [Committed(12.1, P, 2, runs=((2, 3),)), Committed(12.2, P, 2)]
    verdict = judge(history(*once_each(), arrival(2, 14, "a.2"), commits=commits, excuses=[KILLED]))
    assert verdict.repeated_after_commit == []
    assert verdict.backwards == ["t/0 forgets 1 such as 2"]


@pytest.mark.parametrize(
    "later",
    [
        Committed(12.2, P, 1, runs=((2, 3),)),
        Committed(12.2, P, 3),
        Committed(12.2, P, 0),
    ],
    ids=["still has it", "is beyond it", "was deleted"],
)
def test_a_later_commit_that_has_what_the_one_before_had_is_good(later: Committed) -> None:
    before = Committed(12.1, P, 1, runs=((2, 3), (7, 9)))  # 7 and 8 are no events
    assert judge(history(*once_each(), commits=[before, later])).backwards == []


def test_a_kill_excuses_nothing_that_was_posted_twice_before_it() -> None:
    verdict = judge(history(*once_each(), arrival(2, 12.2), excuses=[KILLED]))
    assert verdict.repeated_by_living_owner == ["t/0/2/7"]


def test_a_stopped_process_that_posts_on_when_continued_is_found() -> None:
    """Frozen from 12.5 on; its successor posts 2 at 20, and it posts 2 itself at 25."""
    frozen = Excuse("a.1", "SIGSTOP", since=12.5, until=12.5)
    zombie = history(arrival(0, 10), arrival(1, 11), arrival(2, 20, "b.1"), arrival(2, 25), excuses=[frozen])
    assert judge(zombie).repeated_by_living_owner == ["t/0/2/7"]


def test_the_kill_of_one_member_excuses_no_other() -> None:
    verdict = judge(history(*once_each(), arrival(2, 14, "a.2"), excuses=[Excuse("b.1", "kill -9", 12.5, 12.5)]))
    assert verdict.repeated_by_living_owner == ["t/0/2/7"]


def test_a_later_event_that_arrives_first_is_out_of_order() -> None:
    verdict = judge(history(arrival(0, 10), arrival(2, 11), arrival(1, 12)))
    assert verdict.out_of_order == ["t/0/1/7"]
    assert verdict.bad


def test_a_post_that_was_given_up_may_arrive_late() -> None:
    late = history(arrival(0, 10), arrival(2, 11), arrival(1, 12))
    late.given_up = frozenset({"t/0/1/7"})
    assert judge(late).out_of_order == []


def test_order_is_that_of_first_arrivals() -> None:
    repeated = [arrival(1, 14, "a.2"), arrival(2, 15, "a.2")]
    assert judge(history(*once_each(), *repeated, excuses=[KILLED])).bad == []


def test_order_is_per_group() -> None:
    made = history(arrival(1, 10, group="H", sequence=0), arrival(0, 11), events=1)
    made.produced.append(event(1, "H", 0))
    assert judge(made).bad == []


def test_a_commit_before_the_post_began_is_bad_even_if_nothing_came_of_it() -> None:
    verdict = judge(history(*once_each(), commits=[Committed(11.5, P, 1, runs=((2, 3),))]))
    assert verdict.premature == ["t/0/2/7"]
    assert verdict.bad


def test_commits_of_a_topics_former_life_say_nothing_of_its_records() -> None:
    """A topic deleted and made again has the same offsets for other events."""
    made = history(*once_each(), commits=[Committed(9, P, 3), Committed(13, P, 3)])
    made.produced = [msgspec.structs.replace(one, at=9.5) for one in made.produced]
    assert judge(made).bad == []
    made.commits = [Committed(9.6, P, 3)]
    assert judge(made).premature == ["t/0/0/7", "t/0/1/7", "t/0/2/7"]


def test_a_commit_below_an_earlier_one_is_bad_even_if_nothing_came_of_it() -> None:
    commits = [Committed(13, P, 3), Committed(13.1, P, 1), Committed(13.2, P, 3)]
    assert judge(history(*once_each(), commits=commits)).backwards == ["t/0 from 3 to 1"]


def test_a_post_begins_when_the_journal_says_so() -> None:
    """The receiver may see it late, or never."""
    commits = [Committed(11.5, P, 3)]
    assert judge(history(arrival(0, 10), arrival(1, 11), begun(2, 11.4), arrival(2, 12), commits=commits)).bad == []


def test_another_events_body_under_an_events_id_is_bad() -> None:
    verdict = judge(history(arrival(0, 10), arrival(1, 11, sequence=2), arrival(2, 12)))
    assert verdict.strange == ["t/0/1/7"]


def test_a_post_of_what_nobody_produced_is_bad() -> None:
    assert judge(history(*once_each(), arrival(9, 13))).strange == ["t/0/9/7"]


COVERING = [Committed(9.9, P, 0, covered=((0, 1),)), Committed(10.9, P, 1, covered=((1, 3),))]


def test_at_most_once_is_good_when_a_commit_covers_each_post_before_it() -> None:
    assert judge(history(*once_each(), mode=Mode.AT_MOST_ONCE, commits=COVERING)).bad == []


def test_at_most_once_a_post_that_no_commit_covers_is_bad() -> None:
    verdict = judge(history(*once_each(), mode=Mode.AT_MOST_ONCE, commits=COVERING[:1]))
    assert verdict.uncovered == ["t/0/1/7", "t/0/2/7"]


def test_at_most_once_no_repetition_is_allowed_even_after_a_kill() -> None:
    repeated = history(*once_each(), arrival(2, 14, "a.2"), excuses=[KILLED], mode=Mode.AT_MOST_ONCE, commits=COVERING)
    assert "1 repeated, such as t/0/2/7" in judge(repeated).bad


@pytest.mark.parametrize(("unknown", "good"), [(1, True), (0, False)])
def test_at_most_once_may_lose_what_it_counts_as_unknown(unknown: int, *, good: bool) -> None:
    made = history(arrival(0, 10), arrival(1, 11), mode=Mode.AT_MOST_ONCE, commits=COVERING, excuses=[KILLED])
    made.counts = [counts("a.2", unknown=unknown)]
    assert (judge(made).bad == []) is good


def test_at_most_once_may_lose_what_a_log_tells_as_unknown_though_nobody_scraped_it_any_more() -> None:
    made = history(arrival(0, 10), arrival(1, 11), mode=Mode.AT_MOST_ONCE, commits=COVERING, excuses=[KILLED])
    made.counts = [counts("a.2", unknown=0)]
    made.told_unknown = frozenset({("t", 0, 2)})
    assert judge(made).bad == []


def test_at_most_once_nothing_is_lost_where_nobody_was_killed() -> None:
    made = history(arrival(0, 10), arrival(1, 11), mode=Mode.AT_MOST_ONCE, commits=COVERING)
    made.counts = [counts("a.2", unknown=1)]
    assert judge(made).bad == ["1 lost, such as t/0/2/7; allowed: 0"]


@pytest.mark.parametrize(
    "changed",
    [{"held": 1}, {"consumed": 4}, {"ends": {"posted": 2, "returned": 2}}, {"rendered": 4}, {"in_flight": 1}],
    ids=lambda changed: next(iter(changed)),
)
def test_counters_that_do_not_add_up_are_found(changed: dict[str, object]) -> None:
    assert judge(history(*once_each(), counts=[counts(**changed), counts()])).unbalanced


@pytest.mark.parametrize("sent", [2, 4])
def test_counters_that_differ_from_what_arrived_are_found(sent: int) -> None:
    told = counts(consumed=sent, ends={"posted": sent}, rendered=sent, sent=sent)
    assert judge(history(*once_each(), counts=[told], final=frozenset({"a.1"}))).unbalanced
    assert judge(history(*once_each(), counts=[told])).unbalanced == []  # killed later: its counters are old


def test_ambiguous_posts_may_have_arrived_or_not() -> None:
    told = counts(sent=2, failed={"ambiguous": 1})
    assert judge(history(*once_each(), counts=[told], final=frozenset({"a.1"}))).unbalanced == []
    assert judge(history(*once_each()[:2], begun(2, 12), counts=[told], final=frozenset({"a.1"}))).unbalanced == []


def test_the_verdict_names_everything_that_must_not_be() -> None:
    empty: dict[str, object] = {field: [] for field in Verdict.__struct_fields__}
    empty |= {"lost_allowed": 0, "repeats_allowed": True}
    assert Verdict(**empty).bad == []  # type: ignore[arg-type]
    for field in set(empty) - {"lost_allowed", "repeats_allowed", "repeated"}:
        assert Verdict(**{**empty, field: ["x"]}).bad, field  # type: ignore[arg-type]
