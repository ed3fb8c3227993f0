import os
from pathlib import Path

import pytest

from bridge.config.files import MAX_SECRET_BYTES
from bridge.config.load import ConfigError, load

MINIMUM = {
    "BRIDGE_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    "BRIDGE_KAFKA__TOPICS": "events",
    "BRIDGE_NOTIFICATIONS__URL": "http://127.0.0.1:8080/",
}
SECRET = "hunter2"


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    path = folder / "bridge.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load(path, MINIMUM if environ is None else environ)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    return caught.value.problems


def test_five_mistakes_print_five_problems(tmp_path: Path) -> None:
    text = """
kafka:
  bootstrap_server: kafka:9092
  topics: campaign group events
http:
  timeout: soon
  max_in_flight: 5000
notifications:
  url: receiver/path
"""
    path = tmp_path / "bridge.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).splitlines() == [
        "The configuration has 5 problems:",
        (
            "  1. kafka.bootstrap_server (line 3): no such setting. Did you mean kafka.bootstrap_servers?"
            " Allowed: a list, or text with commas, of host:port. Example: kafka-1:9092,kafka-2:9092"
        ),
        (
            "  2. kafka.topics = 'campaign group events' (line 4): member 0: not of the allowed form."
            " Allowed: a list, or text with commas, of topic names. Example: campaign-group-events"
        ),
        (
            "  3. notifications.url = 'receiver/path' (line 9): not an absolute http:// or https:// URL."
            " Allowed: an absolute http:// or https:// URL without user, password or fragment."
            " Example: https://receiver.example.com/campaign-groups"
        ),
        (
            "  4. http.timeout = 'soon' (line 6): not a number."
            " Allowed: seconds from 0.01 to 300, or text such as 500ms, 10s, 2m, 24h. Example: 5"
        ),
        "  5. http.max_in_flight = 5000 (line 7): too large. Allowed: a whole number from 1 to 4096. Example: 64",
    ]


def test_what_is_missing_is_reported_together() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {})
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "kafka.bootstrap_servers (in the file, or BRIDGE_KAFKA__BOOTSTRAP_SERVERS)",
        "kafka.topics (in the file, or BRIDGE_KAFKA__TOPICS)",
        "notifications.url (in the file, or BRIDGE_NOTIFICATIONS__URL)",
    ]
    assert "not set. Allowed: a list" in caught.value.problems[0]


def test_mistakes_in_variables_and_file_are_reported_together(tmp_path: Path) -> None:
    found = problems(tmp_path, "http: {verify: maybe}", MINIMUM | {"BRIDGE_ADMIN__PORT": "99999"})
    assert found == [
        "http.verify = 'maybe' (line 1): neither true nor false. Allowed: true or false. Example: true",
        "admin.port = 99999 (BRIDGE_ADMIN__PORT): too large. Allowed: a whole number from 0 to 65535. Example: 9464",
    ]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("htpp: {timeout: 3}", "htpp (line 1): no such setting. Did you mean http? Allowed: kafka, notifications,"),
        ("timeout: 3", "timeout (line 1): no such setting. Did you mean http.timeout (below `http:`)?"),
        ("http.timeout: 3", "http.timeout (line 1): no such setting. Did you mean http.timeout (below `http:`)?"),
        ("http:\n  max-in-flight: 3", "http.max-in-flight (line 2): no such setting. Did you mean http.max_in_flight?"),
        ("kafka: {interval: 3}", "kafka.interval (line 1): no such setting. Did you mean notifications.interval (below"),
        ("state: {colour: 3}", "state.colour (line 1): no such setting. Allowed: store, topic, replication_factor, ttl, seed_from. Example: store"),
        ("1: {}", "1 (line 1): no such setting. Allowed: kafka,"),
        ("campaigngroup-state-uri: http://h/", "campaigngroup-state-uri (line 1): no such setting. Did you mean campaigngroup-states-uri?"),
        ("notifications: {campaigngroup-state-uri: x}", "notifications.campaigngroup-state-uri (line 1): no such setting. Did you mean campaigngroup-states-uri?"),
        ("kafka: {campaigngroup-states-uri: x}", "kafka.campaigngroup-states-uri (line 1): no such setting."),
        ("log: debug", "log (line 1): not a map of settings. Allowed: lines `name: value` below `log:`, indented. Example: log: {level: ...}"),
        ("_env_file: x", "_env_file (line 1): no such setting."),
        ("kafka: {sasl_mechanism: SCRAM-SHA-255}", "kafka.sasl_mechanism = 'SCRAM-SHA-255' (line 1): not one of the allowed values; did you mean SCRAM-SHA-256?"),
        ("http: {max_in_flight: true}", "http.max_in_flight = True (line 1): not a number."),
        ("http: {max_in_flight: 2.5}", "http.max_in_flight = 2.5 (line 1): not a whole number."),
        ('http: {user_agent: "a\\r\\nb"}', "http.user_agent = 'a\\r\\nb' (line 1): not of the allowed form."),
        ("kafka: {group_id: 12}", "kafka.group_id = 12 (line 1): not text (put it in quotes)."),
        ("kafka: {properties: {x: [1]}}", "kafka.properties = '***' (line 1): member x: of no allowed type."),
        ("kafka: {properties: [x]}", "kafka.properties = '***' (line 1): not a map."),
        ("notifications: {periodic_action: 6}", "notifications.periodic_action = 6 (line 1): not one of the allowed values."),
        ("notifications: {periodic_states: [4, 6]}", "notifications.periodic_states = 6 (line 1): member 1: too large."),
        ("notifications: {interval: 0.01}", "notifications.interval = 0.01: interval must be 0 (none) or at least 0.1 s."),
        ("notifications: {intervals: {a/b: 5, c: soon}}", "notifications.intervals = 'soon' (line 1): member c: not a number. Allowed: a map"),
        ("notifications: {intervals: {Env/K5: 86401}}", "notifications.intervals = 86401 (line 1): member Env/K5: too large."),
        ("notifications: {intervals: {Env/K5: .nan}}", "notifications.intervals = nan (line 1): member Env/K5: too small."),
        ("notifications: {intervals: {Env/K5: true}}", "notifications.intervals = True (line 1): member Env/K5: not a number."),
        ("notifications: {intervals: {101: 5}}", "notifications.intervals = 101 (line 1): member 101: not text (put it in quotes)."),
        ("notifications: {intervals: [Env/K5]}", "notifications.intervals = ['Env/K5'] (line 1): not a map."),
        ("notifications: {disabled: [101]}", "notifications.disabled = 101 (line 1): member 0: not text (put it in quotes)."),
        ("mapping: {on_missing: ''}", "mapping.on_missing = '' (line 1): empty."),
        ("mapping: {profiles: {a b: generic}}", "mapping.profiles = 'a b' (line 1): member ***: not of the allowed form."),
    ],
)  # fmt: skip
def test_a_mistake_says_what_is_wrong_and_what_was_meant(tmp_path: Path, text: str, start: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(start)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [", "{path} line 1, column 5: "),
        ("kafka:\n  topics: a\n  topics: b", "{path} line 3: kafka.topics is given twice (first in line 2)"),
        ("kafka: {}\nkafka: {}", "{path} line 2: kafka is given twice (first in line 1)"),
        ("- a", "{path} must be a map of groups"),
        ("text", "{path} must be a map of groups"),
        ("a: \udcff", "configuration file: {path} is not UTF-8 (byte 3)"),
        ("a: \x00", "{path} is not valid YAML"),
        ("a: 2024-99-99", "{path} is not valid YAML"),
        ("a: " + "[" * 5000, "{path} is not valid YAML"),
        ("#" * (1024 * 1024 + 1), "configuration file: {path} has more than 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_the_only_problem(tmp_path: Path, text: str, start: str) -> None:
    environ = MINIMUM if "twice" in start else {}
    (problem,) = problems(tmp_path, text, environ)
    assert problem.startswith(start.format(path=tmp_path / "bridge.yaml"))


def test_a_file_that_is_not_there_is_reported_with_the_mistakes_of_variables(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, reason in (("none", "can't be read: No such file or directory"), ("fifo", "is no regular file")):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / name, {"BRIDGE_HTTP__TIMEOUT": "x"})
        assert caught.value.problems[0] == f"configuration file: {tmp_path / name} {reason}"
        assert [problem.split(" ")[0] for problem in caught.value.problems[1:]] == ["http.timeout"]


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text("# nothing\n")
    assert load(path, MINIMUM)[0].kafka.topics == ["events"]


@pytest.mark.parametrize(
    "text",
    [
        "kafka: {sasl_password: *hunter2}",
        "kafka: {sasl_password: !hunter2 x}",
        "kafka: {sasl_password: 'hunter2}",
        "kafka: {sasl_password: {file: hunter2}}",
        "kafka: {sasl_password: [hunter2]}",
        "kafka: {sasl_pasword: hunter2}",
        "sasl_password: hunter2",
        "kafka: hunter2",
        "kafka: {security_protocol: SASL_SSL, sasl_password: hunter2}",
        "kafka: {sasl_password: hunter2, sasl_password_file: /nonexistent}",
        "kafka: {properties: {sasl.password: hunter2, enable_auto_commit: true}}",
        "kafka: {properties: {ssl_password: hunter2, sasl_plain_password: hunter2}}",
        "kafka: {properties: 'hunter2'}",
        "kafka: {properties: {ssl_password: [hunter2]}}",
        "kafka: {bootstrap_servers: 'kafka://user:hunter2@host:1'}",
        "notifications: {url: 'http://user:hunter2@host/'}",
        "notifications: {url: 'http://user:hunter2@host:x/'}",
        "notifications: {url: 'http://user:hun/hunter2?@host/'}",
        "notifications: {url: 'ftp://host/?token=hunter2'}",
        "notifications: {url: 'http://host/#hunter2'}",
        "notifications: {url: ['http://user:hunter2@host/']}",
        "campaigngroup-states-uri: http://a:hunter2@h/\nnotifications: {url: 'http://b:hunter2@h/'}",
        "http: {headers: {Host: hunter2, 'Bad hunter2': x, X-A: \"hunter2\\n\"}}",
        "http: {headers: {'Authorization: Bearer hunter2': }}",
        "http: {headers: ['Authorization: Bearer hunter2']}",
        "http: {headers: 'Authorization: Bearer hunter2'}",
        "http: {headers: {X-A: [hunter2]}}",
        "http: {bearer_token: 'hunter2 x'}",
        "http: {bearer_token: hunter2, bearer_token_file: /nonexistent, headers: {Authorization: hunter2}}",
        "http: {bearer_token: hunter2, timeout: 3, drain: hunter2}",
    ],
)
def test_no_problem_shows_a_secret(tmp_path: Path, text: str) -> None:
    # A variable would go over the file, and its mistake would not be one.
    environ = {name: value for name, value in MINIMUM.items() if name.split("__")[1].lower() not in text}
    assert problems(tmp_path, text, environ)  # asserts that the secret is nowhere


def test_no_warning_shows_a_secret() -> None:
    environ = MINIMUM | {
        "BRIDGE_NOTIFICATIONS__URL": "http://receiver/?key=hunter2",
        "BRIDGE_HTTP__BEARER_TOKEN": SECRET,
        "BRIDGE_KAFKA__SASL_PASSWORD": SECRET,
        "BRIDGE_KAFKA__SASL_PASWORD": SECRET,
    }
    _, warnings = load(None, environ)
    assert len(warnings) == 3
    assert SECRET not in str(warnings)


def test_aliases_that_grow_without_end_do_not_hang(tmp_path: Path) -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"b{n}: &b{n} [*{'a' if n == 0 else f'b{n - 1}'},*{'a' if n == 0 else f'b{n - 1}'}]\n" for n in range(40)
    )
    found = problems(tmp_path, bomb + "kafka: {topics: *b39, properties: {x: *b39}}\nhttp: {timeout: *b39}", {})
    assert len(found) == 41 + 4 + 2
    assert all(len(problem) < 500 for problem in found)


@pytest.mark.parametrize(
    ("setting", "content", "reason"),
    [
        ("KAFKA__SASL_PASSWORD_FILE", None, "can't be read: No such file or directory"),
        ("KAFKA__SASL_PASSWORD_FILE", b"\n", "is empty"),
        ("KAFKA__SASL_PASSWORD_FILE", b"x" * (MAX_SECRET_BYTES + 1), "has more than 65536 bytes"),
        ("KAFKA__SASL_PASSWORD_FILE", b"\xff", "is not UTF-8 (byte 0)"),
        ("HTTP__BEARER_TOKEN_FILE", None, "can't be read: No such file or directory"),
        ("HTTP__HEADERS_FILE", b"X-A: x\nhunter2\n", "line 2 is no 'Name: value'"),
        ("HTTP__HEADERS_FILE", b"X-A: x\nx-a: y\n", "gives a header twice"),
        ("HTTP__CA_FILE", None, "can't be read: No such file or directory"),
        ("KAFKA__SSL_CAFILE", None, "can't be read: No such file or directory"),
        ("MAPPING__DIRECTORY_FILE", None, "can't be read: No such file or directory"),
    ],
)
def test_a_file_of_a_setting_that_cannot_be_used_is_a_problem(
    tmp_path: Path, setting: str, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(None, MINIMUM | {f"BRIDGE_{setting}": str(path)})
    (problem,) = caught.value.problems
    name = setting.lower().replace("__", ".")
    assert problem.startswith(f"{name} = '{path}' (BRIDGE_{setting}): {path} {reason}. Allowed: the path of a file")


def test_a_folder_or_fifo_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(ConfigError, match="is no regular file"):
            load(None, MINIMUM | {"BRIDGE_HTTP__KEY_FILE": str(path), "BRIDGE_HTTP__CERT_FILE": str(path)})


def test_ocs_names_with_another_value_are_a_problem(tmp_path: Path) -> None:
    text = "campaigngroup-states-interval: 5\nnotifications:\n  interval: 10\n  campaigngroup-states-uri: http://h/a\n  url: http://h/b\n"
    assert problems(tmp_path, text) == [
        (
            "notifications.interval = 10 (line 3): given again as campaigngroup-states-interval = 5 (line 1); remove one of both."
            " Allowed: seconds from 0 to 86400, or text such as 500ms, 10s, 2m, 24h. Example: 10"
        ),
        (
            "notifications.url = 'http://h/b' (line 5): given again as campaigngroup-states-uri = 'http://h/a' (line 4); remove one of both."
            " Allowed: an absolute http:// or https:// URL without user, password or fragment."
            " Example: https://receiver.example.com/campaign-groups"
        ),
    ]


def test_a_mistake_under_a_name_of_ocs_says_so(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "campaigngroup-states-interval: often")
    assert problem.startswith("notifications.interval = 'often' (campaigngroup-states-interval, line 1): not a number.")


def test_the_calling_lists_take_no_other_fields_key() -> None:
    (problem,) = problems_of({"NOTIFICATIONS__CALLING_LISTS_KEY": "GSW_QUEUE_NAME"})
    assert problem.startswith("notifications.calling_lists_key = 'GSW_QUEUE_NAME'")
    assert "the key of another field of the notification" in problem
    assert problems_of({"NOTIFICATIONS__CALLING_LISTS_KEY": "LISTS"}) == []


def problems_of(variables: dict[str, str]) -> list[str]:
    try:
        load(None, MINIMUM | {f"BRIDGE_{name}": value for name, value in variables.items()})
    except ConfigError as error:
        return error.problems
    return []
