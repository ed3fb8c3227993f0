"""Stamps are values."""

from values import changed

from bridge.core.record import Partition
from bridge.core.stamp import Stamp

STAMP = Stamp(1, Partition("events", 2), 3)


def test_stamps_of_one_place_and_time_are_the_same() -> None:
    assert Stamp(1, Partition("events", 2), 3) == STAMP
    assert len({STAMP, Stamp(1, Partition("events", 2), 3), changed(STAMP, offset=4)}) == 2


def test_stamps_of_other_places_or_times_are_others() -> None:
    others = [
        changed(STAMP, time_ms=2),
        changed(STAMP, partition=Partition("events", 3)),
        changed(STAMP, partition=Partition("more", 2)),
        changed(STAMP, offset=4),
        None,
        (1, Partition("events", 2), 3),
    ]
    assert STAMP not in others
