"""Every preset, by golden cases: what becomes of the records of each platform, to the last byte's meaning."""

import json
from pathlib import Path

import jsonschema
import pytest
from golden.cases import by_lines, cases, steps

from bridge.commands.profile_cases import summary
from bridge.core.group import Policy
from bridge.core.groups import GroupTable
from bridge.core.identity import group_key
from bridge.core.notification import render
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.profile import Profile, compile_profile
from bridge.core.record import Partition, Record
from bridge.core.schema import notification_schema
from bridge.core.stamp import Stamp
from bridge.core.style import Style
from bridge.profiles import preset_names, preset_text

NOTIFICATION = jsonschema.Draft202012Validator(notification_schema())
CASES = [pytest.param(profile, case, id=f"{profile}-{case.name}") for profile, case in cases()]


def outcome(profile: Profile, table: GroupTable, record: Record) -> dict[str, object]:
    """The notification of a record, or {"skip": …}, {"invalid": …, "field": …}, {"absorbed": true}."""
    try:
        event = profile.read(record)
        if isinstance(event, Skip):
            return {"skip": event.value}
        stamp = Stamp(event.time_ms, record.partition, record.offset)
        facts = table.merge(group_key(event, profile.key), event, stamp, Policy(profile.missing))
    except InvalidEvent as error:
        return {"invalid": error.reason.value, "field": error.field}
    if facts is None:
        return {"absorbed": True}
    notification: dict[str, object] = json.loads(render(facts, Style()))
    return notification


@pytest.mark.parametrize(("name", "case"), CASES)
def test_records_of_the_platform_become_the_notifications_in_the_files(name: str, case: Path) -> None:
    profile, table = compile_profile(preset_text(name), f"{name}.yaml"), GroupTable()
    for step in steps(case):
        found = outcome(profile, table, step.record)
        # As text: the order of the fields counts, and 600 is not 600.0.
        shown = summary(found) if by_lines(case) else found
        assert json.dumps(shown, indent=1) == json.dumps(step.expected, indent=1)
        if step.notified:
            NOTIFICATION.validate(found)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_has_golden_cases_of_what_it_posts_and_what_it_refuses_or_skips(name: str) -> None:
    expectations = [step for profile, case in cases() if profile == name for step in steps(case)]
    assert any(step.notified for step in expectations)
    assert any("invalid" in step.expected for step in expectations)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_can_be_read_inside_cloud_events(name: str) -> None:
    if name == "cloudevents":
        with pytest.raises(KeyError):
            preset_text(f"cloudevents+{name}")
    else:
        profile = compile_profile(preset_text(f"cloudevents+{name}"), name)
        none = Record(Partition("t", 0), 0, 1, None, b"{}")
        with pytest.raises(InvalidEvent, match="no CloudEvent"):
            profile.read(none)


def test_an_unknown_preset_is_a_key_error() -> None:
    for name in ("none-such", "../secret", "cloudevents+none-such", ""):
        with pytest.raises(KeyError):
            preset_text(name)


def test_all_presets_tell_groups_apart_by_the_same_id_so_that_one_bridge_can_mix_them() -> None:
    profiles = [compile_profile(preset_text(name), name) for name in preset_names()]
    assert {profile.key[-1] for profile in profiles} == {"campaign_group_guid"}
