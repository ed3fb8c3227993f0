"""Whatever stands in a record, a profile reads it as an Event, skips it, or says why it is invalid; it never breaks."""

import copy
import json
import random
from collections.abc import Callable
from decimal import Decimal

import msgspec
from golden.cases import cases, steps
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from support.examples import examples
from values import changed

from bridge.core.event import NAMES, Event
from bridge.core.limits import MAX_NAME_CHARACTERS, MAX_NUMBER
from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.profile import Profile, compile_profile
from bridge.core.record import Partition, Record
from bridge.profiles import preset_text

NAMES_READ = ("generic", "genesys-cloud", "vicidial", "cloudevents", "ocs")
PROFILES = {name: compile_profile(preset_text(name), name) for name in NAMES_READ}
SEEDS = {
    name: [s.record for of, case in cases() if of == name for s in steps(case) if s.record.value] for name in NAMES_READ
}
ODD_VALUES: list[object] = [
    *(None, True, False, 0, -1, 1, 5, 7, 11, 6, 2**53, 2**53 + 1, 2**63, 2**64, -(2**70), 10**40),
    *(0.0, -0.0, 0.5, -1e-300, 1e300, 1.5e15, 1e22, 1772355600.123),
    *(
        "",
        " ",
        "x" * 1025,
        "\x00",
        "\U0001f600",
        "NaN",
        "-3",
        "3.50",
        "1e999",
        "1e-999999999",
        "٣",
        "4",
        "Running",
        "none",
    ),
    *("2026-03-01T09:00:00Z", "0000-00-00 00:00:00", "9999-12-31T23:59:59-14:00", "2026-02-30 00:00:00", "1" * 400),
    *([], {}, [[]], [None], {"": {}}, [{"name": "a"}], {"id": {"id": 1}}),
]
RAW_PIECES = [
    b"NaN",
    b"Infinity",
    b"1e400",
    b'"\\ud800"',
    b"\xff",
    b"\x00",
    b'"a":1,"a":1',
    b"[" * 80,
    b"-",
    b'"',
    b"}",
    b"\xc3(",
]


def check(name: str, record: Record) -> None:
    """Reads it twice, as a crash would, and checks what every Event promises."""
    first, again = read(PROFILES[name], record), read(PROFILES[name], record)
    assert repr(first) == repr(again)
    if isinstance(first, str):
        assert len(first) < 400
    elif isinstance(first, Skip):
        assert first in {Skip.TOMBSTONE, Skip.NOT_SELECTED, Skip.PASSED_OVER}
    else:
        promises(first)


def read(profile: Profile, record: Record) -> Event | Skip | str:
    """An InvalidEvent as its text; nothing else may be raised."""
    try:
        return profile.read(record)
    except InvalidEvent as error:
        return f"{Invalid(error.reason).value} {error}"


def promises(event: Event) -> None:
    assert -1 <= event.time_ms < 253_402_300_800_000
    for text in (getattr(event, name) for name in NAMES):
        assert text is None or (type(text) is str and 0 < len(text) <= MAX_NAME_CHARACTERS)
    numbers = [] if event.statistics is None else list(msgspec.structs.astuple(event.statistics))
    for values in event.calling_lists or ():
        numbers += [values.hit_ratio, values.time_to_complete]
    for number in numbers:
        assert number is None or number is UNSET or (type(number) in {int, float} and 0 <= number <= MAX_NUMBER)
        assert "-" not in repr(number).split("e")[0]
    if event.kind == "change":
        assert event.state is not None or event.action is not None or event.dial_mode is not UNSET
    seconds = event.notification_interval
    assert seconds is None or (type(seconds) is float and (seconds == 0 or 0.1 <= seconds <= 86_400))
    assert event.notifications_enabled in {None, True, False}
    msgspec.json.encode(event)  # no lone surrogate, nothing that JSON can't carry


def as_record(value: bytes | None, rng: random.Random) -> Record:
    odd = [b"", b"\xff", b"1.0", b"K5", json.dumps({"a": 1}).encode()]
    names = ["ce_specversion", "ce_type", "ce_time", "x"]
    headers = tuple((rng.choice(names), rng.choice(odd)) for _ in range(rng.randrange(3)))
    stamp = rng.choice([-1, 0, 1_772_355_600_000])
    return Record(Partition("t", 0), 1, stamp, rng.choice([None, *odd]), value, headers)


Path = list[str | int]


def places(tree: object, path: Path) -> list[Path]:
    """The paths of all nodes of a JSON tree."""
    found = [path]
    children: list[tuple[str | int, object]] = []
    if isinstance(tree, dict):
        children = list(tree.items())
    elif isinstance(tree, list):
        children = list(enumerate(tree))
    for step, child in children:
        found += places(child, [*path, step])
    return found


def mutate_tree(value: bytes, rng: random.Random) -> bytes:
    tree = json.loads(value)
    for _ in range(rng.randrange(1, 4)):
        path = rng.choice(places(tree, []))
        if not path:
            continue
        parent = tree
        for step in path[:-1]:
            parent = parent[step]
        if isinstance(parent, dict) and rng.random() < 0.2:
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(rng.choice(ODD_VALUES))
    return json.dumps(tree, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1])).encode()


def mutate_bytes(value: bytes, rng: random.Random) -> bytes:
    at, end = sorted(rng.randrange(len(value) + 1) for _ in range(2))
    ways: list[Callable[[], bytes]] = [
        lambda: value[:at],
        lambda: value[:at] + value[end:],
        lambda: value[:end] + value[at:],
        lambda: value[:at] + bytes([rng.randrange(256)]) + value[at + 1 :],
        lambda: value[:at] + rng.choice(RAW_PIECES) + value[at:],
    ]
    return rng.choice(ways)()


@given(st.sampled_from(NAMES_READ), st.integers(0, 2**32), st.booleans())
@settings(max_examples=examples(16_000))
def test_mutations_of_real_records_never_break_a_profile(name: str, seed: int, of_the_tree: bool) -> None:
    rng = random.Random(seed)
    seeded = rng.choice(SEEDS[name])
    value = seeded.value or b""
    try:
        mutated = mutate_tree(value, rng) if of_the_tree else mutate_bytes(value, rng)
    except (ValueError, TypeError, KeyError, IndexError):  # the seed is no JSON, or a place went with its parent
        mutated = mutate_bytes(value, rng)
    record = as_record(mutated, rng)
    check(name, changed(record, headers=(*seeded.headers, *record.headers)))


@given(st.sampled_from(NAMES_READ), st.binary(max_size=200), st.integers(0, 2**32))
@settings(max_examples=examples(2_500))
def test_any_bytes_never_break_a_profile(name: str, value: bytes, seed: int) -> None:
    check(name, as_record(value, random.Random(seed)))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(ODD_VALUES).map(copy.deepcopy)
)
KEYS = st.sampled_from(
    ["kind", "state", "time", "statistics", "hit_ratio", "calling_lists", "name", "data", "specversion", "after"]
)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)


@given(st.sampled_from(NAMES_READ), st.dictionaries(KEYS, TREES, max_size=6), st.integers(0, 2**32))
@settings(max_examples=examples(2_000))
def test_any_json_never_breaks_a_profile(name: str, tree: dict[str, object], seed: int) -> None:
    check(name, as_record(json.dumps(tree).encode(errors="surrogatepass"), random.Random(seed)))


@given(st.decimals(min_value=0, max_value=10_000, places=2))
@settings(max_examples=examples(500))
def test_a_percentage_with_two_decimals_becomes_the_fraction_without_noise(percent: Decimal) -> None:
    value = {"op": "u", "source": {"table": "vicidial_campaign_stats"}}
    after = {"campaign_id": "S", "drops_answers_today_pct": str(percent)}
    record = Record(Partition("t", 0), 1, 1, None, json.dumps({**value, "after": after}).encode())
    event = PROFILES["vicidial"].read(record)
    assert isinstance(event, Event)
    assert event.statistics is not None
    assert event.statistics.overdial_rate == float(percent / 100)
