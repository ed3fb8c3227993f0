from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.config.files import FileError
from bridge.config.load import ConfigError, load
from bridge.connections import HttpSettings, KafkaSettings
from bridge.settings import NotificationSettings, Settings

MINIMUM = {
    "BRIDGE_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    "BRIDGE_KAFKA__TOPICS": "events",
    "BRIDGE_NOTIFICATIONS__URL": "http://127.0.0.1:8080/",
}


def from_environment(**variables: str) -> Settings:
    settings, warnings = load(None, MINIMUM | variables)
    assert warnings == []
    return settings


def from_file(folder: Path, text: str, environ: Mapping[str, str] = MINIMUM) -> Settings:
    path = folder / "bridge.yaml"
    path.write_text(text, encoding="utf-8")
    settings, warnings = load(path, environ)
    assert warnings == []
    return settings


def test_the_environment_alone_is_enough() -> None:
    settings = from_environment()
    assert settings == Settings(
        kafka=KafkaSettings(bootstrap_servers=["kafka:9092"], topics=["events"]),
        notifications=NotificationSettings(url="http://127.0.0.1:8080/"),
    )
    assert settings.http == HttpSettings()


def test_the_file_alone_is_enough(tmp_path: Path) -> None:
    text = """
kafka: {bootstrap_servers: [a:1, "[::1]:2"], topic_pattern: 'camp.*'}
notifications: {url: "https://receiver/x"}
http:
"""
    settings = from_file(tmp_path, text, {})
    assert settings.kafka.bootstrap_servers == ["a:1", "[::1]:2"]
    assert settings.kafka.topic_pattern == "camp.*"
    assert settings.notifications.url == "https://receiver/x"


def test_a_variable_goes_over_the_file_and_leaves_its_neighbours(tmp_path: Path) -> None:
    text = "http: {timeout: 3, max_in_flight: 7, headers: {A: file, B: file}}"
    variables = {"BRIDGE_HTTP__TIMEOUT": "4", "BRIDGE_HTTP__HEADERS": '{"A": "variable"}'}
    http = from_file(tmp_path, text, MINIMUM | variables).http
    assert (http.timeout, http.max_in_flight) == (4.0, 7)
    assert http.all_headers() == {"A": "variable"}, "a map is replaced as a whole"


def test_the_file_may_be_named_by_a_variable(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text("http: {timeout: 3}")
    other = tmp_path / "other.yaml"
    other.write_text("http: {timeout: 4}")
    settings, _ = load(None, MINIMUM | {"BRIDGE_CONFIG": str(path)})
    assert settings.http.timeout == 3
    settings, _ = load(other, MINIMUM | {"BRIDGE_CONFIG": str(path)})
    assert settings.http.timeout == 4


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("2.5", 2.5), ("500ms", 0.5), ("10s", 10.0), ("2m", 120.0), ("1.5 m", 90.0), (" 4 ", 4.0)],
)
def test_durations_are_seconds_or_text_with_a_unit(tmp_path: Path, text: str, seconds: float) -> None:
    assert from_environment(BRIDGE_MAPPING__MAX_FUTURE=text).mapping.max_future == seconds
    assert from_file(tmp_path, f"mapping: {{max_future: {text}}}").mapping.max_future == seconds


@pytest.mark.parametrize("text", ["10 seconds", "-1s", "1h30m", "nan", "inf", "1e999", "true", "s", "", "[1]"])
def test_what_is_no_duration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(f"state: {{ttl: '{text}'}}" if text in {"nan", "inf", "1e999", ""} else f"state: {{ttl: {text}}}")
    with pytest.raises(
        ConfigError, match=r"state\.ttl = .*(not a number|too large|too small)\. Allowed: seconds from 0"
    ):
        load(path, MINIMUM)


def test_a_day_and_sizes_have_units_too() -> None:
    assert from_environment(BRIDGE_STATE__TTL="24h").state.ttl == 86_400
    assert from_environment(BRIDGE_STATE__TTL="7d").state.ttl == 7 * 86_400
    for text in ("64KiB", "65536", "65536B"):
        assert from_environment(BRIDGE_DELIVERY__MAX_BUFFERED_BYTES=text).delivery.max_buffered_bytes == 65_536
    assert from_environment(BRIDGE_DELIVERY__MAX_BUFFERED_BYTES="1MB").delivery.max_buffered_bytes == 1_000_000


@pytest.mark.parametrize("text", ["a,b", " a , b ,", '["a", "b"]'])
def test_lists_are_text_with_commas_or_json(tmp_path: Path, text: str) -> None:
    assert from_environment(BRIDGE_KAFKA__TOPICS=text).kafka.topics == ["a", "b"]
    assert from_file(
        tmp_path, f"kafka: {{topics: '{text}', bootstrap_servers: x:1}}", {"BRIDGE_NOTIFICATIONS__URL": "http://h/"}
    ).kafka.topics == ["a", "b"]


def test_maps_are_json_in_the_environment() -> None:
    settings = from_environment(
        BRIDGE_KAFKA__PROPERTIES='{"fetch_min_bytes": 1, "check_crcs": false, "client_rack": "a"}',
        BRIDGE_MAPPING__PROFILES='{"events": "genesys"}',
        BRIDGE_HTTP__HEADERS='{"X-A": "b: c"}',
    )
    assert settings.kafka.properties == {"fetch_min_bytes": 1, "check_crcs": False, "client_rack": "a"}
    assert settings.mapping.profiles == {"events": "genesys"}
    assert settings.http.all_headers() == {"X-A": "b: c"}


def test_single_campaign_groups_have_their_own_interval_and_switch(tmp_path: Path) -> None:
    text = """
notifications:
  intervals: {Environment/K5J0: 500ms, "101": 2m, Environment/a%2Fb: 0}
  disabled: [Environment/K5J1, "a, b"]
"""
    notifications = from_file(tmp_path, text).notifications
    assert notifications.intervals == {"Environment/K5J0": 0.5, "101": 120.0, "Environment/a%2Fb": 0.0}
    assert notifications.disabled == ["Environment/K5J1", "a, b"]
    notifications = from_environment(
        BRIDGE_NOTIFICATIONS__INTERVALS='{"Environment/K5J0": "7.5", "101": 5}',
        BRIDGE_NOTIFICATIONS__DISABLED="Environment/K5J1, 101",
    ).notifications
    assert notifications.intervals == {"Environment/K5J0": 7.5, "101": 5.0}
    assert notifications.disabled == ["Environment/K5J1", "101"]


def test_numbers_booleans_and_words_are_read_from_text() -> None:
    settings = from_environment(
        BRIDGE_NOTIFICATIONS__PERIODIC_ACTION="8",
        BRIDGE_NOTIFICATIONS__PERIODIC_STATES="3,4",
        BRIDGE_HTTP__VERIFY="off",
        BRIDGE_ADMIN__PORT="0",
        BRIDGE_LOG__LEVEL="trace",
        BRIDGE_KAFKA__SECURITY_PROTOCOL="ssl",
    )
    assert settings.notifications.periodic_action == 8
    assert settings.notifications.periodic_states == [3, 4]
    assert settings.http.verify is False
    assert (settings.admin.port, settings.log.level, settings.kafka.security_protocol) == (0, "TRACE", "SSL")


def test_an_empty_variable_and_a_key_without_a_value_are_not_set(tmp_path: Path) -> None:
    variables = {"BRIDGE_HTTP__TIMEOUT": "", "BRIDGE_HTTP__BEARER_TOKEN": " ", "BRIDGE_CONFIG": ""}
    http = from_file(tmp_path, "http:\n  max_in_flight:\n  timeout: 3\nlog:\n", MINIMUM | variables).http
    assert (http.timeout, http.max_in_flight, http.token()) == (3.0, 64, None)
    assert load(None, MINIMUM | variables)[0].http.timeout == 5.0


def test_without_notifications_no_url_is_needed() -> None:
    environ = {name: value for name, value in MINIMUM.items() if name != "BRIDGE_NOTIFICATIONS__URL"}
    settings, _ = load(None, environ | {"BRIDGE_NOTIFICATIONS__ENABLED": "false"})
    assert settings.notifications.url is None


OCS = (
    "send-campaigngroup-states: true\ncampaigngroup-states-uri: http://127.0.0.1/o\ncampaigngroup-states-interval: 7\n"
)


@pytest.mark.parametrize("place", ["top level", "notifications"])
def test_the_names_of_ocs_are_taken(tmp_path: Path, place: str) -> None:
    text = OCS if place == "top level" else "notifications:\n  " + OCS.replace("\n", "\n  ")
    kafka = "\nkafka: {bootstrap_servers: k:1, topics: t}"
    notifications = from_file(tmp_path, text + kafka, {}).notifications
    assert (notifications.enabled, notifications.url, notifications.interval) == (True, "http://127.0.0.1/o", 7.0)
    off = from_file(tmp_path, "send-campaigngroup-states: false" + kafka, {}).notifications
    assert off.enabled is False


def test_both_names_with_the_same_value_are_fine(tmp_path: Path) -> None:
    text = "campaigngroup-states-interval: 10\nnotifications: {interval: 10s, campaigngroup-states-interval: '10'}"
    assert from_file(tmp_path, text).notifications.interval == 10.0


def test_a_variable_goes_over_the_names_of_ocs(tmp_path: Path) -> None:
    assert from_file(tmp_path, OCS, MINIMUM | {"BRIDGE_NOTIFICATIONS__INTERVAL": "9"}).notifications.interval == 9


@pytest.mark.parametrize("newline", ["", "\n", "\r\n"])
def test_secrets_are_read_from_files_without_one_newline(tmp_path: Path, newline: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(f"s3cr3t{newline}".encode())
    settings, _ = load(
        None,
        MINIMUM
        | {
            "BRIDGE_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "BRIDGE_KAFKA__SASL_USERNAME": "bridge",
            "BRIDGE_KAFKA__SASL_PASSWORD_FILE": str(secret),
            "BRIDGE_HTTP__BEARER_TOKEN_FILE": str(secret),
        },
    )
    assert settings.kafka.password() == "s3cr3t"
    assert settings.http.token() == "s3cr3t"
    secret.write_text("rotated")
    assert settings.kafka.password() == "rotated"
    secret.unlink()
    with pytest.raises(FileError, match="No such file"):
        settings.kafka.password()


def test_a_password_keeps_blanks_and_all_but_one_newline(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(" s3 \n\n")
    assert KafkaSettings(sasl_password_file=secret).password() == " s3 \n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("headers", "# a comment\nX-A: one: two\n\nX-B:b\n"),
        ("headers", "\ufeffX-A: one: two\r\nX-B: b"),
        ("headers.yaml", "X-A: 'one: two'\nX-B: b\n"),
    ],
)
def test_headers_come_from_map_and_file(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    settings = from_environment(BRIDGE_HTTP__HEADERS='{"X-C": "c"}', BRIDGE_HTTP__HEADERS_FILE=str(path))
    assert settings.http.all_headers() == {"X-C": "c", "X-A": "one: two", "X-B": "b"}


def test_no_representation_shows_a_secret() -> None:
    settings = Settings.model_validate(
        {
            "kafka": {
                "sasl_password": "s3cr3t",
                "properties": {"ssl_password": "s3cr3t", "proxy_url": "s3cr3t", "x": 1},
            },
            "http": {"bearer_token": "s3cr3t", "headers": {"X-Api-Key": "s3cr3t"}},
            "notifications": {"url": "https://receiver/path?key=s3cr3t"},
        }
    )
    for text in (
        repr(settings),
        str(settings),
        str(settings.kafka),
        f"{settings.http!r}",
        repr(settings.notifications),
    ):
        assert "s3cr3t" not in text
    assert "https://receiver/path?***" in repr(settings)
    assert "X-Api-Key" in repr(settings)
    assert "s3cr3t" not in str(settings.model_dump(exclude={"notifications", "kafka"}))


def test_settings_do_not_change_and_do_not_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HTTP__TIMEOUT", "77")
    settings = Settings()
    assert settings.http.timeout == 5.0
    for frozen, name in ((settings, "http"), (settings.http, "timeout")):
        with pytest.raises(ValueError, match="frozen"):
            setattr(frozen, name, None)


def test_unknown_variables_are_warnings_with_a_suggestion() -> None:
    environ = MINIMUM | {
        "BRIDGE_KAFKA_TOPICS": "s3cr3t",
        "BRIDGE_HTTP__TIMEOUTS": "s3cr3t",
        "BRIDGE_COLOUR": "s3cr3t",
        "OTHER": "x",
    }
    _, warnings = load(None, environ)
    assert warnings == [
        "BRIDGE_COLOUR is no setting and has no effect.",
        "BRIDGE_HTTP__TIMEOUTS is no setting and has no effect. Did you mean BRIDGE_HTTP__TIMEOUT?",
        "BRIDGE_KAFKA_TOPICS is no setting and has no effect. Did you mean BRIDGE_KAFKA__TOPICS?",
    ]
