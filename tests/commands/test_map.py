"""`ocs-bridge map`: what it says of records, and of what is wrong with what it is given."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.cli import app

NAMES = dict.fromkeys(("campaign_group_name", "campaign_group_dbid", "group_name", "campaign_name", "queue_name"), "x")
START = {"kind": "change", "time": 1772355600123, "action": "start", "campaign_group_guid": "g", **NAMES}
STATISTICS = {"kind": "statistics", "campaign_group_guid": "g", "statistics": {"hit_ratio": 0.5}}


def bridge(*arguments: str, given: bytes | str = b"") -> Result:
    return CliRunner().invoke(app, ["map", *arguments], input=given, catch_exceptions=False)


def lines(*values: object) -> str:
    return "".join(f"{value if isinstance(value, str) else json.dumps(value)}\n" for value in values)


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_a_summary_says_how_many_records_came_to_which_end() -> None:
    done = bridge("-p", "generic", given=lines(START, STATISTICS, "nonsense", "7", {"kind": "change"}, "more nonsense"))
    assert done.exit_code == 1
    assert [json.loads(line)["GSW_CAMPAIGN_GROUP_ACTION"] for line in done.stdout.splitlines()] == [9]
    *problems, summary = done.stderr.splitlines()
    assert [problem.partition(": ")[0] for problem in problems] == ["line 3", "line 4", "line 5", "line 6"]
    assert summary == (
        "6 records: 1 notified, 1 merged, 0 unchanged, 0 skipped, 4 invalid (2 bad_json, 1 missing_field, 1 not_an_object)"
    )


def test_verbose_says_of_each_record_why_it_makes_no_notification() -> None:
    rows = [
        {"op": "d", "before": {}, "source": {"table": "vicidial_lists"}},
        {"op": "c", "source": {"table": "other"}},
    ]
    done = bridge("-p", "vicidial", "-v", given=lines(*rows))
    assert done.exit_code == 0
    assert done.stderr.splitlines()[:2] == ["line 1: skipped: not_selected", "line 2: skipped: not_selected"]
    assert (
        done.stderr.splitlines()[-1]
        == "2 records: 0 notified, 0 merged, 0 unchanged, 2 skipped (2 not_selected), 0 invalid"
    )
    assert bridge("-p", "vicidial", given=lines(*rows)).stderr.count("\n") == 1


def test_ratios_above_one_and_statistics_without_statistics_are_warned_of() -> None:
    percent = {**STATISTICS, "statistics": {"hit_ratio": 30}}
    flat = {"kind": "statistics", "campaign_group_guid": "g", "hit_ratio": 0.3}
    done = bridge("-p", "generic", given=lines(STATISTICS, percent, flat, percent))
    assert done.exit_code == 0
    assert done.stderr.splitlines()[:-1] == [
        "warning: a ratio is above 1: ratios are fractions, 0.85 is 85 % (line 2 and 1 more)",
        "warning: an event of statistics has no statistics that the profile reads (line 3)",
    ]


def test_records_are_read_with_key_headers_timestamp_and_tombstone(tmp_path: Path) -> None:
    profile = write(
        tmp_path / "mine.yaml",
        "key: campaign_group_guid\nfields: {kind: {value: change}, campaign_group_guid: 'key:', state: 'header:state'}\n"
        "missing: {campaign_group_name: 'header', campaign_group_dbid: x, group_name: x, campaign_name: x, queue_name: x}\n",
    )
    record = {"timestamp_ms": 1772355600500, "key": "k", "headers": {"state": "Running"}, "value": {}}
    done = bridge("-p", profile, "--input", "records", given=lines(record, {"key": "k", "value": None}))
    notification = json.loads(done.stdout)
    assert notification["GSW_DATE_TIME"] == "1772355600.500"
    assert (notification["GSW_CAMPAIGN_GROUP_GUID"], notification["GSW_CAMPAIGN_GROUP_STATE"]) == ("k", 5)
    assert "1 skipped (1 tombstone)" in done.stderr
    kcat = {"topic": "t", "partition": 0, "offset": 5, "tstype": "create", "ts": 1772355600500, "broker": 1}
    printed = {**kcat, "headers": ["state", "Running"], "key": "k", "payload": "{}"}
    assert (
        bridge("-p", profile, "-i", "kcat", given=lines(printed)).stdout
        == json.dumps(notification, separators=(",", ":")) + "\n"
    )


@pytest.mark.parametrize("text", [json.dumps(START, indent=2), json.dumps([START]), json.dumps([START], indent=2)])
def test_a_pretty_printed_object_and_an_array_are_accepted(text: str) -> None:
    done = bridge("-p", "generic", given=text)
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)


def test_a_record_that_is_none_is_named_with_its_place_and_the_others_are_mapped() -> None:
    done = bridge("-p", "generic", "-i", "records", given=lines({"valeu": 1}, {"value": START}))
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0].startswith("line 1: no_record: ")
    assert "valeu" in done.stderr
    assert done.stdout.count("\n") == 1


def test_mistakes_in_a_profile_are_told_as_check_tells_them(tmp_path: Path) -> None:
    profile = write(tmp_path / "mine.yaml", "key: campaign_group_giud\nfeilds: {}\n")
    done = bridge("-p", profile, given=lines(START))
    assert done.exit_code == 78
    assert done.stderr.startswith("The configuration has 4 problems:\n  1. ")
    for text in (
        f"{profile}:2: feilds: unknown key; did you mean fields?",
        f"{profile}:1: key: unknown field",
        "fields.kind",
    ):
        assert text in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.yaml", None, "can't be read: No such file or directory"),
        ("folder.yaml", "", "is no regular file"),
        ("latin.yaml", b"key: \xe9", "is not UTF-8 (byte 5)"),
        ("nested.yaml", b"[" * 10_000, "nested too deeply"),
        ("alias.yaml", b"a: &x [*x]", "nested too deeply"),
        ("tab.yaml", b"a:\t- [", "no YAML"),
        ("empty.yaml", b"", "a profile is a mapping"),
        ("genesys_cloud", None, "no such profile; a path ending in .yaml, or a preset; did you mean genesys-cloud?"),
    ],
)
def test_what_is_no_profile_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes | str | None, said: str
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
    done = bridge("-p", str(path) if path.suffix else name, given=lines(START))
    assert done.exit_code == 78
    head, problem = done.stderr.splitlines()
    assert head == "The configuration has 1 problem:"
    assert said in problem


def test_a_mistake_in_the_configured_profile_is_told_with_its_setting(tmp_path: Path) -> None:
    profile = write(tmp_path / "mine.yaml", "key: x\n")
    config = write(
        tmp_path / "bridge.yaml",
        "kafka: {bootstrap_servers: 127.0.0.1:9092, topics: events}\nnotifications: {url: http://127.0.0.1/}\n"
        f"mapping: {{profile: {profile}}}\n",
    )
    done = bridge("--config", config, given=lines(START))
    assert done.exit_code == 78
    assert f"mapping.profile: {profile}:1: key: " in done.stderr


@pytest.mark.parametrize("name", ["none.ndjson", "."])
def test_a_file_of_records_that_can_not_be_read_is_a_mistake_of_use(tmp_path: Path, name: str) -> None:
    done = bridge("-p", "generic", str(tmp_path / name))
    assert done.exit_code == 2
    assert not done.stdout


def test_verbose_lists_the_members_that_nothing_reads() -> None:
    record = {**START, "hit_ratio": 0.3, "statistics": {"hit_rate": 1, "hit_ratio": None}, "a.b": [{"c": 1}, {"c": 2}]}
    lists = {"calling_lists": [{"name": "n", "size": 4}], "extra": {}}
    done = bridge("-p", "generic", "-v", given=lines(record, {**record, **lists}, "broken"))
    listed = [line for line in done.stderr.splitlines() if line.startswith("  ")]
    assert listed == [
        "  hit_ratio (2)",
        "  statistics.hit_rate (2)",
        "  ['a.b'].c (2)",
        "  calling_lists.size (1)",
        "  extra (1)",
    ]
    assert "hit_rate" not in bridge("-p", "generic", given=lines(record)).stderr


def test_what_is_read_through_envelopes_conditions_and_as_a_whole_is_not_listed(tmp_path: Path) -> None:
    profile = write(
        tmp_path / "mine.yaml",
        "inside: cloudevents\nkey: campaign_group_guid\nevents: [{when: {a: '*', b.c: {differs: 'd[0].e'}}, kind: statistics}]\n"
        "fields: {campaign_group_guid: {join: [f, g]}, hit_ratio: {ratio: [h.i, h.j]}, "
        "campaign_name: [{from: [k, l], when: {m: x}}, n]}\n",
    )
    data = {"a": {"z": [1]}, "b": 1, "d": [{"e": 2}], "f": 1, "g": 2, "h": {"i": 1, "j": 2}, **dict.fromkeys("klmn", 1)}
    record = {"specversion": "1.0", "id": "x", "data": {**data, "other": 1}}
    done = bridge("-p", profile, "-v", given=lines(record))
    assert [line for line in done.stderr.splitlines() if line.startswith("  ")] == ["  other (1)"]
