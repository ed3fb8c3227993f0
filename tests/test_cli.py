"""The commands, run as a user runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from edge import certificates as files
from edge.certificates import Certificates
from support import processes

from bridge import __version__
from bridge.commands.named import OTHERS

GOLDEN = Path(__file__).parent / "golden"
GOOD = """\
kafka: {bootstrap_servers: 127.0.0.1:9092, topics: events}
notifications: {url: http://127.0.0.1:8099/notifications}
"""
FIVE_MISTAKES = """\
kafka:
  bootstrap_servers: 127.0.0.1
  topics: events
  sesion_timeout: 45
notifications:
  url: ftp://receiver/
http:
  timeout: -1
mapping:
  profile: generic
admin:
  port: 70000
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return files.make(tmp_path_factory.mktemp("certificates"))


def bridge(*arguments: str, text: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return processes.run(
        [sys.executable, "-m", "bridge", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("command", ["run", "check"])
def test_five_mistakes_are_told_at_once_and_the_exit_code_is_78(tmp_path: Path, command: str) -> None:
    done = bridge(command, "--config", write(tmp_path / "bridge.yaml", FIVE_MISTAKES))
    assert done.returncode == 78
    told = [line for line in done.stderr.splitlines() if line.strip()[:1].isdigit()]
    assert len(told) == 5, done.stderr
    for name in ("kafka.bootstrap_servers", "kafka.sesion_timeout", "notifications.url", "http.timeout", "admin.port"):
        assert sum(name in line for line in told) == 1, name
    assert "session_timeout" in done.stderr
    assert not done.stdout


def test_check_accepts_a_good_file_and_one_from_the_environment(tmp_path: Path) -> None:
    config = write(tmp_path / "bridge.yaml", GOOD)
    assert bridge("check", "--config", config).returncode == 0
    done = bridge("check", BRIDGE_CONFIG=config, BRIDGE_MAPPING__PROFILE="five9")
    assert (done.returncode, done.stderr) == (0, "")
    assert "five9" in done.stdout


def test_what_is_wrong_with_profiles_directory_and_certificates_is_told_together(
    tmp_path: Path, certificates: Certificates
) -> None:
    profile = write(tmp_path / "mine.yaml", "key: campaign_group_guid\nfeilds: {}\n")
    directory = write(tmp_path / "directory.csv", "match,campaign_nam\n1,x\n")
    config = write(
        tmp_path / "bridge.yaml",
        f"{GOOD}mapping: {{profile: {profile}, directory_file: {directory}, profiles: {{events: nowhere.yaml}}}}\n"
        f"http: {{cert_file: {certificates.server.cert}, key_file: {tmp_path / 'none.key'}}}\n",
    )
    done = bridge("check", "--config", config)
    assert done.returncode == 78
    for text in ("mine.yaml:2", "fields", "nowhere.yaml", "directory.csv", "campaign_name", "http.key_file"):
        assert text in done.stderr, done.stderr


def test_profiles_of_one_bridge_must_tell_groups_apart_alike(tmp_path: Path) -> None:
    generic = (Path(__file__).parent.parent / "bridge/profiles/generic.yaml").read_text()
    mine = write(tmp_path / "mine.yaml", generic.replace("key: campaign_group_guid", "key: campaign_group_dbid"))
    config = write(tmp_path / "bridge.yaml", f"{GOOD}mapping: {{profiles: {{events: {mine}}}}}\n")
    done = bridge("check", "--config", config)
    assert done.returncode == 78
    assert "campaign_group_dbid" in done.stderr
    assert "same id" in done.stderr


def test_an_expired_client_certificate_is_a_problem(tmp_path: Path, certificates: Certificates) -> None:
    expired = certificates.expired
    config = write(tmp_path / "bridge.yaml", f"{GOOD}http: {{cert_file: {expired.cert}, key_file: {expired.key}}}\n")
    done = bridge("check", "--config", config)
    assert done.returncode == 78
    assert "http.cert_file" in done.stderr
    assert "expired" in done.stderr


def test_map_turns_raw_events_into_notifications_and_tells_invalid_ones_with_their_line(tmp_path: Path) -> None:
    case = next(path for path in sorted((GOLDEN / "five9").iterdir()) if (path / "notification.json").exists())
    event = json.loads((case / "event.json").read_text())
    running, stopped = json.dumps(event), json.dumps({**event, "campaignState": "NOT_RUNNING"})
    done = bridge("map", "--profile", "five9", "-", text=f"{running}\n\nnot json\n{stopped}\n")
    assert done.returncode == 1
    found = [json.loads(line) for line in done.stdout.splitlines()]
    expected = json.loads((case / "notification.json").read_text())
    assert [fields["GSW_CAMPAIGN_GROUP_NAME"] for fields in found] == [expected["GSW_CAMPAIGN_GROUP_NAME"]] * 2
    problem, summary = done.stderr.splitlines()
    assert problem.startswith("line 3: bad_json")
    assert summary.startswith("3 records: 2 notified")


def test_map_reads_a_file_with_the_configured_profile_and_style(tmp_path: Path) -> None:
    config = write(tmp_path / "bridge.yaml", GOOD.replace("{url:", "{unknown_text: undefined, url:"))
    event = {"kind": "change", "time": 1, "action": "load", "campaign_group_guid": "g"}
    names = dict.fromkeys(
        ("campaign_group_name", "campaign_group_dbid", "group_name", "campaign_name", "queue_name"), "x"
    )
    statistics = {"kind": "statistics", "time": 2, "campaign_group_guid": "g", "statistics": {"hit_ratio": 0.5}}
    events = write(tmp_path / "events.ndjson", "\n".join(json.dumps(one) for one in ({**event, **names}, statistics)))
    done = bridge("map", "--config", config, "--verbose", events)
    assert done.returncode == 0
    assert json.loads(done.stdout)["GSW_TENANT_NAME"] == "undefined"
    assert "line 2: merged" in done.stderr


@pytest.mark.parametrize("what", ["event", "notification", "profile", "settings"])
def test_schema_prints_a_valid_json_schema(what: str) -> None:
    done = bridge("schema", what)
    assert done.returncode == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))


def test_an_unknown_schema_is_refused_with_the_known_ones() -> None:
    done = bridge("schema", "evnt")
    assert done.returncode == 2
    assert "event, notification, profile, settings" in done.stderr


def test_version() -> None:
    assert bridge("version").stdout.strip() == __version__


def test_a_port_that_is_taken_is_told_with_its_option(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = bridge("receiver", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "--port" in done.stderr


def test_a_bad_duration_is_told_with_an_example() -> None:
    done = bridge("demo", "--for", "soon")
    assert done.returncode == 2
    assert "30s" in done.stderr


def test_the_help_says_of_each_command_what_the_command_says_itself() -> None:
    listed = " ".join(bridge("--help", COLUMNS="400", TERM="dumb").stdout.split())
    for command, text in OTHERS.items():
        assert f"{command} {text}" in listed
        assert text in " ".join(bridge(command, "--help", COLUMNS="400", TERM="dumb").stdout.split())


def test_a_start_does_not_wait_for_rich_which_is_there_all_the_same() -> None:
    code = "import sys, bridge.service; assert not {'rich', 'pygments'} & sys.modules.keys(); import rich.console, pygments.lexers"
    processes.run([sys.executable, "-c", code], check=True)


def test_the_help_waits_for_nothing_that_it_does_not_need() -> None:
    told = processes.run(
        [sys.executable, "-X", "importtime", "-m", "bridge", "--help"], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines() if line.startswith("import time:")}
    heavy = {"kafka", "httpx", "pydantic", "structlog", "prometheus_client", "starlette", "uvicorn", "uvloop", "yaml"}
    assert "bridge.cli" in imported
    assert not heavy & imported
