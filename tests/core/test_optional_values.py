"""One bad optional value never costs the change: a good change, one thing in it replaced by anything at all, stays that change."""

import copy
import json
import math
import os
import re
from typing import Any

import pytest
from golden.cases import cases, steps
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples
from values import changed

from bridge.core.arrival import Arrival
from bridge.core.group import Policy
from bridge.core.groups import GroupTable
from bridge.core.mapping.mapper import Mapper
from bridge.core.notification import render
from bridge.core.outcome import InvalidEvent
from bridge.core.profile import compile_profile
from bridge.core.profile_text import Node, Problems, parse
from bridge.core.record import Record
from bridge.core.route import Route
from bridge.core.style import Style
from bridge.core.vocabulary import Kind
from bridge.profiles import preset_names, preset_text

#: OPTIONAL_EXAMPLES=20000 for a thorough run.
EXAMPLES = int(os.environ.get("OPTIONAL_EXAMPLES", examples(1_200)))
NOW = 1_772_355_600_777
ESSENTIAL = frozenset({"kind", "state", "action", "campaign_group_guid"})
Path = tuple[str | int, ...]


def mapper(name: str) -> Mapper:
    route = Route(compile_profile(preset_text(name), name), Policy({}, "Unknown"))
    return Mapper(route, {}, max_future_ms=300_000, now_ms=lambda: NOW)


MAPPERS = {name: mapper(name) for name in preset_names()}


def change(name: str, record: Record) -> Arrival | None:
    try:
        found = MAPPERS[name].read(record)
    except InvalidEvent:
        return None
    return found if isinstance(found, Arrival) and found.event.kind in {Kind.CHANGE, Kind.REPORT} else None


def paths_of(node: Node, found: set[str]) -> None:
    """Every text in a source or condition that could be a path."""
    if isinstance(node.value, str):
        found.add(node.value)
    elif isinstance(node.value, list):
        for item in node.value:
            paths_of(item, found)
    elif isinstance(node.value, dict):
        for key, value in node.value.items():
            found.add(key)
            paths_of(value, found)


def essential(name: str) -> set[str]:
    """Paths that tell which group and which change it is: of the fields that do, of the rules' conditions, of the envelopes."""
    root = parse(preset_text(name), Problems(name))
    rules = root["events"].value if "events" in root else []
    assert isinstance(rules, list)
    found = {
        "specversion",
        "data",
        "data_base64",
        "detail-type",
        "detail",
        "payload",
        "schema",
        "op",
        "source_op",
        "source_table",
        "source_deleted",
    }
    key = {str(part.value) for part in (root["key"].value if isinstance(root["key"].value, list) else [root["key"]])}
    parts = [root, *(rule.value for rule in rules if isinstance(rule.value, dict))]
    for part in parts:
        if "when" in part:
            paths_of(part["when"], found)
        fields = part["fields"].value if "fields" in part else {}
        assert isinstance(fields, dict)
        for field in (ESSENTIAL | key) & fields.keys():
            paths_of(fields[field], found)
    return {path.removeprefix("record:").removeprefix("ce:") for path in found}


def places(tree: object, path: Path = ()) -> list[Path]:
    found = [path] if path else []
    children: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict):
        children = list(tree.items())
    elif isinstance(tree, list):
        children = list(enumerate(tree))
    for step, child in children:
        found += places(child, (*path, step))
    return found


def written(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def ways(place: str) -> tuple[str, ...]:
    """The path as it is, inside an envelope, and in a row that Debezium flattened."""
    row = "source" + place.removeprefix("_") if place.startswith("__") else f"after.{place}"
    return place, re.sub(r"^(data|payload|detail)\.", "", place), row, re.sub(r"^source_", "source.", row)


def optional(name: str, tree: object) -> list[Path]:
    """Places to which, or through which, no essential path leads; also where an envelope is around it."""
    needed = essential(name)

    def is_needed(place: str) -> bool:
        return any(need == place or need.startswith((place + ".", place + "[")) for need in needed)

    return [path for path in places(tree) if not any(map(is_needed, ways(written(path))))]


def seeds() -> list[tuple[str, Record, dict[str, Any], list[Path], Arrival]]:
    found = []
    for name, case in cases():
        for step in steps(case) if name in MAPPERS else ():
            arrival = change(name, step.record)
            if arrival is None:
                continue
            tree = json.loads(step.record.value or b"")
            if arrival.event.state is None and not arrival.event.action:
                continue  # says a dial mode and nothing else: there it is what tells the change
            found.append((name, step.record, tree, optional(name, tree), arrival))
    return found


SEEDS = seeds()
ODD: list[object] = [
    *(math.nan, math.inf, -math.inf, -1, 0, 2**63, 10**60, 1e300, -0.0, 0.5, True, False, None),
    *(
        "",
        " ",
        "N/A",
        "30,5",
        "0.3",
        "30 %",
        "\ud83d",
        "x" * 2000,
        "\x00",
        "1e400",
        "0001-01-01T00:00:00Z",
        "1970-01-01",
    ),
    *([], {}, [[]], [None, {"name": "a"}, {"name": 1.5}], {"value": {"value": 1}}, [[[[[[[1]]]]]]]),
]
ANYTHING = st.sampled_from(ODD).map(copy.deepcopy) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["x", "trace", "ce_subject", "content-type", "tenant"]), st.binary(max_size=6)),
    max_size=2,
)


def replaced(tree: dict[str, Any], path: Path, value: object) -> bytes:
    copied = copy.deepcopy(tree)
    node: Any = copied
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return json.dumps(copied).encode()


def same(name: str, record: Record, good: Arrival) -> Arrival:
    found = MAPPERS[name].read(record)
    assert isinstance(found, Arrival)
    told = found.key, found.event.kind, found.event.state, found.event.action
    assert told == (good.key, good.event.kind, good.event.state, good.event.action)
    assert found.stamp.time_ms >= 0
    facts = GroupTable().merge(found.key, found.event, found.stamp, found.policy, found.row)
    assert facts is not None
    json.loads(render(facts, Style()), parse_constant=pytest.fail)
    return found


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_change_with_one_optional_member_replaced_by_anything_is_the_same_change(data: st.DataObject) -> None:
    name, record, tree, open_to, good = data.draw(st.sampled_from(SEEDS))
    value = record.value
    if open_to:
        value = replaced(tree, data.draw(st.sampled_from(open_to)), data.draw(ANYTHING))
    prefix = data.draw(st.sampled_from([b"", b"\xef\xbb\xbf", b" \n"]))
    record = changed(
        record,
        value=prefix + (value or b""),
        headers=(
            *record.headers,
            *(header for header in data.draw(HEADERS) if f"header:{header[0]}" not in essential(name)),
        ),
        timestamp_ms=data.draw(st.sampled_from([-1, 0, 1, NOW, 2**52])),
    )
    same(name, record, good)


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_change_with_a_member_more_that_nobody_reads_is_the_same_change_and_nothing_is_counted(
    data: st.DataObject,
) -> None:
    name, record, tree, _, good = data.draw(st.sampled_from(SEEDS))
    raw = data.draw(
        st.sampled_from(
            [
                b"NaN",
                b"-Infinity",
                b"1e400",
                b"9" * 5000,
                b'"\\ud83d"',
                b'"\xff"',
                b'{"K":1,"K":2}',
                b"-0",
                b'"\xed\xa0\x80"',
                b"[" * 40 + b"]" * 40,
            ]
        )
    )
    value = json.dumps(tree).encode()
    at = data.draw(st.sampled_from([0, 1]))
    member = b'"nobody reads this":' + raw
    value = b"{" + member + b"," + value[1:] if at else value[:-1] + b"," + member + b"}"
    found = same(name, changed(record, value=value), good)
    assert found.event.ignored == good.event.ignored
    assert found.event == good.event


def test_there_are_good_changes_of_every_preset_and_places_in_them_that_are_optional() -> None:
    assert {name for name, _, _, open_to, _ in SEEDS if open_to} >= set(preset_names()) - {"ocs"}
