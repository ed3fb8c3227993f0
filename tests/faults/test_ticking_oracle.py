"""The oracle of periodic notifications must find what is wrong: arrivals made by hand, each bad in one way."""

from collections import Counter

import msgspec
import pytest
from faults.harness.ticking import Arrivals, Tick, Written
from faults.harness.ticking_oracle import Limits, Missed, Owned, Stay, Why, judge, missed

LIMITS = Limits(interval=2.0, partitions=2, behind=4.0, takeover=20.0)
G = "G1"
OWNED: Owned = {0: [], 1: [Stay(100.0, 200.0)]}
VALUES: list[tuple[float, float | None]] = [(101.0, 1.0), (103.0, 2.0), (105.0, 3.0)]
WRITTEN = Written({G: VALUES}, {}, {G})


def tick(slot: float, value: float | None, *, after: float = 1.2, group: str = G) -> Tick:
    return Tick(group, slot, slot + after, value, "a")


def good() -> Arrivals:
    ticks = [tick(100.0, 1.0), tick(102.0, 2.0), tick(104.0, 3.0), tick(106.0, 3.0), tick(108.0, 3.0)]
    return Arrivals(ticks, {G: [(99.0, True)]})


def found(seen: Arrivals, written: Written = WRITTEN, owned: Owned = OWNED) -> list[str]:
    return judge(seen, written, owned, LIMITS).bad


def replaced(seen: Arrivals, number: int, **changes: object) -> Arrivals:
    ticks = list(seen.ticks)
    ticks[number] = msgspec.structs.replace(ticks[number], **changes)
    return Arrivals(ticks, seen.loads)


def test_each_slot_once_with_what_was_written_last_is_good() -> None:
    assert found(good()) == []
    a_bit_late = replaced(good(), 1, value=1.0)
    verdict = judge(a_bit_late, WRITTEN, OWNED, LIMITS)
    assert verdict.bad == []
    assert verdict.behind == pytest.approx([0.0, 0.2, 0.0, 0.0, 0.0])
    assert missed(good(), WRITTEN, OWNED, LIMITS) == Missed()


def test_a_slot_that_was_told_twice_is_bad() -> None:
    [text] = found(Arrivals([*good().ticks, tick(108.0, 3.0, after=1.5)], good().loads))
    assert "the slot of 108.0 was told 2 times" in text


def test_a_group_is_not_told_between_its_unload_and_its_load() -> None:
    seen = Arrivals(good().ticks, {G: [(99.0, True), (105.0, False), (106.0, True)]})
    [text] = found(seen)
    assert "told 0.200 s after its unload" in text
    lost = Arrivals(good().ticks, {G: [(99.0, True), (100.9, False)]})
    assert len(found(lost)) == 5
    assert found(lost, Written({G: VALUES}, {G: [101.0]}, {G})) == [], "the notification of the load failed"
    assert len(found(lost, Written({G: VALUES}, {G: [90.0]}, {G}))) == 5, "a load before the unload"


@pytest.mark.parametrize(
    ("number", "value", "text"),
    [
        (1, 7.0, "which nobody wrote"),
        (0, 2.0, "before it was written"),
        (3, 2.0, "told 2.0 after 3.0"),
        (1, None, "forgotten"),
    ],
    ids=["of nobody", "of the future", "older than one told before", "none, though one was told"],
)
def test_a_slot_that_tells_another_value_is_bad(number: int, value: float | None, text: str) -> None:
    assert any(text in one for one in found(replaced(good(), number, value=value)))


@pytest.mark.parametrize(("old", "seconds"), [(1.0, 8.2), (None, 10.2)])
def test_a_value_replaced_too_long_ago_is_bad_unless_right_after_a_takeover(old: float | None, seconds: float) -> None:
    seen = Arrivals([tick(110.0, old), tick(112.0, 3.0)], good().loads)
    [text] = found(seen)
    assert f"told {old}, replaced {seconds} s before" in text
    assert found(seen, owned={1: [Stay(90.0, 95.0), Stay(109.0, 200.0)]}) == []
    seen = Arrivals([tick(130.0, old)], good().loads)
    assert found(seen, owned={1: [Stay(129.0, 200.0)]}) != [], "nor for ever after a takeover"


def test_what_was_known_before_an_unload_is_not_told_after_it() -> None:
    written = Written({G: [(101.0, 1.0), (102.0, None), (110.0, 2.0)]}, {}, {G})
    seen = Arrivals([tick(100.0, 1.0), tick(106.0, None), tick(110.0, 2.0)], good().loads)
    assert found(seen, written) == []
    assert any("told 1.0 after None" in one for one in found(replaced(seen, 2, value=1.0), written))


def test_a_loaded_group_that_is_told_no_more_is_bad() -> None:
    other = [tick(slot, None, group="G3") for slot in (100.0, 108.0, 114.0)]
    seen = Arrivals([*good().ticks, *other], good().loads)
    assert found(seen) == [f"{G}: loaded, and not told in the last 6.0 s"]
    assert found(seen, Written({G: VALUES}, {}, {"G3"})) == [], "it was unloaded"
    assert found(seen, Written({G: VALUES}, {}, {"G3", "G5"})) != [], "it was never told at all"


def without(*slots: float) -> Arrivals:
    return Arrivals([one for one in good().ticks if one.slot not in slots], good().loads)


def test_slots_that_nobody_told_are_judged_by_who_owned_the_partition_when_they_were_due() -> None:
    # Due a little less than a second and a half after their slot begins.
    seen = without(102.0, 104.0)
    assert len(missed(seen, WRITTEN, {1: [Stay(90.0, 200.0)]}, LIMITS).owned) == 2
    assert missed(seen, WRITTEN, {1: []}, LIMITS) == Missed(Counter({Why.MOVING: 2}), {Why.MOVING: 2})
    moved = missed(seen, WRITTEN, {1: [Stay(90.0, 101.0), Stay(105.0, 200.0)]}, LIMITS)
    assert moved == Missed(Counter([Why.MOVING, Why.TAKEN]), {Why.MOVING: 1, Why.TAKEN: 1})
    dead = missed(seen, WRITTEN, {1: [Stay(80.0, 90.0), Stay(90.0, 101.0, killed=True), Stay(110.0, 200.0)]}, LIMITS)
    assert dead == Missed(Counter({Why.DEAD: 2}), {Why.DEAD: 2})


def test_slots_around_a_change_are_not_missing() -> None:
    always: Owned = {1: [Stay(90.0, 200.0)]}
    seen = Arrivals(without(104.0).ticks, {G: [(99.0, True), (105.0, False)]})
    assert missed(seen, WRITTEN, always, LIMITS) == Missed()
    assert missed(without(104.0), Written({G: VALUES}, {G: [105.0]}, {G}), always, LIMITS) == Missed()
    assert missed(without(104.0), Written({G: [*VALUES, (105.0, None)]}, {}, {G}), always, LIMITS) == Missed()
    assert missed(without(104.0), WRITTEN, always, LIMITS) != Missed()
