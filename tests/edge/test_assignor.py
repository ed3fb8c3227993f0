"""Partition numbers over members: together, evenly, sticky, and never at two members; without a broker.

The members are real assignors that talk through Kafka's wire format; what the coordinator and kafka-python do around
them (rounds, revokes, follow-up joins) is played by `Group`.
"""

import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment, ConsumerProtocolSubscription
from support.examples import examples

from bridge.core.balance import balance, bundles
from bridge.core.record import Partition
from bridge.edge.assignor import Assignor, unequal

ROUNDS = 3  # rebalances after which nothing moves any more
TOPICS = ("a", "b", "c")


class Member:
    """`held`: what it may read, as kafka-python's subscription knows it."""

    def __init__(self, topics: Iterable[str]) -> None:
        self.counts: Mapping[str, int] = {}  # as it was told last
        self.assignor = Assignor(self.counted)
        self.topics = frozenset(topics)
        self.held: set[Partition] = set()

    def counted(self, counts: Mapping[str, int]) -> None:
        self.counts = counts

    def joins(self) -> bytes:
        """What it says when it joins; what it no longer subscribes to was revoked before."""
        self.held = {p for p in self.held if p.topic in self.topics}
        told: bytes = self.assignor.metadata(self.topics).encode()
        return told

    def gets(self, assignment: ConsumerProtocolAssignment, generation: int) -> bool:
        """Takes it over; whether it lost something, and therefore joins again."""
        decoded = ConsumerProtocolAssignment.decode(assignment.encode())
        self.assignor.on_assignment(decoded, generation)
        before, self.held = self.held, {Partition(*p) for p in decoded.partitions()}
        return not before <= self.held


class Group:
    """Topics with so many partitions, and members. The first by name leads."""

    def __init__(self, **counts: int) -> None:
        self.counts = counts
        self.members: dict[str, Member] = {}
        self.generation = 0
        self.moved = 0  # partitions that a member had to give up

    def join(self, *names: str, topics: Iterable[str] | None = None) -> None:
        self.members |= {name: Member(self.counts if topics is None else topics) for name in names}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self.counts[topic])) if topic in self.counts else None

    def round(self, missing: Collection[str] = ()) -> bool:
        """One rebalance; those `missing` do not get the answer. Whether another must follow."""
        self.generation += 1
        told = [
            SimpleNamespace(member_id=name, metadata=ConsumerProtocolSubscription.decode(member.joins()))
            for name, member in self.members.items()
        ]
        assigned = self.members[min(self.members)].assignor.assign(self, told)
        before = {name: set(member.held) for name, member in self.members.items()}
        again = False
        for name, member in self.members.items():
            if name not in missing:
                again |= member.gets(assigned[name], self.generation)
            self.moved += len(before[name] - member.held)
        for (one, mine), (other, theirs) in itertools.permutations(before.items(), 2):
            new = self.members[one].held - mine
            assert not new & theirs, f"{one} got {new & theirs} while {other} still had it"
        return again or bool(missing)

    def settle(self) -> int:
        """Rebalances until nothing moves any more; how many."""
        for count in range(1, ROUNDS + 1):
            if not self.round():
                self.check()
                return count
        raise AssertionError(f"still moving after {ROUNDS} rebalances")

    def check(self) -> None:
        """Every partition that somebody wants is at one member, who wants it."""
        held = Counter(p for member in self.members.values() for p in member.held)
        wanted = {t for member in self.members.values() for t in member.topics}
        assert held == Counter(Partition(t, n) for t in wanted for n in range(self.counts.get(t, 0)))
        for member in self.members.values():
            assert {p.topic for p in member.held} <= member.topics

    def homes(self) -> dict[int, set[str]]:
        """Who has anything of each number."""
        homes: dict[int, set[str]] = defaultdict(set)
        for name, member in self.members.items():
            for partition in member.held:
                homes[partition.number].add(name)
        return homes

    def loads(self) -> dict[str, int]:
        """Numbers of each member."""
        return {name: len({p.number for p in member.held}) for name, member in self.members.items()}

    def told(self, name: str) -> dict[str, list[int]]:
        held = sorted(self.members[name].held)
        return {topic: [p.number for p in held if p.topic == topic] for topic in self.counts}


def least_moves(loads: Collection[int], total: int) -> int:
    """How many numbers must change their member, however it is done, until loads differ by one at most."""
    floor, more = divmod(total, len(loads))
    most_kept = [floor + (place < more) for place in range(len(loads))]
    return sum(max(0, load - keep) for load, keep in zip(sorted(loads, reverse=True), most_kept, strict=True))


counts = st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 12), min_size=1)


@given(counts, st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=6))
def test_with_equal_subscriptions_numbers_are_never_apart_and_move_only_as_often_as_they_must(
    counts: dict[str, int], changes: list[tuple[bool, int]]
) -> None:
    group = Group(**counts)
    group.join("m0")
    for number, (joins, which) in enumerate([(True, 0), *changes]):
        if joins or len(group.members) == 1:
            group.join(f"n{number}", f"o{number}")
        else:
            del group.members[sorted(group.members)[which % len(group.members)]]
        owned, total = group.loads(), max(counts.values())
        must = least_moves(list(owned.values()), total)
        before = {n: home for n, homes in group.homes().items() for home in homes}
        for _ in range(ROUNDS):
            again = group.round()
            homes = group.homes()
            assert all(len(home) == 1 for home in homes.values())  # between the rebalances too
            if not again:
                break
        group.check()
        assert max(group.loads().values()) - min(group.loads().values()) <= 1
        assert sum(homes[n] != {home} for n, home in before.items()) == must
        moved = group.moved
        assert group.settle() == 1
        assert group.moved == moved


subscriptions = st.dictionaries(
    st.sampled_from(["m1", "m2", "m3", "m4"]), st.sets(st.sampled_from(TOPICS), min_size=1), min_size=1
)


@given(st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 5), min_size=1), subscriptions, st.data())
def test_whatever_the_subscriptions_no_other_distribution_is_more_even(
    counts: dict[str, int], topics: dict[str, set[str]], data: st.DataObject
) -> None:
    wanted = bundles({topic: range(count) for topic, count in counts.items()}, topics)
    owners = {
        bundle: owner
        for bundle in wanted
        if (owner := data.draw(st.sampled_from([None, *bundle.able]), label=f"owner of {bundle}"))
    }

    def unevenness(members: Iterable[str]) -> int:
        return sum(load**2 for load in Counter(members).values())

    placed = balance(wanted, owners, topics)
    assert placed.keys() == set(wanted)
    assert all(member in bundle.able for bundle, member in placed.items())
    best = min(map(unevenness, itertools.product(*(bundle.able for bundle in wanted))))
    assert unevenness(placed.values()) == best
    assert balance(wanted, placed, topics) == placed
    kept = {b: member for b, member in placed.items() if data.draw(st.booleans(), label=f"{b} stays")}
    assert kept.items() <= balance(wanted, kept, topics).items()


class Life(RuleBasedStateMachine):
    """Members with any subscriptions come, go, change their minds, miss answers, and come back from the dead."""

    def __init__(self) -> None:
        super().__init__()
        self.group = Group(a=4, b=3)
        self.group.join("m0")
        self.away: dict[str, Member] = {}
        self.names = (f"m{n}" for n in itertools.count(1))

    def one(self, which: int) -> str:
        return sorted(self.group.members)[which % len(self.group.members)]

    @rule(topics=st.sets(st.sampled_from(TOPICS), min_size=1), leads=st.booleans())
    def joins(self, topics: set[str], *, leads: bool) -> None:
        self.group.join(("l" if leads else "") + next(self.names), topics=topics)

    @precondition(lambda self: len(self.group.members) > 1)
    @rule(which=st.integers(0, 9))
    def leaves(self, which: int) -> None:
        del self.group.members[self.one(which)]

    @precondition(lambda self: len(self.group.members) > 1)
    @rule(which=st.integers(0, 9))
    def stands_still(self, which: int) -> None:
        name = self.one(which)
        self.away[name] = self.group.members.pop(name)
        self.group.round()

    @precondition(lambda self: self.away)
    @rule(told=st.booleans())
    def comes_back(self, *, told: bool) -> None:
        """Not told of its loss, it claims what it had; what is another's by now it no longer has a right to."""
        name, member = self.away.popitem()
        if told:
            member.assignor.forget()
            member.held.clear()
        member.held -= {p for other in self.group.members.values() for p in other.held}
        self.group.members[name] = member

    @rule(which=st.integers(0, 9), topics=st.sets(st.sampled_from(TOPICS), min_size=1))
    def subscribes(self, which: int, topics: set[str]) -> None:
        self.group.members[self.one(which)].topics = frozenset(topics)

    @rule(topic=st.sampled_from(TOPICS), count=st.integers(1, 3))
    def grows(self, topic: str, count: int) -> None:
        self.group.counts[topic] = min(10, self.group.counts.get(topic, 0) + count)

    @rule(which=st.sets(st.integers(0, 9), max_size=3))
    def is_interrupted(self, which: set[int]) -> None:
        self.group.round(missing={self.one(number) for number in which})

    @rule()
    def settles(self) -> None:
        self.group.settle()
        for name, member in self.group.members.items():  # apart only where nobody could have it together
            for number in {p.number for p in member.held}:
                topics = {p.topic for p in member.held if p.number == number}
                others = [m for n, m in self.group.members.items() if n != name]
                rest = {p.topic for m in others for p in m.held if p.number == number}
                assert not rest or not any(topics | rest <= m.topics for m in self.group.members.values())

    @invariant()
    def nobody_has_what_another_has(self) -> None:
        held = Counter(p for member in self.group.members.values() for p in member.held)
        assert all(count == 1 for count in held.values())


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=examples(150), stateful_step_count=25)


def test_who_has_a_number_of_one_topic_has_it_of_the_others_too() -> None:
    group = Group(states=5, statistics=3)
    group.join("m1", "m2")
    group.settle()
    assert group.told("m1") == {"states": [0, 2], "statistics": [0, 2]}
    assert group.told("m2") == {"states": [1, 3, 4], "statistics": [1]}


def test_of_numbers_that_weigh_unequally_each_member_gets_as_many_partitions_as_can_be() -> None:
    group = Group(a=6, b=3)
    group.join("m1", "m2", "m3")
    group.settle()
    assert {name: len(member.held) for name, member in group.members.items()} == {"m1": 3, "m2": 3, "m3": 3}


def test_of_numbers_that_weigh_unequally_those_move_that_even_out_the_partitions() -> None:
    group = Group(a=4, b=2)
    group.join("m1")
    group.settle()
    group.join("m2")
    group.settle()
    assert {name: len(member.held) for name, member in group.members.items()} == {"m1": 3, "m2": 3}


def test_loads_are_evened_out_by_way_of_others_who_pass_on_what_nobody_had_yet() -> None:
    """m1 may have any number, as m2 may, but m3 only those from 5 on; 7 and 8 have owners, 5 and 6 have none."""
    group = Group(a=9, b=5)
    group.join("m1", "m2", topics="ab")
    group.join("m3", topics="a")
    owned = {"m1": [("a", [*range(5)]), ("b", [*range(5)])], "m2": [("a", [8])], "m3": [("a", [7])]}
    for name, parts in owned.items():
        group.members[name].gets(ConsumerProtocolAssignment(2, parts, b""), 1)
    group.settle()
    assert group.loads() == {"m1": 3, "m2": 3, "m3": 3}
    assert group.told("m1") == {"a": [0, 1, 2], "b": [0, 1, 2]}
    assert group.told("m2") == {"a": [3, 4, 8], "b": [3, 4]}
    assert group.told("m3") == {"a": [5, 6, 7], "b": []}


def test_a_number_that_was_apart_goes_to_who_has_the_most_of_it() -> None:
    group = Group(a=1, b=1, c=1)
    group.join("m1", "m2")
    group.members["m1"].gets(ConsumerProtocolAssignment(2, [("a", [0])], b""), 1)
    group.members["m2"].gets(ConsumerProtocolAssignment(2, [("b", [0]), ("c", [0])], b""), 1)
    group.settle()
    assert group.homes() == {0: {"m2"}}


def test_a_topic_that_a_member_no_longer_reads_goes_to_another_at_once() -> None:
    group = Group(a=1, b=1)
    group.join("m1")
    group.settle()
    group.join("m2", topics="b")
    group.members["m1"].topics = frozenset("a")
    assert not group.round()
    assert group.told("m2") == {"a": [], "b": [0]}


def test_partitions_added_to_one_topic_go_to_who_has_their_number_and_move_nothing() -> None:
    group = Group(a=6, b=2)
    group.join("m1", "m2", "m3")
    group.settle()
    homes = group.homes()
    group.counts["b"] = 6
    assert group.settle() == 1
    assert group.homes() == homes
    assert group.moved == 0


def test_a_number_that_moves_is_given_only_when_all_of_it_was_let_go() -> None:
    group = Group(a=1, b=1)
    group.join("m2", topics="a")
    group.settle()
    group.join("m1", topics="ab")
    assert group.round()
    assert group.homes() == {}  # b too, although nobody has it: the number's state is still written by m2
    assert not group.round()
    assert group.homes() == {0: {"m1"}}


def test_during_a_rolling_change_of_topics_numbers_go_whole_to_who_reads_all_topics() -> None:
    group = Group(a=4, b=4)
    group.join("old1", "old2", topics="a")
    group.settle()
    group.join("new1", topics="ab")
    group.settle()
    assert group.loads() == {"old1": 0, "old2": 0, "new1": 4}
    group.join("new2", topics="ab")
    del group.members["old1"]
    group.settle()
    assert group.loads() == {"old2": 0, "new1": 2, "new2": 2}
    assert all(len(home) == 1 for home in group.homes().values())


def test_a_topic_that_the_leader_has_yet_to_ask_for_is_taken_from_nobody() -> None:
    group = Group(a=2, b=2)
    group.join("m1", "m2", topics="ab")
    group.settle()
    group.join("m0", topics="a")  # it leads
    del group.counts["b"]
    group.round()
    assert {p.topic for m in group.members.values() for p in m.held} == {"a", "b"}
    group.counts["b"] = 2
    group.settle()
    assert group.moved == 0


def test_a_deleted_topic_is_taken_from_everybody() -> None:
    group = Group(a=2, b=2)
    group.join("m1", "m2", topics="ab")
    group.settle()
    del group.counts["b"]
    group.settle()
    assert {p.topic for m in group.members.values() for p in m.held} == {"a"}


def test_two_that_claim_a_partition_since_the_same_generation_must_both_let_it_go() -> None:
    group = Group(a=1)
    group.join("m1", "m2")
    for member in group.members.values():
        member.gets(ConsumerProtocolAssignment(2, [("a", [0])], b""), 7)
    group.generation = 7
    assert group.round()
    assert group.homes() == {}
    assert not group.round()
    group.check()


def test_of_two_that_claim_a_partition_the_one_with_the_later_generation_keeps_it() -> None:
    group = Group(a=1)
    group.join("m1", "m2")
    for generation, member in zip((7, 6), group.members.values(), strict=True):
        member.gets(ConsumerProtocolAssignment(2, [("a", [0])], b""), generation)
    group.generation = 7
    assert group.round()
    assert group.homes() == {0: {"m1"}}


def test_forgetting_claims_nothing_and_no_generation() -> None:
    member = Member("a")
    member.gets(ConsumerProtocolAssignment(2, [("a", [0])], b""), 7)
    told = ConsumerProtocolSubscription.decode(member.joins())
    assert told.generation_id == 7
    assert [(part.topic, list(part.partitions)) for part in told.owned_partitions] == [("a", [0])]
    member.assignor.forget()
    told = ConsumerProtocolSubscription.decode(member.joins())
    assert told.generation_id == -1
    assert told.owned_partitions == []


@pytest.mark.parametrize(
    ("counts", "before", "after"),
    [({"a": 500, "b": 500}, 50, 49), ({"a": 1000}, 1, 50), ({"a": 600, "b": 400}, 49, 50)],
    ids=["one leaves", "all come", "one comes"],
)
def test_a_thousand_partitions_and_fifty_members_take_less_than_a_second_of_cpu(
    counts: dict[str, int], before: int, after: int
) -> None:
    group = Group(**counts)
    group.join(*(f"ocs-bridge-{n:02}-6dcc40f4-8b1c-4a3a-9c8e-9a7f6f0a1b{n:02}" for n in range(before)))
    group.settle()
    names = list(group.members)
    group.join(*(f"ocs-bridge-{n:02}-6dcc40f4-8b1c-4a3a-9c8e-9a7f6f0a1b{n:02}" for n in range(before, after)))
    for name in names[after:]:
        del group.members[name]
    told: list[Any] = [
        SimpleNamespace(member_id=name, metadata=ConsumerProtocolSubscription.decode(member.joins()))
        for name, member in group.members.items()
    ]
    began = time.process_time()
    group.members[names[0]].assignor.assign(group, told)
    seconds = time.process_time() - began
    print(f"assigned {sum(counts.values())} partitions to {after} members ({before} before) in {seconds:.3f} s of CPU")
    assert seconds < 1


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, None),
        ({"a": 3}, None),
        ({"a": 3, "b": 3}, None),
        ({"b": 3, "a": 6}, "a has 6, b has 3: "),
    ],
    ids=["none", "one", "equal", "unequal"],
)
def test_unequal_counts_are_told_by_topic(counts: dict[str, int], text: str | None) -> None:
    told = unequal(counts)
    assert told is text if text is None else told is not None and told.startswith(text)


# How many partitions there are


def test_a_member_that_gets_nothing_new_is_told_of_the_growth_of_its_topics_too() -> None:
    group = Group(a=2, b=1)
    group.join("m1", "m2", topics=["a"])
    group.join("m3", topics=["a", "b"])
    group.settle()
    assert [group.members[name].counts for name in ("m1", "m2", "m3")] == [{"a": 2}, {"a": 2}, {"a": 2, "b": 1}]
    before = {name: set(member.held) for name, member in group.members.items()}
    group.counts = {"a": 3, "b": 1}
    group.settle()
    assert [group.members[name].counts["a"] for name in ("m1", "m2", "m3")] == [3, 3, 3]
    assert any(before[name] == member.held for name, member in group.members.items()), "the case that this is for"


def test_of_a_topic_that_the_leader_does_not_know_nothing_is_told() -> None:
    group = Group(a=2)
    group.join("m1", topics=["a", "gone"])
    group.settle()
    assert group.members["m1"].counts == {"a": 2}


@pytest.mark.parametrize("said", [b"", b"x", b"[1]", b'{"a": "many"}', b"\xff"])
def test_a_leader_that_says_something_else_says_nothing_of_that(said: bytes) -> None:
    member = Member(["a"])
    member.joins()
    member.gets(ConsumerProtocolAssignment(2, [("a", [0])], said), 1)
    assert member.held == {Partition("a", 0)}
    assert member.counts == {}
