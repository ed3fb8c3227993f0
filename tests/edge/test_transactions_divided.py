"""How a checkpoint with many states is divided."""

from collections.abc import Mapping
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core.record import Partition
from bridge.core.runs import Checkpoint
from bridge.core.saved import StateRecord
from bridge.edge.transactions import divided

MOST = 10


@example({0: (1, 15), 1: (1, 0)})  # nothing to write is no part of its own
@given(st.dictionaries(st.integers(0, 8), st.tuples(st.integers(1, 2), st.integers(0, 15))))
def test_all_is_written_once_whole_numbers_together_and_no_part_is_larger_than_it_must_be(
    numbers: Mapping[int, tuple[int, int]],
) -> None:
    """`numbers`: how many topics have the number, and its states."""
    checkpoints = {
        Partition(f"topic {n}", number): Checkpoint(1, "")
        for number, (topics, _) in numbers.items()
        for n in range(topics)
    }
    states = [StateRecord(number, b"%d" % n, None) for number, (_, count) in numbers.items() for n in range(count)]
    parts = divided(checkpoints, states, MOST)
    assert [state for _, its in parts for state in its] == states
    assert [p for its, _ in parts for p in its] == list(checkpoints)
    for its_checkpoints, its_states in parts:
        mine = {state.number for state in its_states}
        assert mine <= {partition.number for partition in its_checkpoints}
        assert {p for p in checkpoints if p.number in mine} <= its_checkpoints.keys()
        assert len(its_states) <= MOST or len(mine) == 1
    for (_, before), (_, after) in pairwise(parts):
        assert after
        first = [state for state in after if state.number == after[0].number]
        assert len(before) + len(first) > MOST
