from pathlib import Path

import pytest
from kafka import KafkaConsumer

from bridge.config.checks import ADVICE, RULES
from bridge.config.load import ConfigError, load

MINIMUM = {
    "BRIDGE_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    "BRIDGE_KAFKA__TOPICS": "events",
    "BRIDGE_NOTIFICATIONS__URL": "https://receiver/",
}
KNOWN = frozenset(KafkaConsumer.DEFAULT_CONFIG)
SASL = {"KAFKA__SECURITY_PROTOCOL": "SASL_SSL", "KAFKA__SASL_USERNAME": "bridge"}


def judged(variables: dict[str, str]) -> tuple[list[str], list[str]]:
    """Problems and warnings."""
    environ = MINIMUM | {f"BRIDGE_{name}": value for name, value in variables.items()}
    try:
        return [], load(None, environ, kafka_properties=KNOWN)[1]
    except ConfigError as error:
        return error.problems, []


#: What breaks exactly one rule -> the beginning of the problem; beside it what just keeps it.
BROKEN = {
    "drain-below-post": (
        {"HTTP__TIMEOUT": "5", "DELIVERY__DRAIN_TIMEOUT": "6.9"},
        "http.timeout = 5.0, delivery.drain_timeout = 6.9: drain_timeout must be at least http.timeout + 2 s",
        {"HTTP__TIMEOUT": "5", "DELIVERY__DRAIN_TIMEOUT": "7"},
    ),
    "drain-above-poll": (
        {"DELIVERY__DRAIN_TIMEOUT": "60.1"},
        "delivery.drain_timeout = 60.1, kafka.max_poll_interval = 120.0: drain_timeout must be at most half of",
        {"DELIVERY__DRAIN_TIMEOUT": "60"},
    ),
    "connect-above-total": (
        {"HTTP__CONNECT_TIMEOUT": "5.1"},
        "http.connect_timeout = 5.1, http.timeout = 5.0: connect_timeout must be at most http.timeout",
        {"HTTP__CONNECT_TIMEOUT": "5"},
    ),
    "heartbeat": (
        {"KAFKA__HEARTBEAT_INTERVAL": "15.1"},
        "kafka.heartbeat_interval = 15.1, kafka.session_timeout = 45.0: heartbeat_interval must be at most a third",
        {"KAFKA__HEARTBEAT_INTERVAL": "15"},
    ),
    "session": (
        {"KAFKA__SESSION_TIMEOUT": "7"},
        "kafka.session_timeout = 7.0, http.timeout = 5.0: session_timeout must be more than http.timeout + 2 s",
        {"KAFKA__SESSION_TIMEOUT": "7.1"},
    ),
    "topics-twice": (
        {"KAFKA__TOPIC_PATTERN": "e.*"},
        "kafka.topics = ['events'], kafka.topic_pattern = 'e.*': exactly one of both must be set",
        {"KAFKA__TOPIC_PATTERN": ""},
    ),
    "sasl-no-user": (
        {"KAFKA__SECURITY_PROTOCOL": "SASL_SSL", "KAFKA__SASL_PASSWORD": "x"},
        "kafka.security_protocol = 'SASL_SSL', kafka.sasl_username = None: with SASL, sasl_username must be set",
        SASL | {"KAFKA__SASL_PASSWORD": "x"},
    ),
    "sasl-no-password": (
        SASL,
        "kafka.security_protocol = 'SASL_SSL', kafka.sasl_password = None, kafka.sasl_password_file = None: with SASL,",
        SASL | {"KAFKA__SASL_PASSWORD_FILE": "FILE"},
    ),
    "sasl-password-twice": (
        SASL | {"KAFKA__SASL_PASSWORD": "hunter2", "KAFKA__SASL_PASSWORD_FILE": "FILE"},
        "kafka.sasl_password = '***', kafka.sasl_password_file = 'FILE': at most one of both may be set",
        SASL | {"KAFKA__SASL_PASSWORD": "hunter2"},
    ),
    "token-twice": (
        {"HTTP__BEARER_TOKEN": "hunter2", "HTTP__BEARER_TOKEN_FILE": "FILE"},
        "http.bearer_token = '***', http.bearer_token_file = 'FILE': at most one of both may be set",
        {"HTTP__BEARER_TOKEN_FILE": "FILE"},
    ),
    "kafka-certificate-alone": (
        {"KAFKA__SECURITY_PROTOCOL": "SSL", "KAFKA__SSL_CERTFILE": "FILE"},
        "kafka.ssl_certfile = 'FILE', kafka.ssl_keyfile = None: a certificate and its key must be set together",
        {"KAFKA__SECURITY_PROTOCOL": "SSL", "KAFKA__SSL_CERTFILE": "FILE", "KAFKA__SSL_KEYFILE": "FILE"},
    ),
    "key-alone": (
        {"HTTP__KEY_FILE": "FILE"},
        "http.cert_file = None, http.key_file = 'FILE': a certificate and its key must be set together",
        {"HTTP__CERT_FILE": "FILE", "HTTP__KEY_FILE": "FILE"},
    ),
    "label-twice": (
        {"METRICS__LABELS": "tenant,group,tenant"},
        "metrics.labels = ['tenant', 'group', 'tenant']: each label may be there once, and at least one",
        {"METRICS__LABELS": "group"},
    ),
    "interval": (
        {"NOTIFICATIONS__INTERVAL": "0.09"},
        "notifications.interval = 0.09: interval must be 0 (none) or at least 0.1 s",
        {"NOTIFICATIONS__INTERVAL": "0"},
    ),
    "interval-of-one-group": (
        {"NOTIFICATIONS__INTERVALS": '{"a": 5, "b": "90ms"}'},
        "notifications.intervals = {'a': 5.0, 'b': 0.09}: each must be 0 (none) or at least 0.1 s",
        {"NOTIFICATIONS__INTERVALS": '{"a": 0, "b": "100ms"}'},
    ),
}


@pytest.mark.parametrize(("variables", "problem", "fine"), BROKEN.values(), ids=BROKEN.keys())
def test_settings_that_do_not_go_together_are_a_problem_with_all_their_names(
    tmp_path: Path, variables: dict[str, str], problem: str, fine: dict[str, str]
) -> None:
    file = tmp_path / "secret"
    file.write_text("secret\n")

    def filled(values: dict[str, str]) -> dict[str, str]:
        return {name: value.replace("FILE", str(file)) for name, value in values.items()}

    (found,), _ = judged(filled(variables))
    assert found.startswith(problem.replace("'FILE'", f"'{file}'"))
    assert ". Example: " in found
    assert judged(filled(fine)) == ([], [])


def test_every_rule_has_a_case() -> None:
    assert len(BROKEN) == len(RULES)


def test_a_rule_is_left_out_when_one_of_its_settings_is_wrong_already() -> None:
    problems, _ = judged({"HTTP__TIMEOUT": "900", "DELIVERY__DRAIN_TIMEOUT": "3"})
    assert [problem.split(" ")[0] for problem in problems] == ["http.timeout"]


ADVISED = {
    "not-verified": ({"HTTP__VERIFY": "false"}, "notifications.url = 'https://receiver/', http.verify = False: "),
    "token-in-the-clear": (
        {"HTTP__BEARER_TOKEN": "x", "NOTIFICATIONS__URL": "http://receiver/"},
        "notifications.url = 'http://receiver/': a token or secret header is sent over plain http",
    ),
    "password-in-the-clear": (
        {
            "KAFKA__SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA__SASL_MECHANISM": "PLAIN",
            "KAFKA__SASL_USERNAME": "u",
            "KAFKA__SASL_PASSWORD": "p",
        },
        "kafka.security_protocol = 'SASL_PLAINTEXT', kafka.sasl_mechanism = 'PLAIN': PLAIN without TLS",
    ),
    "user-without-login": (
        {"KAFKA__SASL_USERNAME": "u"},
        "kafka.security_protocol = 'PLAINTEXT', kafka.sasl_username = 'u': a user or password is set",
    ),
    "tls-file-without-tls": (
        {"KAFKA__SSL_CAFILE": __file__},
        "kafka.security_protocol = 'PLAINTEXT', kafka.ssl_cafile = ",
    ),
    "profile-without-topic": (
        {"MAPPING__PROFILES": '{"other": "generic"}'},
        "kafka.topics = ['events'], mapping.profiles = {'other': 'generic'}: profiles has a topic",
    ),
}


@pytest.mark.parametrize(("variables", "warning"), ADVISED.values(), ids=ADVISED.keys())
def test_what_works_but_is_rarely_meant_is_a_warning(variables: dict[str, str], warning: str) -> None:
    problems, (found,) = judged(variables)
    assert problems == []
    assert found.startswith(warning)


def test_every_advice_has_a_case() -> None:
    assert len(ADVISED) == len(ADVICE)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1:80", "localhost:8080", "[::1]", "x.localhost"])
def test_a_token_on_the_way_to_this_machine_is_no_warning(host: str) -> None:
    assert judged({"HTTP__BEARER_TOKEN": "x", "NOTIFICATIONS__URL": f"http://{host}/"}) == ([], [])


@pytest.mark.parametrize("host", ["128.0.0.1", "localhost.example", "127.0.0.1.example", "[::2]"])
def test_a_token_on_the_way_to_another_machine_is_one(host: str) -> None:
    problems, warnings = judged({"HTTP__BEARER_TOKEN": "x", "NOTIFICATIONS__URL": f"http://{host}/"})
    assert (problems, len(warnings)) == ([], 1)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ('{"Idempotency-Key": "x"}', "Idempotency-Key is refused: Go proxies re-send a POST that carries it;"),
        ('{"x-idempotency-key": "x"}', "x-idempotency-key is refused: Go proxies re-send a POST that carries it;"),
        ('{"Content-Length": "1"}', "Content-Length is refused: the bridge counts the body itself"),
        ('{"HOST": "x"}', "HOST is refused: it comes from notifications.url"),
        ('{"Transfer-Encoding": "x"}', "Transfer-Encoding is refused: the bridge keeps the connection itself"),
        ('{"x-gsw-event-id": "x"}', "x-gsw-event-id is refused: http.event_id_header is sent under this name"),
        ('{"User-Agent": "x"}', "User-Agent is refused: use http.user_agent"),
        ('{"A B": "x"}', "the name of a header is not valid"),
        ('{"A\\r\\nB": "x"}', "the name of a header is not valid"),
        ('{"": "x"}', "the name of a header is not valid"),
        ('{"A": "x\\r\\nB: y"}', "the value of A has a line break"),
        ('{"A": "\\u0000"}', "the value of A has a line break or another character"),
        ('{"A": "\\u00e9"}', "the value of A has a line break or another character"),
        ('{"X-A": "1", "x-a": "2"}', "x-a is given twice"),
    ],
)
def test_headers_that_would_break_a_post_are_refused(tmp_path: Path, header: str, reason: str) -> None:
    (problem,), _ = judged({"HTTP__HEADERS": header})
    assert problem.startswith(f"http.headers (BRIDGE_HTTP__HEADERS): {reason}")
    path = tmp_path / "headers.yaml"
    path.write_text(header.replace("\\u00e9", "é").replace('"x-a"', '"X-B"'), encoding="utf-8")
    (from_file, *_), _ = judged({"HTTP__HEADERS_FILE": str(path), "HTTP__HEADERS": '{"x-a": "1"}'})
    assert "http.headers" in from_file


def test_a_bearer_token_and_an_authorization_header_exclude_each_other() -> None:
    (problem,), _ = judged({"HTTP__HEADERS": '{"authorization": "x"}', "HTTP__BEARER_TOKEN": "x"})
    assert "authorization and a bearer token are given: set one of both" in problem
    assert judged({"HTTP__HEADERS": '{"authorization": "x"}'}) == ([], [])


@pytest.mark.parametrize("name", ["Idempotency-Key", "Content-Type", "Authorization", "a b", "a:b", ""])
def test_the_event_id_has_a_header_of_its_own(name: str) -> None:
    problems, _ = judged({"HTTP__EVENT_ID_HEADER": name}) if name else (["http.event_id_header"], [])
    assert [problem.split(" ")[0] for problem in problems] == ["http.event_id_header"]


def test_a_token_with_a_line_break_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for content, fine in ((b"abc\n", True), (b"abc\r\n", True), (b"abc\n\n", False), (b"a\nb", False), (b"a b", False)):
        file.write_bytes(content)
        problems, _ = judged({"HTTP__BEARER_TOKEN_FILE": str(file)})
        assert bool(problems) is not fine, content


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ('{"enable_auto_commit": true}', "enable_auto_commit can't be set here: the bridge commits what is done"),
        ('{"group_id": "x"}', "group_id can't be set here: use kafka.group_id"),
        ('{"isolation_level": "x"}', "isolation_level can't be set here: it is always read_committed"),
        ('{"auto_offset_reset": "x"}', "auto_offset_reset can't be set here: use kafka.auto_offset_reset"),
        ('{"session.timeout.ms": 1}', "session.timeout.ms can't be set here: use kafka.session_timeout"),
        ('{"fetch.min.bytes": 1}', "'fetch.min.bytes' is no option of kafka-python's consumer. Did you mean fetch_min_bytes?"),
        ('{"retry_backof_ms": 1}', "'retry_backof_ms' is no option of kafka-python's consumer. Did you mean retry_backoff_ms?"),
        ('{"colour": 1}', "'colour' is no option of kafka-python's consumer. Allowed:"),
    ],
)  # fmt: skip
def test_options_that_the_bridge_owns_or_nobody_knows_are_refused(properties: str, reason: str) -> None:
    (problem,), _ = judged({"KAFKA__PROPERTIES": properties})
    assert problem.startswith(f"kafka.properties (BRIDGE_KAFKA__PROPERTIES): {reason}")


def test_other_options_of_kafka_python_pass() -> None:
    assert judged({"KAFKA__PROPERTIES": '{"fetch_min_bytes": 1, "api_version": "2.3", "ssl_ciphers": null}'}) == (
        [],
        [],
    )


def test_every_mistake_in_a_map_is_its_own_problem() -> None:
    problems, _ = judged(
        {
            "KAFKA__PROPERTIES": '{"group_id": "x", "colour": 1}',
            "HTTP__HEADERS": '{"Host": "x", "Idempotency-Key": "y", "A": "\\n"}',
        }
    )
    assert len(problems) == 5


def test_the_rest_of_a_map_is_looked_at_when_one_member_has_the_wrong_type(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text("http: {headers: {X-A: 5, Host: x}}\nkafka: {properties: {x: [], group_id: y}}")
    with pytest.raises(ConfigError) as caught:
        load(path, MINIMUM, kafka_properties=KNOWN)
    assert len(caught.value.problems) == 4


def test_without_the_known_names_only_owned_options_are_refused() -> None:
    settings, _ = load(None, MINIMUM | {"BRIDGE_KAFKA__PROPERTIES": '{"colour": 1}'})
    assert settings.kafka.properties == {"colour": 1}
    with pytest.raises(ConfigError):
        load(None, MINIMUM | {"BRIDGE_KAFKA__PROPERTIES": '{"group_id": "x"}'})


def test_every_refused_option_is_one_of_kafka_python() -> None:
    from bridge.config.refused import REFUSED_PROPERTIES

    assert set(REFUSED_PROPERTIES) <= KNOWN
