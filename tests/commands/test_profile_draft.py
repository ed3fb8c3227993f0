"""`ocs-bridge profiles new`: what is guessed is right where it can be known, and the draft always compiles."""

import json
import re
from pathlib import Path

import pytest
from golden.cases import cases, steps
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples
from typer.testing import CliRunner, Result

from bridge.cli import app
from bridge.commands.profile_draft import draft
from bridge.commands.profile_sample import NothingToRead
from bridge.core.outcome import Skip
from bridge.core.profile import Profile, compile_profile
from bridge.core.record import Partition, Record
from bridge.core.vocabulary import DialMode, GroupState

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
EXAMPLE = json.loads(re.findall(r"worked example: record -->\n```json\n(.*?)```", PAGE, re.DOTALL)[0])
POLLED = {
    "campaign": {"id": 17, "name": "Spring", "status": "IN_PROGRESS", "mode": "BY_HAND"},
    "queue": {"name": "East"},
    "updated_at": "2026-03-01T09:00:00Z",
    "agentUtilization": 85,
    "abandon_rate": "2.5",
    "max_abandon_rate": 3.5,
    "lists": [{"id": 5, "title": "A"}],
    "odd.name": {"it's": 1},
}


def record(value: object, number: int = 0) -> Record:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Record(Partition("t", 0), number, 1_772_355_600_000, None, text)


def drafted(*values: object) -> str:
    return draft(record(value) for value in values)


def compiled(text: str) -> Profile:
    return compile_profile(text, "draft.yaml")


def bridge(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=given, catch_exceptions=False)


def test_a_draft_of_the_worked_example_reads_it(tmp_path: Path) -> None:
    progress = {**EXAMPLE, "type": "campaigns.progress"}
    done = bridge("profiles", "new", given=json.dumps([EXAMPLE, progress], indent=1))
    assert done.exit_code == 0
    for line in (
        "  campaign_group_guid: payload.campaignId",
        "  tenant_ccid: tenantId",
        "  time: timestamp",
        "  dial_mode: payload.dialMode",
        "  hit_ratio: {ratio: [payload.stats.callsConnected, payload.stats.callsDialed]}",
        "  - when: {type: [campaigns.progress]}",
        "      campaigns.paused: Active",
        "  # ? optimize_goal: nothing looks like it",
        "#   payload.stats.leadsRemaining: 900",
    ):
        assert line in done.stdout
    (tmp_path / "draft.yaml").write_text(done.stdout)
    mapped = bridge("map", "-p", str(tmp_path / "draft.yaml"), given=json.dumps([EXAMPLE, progress]))
    assert (mapped.exit_code, mapped.stderr) == (
        0,
        "2 records: 1 notified, 1 merged, 0 unchanged, 0 skipped, 0 invalid\n",
    )
    notification = json.loads(re.findall(r"worked example: notification -->\n```json\n(.*?)```", PAGE, re.DOTALL)[0])
    assert json.loads(mapped.stdout) == notification


def test_names_words_percent_and_lists_of_a_platform_that_is_polled_are_guessed() -> None:
    text = drafted(POLLED, {**POLLED, "campaign": {**POLLED["campaign"], "status": "PAUSED"}})  # type: ignore[dict-item]
    event = compiled(text).read(record(POLLED))
    assert not isinstance(event, Skip)
    assert (event.campaign_group_guid, event.campaign_name, event.queue_name) == ("17", "Spring", "East")
    assert (event.state, event.time_ms, event.optimize_goal) == (GroupState.Running, 1_772_355_600_000, 4)
    assert event.statistics is not None
    assert (event.statistics.busy_factor, event.statistics.overdial_rate) == (0.85, 0.025)
    assert [(each.name, each.dbid) for each in event.calling_lists or ()] == [("A", "5")]
    assert "IN_PROGRESS: Running # ? platforms differ" in text
    assert "    PAUSED: Active\n" in text
    assert "# ? BY_HAND: not known" in text


def test_envelopes_are_recognized() -> None:
    row = {
        "op": "c",
        "before": None,
        "after": {"campaign_id": "S", "active": "Y", "dial_method": "MANUAL"},
        "source": {},
    }
    assert "inside: debezium\n" in drafted(row)
    text = drafted({"schema": {}, "payload": row})
    assert "  campaign_group_guid: after.campaign_id\n" in text
    event = compiled(text).read(record(row))
    assert not isinstance(event, Skip)
    assert (event.state, event.dial_mode) == (GroupState.Running, None)
    cloud = {"specversion": "1.0", "data": {"id": "x", "status": "on", "mode": "predictive"}}
    event = compiled(drafted(cloud)).read(record(cloud))
    assert not isinstance(event, Skip)
    assert (event.campaign_group_guid, event.dial_mode) == ("x", DialMode.Predict)
    assert "payload: x" in drafted({"payload": "x", "id": 1})


def test_what_nothing_looks_like_is_marked_and_the_draft_still_compiles() -> None:
    text = drafted({"a": 1})
    assert "  campaign_group_guid: id # ? nothing looks like what tells one campaign group from another" in text
    assert "#   a: 1" in text
    compiled(text)


@pytest.mark.parametrize("word", ["null", "~", "on", "a: b", "#", '"', "\\", "- x", "[", "{", "&a", "\u00e9"])
def test_a_type_of_event_is_written_so_that_it_means_itself(word: str) -> None:
    events = [{"id": 1, "type": kind, "status": "on"} for kind in (word, "other")]
    profile = compiled(drafted(*events))
    assert not any(isinstance(profile.read(record(event)), Skip) for event in events)
    assert profile.read(record({**events[0], "type": "a third"})) is Skip.NOT_SELECTED
    assert profile.read(record({"id": 1, "status": "on"})) is Skip.NOT_SELECTED


def test_words_that_are_read_anyway_need_no_table() -> None:
    assert "  state: status\n" in drafted({"id": 1, "status": "paused"}, {"id": 1, "status": "Running"})


def test_a_sample_without_an_object_is_a_failure() -> None:
    with pytest.raises(NothingToRead):
        drafted(b"nonsense", [1], 5)
    done = bridge("profiles", "new", given="nonsense\n")
    assert done.exit_code == 1
    assert "no record of the sample is a JSON object" in done.stderr


@pytest.mark.parametrize("name", sorted({name for name, _ in cases()}))
def test_a_draft_of_each_platforms_records_compiles_and_tells_its_groups_apart(name: str) -> None:
    text = draft(step.record for of, case in cases() if of == name for step in steps(case))
    profile = compiled(text)
    assert "nothing looks like what tells" not in text
    assert profile.rules


NAMES = st.sampled_from(
    [
        "id",
        "status",
        "type",
        "state",
        "mode",
        "time",
        "name",
        "data",
        "op",
        "after",
        "lists",
        "it's",
        "a.b",
        "x:y",
        "on",
        "null",
        "#c",
        "\\",
        "\u2028",
        "🙂",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(
    ["on", "off", "null", "campaigns.started", "a: b", "'", '"', "\\", "#", "{", "*", "&x", "Y", "- a", "\ufeff", "x" * 2000, "a\nb"]
)  # fmt: skip
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=4)
)


@given(st.lists(st.dictionaries(NAMES | st.text(), TREES, max_size=6), min_size=1, max_size=4))
@settings(max_examples=examples(500), deadline=None)
def test_a_draft_of_any_records_compiles(trees: list[dict[str, object]]) -> None:
    records = [record(json.dumps(tree).encode()) for tree in trees]
    try:
        text = draft(records)
    except NothingToRead:
        return
    profile = compiled(text)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert profile.key
