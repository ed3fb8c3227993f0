"""`ocs-bridge state export` and `import`, and `ocs-bridge groups`, run as a user runs them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from bridge_process import BridgeProcess
from broker.group_member import Member, settings_for
from broker.states import make_state_topic, state, states, tombstone, written
from edge.receivers import Receiver
from group_events import bodies, change
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic, produce
from loopback import free_port
from support import processes

from bridge.core.saved import StateRecord

Run = subprocess.CompletedProcess[str]


class Commands:
    """Commands with a configuration of their own, whose state topic is `topic`."""

    def __init__(self, broker: KafkaBroker, folder: Path, topic: str, **state: object) -> None:
        self.bootstrap = broker.bootstrap
        self.topic = topic
        self.group = fresh_name("group")
        folder.mkdir(exist_ok=True)
        self.config = folder / "bridge.yaml"
        settings = {
            "kafka": {"bootstrap_servers": broker.bootstrap, "topics": "events", "group_id": self.group},
            "notifications": {"enabled": False},
            "state": {"topic": topic, **state},
        }
        self.config.write_text(yaml.safe_dump(settings))

    def __call__(self, *arguments: str | Path, text: str = "") -> Run:
        return bridge(*arguments, "--config", self.config, text=text)

    def has(self) -> list[StateRecord]:
        return states(self.bootstrap, self.topic)


def bridge(*arguments: str | Path, text: str = "") -> Run:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    command = [sys.executable, "-m", "bridge", *map(str, arguments)]
    return processes.run(command, input=text, capture_output=True, text=True, timeout=60, check=False, env=environ)


@pytest.fixture
def commands(broker: KafkaBroker, tmp_path: Path) -> Callable[..., Commands]:
    """With a topic that is made, or named."""

    def make(topic: str | None = None, **settings: object) -> Commands:
        topic = topic or make_state_topic(broker.bootstrap)
        return Commands(broker, tmp_path / topic, topic, **settings)

    return make


KEPT = [state("T/a", 0, said=3), state("T/b", 2, said=2), state("T/ü \t", 2, said=1)]
NEWER = StateRecord(1, b"T/newer", b'{"v":2,"state":5,"x":{"y": 1.50},\r\n"z":[]}')


def test_an_export_has_the_last_value_of_each_group_and_nothing_else(commands: Callable[..., Commands]) -> None:
    source = commands()
    written(
        source.bootstrap, source.topic, [state("T/a", 0, said=1), state("T/gone"), *KEPT, tombstone("T/gone"), NEWER]
    )
    written(source.bootstrap, source.topic, [StateRecord(0, b"junk", b"hello"), StateRecord(1, b"\xff", KEPT[0].value)])
    producer = KafkaProducer(bootstrap_servers=source.bootstrap, transactional_id=fresh_name("aborted"))
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(source.topic, key=b"T/a", value=state("T/a", 0, said=9).value, partition=0)
    producer.flush()
    producer.abort_transaction()
    producer.close()

    done = source("state", "export")

    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["partition"], line["key"]) for line in lines] == [
        (0, "T/a"),
        (1, "T/newer"),
        (2, "T/b"),
        (2, "T/ü \t"),
    ]
    assert lines[0]["value"] == json.loads(KEPT[0].value or b"")
    assert lines[1]["value"] == {"v": 2, "state": 5, "x": {"y": 1.5}, "z": []}
    assert done.stderr.splitlines() == [
        f"4 campaign groups of {source.topic}",
        "left out: 2 records that are no campaign groups",
    ]


def test_what_was_exported_is_the_same_after_an_import_into_a_topic_that_the_import_makes(
    commands: Callable[..., Commands], tmp_path: Path
) -> None:
    source, target = commands(), commands(fresh_name("made"))
    written(source.bootstrap, source.topic, [*KEPT, NEWER])
    file = tmp_path / "state.ndjson"

    assert source("state", "export", file).returncode == 0
    done = target("state", "import", file)

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"wrote 4 campaign groups to {target.topic} (by partition: 0: 1, 1: 1, 2: 2)\n"
    as_one_line = NEWER._replace(value=b'{"v":2,"state":5,"x":{"y":1.50},"z":[]}')
    assert sorted(target.has()) == sorted([*KEPT, as_one_line])
    admin = KafkaAdminClient(bootstrap_servers=target.bootstrap)
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, target.topic)], config_filter="all")
    admin.close()
    assert found["topic"][target.topic]["cleanup.policy"]["value"] == "compact"
    assert list(tmp_path.glob("*.part")) == []


def as_line(record: StateRecord, **changes: object) -> str:
    said = {"partition": record.number, "key": record.key.decode(), "value": json.loads(record.value or b"")}
    return json.dumps({**said, **changes}, separators=(",", ":"))


def test_nothing_is_written_where_one_line_is_bad_and_all_bad_lines_are_told(commands: Callable[..., Commands]) -> None:
    target = commands()
    lines = [
        as_line(KEPT[0]),
        as_line(KEPT[0], partition=-1),
        "",
        as_line(KEPT[0], value={"v": 1, "state": 9}),
        as_line(KEPT[0], key=""),
        as_line(KEPT[0], more=1),
        as_line(KEPT[1])[:-5],
    ]

    done = target("state", "import", "-", text="\n".join(lines))

    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        *(f"line {number}" for number in (2, 4, 5, 6, 7)),
        "<stdin>",
    ]
    assert "state" in done.stderr.splitlines()[1]
    assert target.has() == []


def test_an_import_is_refused_while_a_bridge_is_at_work_unless_it_is_forced(
    commands: Callable[..., Commands], broker: KafkaBroker
) -> None:
    target = commands()
    topic = make_topic(broker.bootstrap, fresh_name("events"))

    with Member(settings_for(broker.bootstrap, topic, target.group)):
        refused = target("state", "import", "-", text=as_line(KEPT[0]))
        assert (refused.returncode, target.has()) == (1, [])
        assert f"{target.group} has live members (1)" in refused.stderr
        asked = target("state", "import", "-", "--dry-run", text=as_line(KEPT[0]))
        assert "refused without --force" in asked.stdout

        forced = target("state", "import", "-", "--force", text=as_line(KEPT[0]))
        assert forced.returncode == 0, forced.stderr
    assert target.has() == KEPT[:1]
    assert target("state", "import", "-", text=as_line(KEPT[1])).returncode == 0  # the member has left
    assert sorted(target.has()) == KEPT[:2]


def test_a_dry_run_tells_what_it_would_do_and_does_nothing(commands: Callable[..., Commands]) -> None:
    missing, small = commands(fresh_name("missing")), commands()
    lines = "\n".join([as_line(KEPT[0]), as_line(KEPT[1]), as_line(KEPT[0], partition=7)])

    for target, there in ((missing, 0), (small, 3)):
        done = target("state", "import", "-", "--dry-run", text=lines)
        assert done.stdout == (
            f"would write 3 campaign groups to {target.topic} (by partition: 0: 1, 2: 1, 7: 1); "
            f"it has {there} partitions and would get 8\n"
        )
    assert small.has() == []
    admin = KafkaAdminClient(bootstrap_servers=missing.bootstrap)
    assert missing.topic not in admin.list_topics()
    admin.close()


def test_an_import_into_a_topic_that_is_not_compacted_is_refused(
    commands: Callable[..., Commands], broker: KafkaBroker
) -> None:
    target = commands(make_topic(broker.bootstrap, fresh_name("state"), cleanup_policy="delete"))

    done = target("state", "import", "-", text=as_line(KEPT[0]))

    assert (done.returncode, target.has()) == (1, [])
    assert "cleanup.policy" in done.stderr


def test_where_nothing_is_kept_there_is_nothing_to_export(commands: Callable[..., Commands]) -> None:
    done = commands(fresh_name("none"), store="memory")("state", "export")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "state.store is memory: there is no state topic\n")


def test_a_state_topic_that_is_not_there_is_no_empty_one(commands: Callable[..., Commands], tmp_path: Path) -> None:
    there_is_none = commands(fresh_name("mistyped"))

    for command in (["state", "export", str(tmp_path / "kept")], ["groups", "--from-topic"]):
        done = there_is_none(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"state topic {there_is_none.topic} does not exist, or this user may not see it")
        assert "state.topic" in done.stderr
    assert not (tmp_path / "kept").exists()


def test_brokers_that_do_not_answer_are_told_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "bridge.yaml"
    kafka = {
        "bootstrap_servers": f"127.0.0.1:{free_port()}",
        "topics": "t",
        "properties": {"bootstrap_timeout_ms": 500},
    }
    config.write_text(yaml.safe_dump({"kafka": kafka, "notifications": {"enabled": False}}))

    for command in (["state", "export"], ["groups", "--from-topic"]):
        done = bridge(*command, "--config", config)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("no connection to Kafka at 127.0.0.1:")
        assert len(done.stderr.splitlines()) == 1


# groups


def test_groups_are_listed_from_the_state_topic(commands: Callable[..., Commands]) -> None:
    source = commands()
    written(source.bootstrap, source.topic, [*KEPT, StateRecord(0, b"junk", b"hello")])

    done = source("groups", "--from-topic")
    rows = [line.split()[:4] for line in done.stdout.splitlines()]
    assert rows == [
        ["KEY", "NAME", "PARTITION", "STATE"],
        ["T/a", "T/a", "0", "Running"],
        ["T/b", "T/b", "2", "Running"],
        ["T/ü", "\N{REPLACEMENT CHARACTER}", "T/ü", "\N{REPLACEMENT CHARACTER}"],
    ]
    assert done.stderr == f"1 records of {source.topic} are no campaign groups\n"

    one = source("groups", "T/b", "--from-topic", "--json")
    assert [
        (group["key"], group["partition"], group["state"]) for group in map(json.loads, one.stdout.splitlines())
    ] == [("T/b", 2, "Running")]
    none = source("groups", "T/none", "--from-topic")
    assert none.returncode == 1
    assert none.stderr == f"{done.stderr}no campaign group with the key or the name T/none is known here\n"


def test_groups_are_listed_as_running_bridges_know_them(
    settings_of: Callable[..., dict[str, Any]], receiver: Receiver, tmp_path: Path, broker: KafkaBroker
) -> None:
    settings = settings_of(receiver.url, partitions=1)
    settings["notifications"] |= {"interval": 5}
    many = [(f"G{n:04}", change(f"G{n:04}", n, kind="change", statistics={"hit_ratio": 0.25})) for n in range(1100)]
    produce(broker.bootstrap, settings["kafka"]["topics"], many)

    with BridgeProcess(tmp_path, settings) as running:
        running.wait_metric("campaign_groups", 1100, state="Running", timeout=60)
        listed = bridge("groups", "--admin", running.admin, "--json")
        assert listed.returncode == 0, listed.stderr
        groups = [json.loads(line) for line in listed.stdout.splitlines()]
        one = bridge("groups", groups[7]["key"], "--admin", running.admin).stdout
        table = bridge("groups", "--admin", running.admin).stdout.splitlines()
        named = bridge("groups", "G0007", "--admin", running.admin.removeprefix("http://")).stdout
        none = bridge("groups", "none", "--admin", running.admin)

    assert [group["names"]["campaign_group_guid"] for group in groups] == [guid for guid, _ in many]
    assert {(group["state"], group["interval"], group["statistics"]["hit_ratio"]) for group in groups} == {
        ("Running", 5, 0.25)
    }
    now = time.strftime("%Y-%m-%dT", time.gmtime())
    assert all(group["next_notification"][:11] == group["last_event"][:11] == now for group in groups)
    assert ["queue", "name", "7"] in [line.split() for line in one.splitlines()]
    assert len(table) == 1101
    assert table[8].split()[:4] == [groups[7]["key"], "G0007", "0", "Running"]
    assert ["campaign", "group", "name", "G0007"] in [line.split() for line in named.splitlines()]
    assert (none.returncode, none.stdout) == (1, "")


def test_a_bridge_that_starts_with_an_imported_state_tells_of_its_groups_without_any_event(
    settings_of: Callable[..., dict[str, Any]], receiver: Receiver, tmp_path: Path, broker: KafkaBroker
) -> None:
    old = settings_of(receiver.url, partitions=2)
    produce(broker.bootstrap, old["kafka"]["topics"], [(f"G{n}", change(f"G{n}", n)) for n in range(5)])
    with BridgeProcess(tmp_path / "old", old) as running:
        running.wait_metric("campaign_groups", 5, state="Running", timeout=60)
        assert running.stop() == 0
    receiver.requests.clear()
    new = settings_of(receiver.url, partitions=2)
    new["notifications"] |= {"interval": 1}
    for name, settings in (("old", old), ("new", new)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(settings))

    assert bridge("state", "export", tmp_path / "kept", "--config", tmp_path / "old.yaml").returncode == 0
    assert bridge("state", "import", tmp_path / "kept", "--config", tmp_path / "new.yaml").returncode == 0
    with BridgeProcess(tmp_path / "new", new) as running:
        running.wait_metric("posts_sent_total", 5, kind="periodic", timeout=60)
        assert running.stop() == 0

    told = {body["GSW_CAMPAIGN_GROUP_GUID"]: body for body in bodies(receiver)}
    assert {guid: body["GSW_QUEUE_NAME"] for guid, body in told.items()} == {f"G{n}": str(n) for n in range(5)}
    assert {body["GSW_CAMPAIGN_GROUP_STATE"] for body in told.values()} == {5}


def test_a_bridge_that_does_not_answer_is_told_with_the_way_out(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    done = bridge("groups", "--admin", url)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"no answer from {url}/groups (")
    assert "--from-topic" in done.stderr
    assert bridge("groups", "--admin", "http://[").returncode == 1
