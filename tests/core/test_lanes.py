"""Lanes against a plain model: one out per campaign group, first in first out, nobody waits for another group."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.examples import examples

from bridge.core.lanes import Lane, Lanes

KEYS = st.sampled_from("abcdefgh")
Item = tuple[str, int]  # (owner, number): numbers rise


class LanesAgainstAModel(RuleBasedStateMachine):
    """`waiting`, `out` and `deferred` are the model; `ready` counts how many others were served while a lane was ready."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes: Lanes[Item] = Lanes()
        self.number = 0
        self.waiting: dict[str, list[Item]] = defaultdict(list)
        self.out: dict[str, Lane[Item]] = {}
        self.deferred: dict[str, Lane[Item]] = {}
        self.ready: dict[str, int] = {}
        self.pushed: set[Item] = set()
        self.ended: list[Item] = []

    @rule(key=KEYS, owner=st.sampled_from("pq"))
    def push(self, key: str, owner: str) -> None:
        item = (owner, self.number)
        self.number += 1
        self.lanes.push(key, item)
        self.pushed.add(item)
        self.waiting[key].append(item)
        if key not in self.out and key not in self.deferred:
            self.ready.setdefault(key, 0)

    @rule()
    def take(self) -> None:
        lane = self.lanes.take()
        if not self.ready:
            assert lane is None
            return
        assert lane is not None, "a lane is ready, but nothing is served"
        assert lane.out
        assert lane.key not in self.out
        assert lane.key not in self.deferred
        assert lane.queue[0] == self.waiting[lane.key].pop(0)
        self.out[lane.key] = lane
        del self.ready[lane.key]
        for key in self.ready:
            self.ready[key] += 1
            assert self.ready[key] < 8, f"{key} was passed over for more than a round"

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.out)))
        lane = self.out.pop(key)
        self.ended.append(lane.queue[0])
        self.lanes.settle(lane)
        if self.waiting[key]:
            self.ready[key] = 0

    @precondition(lambda self: self.out)
    @rule(data=st.data(), comes_back=st.booleans())
    def does_not_go_out(self, data: st.DataObject, comes_back: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.out)))
        lane = self.out.pop(key)
        self.waiting[key].insert(0, lane.queue[0])
        if comes_back:
            self.lanes.put_back(lane)
            self.ready[key] = 0
        else:
            self.lanes.defer(lane)
            self.deferred[key] = lane
        assert not lane.out

    @precondition(lambda self: self.deferred)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.deferred)))
        self.lanes.resume(self.deferred.pop(key))
        self.ready[key] = 0

    @rule(owners=st.sets(st.sampled_from("pq")))
    def release(self, owners: set[str]) -> None:
        released = self.lanes.release(lambda item: item[0] in owners)
        assert len(released) == len(set(released))
        for key, items in self.waiting.items():
            gone = [item for item in items if item[0] in owners]
            assert [item for item in released if item in gone] == gone, "not in order"
            self.waiting[key] = [item for item in items if item not in gone]
            if not self.waiting[key]:
                self.ready.pop(key, None)
                if deferred := self.deferred.pop(key, None):
                    assert not deferred.queue
        assert all(item[0] in owners for item in released)
        self.ended += released

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        inside = [item for items in self.waiting.values() for item in items]
        inside += [lane.queue[0] for lane in self.out.values()]
        assert sorted([*self.ended, *inside]) == sorted(self.pushed)

    @invariant()
    def the_counts_are_right(self) -> None:
        assert self.lanes.queued == sum(map(len, self.waiting.values()))
        assert self.lanes.out == len(self.out)

    @invariant()
    def as_many_wait_for_a_turn_as_it_says_or_fewer(self) -> None:
        assert self.lanes.ready >= len(self.ready)

    @invariant()
    def idle_groups_cost_nothing(self) -> None:
        assert len(self.lanes._lanes) == len(self.out.keys() | {key for key, items in self.waiting.items() if items})


TestLanesAgainstAModel = LanesAgainstAModel.TestCase
TestLanesAgainstAModel.settings = settings(max_examples=examples(150), stateful_step_count=50)


def head(lane: Lane[str] | None) -> str | None:
    return None if lane is None else lane.queue[0]


def test_a_group_whose_head_is_out_gives_nothing_more_until_it_is_settled() -> None:
    lanes: Lanes[str] = Lanes()
    lanes.push("a", "1")
    lanes.push("a", "2")
    first = lanes.take()
    assert first is not None
    assert (head(first), lanes.take()) == ("1", None)
    lanes.settle(first)
    assert head(lanes.take()) == "2"


def test_a_busy_group_is_served_once_a_round() -> None:
    lanes: Lanes[str] = Lanes()
    for number in range(5):
        lanes.push("busy", f"busy-{number}")
    for key in "bcd":
        lanes.push(key, key)
    served = []
    while lane := lanes.take():
        served.append(lane.queue[0])
        lanes.settle(lane)
    assert served == ["busy-0", "b", "c", "d", "busy-1", "busy-2", "busy-3", "busy-4"]


def test_release_leaves_the_head_that_is_out_and_what_others_own_in_order() -> None:
    lanes: Lanes[str] = Lanes()
    for item in ("p1", "p2", "q3", "p4", "q5"):
        lanes.push("a", item)
    out = lanes.take()
    assert out is not None
    assert lanes.release(lambda item: item.startswith("p")) == ["p2", "p4"]
    assert head(out) == "p1"
    rest = []
    lanes.settle(out)
    while lane := lanes.take():
        rest.append(lane.queue[0])
        lanes.settle(lane)
    assert rest == ["q3", "q5"]


def test_a_lane_emptied_by_release_while_it_was_ready_is_served_again_only_with_new_items() -> None:
    lanes: Lanes[str] = Lanes()
    lanes.push("a", "1")
    assert lanes.release(lambda _: True) == ["1"]
    lanes.push("a", "2")
    assert head(lanes.take()) == "2"
    assert lanes.take() is None
    assert (lanes.queued, lanes.out) == (0, 1)


def test_a_head_that_is_put_back_waits_behind_those_that_are_ready_and_before_its_own_successors() -> None:
    lanes: Lanes[str] = Lanes()
    for item in ("a1", "b1", "a2"):
        lanes.push(item[0], item)
    taken = lanes.take()
    assert taken is not None
    lanes.put_back(taken)
    assert (lanes.queued, lanes.out, lanes.ready) == (3, 0, 2)
    served = []
    while lane := lanes.take():
        served.append(lane.queue[0])
        lanes.settle(lane)
    assert served == ["b1", "a1", "a2"]


def test_a_deferred_lane_has_no_turn_until_it_is_resumed_whatever_arrives() -> None:
    lanes: Lanes[str] = Lanes()
    lanes.push("a", "a1")
    lane = lanes.take()
    assert lane is not None
    lanes.defer(lane)
    lanes.push("a", "a2")
    assert (lanes.take(), lanes.queued, lanes.ready) == (None, 2, 0)
    lanes.resume(lane)
    assert head(lanes.take()) == "a1"


@given(st.lists(st.tuples(KEYS, st.integers()), max_size=60))
def test_with_every_head_out_each_group_has_exactly_one(arrivals: list[tuple[str, int]]) -> None:
    lanes: Lanes[int] = Lanes()
    first: dict[str, int] = {}
    for key, item in arrivals:
        lanes.push(key, item)
        first.setdefault(key, item)
    found = {}
    while lane := lanes.take():
        found[lane.key] = lane.queue[0]
    assert found == first
    assert list(found) == list(first), "in the order in which they became ready"


def test_a_pushed_item_is_told_to_be_a_head_only_where_nothing_waits_before_it() -> None:
    lanes: Lanes[int] = Lanes()
    assert lanes.push("a", 1)
    assert not lanes.push("a", 2)
    assert lanes.push("b", 3)
    lane = lanes.take()
    assert lane is not None
    assert not lanes.push("a", 4), "its head is out"


def test_a_key_is_among_the_lanes_while_it_has_items() -> None:
    lanes: Lanes[str] = Lanes()
    lanes.push("a", "item")

    assert "a" in lanes
    assert "b" not in lanes
