"""`ocs-bridge profiles`: the presets, and cases of a profile."""

import json
import shutil
from pathlib import Path

import pytest
from golden.cases import GOLDEN
from typer.testing import CliRunner, Result

from bridge.cli import app
from bridge.profiles import preset_names, preset_text

PROFILE = """\
key: campaign_group_guid
missing: {campaign_group_name: U, campaign_group_dbid: "0", group_name: U, campaign_name: U, queue_name: U}
fields:
  kind: {value: change}
  campaign_group_guid: id
  state: status
"""
NOTIFICATION = {
    "GSW_USER_EVENT": "CampaignGroupState",
    "GSW_DATE_TIME": "1772355600.500",
    "GSW_TENANT_NAME": "Unknown",
    "GSW_TENANT_CCID": "Unknown",
    "GSW_CAMPAIGN_GROUP_NAME": "U",
    "GSW_CAMPAIGN_GROUP_GUID": "c-7",
    "GSW_CAMPAIGN_GROUP_DBID": "0",
    "GSW_GROUP_NAME": "U",
    "GSW_CAMPAIGN_NAME": "U",
    "GSW_QUEUE_NAME": "U",
    "GSW_CAMPAIGN_GROUP_STATE": 5,
    "GSW_CAMPAIGN_GROUP_ACTION": 9,
    "GSW_CAMPAIGN_GROUP_ACTOR": 0,
    "GSW_STAT_BUSY_FACTOR": None,
    "GSW_STAT_HIT_RATIO": None,
    "GSW_STAT_OVERDIAL_RATE": None,
    "GSW_STAT_TIME_TO_COMPLETE": None,
}


def bridge(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["profiles", *arguments], catch_exceptions=False)


def case(folder: Path, **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name.replace('_', '-')}.json").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A profile of one's own with a good case."""
    (tmp_path / "profile.yaml").write_text(PROFILE)
    case(tmp_path / "started", event={"id": "c-7", "status": "on"}, notification=NOTIFICATION)
    return tmp_path


def test_every_preset_is_listed_with_a_sentence() -> None:
    done = bridge()
    assert done.exit_code == 0
    listed = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert list(listed) == preset_names()
    assert all(text.endswith(".") and len(text) > 30 for text in listed.values())
    assert listed["vicidial"].startswith("ViciDial: change data capture")


@pytest.mark.parametrize("name", ["five9", "cloudevents+five9"])
def test_a_preset_is_printed_as_it_is(name: str) -> None:
    assert bridge("show", name).stdout == preset_text(name)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    done = bridge("show", "five8")
    assert done.exit_code == 2
    assert "five9" in done.stderr


def test_all_golden_cases_of_the_presets_pass() -> None:
    done = bridge("test", str(GOLDEN))
    assert (done.exit_code, done.stdout) == (0, "")
    count = len(list(GOLDEN.glob("*/*/")))
    assert done.stderr == f"{count} cases: {count} passed, 0 failed\n"


def test_cases_beside_a_profile_are_run_with_it(folder: Path) -> None:
    case(folder / "broken", event="no json", result={"invalid": "bad_json", "field": ""})
    case(folder / "deleted", record={"key": "k", "tombstone": True}, result={"skip": "tombstone"})
    done = bridge("test", str(folder))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "3 cases: 3 passed, 0 failed\n")
    assert bridge("test", str(folder / "started")).exit_code == 0


def test_what_differs_is_shown_and_the_exit_code_is_1(folder: Path) -> None:
    steps = {"event_1": {"id": "c-7", "status": "on"}, "notification_1": NOTIFICATION}
    stopped = {**NOTIFICATION, "GSW_CAMPAIGN_GROUP_STATE": 4, "GSW_CAMPAIGN_GROUP_ACTION": 9}
    case(folder / "two", **steps, event_2={"id": "c-7", "status": "off"}, notification_2=stopped)
    done = bridge("test", str(folder))
    assert done.exit_code == 1
    assert done.stderr == "2 cases: 1 passed, 1 failed\n"
    assert done.stdout.splitlines()[:2] == [
        "--- two/notification-2.json, expected",
        "+++ two/notification-2.json, found",
    ]
    changed = [line for line in done.stdout.splitlines()[2:] if line[0] in "+-"]
    assert changed == ['- "GSW_CAMPAIGN_GROUP_ACTION": 9,', '+ "GSW_CAMPAIGN_GROUP_ACTION": 10,']


@pytest.mark.parametrize(
    ("field", "value"),
    [("GSW_CAMPAIGN_GROUP_STATE", 5.0), ("GSW_CAMPAIGN_GROUP_DBID", 0), ("GSW_CALLING_LISTS", [])],
)
def test_a_number_is_not_a_text_or_a_fraction_and_no_field_is_left_over(
    folder: Path, field: str, value: object
) -> None:
    case(folder / "started", notification={**NOTIFICATION, field: value})
    assert bridge("test", str(folder)).exit_code == 1


def test_the_order_of_the_fields_counts(folder: Path) -> None:
    case(folder / "started", notification=dict(sorted(NOTIFICATION.items())))
    assert bridge("test", str(folder)).exit_code == 1


def test_a_case_of_lines_says_of_a_notification_what_changed(folder: Path) -> None:
    lines = case(folder / "lines")
    records = [{"id": "c", "status": "on"}, {"id": "c", "status": "off"}, {"id": "c", "status": "?"}]
    outcomes: list[object] = [{"action": 9, "state": 5}, {"action": 10, "state": 4}]
    outcomes.append({"invalid": "unknown_word", "field": "state"})
    (lines / "events.ndjson").write_text("\n".join(map(json.dumps, records)))
    (lines / "outcomes.ndjson").write_text("\n".join(map(json.dumps, outcomes)))
    assert bridge("test", str(lines)).exit_code == 0
    (lines / "outcomes.ndjson").write_text("\n".join(map(json.dumps, [*outcomes[::-1]])))
    assert bridge("test", str(lines)).stdout.count("@@") == 4
    (lines / "outcomes.ndjson").write_text("{}")
    assert "lines/events.ndjson" not in bridge("test", str(lines)).stdout
    assert "events.ndjson has 3 lines, outcomes.ndjson 1" in bridge("test", str(lines)).stdout


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"event": {}}, "needs one of notification.json and result.json"),
        ({"event": {}, "result": {}, "notification": {}}, "needs one of notification.json and result.json"),
        ({"result": {}}, "needs event.json, or record.json with a value or a tombstone"),
        ({"event": {}, "result": "{"}, "result.json: "),
        ({"event": {}, "result": []}, "a JSON object is expected"),
        ({"event": {}, "record": {"kye": 1}, "result": {}}, "record.json: "),
    ],
)
def test_a_case_that_can_not_be_run_fails_and_says_why(folder: Path, files: dict[str, object], said: str) -> None:
    case(folder / "bad", **files)
    done = bridge("test", str(folder))
    assert done.exit_code == 1
    assert said in done.stdout
    assert done.stderr == "2 cases: 1 passed, 1 failed\n"


def test_the_profile_may_be_given_and_its_mistakes_are_told(folder: Path) -> None:
    shutil.move(folder / "profile.yaml", folder / "mine.yaml")
    assert bridge("test", str(folder), "-p", str(folder / "mine.yaml")).exit_code == 0
    done = bridge("test", str(folder))
    assert done.exit_code == 78
    assert "no such profile" in done.stderr


def test_a_folder_without_a_case_is_a_failure(tmp_path: Path) -> None:
    done = bridge("test", str(tmp_path))
    assert done.exit_code == 1
    assert "no case" in done.stderr
