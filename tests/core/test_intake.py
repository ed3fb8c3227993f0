"""Between Kafka and the lanes: caps, pausing, and that each record is held until it is done."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.examples import examples

from bridge.core.intake import Intake
from bridge.core.ledger import MAX_SPAN, Ledger
from bridge.core.record import Partition, Record
from bridge.core.share import Share

PARTITION = Partition("events", 3)


def record(offset: int, size: int = 10) -> Record:
    return Record(PARTITION, offset, 1000 + offset, None, b"", (), size)


def intake(records: int = 10, size: int = 10_000, ledger: Ledger | None = None) -> Intake:
    return Intake(PARTITION, ledger or Ledger(0), Share(records, size))


def take_all(one: Intake) -> list[int]:
    taken = []
    while found := one.take():
        taken.append(found[0].offset)
    return taken


class IntakeFromBeginToEnd(RuleBasedStateMachine):
    """consumed = done + held, whatever happens; a record is taken exactly if there is room, or nothing is held."""

    @initialize(done=st.sets(st.integers(0, 40)), records=st.integers(1, 6), size=st.integers(1, 60))
    def begin(self, done: set[int], records: int, size: int) -> None:
        before = Ledger(0)
        for offset in range(41):
            before.see(offset)
        for offset in done:
            before.settle(offset)
        self.done_before = done
        self.start = before.watermark
        self.one = intake(records, size, Ledger(before.watermark, before._runs()))
        self.next = self.start
        self.consumed: list[Record] = []
        self.taken: list[Record] = []
        self.done = 0

    def offered(self) -> int:
        """Records that wait to be taken."""
        return len(self.consumed) - self.done - len(self.taken)

    @rule(sizes=st.lists(st.integers(0, 80), max_size=8), gap=st.integers(0, 3))
    def offer(self, sizes: list[int], gap: int) -> None:
        records = [record(self.next + gap + n, size) for n, size in enumerate(sizes)]
        if records:
            self.next = records[-1].offset + 1
            self.consumed += records
            assert self.one.offer(records)

    @precondition(lambda self: self.next > self.start)
    @rule(back=st.integers(1, 50))
    def offer_again(self, back: int) -> None:
        """The log was cut: nothing of it is taken, and nothing of what came before is forgotten."""
        assert not self.one.offer([record(max(0, self.next - back)), record(self.next + 1)])

    @rule()
    def take(self) -> None:
        held, size = len(self.taken), sum(taken.size for taken in self.taken)
        room = not held or (held < self.one.share.records and size < self.one.share.bytes)
        found = self.one.take()
        assert (found is not None) is (bool(self.offered()) and room)
        if found is None:
            return
        taken, fresh = found
        assert bool(fresh) is (taken.offset not in self.done_before)
        if fresh:
            self.taken.append(taken)
        else:
            self.done += 1

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        ended = self.taken.pop(data.draw(st.integers(0, len(self.taken) - 1)))
        self.one.settle(ended.offset)
        self.done += 1

    @rule()
    def change_the_share(self) -> None:
        self.one.share.bytes = max(1, self.one.share.bytes // 2)

    @invariant()
    def consumed_is_done_and_held(self) -> None:
        assert self.one.held == len(self.consumed) - self.done

    @invariant()
    def bytes_are_those_of_records_taken_and_not_done(self) -> None:
        assert self.one.bytes == sum(found.size for found in self.taken)

    @invariant()
    def the_oldest_is_the_first_record_that_is_not_done(self) -> None:
        waiting = [*sorted(r.offset for r in self.taken), *(r.offset for r in self.one.backlog)]
        assert self.one.oldest_ms == (1000 + waiting[0] if waiting else None)


TestIntakeFromBeginToEnd = IntakeFromBeginToEnd.TestCase
TestIntakeFromBeginToEnd.settings = settings(max_examples=examples(120), stateful_step_count=40)


def test_no_more_records_are_taken_than_the_share_allows() -> None:
    one = intake(records=3)
    one.offer([*map(record, range(5))])
    assert take_all(one) == [0, 1, 2]
    one.settle(1)
    assert take_all(one) == [3]
    assert one.held == 4


def test_no_more_bytes_are_taken_than_the_share_allows_but_one_record_always_is() -> None:
    one = intake(size=100)
    one.offer([record(0, 500), record(1, 99), record(2, 1), record(3, 1)])
    assert take_all(one) == [0]
    one.settle(0)
    assert take_all(one) == [1, 2]
    assert one.bytes == 100
    one.settle(1)
    assert take_all(one) == [3]


@pytest.mark.parametrize(("records", "size"), [(0, 10), (10, 0)])
def test_a_share_of_nothing_still_lets_one_record_through_at_a_time(records: int, size: int) -> None:
    one = intake(records, size)
    one.offer([*map(record, range(2))])
    assert take_all(one) == [0]
    one.settle(0)
    assert take_all(one) == [1]


def test_no_more_is_taken_than_the_commits_metadata_can_say() -> None:
    one = intake(records=10**6, size=10**9)
    one.offer([*map(record, range(0, 8 * 10**6, 2000))])
    taken = take_all(one)
    assert one.ledger.full
    assert 0 < len(taken) < 4000
    one.settle(taken[0])
    assert take_all(one) != []


def test_one_stuck_record_stops_the_partition_at_the_span_of_the_ledger() -> None:
    one = intake(records=10, size=10**9)
    one.offer([*map(record, range(MAX_SPAN + 10))])
    while found := one.take():
        if found[0].offset:
            one.settle(found[0].offset)
    assert one.ledger.end == MAX_SPAN
    assert one.held == 11


def test_a_partition_is_paused_when_records_wait_and_resumed_when_half_the_share_is_free() -> None:
    one = intake(records=4)
    assert one.wants_pause is None
    one.offer([*map(record, range(6))])
    take_all(one)
    assert one.wants_pause is True
    one.paused = True
    assert one.wants_pause is None
    seen = []
    for offset in range(6):
        one.settle(offset)
        take_all(one)
        seen.append((len(one.backlog), one.ledger.held, one.wants_pause))
    assert seen == [(1, 4, None), (0, 4, None), (0, 3, None), (0, 2, False), (0, 1, False), (0, 0, False)]
    one.paused = False
    assert one.wants_pause is None


def test_a_partition_is_not_resumed_while_more_than_half_its_bytes_are_held() -> None:
    one = intake(records=100, size=100)
    one.offer([record(0, 60), record(1, 40)])
    take_all(one)
    one.paused = True
    assert one.wants_pause is None
    one.settle(1)
    assert one.wants_pause is None
    one.settle(0)
    assert one.wants_pause is False


@pytest.mark.parametrize("records", [1, 2, 3])
def test_even_the_smallest_share_is_paused_and_resumed_again_and_again(records: int) -> None:
    one = intake(records=records)
    one.offer([*map(record, range(20))])
    done = 0
    while not (one.wants_pause is False and not one.backlog):
        one.paused = one.wants_pause if one.wants_pause is not None else one.paused
        for offset in take_all(one):
            one.settle(offset)
            done += 1
    assert done == 20


def test_nothing_is_taken_once_the_partition_leaves_and_only_what_is_out_is_held() -> None:
    one = intake()
    one.offer([*map(record, range(4))])
    assert one.take() is not None
    one.leaving = True
    one.out = 1
    assert one.take() is None
    assert one.held == 1


def test_a_record_done_before_a_restart_costs_no_room() -> None:
    one = intake(records=1, size=1, ledger=Ledger(0, ((0, 3),)))
    one.offer([*map(record, range(4))])
    fresh = []
    while found := one.take():
        fresh.append((found[0].offset, bool(found[1])))
    assert fresh == [(0, False), (1, False), (2, False), (3, True)]
    assert one.held == 1
