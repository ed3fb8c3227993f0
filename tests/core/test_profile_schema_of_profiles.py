"""The JSON Schema of a profile says what the compiler of profiles says, as far as a schema can."""

import copy
import random
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from bridge.core.profile import ProfileError, compile_profile
from bridge.core.profile_readers import FIELDS
from bridge.core.schemas.profile import profile_schema
from bridge.profiles import preset_names, preset_text

SCHEMA = jsonschema.Draft202012Validator(profile_schema())
PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
PROFILES = {name: preset_text(name) for name in preset_names()} | {
    "docs": re.findall(r"```yaml\n(key:.*?)```", PAGE, re.DOTALL)[0]
}
Tree = dict[str, Any]
ODD: list[Any] = [
    None,
    "",
    "x",
    "5",
    [],
    {},
    ["a"],
    [["a"]],
    [None],
    {"a": "b"},
    {"from": "a"},
    [{"value": "a"}],
    "a..b",
]


def as_read(text: str) -> Any:
    """As the compiler sees it: every scalar but null is a text."""

    def plain(node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {str(key.value): plain(value) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [plain(item) for item in node.value]
        return None if node.style is None and node.value in {"", "~", "null"} else str(node.value)

    return plain(yaml.compose(text, Loader=yaml.BaseLoader))


def compiles(tree: Tree) -> bool:
    try:
        compile_profile(yaml.safe_dump(tree, sort_keys=False), "mine.yaml")
    except ProfileError:
        return False
    return True


def mappings(node: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Tree]]:
    """All mappings of a profile but those whose keys are the platform's: words and paths."""
    found: list[tuple[tuple[str, ...], Tree]] = []
    if isinstance(node, dict):
        if not path or path[-1] not in {"words", "when"}:
            found.append((path, node))
        for name, value in node.items():
            found += mappings(value, (*path, name))
    elif isinstance(node, list):
        for item in node:
            found += mappings(item, path)
    return found


def without_unread_fields(tree: Tree) -> Tree:
    """Without what the compiler does not look at: fields that every rule has its own source of."""
    rules = tree.get("events", [{}])
    own = [{**rule.get("fields", {}), **{name: 1 for name in rule if name == "kind"}} for rule in rules]
    for rule in rules:
        if "kind" in rule and isinstance(rule.get("fields"), dict):
            rule["fields"].pop("kind", None)
    for name in list(tree.get("fields", {})):
        if all(name in fields for fields in own):
            del tree["fields"][name]
    return tree


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA.schema)


def test_it_has_every_field() -> None:
    schema: Any = profile_schema()
    assert set(schema["$defs"]["fields"]["properties"]) == set(FIELDS)


@pytest.mark.parametrize("name", PROFILES)
def test_every_preset_is_valid_as_the_compiler_and_as_an_editor_reads_it(name: str) -> None:
    SCHEMA.validate(as_read(PROFILES[name]))
    SCHEMA.validate(yaml.safe_load(re.sub(r"\b(on|off|Y|N|yes|no)\b(?=[:,}])", r"'\1'", PROFILES[name])))


@pytest.mark.parametrize("name", PROFILES)
def test_a_key_that_nobody_knows_is_refused_by_both_wherever_it_stands(name: str) -> None:
    count = len(mappings(as_read(PROFILES[name])))
    for number in range(count):
        tree = as_read(PROFILES[name])
        path, mapping = mappings(tree)[number]
        if "when" in path and path[-1:] != ("when",):
            continue  # below a path's test
        mapping["nonsense"] = "x"
        assert not compiles(tree), path
        assert not SCHEMA.is_valid(tree), path
    assert count > 2


@pytest.mark.parametrize(
    "change",
    [
        {"key": None},
        {"key": "campaign_group_giud"},
        {"inside": "cloudevent"},
        {"events": []},
        {"missing": {"queue_name": None}},
        {"fields": {"state": {"from": "a", "value": "b"}}},
        {"fields": {"state": {"words": {"a": "Running"}}}},
        {"fields": {"state": {"from": "a", "words": {"x": "Runing"}}}},
        {"fields": {"state": {"from": "a", "words": {}}}},
        {"fields": {"state": {"from": "a", "unknown": "ignore"}}},
        {"fields": {"state": {"from": "a", "as": "decimal"}}},
        {"fields": {"state": []}},
        {"fields": {"time": {"from": "a", "as": "epoch"}}},
        {"fields": {"hit_ratio": {"ratio": ["a"]}}},
        {"fields": {"group_name": {"join": ["a"]}}},
        {"fields": {"calling_lists": {"name": "a"}}},
        {"fields": {"calling_lists": {"in": "a", "name": "b", "size": "c"}}},
    ],
    ids=repr,
)
def test_a_mistake_is_refused_by_both(change: Tree) -> None:
    good = {"key": "campaign_group_guid", "events": [{"kind": "change"}], "fields": {"campaign_group_guid": "id"}}
    assert compiles(good)
    assert SCHEMA.is_valid(good)
    fields = {**good["fields"], **change.get("fields", {})}  # type: ignore[dict-item]
    bad = {**good, **change, "fields": fields}
    assert not compiles(bad)
    assert not SCHEMA.is_valid(bad)


@given(st.sampled_from(sorted(PROFILES)), st.integers(0, 2**32))
@settings(max_examples=examples(300), deadline=None)
def test_what_the_compiler_accepts_the_schema_accepts(name: str, seed: int) -> None:
    """Presets with parts of them left out, moved and mixed."""
    chance = random.Random(seed)
    tree, other = as_read(PROFILES[name]), as_read(PROFILES[chance.choice(sorted(PROFILES))])
    for _ in range(chance.randrange(1, 4)):
        _, mapping = chance.choice(mappings(tree))
        _, source = chance.choice(mappings(other))
        if mapping and (dice := chance.random()) < 0.5:
            taken = chance.choice(sorted(mapping))
            mapping[taken] = copy.deepcopy(chance.choice(ODD))
            if dice < 0.25:
                del mapping[taken]
        elif source:
            taken = chance.choice(sorted(source))
            mapping[chance.choice([taken, *mapping])] = copy.deepcopy(source[taken])
    if compiles(tree):
        SCHEMA.validate(without_unread_fields(tree))
