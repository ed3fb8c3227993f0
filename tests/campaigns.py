"""Campaign group events for tests, and hypothesis strategies for any of them."""

from hypothesis import strategies as st
from msgspec import UNSET

from bridge.core.event import NAMES, CallingList, Event, Statistic, Statistics
from bridge.core.group import Policy
from bridge.core.record import Partition, Record
from bridge.core.stamp import Stamp
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, Kind, OptimizeBy

KEY = "G1"
PARTITION = Partition("events", 0)
FULL = {name: f"<{name}>" for name in NAMES}
#: Rejects nothing, so that a test need not name what it does not care about.
LENIENT = Policy({}, on_missing="?")
STRICT = Policy({}, on_missing=None)


def change(time_ms: int = 0, **fields: object) -> Event:
    return event(Kind.CHANGE, time_ms, **fields)


def report(time_ms: int = 0, **fields: object) -> Event:
    return event(Kind.REPORT, time_ms, **fields)


def statistics(time_ms: int = 0, **fields: object) -> Event:
    return event(Kind.STATISTICS, time_ms, **fields)


def snapshot(time_ms: int = 0, **fields: object) -> Event:
    return event(Kind.SNAPSHOT, time_ms, **fields)


def event(kind: Kind, time_ms: int = 0, **fields: object) -> Event:
    return Event(kind=kind, time_ms=time_ms, **fields)  # type: ignore[arg-type]


def stamp(time_ms: int, offset: int = 0, number: int = 0, topic: str = "events") -> Stamp:
    return Stamp(time_ms, Partition(topic, number), offset)


def record(offset: int = 0, *, value: bytes | None = b"{}", timestamp_ms: int = 0, topic: str = "events") -> Record:
    return Record(Partition(topic, 0), offset, timestamp_ms, None, value, (), len(value or b""))


VALUES: st.SearchStrategy[Statistic] = st.one_of(
    st.just(UNSET), st.none(), st.integers(0, 2**53), st.floats(0, 2.0**53, allow_nan=False)
)
STATISTICS = st.builds(Statistics, busy_factor=VALUES, hit_ratio=VALUES, overdial_rate=VALUES, time_to_complete=VALUES)
LISTS = st.lists(
    st.builds(
        CallingList,
        name=st.sampled_from(["A", "B", "C"]),
        dbid=st.sampled_from([None, "1", "2"]),
        hit_ratio=VALUES,
        time_to_complete=VALUES,
    ),
    max_size=3,
    unique_by=lambda values: values.name,
).map(tuple)


def _said(enumeration: type[DialMode] | type[OptimizeBy]) -> st.SearchStrategy[object]:
    return st.one_of(st.just(UNSET), st.none(), st.sampled_from(list(enumeration)))


def events(times: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[Event]:
    """Events as profiles make them: a change says state, action or dial mode."""
    texts = st.one_of(st.none(), st.sampled_from(["", "a", "b", 'ü\n"', "x" * 200]))
    made = st.builds(
        Event,
        kind=st.sampled_from(list(Kind)),
        time_ms=times if times is not None else st.integers(0, 10),
        **dict.fromkeys(NAMES, texts),
        dial_mode=_said(DialMode),
        optimize_by=_said(OptimizeBy),
        optimize_goal=st.one_of(st.just(UNSET), st.none(), st.integers(0, 2**53)),
        state=st.one_of(st.none(), st.sampled_from(list(GroupState))),
        action=st.one_of(st.none(), st.sampled_from(list(Action))),
        actor=st.one_of(st.none(), st.sampled_from(list(Actor))),
        statistics=st.one_of(st.none(), STATISTICS),
        calling_lists=st.one_of(st.none(), LISTS),
    )
    return made.filter(
        lambda e: e.kind is not Kind.CHANGE or e.state is not None or bool(e.action) or e.dial_mode is not UNSET
    )
