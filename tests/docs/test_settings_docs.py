import json
import os
import re
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from support import processes

from bridge.config.catalogue import CATALOGUE, OCS_OPTIONS, VARIABLES
from bridge.config.docs import document, files, main, schema
from bridge.config.load import load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/examples/bridge.yaml"


def uncommented() -> str:
    """The example with every setting in it: a `#` right before a name hides a setting, one before a blank is prose."""
    return re.sub(r"^(\s*)#(?=[a-z0-9_]+:)", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("name", files())
def test_the_generated_docs_are_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == files()[name], "run python -m bridge.config.docs"


def test_the_check_says_when_they_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(tmp_path)]) == 1
    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    with (tmp_path / "settings.md").open("a") as file:
        file.write("x")
    assert main(["--check", str(tmp_path)]) == 1
    assert "settings.md differs" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "bridge.config.docs", "--check"]
    from_sources = {**os.environ, "PYTHONPATH": str(ROOT)}  # the compiled bridge has no pages beside it
    assert processes.run(command, cwd=ROOT, env=from_sources, timeout=60, check=False).returncode == 0


def test_every_setting_has_a_meaning_a_variable_and_an_example_that_is_accepted() -> None:
    text = document()
    validator = jsonschema.Draft202012Validator(schema())
    for entry in CATALOGUE.values():
        assert entry.meaning, entry.name
        (row,) = re.findall(rf"^\| `{entry.key}` \| `{entry.variable}` \| .*", text, re.MULTILINE)
        assert len(re.findall(r"(?<!\\)\|", row)) == 7, "a row of six cells"
        assert entry.example is not None, entry.name
        validator.validate({entry.group: {entry.key: entry.example}})
    for variable in re.findall(r"`(BRIDGE_\w+__\w+)`", text):
        assert variable in VARIABLES


def test_every_number_has_bounds_and_every_default_lies_in_them() -> None:
    for entry in CATALOGUE.values():
        if entry.type in (int, float):
            assert entry.limit("ge") <= entry.field.get_default() <= entry.limit("le"), entry.name


def test_the_schema_is_a_schema_and_takes_the_example() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/settings.schema.json").read_text()))
    validator.validate(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")))
    validator.validate(yaml.safe_load(uncommented()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka": {"bootstrap_server": "a:1"}},
        {"htpp": {}},
        {"http": {"timeout": "soon"}},
        {"http": {"timeout": 301}},
        {"http": {"max_in_flight": 0}},
        {"http": {"headers": {"A": 1}}},
        {"http": 5},
        {"log": {"level": "LOUD"}},
        {"notifications": {"url": "receiver"}},
        {"notifications": {"periodic_states": [6]}},
        {"notifications": {"intervals": {"a": "soon"}}},
        {"notifications": {"intervals": {"a": 86_401}}},
        {"notifications": {"intervals": [5]}},
        {"notifications": {"disabled": [5]}},
        {"kafka": {"properties": {"x": []}}},
        {"metrics": {"labels": ["colour"]}},
    ],
)
def test_the_schema_refuses_mistakes(wrong: dict[str, object]) -> None:
    assert not jsonschema.Draft202012Validator(schema()).is_valid(wrong)


def test_the_schema_takes_the_names_of_ocs_and_units() -> None:
    jsonschema.validate(
        {
            "send-campaigngroup-states": True,
            "notifications": {"campaigngroup-states-interval": "10s", "campaigngroup-states-uri": "http://h/"},
            "delivery": {"max_buffered_bytes": "32MiB"},
            "http": None,
            "kafka": {"topics": ["a"], "properties": {"x": None, "y": 1.5}},
        },
        schema(),
    )


def test_the_example_is_accepted_as_it_stands() -> None:
    settings, warnings = load(EXAMPLE, {})
    assert warnings == []
    assert settings.kafka.topics == ["campaign-group-events"]


def test_the_example_has_every_setting_with_its_default() -> None:
    found = yaml.safe_load(uncommented())
    assert {f"{group}.{key}" for group, values in found.items() for key in values} == set(CATALOGUE)
    stated = {
        name: value
        for name, entry in CATALOGUE.items()
        if entry.field.get_default() not in (None, [], {})
        and (value := found[entry.group][entry.key]) != entry.field.get_default()
    }
    # The same, written with units.
    assert stated == {
        "kafka.poll_linger": "50ms",
        "mapping.max_future": "5m",
        "delivery.max_buffered_bytes": "32MiB",
        "state.ttl": "24h",
    }
    for option in OCS_OPTIONS:
        assert option in EXAMPLE.read_text(encoding="utf-8")
