"""The commit's metadata: what is written is read back, it fits, and text of anybody else means nothing."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.runs import LIMIT, MAX_METADATA, Runs, read, read_covered, read_told, read_topic, worst_case, write

LENGTHS = st.one_of(st.integers(1, 300), st.sampled_from([127, 128, 16_383, 16_384, 2**35 - 1, 2**35, 2**41]))


@st.composite
def runs(draw: st.DrawFn) -> tuple[int, Runs]:
    """A watermark and runs beyond it."""
    at = watermark = draw(st.integers(0, 2**40))
    found = []
    for waiting, done in draw(st.lists(st.tuples(LENGTHS, LENGTHS), max_size=40)):
        found.append((at + waiting, at + waiting + done))
        at += waiting + done
    return watermark, tuple(found)


def encoded(*numbers: bytes) -> str:
    return urlsafe_b64encode(b"".join(numbers)).decode().rstrip("=")


@given(runs(), st.integers(0, 10_000))
def test_what_is_written_is_read_back(made: tuple[int, Runs], born: int) -> None:
    watermark, expected = made
    assert read(write(born, watermark, expected), watermark) == (expected, born)


@given(runs(), st.data(), st.integers(0, 10_000))
def test_what_is_written_of_done_and_covered_is_read_back_each_for_itself(
    made: tuple[int, Runs], data: st.DataObject, born: int
) -> None:
    watermark, found = made
    covered = tuple(run for run in found if data.draw(st.booleans()))
    done = tuple(run for run in found if run not in covered)
    text = write(born, watermark, done, covered)
    assert read(text, watermark) == (done, born)
    assert read_covered(text, watermark) == covered
    assert text.count(";") == (3 if covered else 2)


@given(runs())
def test_the_worst_case_is_never_exceeded_however_far_offsets_are_apart(made: tuple[int, Runs]) -> None:
    watermark, found = made
    span = found[-1][1] - watermark if found else 0
    size = len(write(0, watermark, found)) - len("1;0;")
    assert size <= (worst_case(len(found), span) * 4 + 2) // 3


def test_lengths_at_the_limit_fit_the_metadata_with_the_largest_head() -> None:
    found: list[tuple[int, int]] = []
    at = 0
    while worst_case(len(found) + 1, at + 2) <= LIMIT:
        found.append((at + 1, at + 2))
        at += 2
    assert len(found) > 1000
    assert len(write(2**31 - 1, 0, tuple(found))) <= MAX_METADATA


@pytest.mark.parametrize("covered", range(1, 600, 7))
def test_lengths_of_both_at_the_limit_fit_the_metadata_however_they_are_rounded(covered: int) -> None:
    at = 2 * covered
    others = tuple((n, n + 1) for n in range(1, at, 2))
    found: list[tuple[int, int]] = []
    while worst_case(len(found) + 1, at + 2) + worst_case(covered, at + 2) <= LIMIT:
        found.append((at + 1, at + 2))
        at += 2
    last = (at + 2**62, at + 2**62 + 1)  # and one record more, taken over just before that was so
    assert len(write(2**32 - 1, 0, (*found, last), others)) <= MAX_METADATA
    assert len(write(2**32 - 1, 0, tuple(found), (*others, last))) <= MAX_METADATA


def test_the_limit_leaves_room_for_the_largest_head_and_for_one_more_length_of_any_size() -> None:
    largest = len(write(0, 0, ((1, 2**62),))) * 3 // 4
    assert len("1;4294967295;") + ((LIMIT + largest) * 4 + 2) // 3 <= MAX_METADATA


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ("1;12;", ()),
        ("1;12;AQI", ((101, 103),)),  # 1 not done, 2 done
        (f"1;12;{encoded(bytes([0x80, 0x01, 0x01]))}", ((228, 229),)),  # 128 not done, 1 done
        (f"1;12;{encoded(bytes([1, 1, 1, 1]))}", ((101, 102), (103, 104))),
    ],
)
def test_the_encoding_is_the_documented_one(metadata: str, text: Runs) -> None:
    assert read(metadata, 100) == (text, 12)
    assert write(12, 100, text) == metadata


def test_the_encoding_of_what_is_covered_is_the_documented_one() -> None:
    metadata = "1;12;AQI;AwE"  # 1 not done, 2 done; 3 not covered, 1 covered
    assert (read(metadata, 100), read_covered(metadata, 100)) == ((((101, 103),), 12), ((103, 104),))
    assert write(12, 100, ((101, 103),), ((103, 104),)) == metadata
    assert write(12, 100, (), ((103, 104),)) == "1;12;;AwE"
    assert (read("1;12;;AwE", 100), read_covered("1;12;;AwE", 100)) == (((), 12), ((103, 104),))


@pytest.mark.parametrize(
    "metadata",
    ["", "1;12;AQI", "1;12;AQI;", "1;12;AQI;A", "1;12;AQI;AQ", "2;12;AQI;AwE", "1;12;AQI;AwE;", "1;x;AQI;AwE", "x"],
)
def test_where_nothing_says_so_nothing_is_covered(metadata: str) -> None:
    assert read_covered(metadata, 100) == ()


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "1",
        "1;",
        "1;;",
        "1;x;AQI",
        "1;-3;AQI",
        "1;٣;AQI",
        "1;3",
        "2;12;AQI",
        "01;12;AQI",
        " 1;12;AQI",
        "1;12;AQI\n",
        "1;12;AQI==",
        "1;12;hello world",  # no alphabet of ours: a lenient decoder would drop the blank and read runs
        "1;12;AQI;",
        "1;12;AQ\u00e9",
        f"1;{'9' * 5000};AQI",
        "NO_METADATA",
        '{"version":1}',
    ],
)
def test_text_of_another_program_or_version_gives_no_runs_and_no_born(metadata: str) -> None:
    assert read(metadata, 100) == ((), None)


@pytest.mark.parametrize(
    "damaged",
    [
        "1;12;A",  # no base64
        f"1;12;{encoded(bytes([1]))}",  # a length without its partner
        f"1;12;{encoded(bytes([1, 0x80]))}",  # ends inside a number
        f"1;12;{encoded(bytes([1, 1, 0x81]))}",
        f"1;12;{encoded(bytes([1]), bytes([0xFF] * 20), bytes([1]))}",  # beyond the last offset that can be
    ],
)
def test_damaged_runs_are_no_runs_but_born_is_kept(damaged: str) -> None:
    assert read(damaged, 100) == ((), 12)


@given(st.text() | st.from_regex(r"\A1;[0-9]{1,30};[A-Za-z0-9_-]*(;[A-Za-z0-9_-]+)?\Z") | st.from_regex(r"\A1;.*;.*\Z"))
def test_any_text_is_read_without_an_error_and_gives_ascending_offsets(metadata: str) -> None:
    found, born = read(metadata, 100)
    assert born is None or born >= 0
    for runs_of in (found, read_covered(metadata, 100)):
        at = 100
        for first, after in runs_of:
            assert at <= first <= after <= 2**63
            at = after


# Until when slots were told


def test_until_when_slots_were_told_stands_beside_born_and_may_be_missing() -> None:
    told = 1_790_000_000_123
    metadata = write(12, 100, ((101, 103),), ((103, 104),), told)
    assert metadata == "1;12,1790000000123;AQI;AwE"
    assert (read(metadata, 100), read_covered(metadata, 100), read_told(metadata)) == (
        (((101, 103),), 12),
        ((103, 104),),
        told,
    )
    assert read_told(write(12, 100, ((101, 103),))) == 0


@pytest.mark.parametrize(
    "metadata", ["", "another program's text", "1;12,;AQI", "1;12,x;AQI", "2;12,5;AQI", "1;12,-5;"]
)
def test_text_of_another_program_says_nothing_of_slots(metadata: str) -> None:
    assert read_told(metadata) == 0


def test_the_limit_leaves_room_for_the_largest_head_with_the_last_time_that_can_be_told() -> None:
    head = write(10**10 - 1, 0, (), (), 10**15 - 1, ID)
    assert (read_told(head), read_topic(head)) == (10**15 - 1, ID)
    assert len(head) + 1 <= 53


# Of which topic

ID = "_-" + "4" * 20


@pytest.mark.parametrize(("told", "head"), [(0, f"1;12,{ID};AQI"), (1_790_000_000_123, f"1;12,1790000000123,{ID};AQI")])
def test_the_topics_id_stands_at_the_end_of_the_head(told: int, head: str) -> None:
    metadata = write(12, 100, ((101, 103),), (), told, ID)
    assert metadata == head
    assert (read(metadata, 100), read_told(metadata), read_topic(metadata)) == ((((101, 103),), 12), told, ID)


@pytest.mark.parametrize("metadata", ["", "another program's text", "1;12;AQI", "1;12,5;AQI", f"1;12,{ID}4;AQI"])
def test_text_without_it_says_nothing_of_the_topic(metadata: str) -> None:
    assert read_topic(metadata) == ""
