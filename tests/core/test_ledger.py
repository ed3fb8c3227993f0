"""The ledger against a set of done offsets: any order, any gap, any number of restarts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.examples import examples

from bridge.core.ledger import MAX_SPAN, Ledger, Seen, restore, restore_covered, restore_told
from bridge.core.runs import MAX_METADATA, Checkpoint, Runs, write

GAPS = st.one_of(st.just(0), st.just(0), st.integers(0, 5), st.sampled_from([100, 127, 128, 129, 20_000, 2**33, 2**50]))


def restarted(ledger: Ledger) -> Ledger:
    """What the next owner has, from what the broker keeps."""
    checkpoint = Checkpoint(ledger.watermark, write(ledger.born, ledger.watermark, ledger._runs()))
    runs, born = restore(checkpoint)
    assert born is not None
    return Ledger(checkpoint.offset, runs, born)


class LedgerAgainstASet(RuleBasedStateMachine):
    """`log` is what exists in the partition, `done` what is done of it; the ledger must never know better or worse."""

    @initialize(start=st.sampled_from([0, 7, 2**40]), born=st.integers(0, 1000))
    def begin(self, start: int, born: int) -> None:
        self.log: list[int] = []
        self.next = start
        self.position = start  # the consumer's
        self.done: set[int] = set()
        self.born = born
        self.ledger = Ledger(start, (), born)

    def seen(self) -> list[int]:
        return [o for o in self.log if self.ledger.watermark <= o < self.position]

    @rule(gaps=st.lists(GAPS, max_size=30))
    def read(self, gaps: list[int]) -> None:
        for gap in gaps:
            if self.ledger.full:
                return
            ahead = [o for o in self.log if o >= self.position]
            if ahead:
                offset = ahead[0]
            else:
                offset = self.next + gap
                self.next = offset + 1
                self.log.append(offset)
            assert bool(self.ledger.see(offset)) is (offset not in self.done)
            self.position = offset + 1

    @precondition(lambda self: self.ledger.held)
    @rule(data=st.data())
    def settle_any(self, data: st.DataObject) -> None:
        waiting = [o for o in self.seen() if o not in self.done]
        for offset in data.draw(st.lists(st.sampled_from(waiting), unique=True)):
            self.ledger.settle(offset)
            self.done.add(offset)

    @rule()
    def settle_every_second(self) -> None:
        waiting = [o for o in self.seen() if o not in self.done]
        for offset in waiting[1::2]:
            self.ledger.settle(offset)
            self.done.add(offset)

    @rule()
    def checkpoint(self) -> None:
        checkpoint = self.ledger.checkpoint()
        if checkpoint is not None:
            self.ledger.confirm(checkpoint)
            assert self.ledger.checkpoint() is None

    @rule()
    def restart(self) -> None:
        self.ledger = restarted(self.ledger)
        self.position = self.ledger.watermark

    @invariant()
    def the_watermark_is_the_first_seen_offset_not_done(self) -> None:
        waiting = [o for o in self.log if o < self.position and o not in self.done]
        assert self.ledger.held == len(waiting)
        if waiting:
            assert self.ledger.watermark == waiting[0]
        else:
            assert self.ledger.watermark == self.ledger.end

    @invariant()
    def the_metadata_fits_and_says_what_is_done_beyond_the_watermark(self) -> None:
        watermark = self.ledger.watermark
        metadata = write(self.ledger.born, watermark, self.ledger._runs())
        assert len(metadata) <= MAX_METADATA
        runs, born = restore(Checkpoint(watermark, metadata))
        assert born == self.born
        told = {o for o in self.log if any(first <= o < after for first, after in runs)}
        assert told == {o for o in self.done if o >= watermark}

    @invariant()
    def no_offset_before_the_watermark_is_open(self) -> None:
        assert all(o in self.done for o in self.log if o < self.ledger.watermark)


TestLedgerAgainstASet = LedgerAgainstASet.TestCase
TestLedgerAgainstASet.settings = settings(max_examples=examples(120), stateful_step_count=40)


def among(offsets: list[int], runs: Runs) -> set[int]:
    return {o for o in offsets if any(first <= o < after for first, after in runs)}


class CoversAgainstAModel(RuleBasedStateMachine):
    """at_most_once: `covered`, `done` and `unknown` are the model of the ledger; `kept`, what the broker has of them.

    A commit is confirmed, or fails and is made or not, or the process ends: then the next one has what is kept.
    """

    @initialize(max_covered=st.sampled_from([1, 3, 256]), start=st.sampled_from([0, 2**40]))
    def begin(self, max_covered: int, start: int) -> None:
        self.max_covered = max_covered
        self.log: list[int] = []
        self.next = self.position = start
        self.done: set[int] = set()
        self.covered: set[int] = set()
        self.unknown: set[int] = set()
        self.ledger = Ledger(start, (), 2**31 - 1, max_covered=max_covered)
        self.broker = self.ledger.checkpoint(always=True)
        self.kept: tuple[set[int], set[int]] = (set(), set())

    def open(self) -> list[int]:
        return [o for o in self.log if o < self.position and o not in self.done]

    def settle(self, offset: int) -> None:
        self.ledger.settle(offset)
        self.done.add(offset)
        self.covered.discard(offset)

    def cover(self, offset: int) -> None:
        room = offset in self.covered or len(self.covered) < self.max_covered
        assert self.ledger.cover(offset) is room
        if room:
            self.covered.add(offset)

    @rule(count=st.sampled_from([1, 5, 40, 700]), gap=GAPS, every=st.integers(1, 40))
    def read(self, count: int, gap: int, every: int) -> None:
        """Up to `count` records, a gap before every so many of them that are new."""
        for n in range(count):
            if self.ledger.full:
                return
            offset = next((o for o in self.log if o >= self.position), None)
            if offset is None:
                offset = self.next + (gap if n % every == 0 else 0)
                self.next = offset + 1
                self.log.append(offset)
            expected = Seen.DONE if offset in self.done else Seen.UNKNOWN if offset in self.unknown else Seen.FRESH
            assert self.ledger.see(offset) is expected
            self.position = offset + 1
            if expected is Seen.UNKNOWN:
                self.unknown.remove(offset)
                self.done.add(offset)

    @precondition(lambda self: self.ledger.held)
    @rule(data=st.data())
    def cover_some(self, data: st.DataObject) -> None:
        for offset in data.draw(st.lists(st.sampled_from(self.open()), max_size=8)):
            self.cover(offset)

    @rule(step=st.integers(2, 5), phase=st.integers(0, 4))
    def cover_many_that_are_not_neighbours(self, step: int, phase: int) -> None:
        for offset in self.open()[phase::step]:
            self.cover(offset)

    @precondition(lambda self: self.covered)
    @rule(data=st.data())
    def uncover_some(self, data: st.DataObject) -> None:
        for offset in data.draw(st.lists(st.sampled_from(sorted(self.covered)), unique=True, max_size=8)):
            self.ledger.uncover(offset)
            self.covered.remove(offset)

    @precondition(lambda self: self.ledger.held)
    @rule(data=st.data())
    def settle_some(self, data: st.DataObject) -> None:
        for offset in data.draw(st.lists(st.sampled_from(self.open()), unique=True, max_size=8)):
            self.settle(offset)

    @rule(step=st.integers(2, 5), phase=st.integers(0, 4))
    def settle_many_that_are_not_neighbours(self, step: int, phase: int) -> None:
        for offset in self.open()[phase::step]:
            self.settle(offset)

    @rule(made=st.booleans(), told=st.booleans())
    def commit(self, made: bool, told: bool) -> None:
        checkpoint = self.ledger.checkpoint()
        if checkpoint is None:
            assert self.broker == self.ledger.checkpoint(always=True), "the broker has another one"
            return
        self.ledger.doubt()
        if made:
            self.broker, self.kept = checkpoint, (set(self.done), self.covered | self.unknown)
        if made and told:
            self.ledger.confirm(checkpoint)

    @rule()
    def crash(self) -> None:
        assert self.broker is not None
        runs, born = restore(self.broker)
        assert born is not None
        covered = restore_covered(self.broker)
        self.ledger = Ledger(self.broker.offset, runs, born, covered=covered, max_covered=self.max_covered)
        self.position = self.broker.offset
        self.done, self.unknown = set(self.kept[0]), set(self.kept[1])
        self.covered = set()

    @invariant()
    def the_metadata_fits_and_tells_what_is_done_and_what_is_covered(self) -> None:
        checkpoint = self.ledger.checkpoint(always=True)
        assert checkpoint is not None
        assert len(checkpoint.metadata) <= MAX_METADATA
        assert among(self.log, restore(checkpoint)[0]) == {o for o in self.done if o >= checkpoint.offset}
        assert among(self.log, restore_covered(checkpoint)) == self.covered | self.unknown

    @invariant()
    def the_watermark_is_the_first_seen_offset_not_done(self) -> None:
        assert self.ledger.watermark == (self.open() or [self.ledger.end])[0]
        assert self.ledger.held == len(self.open())
        assert all(o in self.done for o in self.log if o < self.ledger.watermark)


TestCoversAgainstAModel = CoversAgainstAModel.TestCase
TestCoversAgainstAModel.settings = settings(max_examples=examples(80), stateful_step_count=30)


def fill(ledger: Ledger, step: int, *, settle_from: int = 1) -> int:
    """Take over every `step`-th offset while there is room, settling every second; how many."""
    offset, taken = ledger.end, 0
    while not ledger.full:
        if ledger.see(offset) and taken % 2 >= settle_from:
            ledger.settle(offset)
        offset += step
        taken += 1
    return taken


@pytest.mark.parametrize("step", [1, 2, 64, 128, 129, 20_000, 2**34, 2**50])
def test_the_metadata_fits_when_every_second_record_is_done(step: int) -> None:
    ledger = Ledger(0, (), 2**31 - 1)
    taken = fill(ledger, step)
    checkpoint = ledger.checkpoint()
    assert checkpoint is not None
    assert taken > 300
    assert MAX_METADATA * 0.4 < len(checkpoint.metadata) <= MAX_METADATA


def test_the_metadata_fits_whatever_is_settled_once_the_ledger_is_full() -> None:
    ledger = Ledger(0)
    while not ledger.full:
        ledger.see(ledger.end)
    assert len(ledger._open) > 2000  # more than any share of the buffers that the settings' default allows
    for offset in range(1, ledger.end, 2):
        ledger.settle(offset)
    checkpoint = ledger.checkpoint()
    assert checkpoint is not None
    assert len(checkpoint.metadata) <= MAX_METADATA


def test_the_metadata_fits_also_with_long_runs_from_before_a_restart() -> None:
    # Runs whose lengths take two bytes each, far ahead of the watermark: as a group that hung left them behind.
    runs = tuple((10_000 + 256 * n, 10_000 + 256 * n + 128) for n in range(190))
    ledger = Ledger(0, runs)
    fill(ledger, 1)
    checkpoint = ledger.checkpoint()
    assert checkpoint is not None
    assert len(checkpoint.metadata) <= MAX_METADATA


@pytest.mark.parametrize("full_at", [1000, 3000])
def test_restarts_again_and_again_at_a_full_ledger_never_outgrow_the_metadata(full_at: int) -> None:
    ledger = Ledger(0, (), 12)
    offset = 0
    for _ in range(4):
        position = ledger.watermark
        while not ledger.full and position < offset + full_at:
            if ledger.see(position) and position % 3:
                ledger.settle(position)
            position += 1
        offset = position
        ledger = restarted(ledger)
    assert len(write(12, ledger.watermark, ledger._runs())) <= MAX_METADATA


def test_a_ledger_whose_metadata_is_exhausted_goes_on_with_one_record_at_a_time() -> None:
    runs = tuple((10**6 + 3 * n, 10**6 + 3 * n + 1) for n in range(1500))
    ledger = Ledger(0, runs)
    for offset in range(100):
        assert not ledger.full
        assert ledger.see(offset)
        assert ledger.full
        ledger.settle(offset)
    assert ledger.watermark == 100


def test_one_open_record_does_not_hold_more_than_the_span_behind_it() -> None:
    ledger = Ledger(0)
    ledger.see(0)
    while not ledger.full:
        offset = ledger.end
        ledger.see(offset)
        ledger.settle(offset)
    assert ledger.end == MAX_SPAN
    ledger.settle(0)
    assert not ledger.full
    assert ledger.watermark == MAX_SPAN
    assert ledger.held == 0


def test_an_offset_seen_twice_is_a_defect_of_the_caller() -> None:
    ledger = Ledger(5)
    ledger.see(7)
    for offset in (4, 7):
        with pytest.raises(ValueError, match="behind"):
            ledger.see(offset)
    assert ledger.held == 1


def test_the_first_checkpoint_says_where_an_idle_partition_starts() -> None:
    ledger = Ledger(42, (), 8)
    checkpoint = ledger.checkpoint()
    assert checkpoint == Checkpoint(42, "1;8;")
    ledger.confirm(checkpoint)
    assert ledger.checkpoint() is None


def test_a_commit_that_was_not_confirmed_is_made_again() -> None:
    ledger = Ledger(0)
    ledger.see(0)
    ledger.settle(0)
    first = ledger.checkpoint()
    assert first is not None
    assert first.offset == 1
    assert ledger.checkpoint() == first
    ledger.see(1)
    ledger.see(2)
    ledger.settle(2)
    ledger.confirm(first)  # an older one than what is known by now
    second = ledger.checkpoint()
    assert second is not None
    assert (second.offset, restore(second)[0]) == (1, ((2, 3),))


def test_a_record_that_no_longer_exists_when_read_again_holds_nothing_up() -> None:
    ledger = Ledger(0)
    for offset in range(6):
        ledger.see(offset)
    ledger.settle(3)
    ledger = restarted(ledger)
    assert [offset for offset in (2, 3, 5) if ledger.see(offset)] == [2, 5]  # 0, 1 and 4 were compacted away
    ledger.settle(2)
    assert ledger.watermark == 5


def test_runs_that_are_partly_read_again_stay_whole_in_the_next_checkpoint() -> None:
    ledger = Ledger(0, ((2, 10),), 3)
    assert ledger.see(0)
    assert not ledger.see(4)
    checkpoint = ledger.checkpoint()
    assert checkpoint is not None
    done = {o for first, after in restore(checkpoint)[0] for o in range(first, after)}
    assert set(range(4, 10)) <= done <= set(range(1, 10))
    assert 0 not in done


def test_no_more_are_covered_at_a_time_than_may_be_but_those_that_are_may_be_covered_again() -> None:
    ledger = Ledger(0, max_covered=2)
    for offset in range(5):
        ledger.see(offset)
    assert [ledger.cover(offset) for offset in (1, 3, 4, 1, 3)] == [True, True, False, True, True]
    ledger.settle(1)
    ledger.uncover(3)
    assert [ledger.cover(offset) for offset in (4, 2, 0)] == [True, True, False]


def test_in_at_least_once_nothing_is_covered_and_the_metadata_is_as_before() -> None:
    ledger = Ledger(0, (), 12)
    ledger.see(0)
    assert not ledger.cover(0)
    assert ledger.checkpoint() == Checkpoint(0, "1;12;")


def test_what_was_covered_before_a_crash_is_unknown_once_and_done_from_then_on() -> None:
    before = Ledger(10, (), 3, max_covered=8)
    for offset in range(10, 16):
        before.see(offset)
    for offset in (11, 12, 14):
        before.cover(offset)
    before.settle(12)
    left = before.checkpoint()
    assert left is not None
    assert (restore(left)[0], restore_covered(left)) == (((12, 13),), ((11, 12), (14, 15)))

    ledger = Ledger(left.offset, restore(left)[0], 3, covered=restore_covered(left), max_covered=8)
    seen = [ledger.see(offset) for offset in range(10, 17)]
    assert [s.value for s in seen] == ["fresh", "unknown", "done", "fresh", "unknown", "fresh", "fresh"]
    again = ledger.checkpoint()
    assert again is not None
    assert (restore(again)[0], restore_covered(again)) == (((11, 13), (14, 15)), ())


def test_what_was_covered_and_is_not_read_again_yet_stays_covered_in_the_next_checkpoint() -> None:
    ledger = Ledger(0, (), covered=((2, 3), (5, 9)), max_covered=8)
    for offset in range(7):
        ledger.see(offset)
    checkpoint = ledger.checkpoint()
    assert checkpoint is not None
    assert restore_covered(checkpoint) == ((7, 9),)


def test_a_cover_that_was_taken_back_is_told_although_the_last_confirmed_commit_says_the_same() -> None:
    ledger = Ledger(0, max_covered=8)
    ledger.see(0)
    clean = ledger.checkpoint()
    assert clean is not None
    ledger.confirm(clean)
    ledger.cover(0)
    assert ledger.checkpoint() not in (None, clean)
    ledger.doubt()  # sent, and no answer: the broker may have it
    ledger.uncover(0)
    assert ledger.checkpoint() == clean


@pytest.mark.parametrize(("runs", "apart"), [(700, 2), (450, 20_000)], ids=["many", "far-apart"])
def test_the_metadata_fits_beside_what_a_crash_left_covered(runs: int, apart: int) -> None:
    far = 10**6
    unknown = tuple((far + apart * n, far + apart * n + 1) for n in range(runs))
    ledger = Ledger(0, (), 2**31 - 1, covered=unknown)
    fill(ledger, 1)
    checkpoint = ledger.checkpoint()
    assert checkpoint is not None
    assert restore_covered(checkpoint) == unknown
    assert MAX_METADATA * 0.4 < len(checkpoint.metadata) <= MAX_METADATA


def test_what_is_done_and_covered_at_once_is_done() -> None:
    ledger = Ledger(0, ((2, 4),), covered=((3, 5),))
    assert [ledger.see(offset) for offset in range(2, 6)] == [Seen.DONE, Seen.DONE, Seen.UNKNOWN, Seen.FRESH]


def test_crash_after_crash_behind_a_record_that_never_ends_the_metadata_fits() -> None:
    """Each time as many are covered as may be, beside others that are done."""
    ledger = Ledger(0, (), 2**31 - 1, max_covered=256)
    unknown: list[int] = []
    longest = 0
    for _ in range(8):
        fresh = [0] if ledger.see(0) else []
        while not ledger.full:
            offset = ledger.end + (130 if len(fresh) % 7 == 0 else 0)
            if ledger.see(offset):
                fresh.append(offset)
        for offset in fresh[2::2]:
            ledger.cover(offset)
        for offset in fresh[1::2]:
            ledger.settle(offset)
        checkpoint = ledger.checkpoint()
        assert checkpoint is not None
        assert checkpoint.offset == 0
        longest = max(longest, len(checkpoint.metadata))
        covered = restore_covered(checkpoint)
        unknown.append(len(covered))
        ledger = Ledger(0, restore(checkpoint)[0], 2**31 - 1, covered=covered, max_covered=256)
    assert unknown[0] == 256
    assert MAX_METADATA * 0.4 < longest <= MAX_METADATA


def test_its_repr_shows_what_a_test_would_ask() -> None:
    ledger = Ledger(0)
    for offset in range(3):
        ledger.see(offset)
    ledger.settle(1)
    assert repr(ledger) == "<Ledger watermark=0 end=3 done_beyond=[(1, 2)]>"


@given(st.text())
def test_foreign_metadata_starts_a_ledger_without_runs(text: str) -> None:
    runs, born = restore(Checkpoint(100, text))
    if not text.startswith("1;"):
        assert (runs, born) == ((), None)
    ledger = Ledger(100, runs, born or 0)
    ledger.see(100)
    assert ledger.checkpoint() is not None


def test_until_when_slots_were_told_goes_with_the_next_checkpoint_and_to_the_next_owner() -> None:
    ledger = Ledger(42, (), 8)
    ledger.confirm(Checkpoint(42, "1;8;"))
    assert ledger.checkpoint() is None
    ledger.told_until_ms = 1_790_000_000_123
    checkpoint = ledger.checkpoint()
    assert checkpoint == Checkpoint(42, "1;8,1790000000123;")
    assert (restore_told(checkpoint), restore(checkpoint)) == (1_790_000_000_123, ((), 8))
    ledger.confirm(checkpoint)
    assert ledger.checkpoint() is None
