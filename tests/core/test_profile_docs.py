"""docs/profiles.md is true: its examples run, and its tables are those of the code."""

import json
import re
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

import pytest
from golden.cases import cases, steps

from bridge.core.envelopes import Envelope
from bridge.core.group import Policy
from bridge.core.groups import GroupTable
from bridge.core.identity import group_key
from bridge.core.mapping.mapper import Mapper
from bridge.core.notification import render
from bridge.core.outcome import Skip
from bridge.core.profile import compile_profile
from bridge.core.profile_readers import FIELDS
from bridge.core.record import Partition, Record
from bridge.core.route import Route
from bridge.core.stamp import Stamp
from bridge.core.style import Style
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, OptimizeBy
from bridge.core.words import ACTIONS, ACTORS, DIAL_MODES, OPTIMIZE_BY, STATES
from bridge.offline import Offline
from bridge.profiles import preset_names, preset_text

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def example(name: str, which: str = "worked") -> str:
    (text,) = re.findall(rf"<!-- {which} example: {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


def test_the_worked_example_makes_of_its_record_its_notification() -> None:
    profile = compile_profile(example("profile"), "our-dialler.yaml")
    record = Record(Partition("t", 0), 0, 0, None, example("record").encode())
    event = profile.read(record)
    assert not isinstance(event, Skip)
    stamp = Stamp(event.time_ms, record.partition, 0)
    facts = GroupTable().merge(group_key(event, profile.key), event, stamp, Policy(profile.missing))
    assert facts is not None
    assert json.dumps(json.loads(render(facts, Style())), indent=2) + "\n" == example("notification")


def test_the_second_example_makes_of_its_record_its_notifications_and_of_the_same_again_none() -> None:
    profile = compile_profile(example("profile", "second"), "hamburg.yaml")
    assert profile.warnings == ()
    offline = Offline(Mapper(Route(profile, Policy(profile.missing)), {}, max_future_ms=0), Style())
    record = Record(Partition("t", 0), 0, 1_772_355_600_000, None, example("record", "second").encode())
    told = [json.loads(one.notification or b"") for one in offline.map(record)]
    assert json.dumps(told, indent=2) + "\n" == example("notifications", "second")
    again = Record(Partition("t", 0), 1, 1_772_355_601_000, None, record.value)
    assert [one.outcome for one in offline.map(again)] == ["unchanged", "unchanged"]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.split(":")[0])
def test_every_snippet_is_valid_where_it_belongs(snippet: str) -> None:
    fields = "fields:\n  campaign_group_guid: id\n"
    headed = f"key: campaign_group_guid\n{snippet}{fields}"
    ruled = f"key: campaign_group_guid\nevents: [{{kind: change}}]\n{snippet}{fields}"
    whole = {"key": snippet, "events": headed, "inside": ruled, "each": ruled, "missing": ruled}
    lines = "".join(f"  {line}\n" for line in snippet.splitlines())
    in_fields = f"key: campaign_group_guid\nevents: [{{kind: change}}]\nfields:\n  campaign_group_guid: id\n{lines}"
    compile_profile(whole.get(snippet.split(":", maxsplit=1)[0], in_fields), "snippet.yaml")


PRESETS = [
    [cell.strip() for cell in row.strip("|").split("|")]
    for row in PAGE.split("| preset | key | source |")[1].split("\n\n")[0].splitlines()[2:]
]


def test_the_table_of_presets_is_that_of_the_files() -> None:
    keys = [", ".join(compile_profile(preset_text(name), name).key) for name in preset_names()]
    assert [row[:2] for row in PRESETS] == [[f"`{name}`", key] for name, key in zip(preset_names(), keys, strict=True)]


def scalars(value: object) -> Iterator[str]:
    """The names of all members of a JSON value, and the texts and numbers in them."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from scalars(member)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    else:
        yield str(value)


@pytest.mark.parametrize("row", PRESETS, ids=lambda row: row[0].strip("`"))
def test_every_documented_value_of_a_preset_has_a_golden_case(row: list[str]) -> None:
    name, documented = row[0].strip("`"), re.findall(r"`([^`]+)`", row[4])
    records = [step.record.value or b"" for of, case in cases() if of == name for step in steps(case)]
    found = {text for value in records if value.startswith(b"{") for text in scalars(json.loads(value))}
    assert set(documented) <= found


def word_rows(field: str, vocabulary: type[IntEnum], words: dict[str, IntEnum | None]) -> list[str]:
    rows = []
    for member in (*vocabulary, None):
        common = ", ".join(word for word, meaning in words.items() if meaning is member)
        if common:
            rows.append(f"| {field} | {'left out' if member is None else f'{member.value} {member.name}'} | {common} |")
    return rows


def test_the_table_of_words_is_that_of_the_code() -> None:
    table = PAGE.split("| field | value | common words |")[1].split("\n\n")[0].splitlines()[2:]
    assert table == [
        *word_rows("state", GroupState, {**STATES}),
        *word_rows("action", Action, {**ACTIONS}),
        *word_rows("actor", Actor, {**ACTORS}),
        *word_rows("dial_mode", DialMode, {**DIAL_MODES}),
        *word_rows("optimize_by", OptimizeBy, {**OPTIMIZE_BY}),
    ]


def test_every_envelope_and_every_option_is_named() -> None:
    table = PAGE.split("| `inside` | is taken off |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)", table, re.MULTILINE) == list(Envelope)
    for option in (
        "invalid",
        "default",
        "unknown",
        "words",
        "zone",
        "decimal",
        "match",
        "with",
        "join",
        "ratio",
        "sum",
        "difference",
    ):
        assert f"{option}: " in PAGE


def test_every_field_is_named() -> None:
    named = re.findall(r"`(\w+)`", PAGE.split("The fields: ")[1].split("A change needs")[0])
    assert sorted(named) == sorted(FIELDS)
