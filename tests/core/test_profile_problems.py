"""What is wrong with a profile is told with its place, all at once, with what is allowed."""

import pytest

from bridge.core.profile import ProfileError, compile_profile
from bridge.profiles import preset_names, preset_text

GOOD = """\
key: campaign_group_guid
events:
  - kind: change
fields:
  campaign_group_guid: id
  state: status
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        compile_profile(text, "mine.yaml")
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def of(line: str) -> str:
    """The only problem of the good profile with one more line of `fields`."""
    (problem,) = problems(GOOD + f"  {line}\n")
    return problem


def test_the_good_profile_has_none() -> None:
    assert compile_profile(GOOD, "mine.yaml").name == "mine"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("stat: x", "mine.yaml:7: fields.stat: unknown key; did you mean state?"),
        ("dialmode: x", "mine.yaml:7: fields.dialmode: unknown key; did you mean dial_mode?"),
        ("group_name: {form: x}", "mine.yaml:7: group_name.form: unknown option; did you mean from?"),
        ("group_name: {from: a, value: b}", "mine.yaml:7: group_name: exactly one of from, join, value is needed"),
        ("group_name: {with: a}", "mine.yaml:7: group_name: exactly one of from, join, value is needed"),
        ("group_name: {join: [a]}", "mine.yaml:7: group_name.join: at least two paths are needed"),
        ("group_name: {from: a, words: {x: y}}", "mine.yaml:7: group_name.words: unknown option"),
        ("group_name: a..b", "mine.yaml:7: group_name: no path at character 2; a path is a.b, a[0].b"),
        ("group_name: 'headers:x'", "mine.yaml:7: group_name: unknown source headers:; a path is"),
        ("group_name: []", "mine.yaml:7: group_name: an empty list of sources"),
        ("group_name:", "mine.yaml:7: group_name: a path is needed"),
        ("group_name: {value: {a: b}}", "mine.yaml:7: group_name.value: must be a text"),
        ("group_name: {from: a..b}", "mine.yaml:7: group_name.from: no path at character 2; a path is a.b, a[0].b"),
        ("group_name: {from: []}", "mine.yaml:7: group_name.from: an empty list of paths"),
        ("group_name: {from: a, match: a}", "mine.yaml:7: group_name.match: must hold a *"),
        (
            "action: {from: a, words: {go: StartDialling}}",
            "mine.yaml:7: action.words.go: unknown 'StartDialling'; did you mean",
        ),
        (
            "action: {from: a, words: {go: 12}}",
            "mine.yaml:7: action.words.go: unknown '12' (allowed: LoadCampaign, NoRequest",
        ),
        ("action: {from: a, words: [go]}", "mine.yaml:7: action.words: a mapping of the platform's words"),
        (
            "action: {from: a, words: {go: 9, Go: 10}}",
            "mine.yaml:7: action.words.Go: another spelling of it means something",
        ),
        ("action: {from: a, unknown: ignore}", "mine.yaml:7: action.unknown: unknown 'ignore' (allowed: omit, reject)"),
        ("action: {value: launch}", "mine.yaml:7: action.value: unknown 'launch'"),
        ("hit_ratio: {from: a, divide: 0}", "mine.yaml:7: hit_ratio.divide: must be a number above 0"),
        ("hit_ratio: {from: a, multiply: ten}", "mine.yaml:7: hit_ratio.multiply: must be a number above 0"),
        ("hit_ratio: {ratio: [{product: [a, b]}, c]}", "mine.yaml:7: hit_ratio: a path is needed, such as detail.id"),
        (
            "time: {from: a, zone: Middle/Earth}",
            "mine.yaml:7: time.zone: no time zone that is known here; such as UTC or Europe/Berlin",
        ),
        ("hit_ratio: {ratio: [a]}", "mine.yaml:7: hit_ratio.ratio: two numbers are needed: [numerator, denominator]"),
        (
            "hit_ratio: {from: a, as: promille}",
            "mine.yaml:7: hit_ratio.as: unknown 'promille' (allowed: decimal, duration, number, percent)",
        ),
        ("hit_ratio: {value: -1}", "mine.yaml:7: hit_ratio.value: below 0"),
        ("hit_ratio: {value: half}", "mine.yaml:7: hit_ratio.value: "),
        ("time: {from: a, as: epoch}", "mine.yaml:7: time.as: unknown 'epoch'; did you mean epoch_s?"),
        ("queue_name: {from: a, when: [b]}", "mine.yaml:7: queue_name.when: a mapping of paths to"),
        ("queue_name: {from: a, when: {b: {is: c}}}", "mine.yaml:7: queue_name.when.b: unknown test; allowed: a text"),
        ("queue_name: {from: a, when: {'b..c': d}}", "mine.yaml:7: queue_name.when.b..c: no path at character 2"),
        ("queue_name: {from: a, when: {b: {differs: 'c..d'}}}", "mine.yaml:7: queue_name.when.b.differs: no path"),
        ("calling_lists: lists", "mine.yaml:7: calling_lists: a mapping with `in`"),
        ("calling_lists: {in: a, name: b, ratio: c}", "mine.yaml:7: calling_lists.ratio: unknown key"),
        ("calling_lists: {in: [a], name: b}", "mine.yaml:7: calling_lists.in: a path is needed"),
        (
            "notification_interval: {value: 0.05}",
            "mine.yaml:7: notification_interval.value: neither 0 nor from 0.1 to 86400 seconds",
        ),
        (
            "notification_interval: {value: 5s}",
            "mine.yaml:7: notification_interval.value: a text that is no decimal number",
        ),
        ("notification_interval: {ratio: [a, b]}", "mine.yaml:7: notification_interval.ratio: unknown option"),
        ("notifications_enabled: {value: maybe}", "mine.yaml:7: notifications_enabled.value: unknown 'maybe'"),
        (
            "notifications_enabled: {from: a, words: {x: on}}",
            "mine.yaml:7: notifications_enabled.words.x: unknown 'on' (allowed: false, true)",
        ),
        ("state: again", "mine.yaml:7: state: given twice"),
    ],
)
def test_a_wrong_field_is_told_with_its_line_and_what_is_allowed(line: str, expected: str) -> None:
    assert of(line).startswith(expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("key: campaign_group_guid", "", "mine.yaml:1: key: exactly one of campaign_group_guid, campaign_group_dbid"),
        (
            "key: campaign_group_guid",
            "key: campaign_guid",
            "mine.yaml:1: key: unknown field 'campaign_guid'; did you mean",
        ),
        (
            "key: campaign_group_guid",
            "key: [campaign_group_guid, campaign_group_dbid]",
            "mine.yaml:1: key: exactly one of",
        ),
        (
            "key: campaign_group_guid",
            "key: campaign_group_dbid",
            "mine.yaml:3: events[0].fields.campaign_group_dbid: needed",
        ),
        ("- kind: change", "- {}", "mine.yaml:3: events[0].fields.kind: needed"),
        ("- kind: change", "- kind: changed", "mine.yaml:3: kind.value: unknown 'changed'"),
        ("- kind: change", "- change", "mine.yaml:3: events[0]: a rule is a mapping"),
        ("- kind: change", "- {kind: change, fields: [a]}", "mine.yaml:3: events[0].fields: a mapping of the event's"),
        (
            "- kind: change",
            "- {kind: change, if: x}",
            "mine.yaml:3: events[0].if: unknown key (allowed: fields, kind, when)",
        ),
        ("  - kind: change\n", "", "mine.yaml:2: events: a list of rules"),
        ("events:", "rules:", "mine.yaml:2: rules: unknown key"),
        (
            "fields:",
            "missing: {quue_name: x}\nfields:",
            "mine.yaml:4: missing.quue_name: unknown key; did you mean queue_name?",
        ),
        ("fields:", "missing: {queue_name: [x]}\nfields:", "mine.yaml:4: missing.queue_name: must be a text"),
        ("fields:", "missing: Unknown\nfields:", "mine.yaml:4: missing: a mapping"),
        (
            "fields:",
            "inside: cloudevent\nfields:",
            "mine.yaml:4: inside: unknown 'cloudevent'; did you mean cloudevents?",
        ),
        ("fields:", "inside: {a: b}\nfields:", "mine.yaml:4: inside: must be a word, or a list of words"),
        (
            "key: campaign_group_guid",
            "key: [campaign_group_guid, [a]]",
            "mine.yaml:1: key: must be a word, or a list of",
        ),
        ("  state: status", "  state: &a [*a]", "mine.yaml:1: file: nested too deeply"),
        ("  state: status", "  state: status: x", "mine.yaml:6: file: no YAML: mapping values are not allowed here"),
        ("  state: status", "  ? [a]\n  : b", "mine.yaml:6: fields: a key must be a word"),
    ],
)
def test_a_wrong_key_is_told_with_its_line_and_what_is_allowed(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert any(problem.startswith(expected) for problem in problems(GOOD.replace(old, new)))


@pytest.mark.parametrize("text", ["", "# nothing", "generic", "[a]", "a: \x00"])
def test_a_file_that_is_no_mapping_is_told(text: str) -> None:
    assert problems(text)[0].startswith("mine.yaml:1: file: ")


def test_all_problems_are_told_at_once_and_each_once() -> None:
    text = (
        GOOD.replace("- kind: change", "- kind: change\n  - kind: statistics")
        + "  hit_ratio: {from: a, as: b}\n  x: y\n"
    )
    assert [problem.split(": ")[1] for problem in problems(text)] == ["fields.x", "hit_ratio.as"]


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_says_at_its_head_what_its_source_is_and_what_is_inferred(name: str) -> None:
    head = preset_text(name).split("key:")[0]
    assert head.startswith("# ")
    if name != "generic":
        assert "Source:" in head
        assert "nferred:" in head or "Our choice:" in head
