"""What settings must be together. Each rule names what it reads and is left out when one of those is wrong already."""

import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from bridge.config.catalogue import CATALOGUE, value_of
from bridge.config.files import FileError, check_readable, read_headers, read_secret
from bridge.core.limits import MIN_INTERVAL
from bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` must hold whenever `holds` is asked; `example` is a way out."""

    names: tuple[str, ...]
    text: str
    holds: Callable[[Settings], bool]
    example: str

    def problem(self, settings: Settings) -> str:
        """The rule's text with the values that break it."""
        given = ", ".join(f"{name} = {CATALOGUE[name].shown(value_of(settings, name))}" for name in self.names)
        return f"{given}: {self.text}. Example: {self.example}"


def _sasl(settings: Settings) -> bool:
    return settings.kafka.security_protocol.startswith("SASL")


def _has_password(settings: Settings) -> bool:
    return settings.kafka.sasl_password is not None or settings.kafka.sasl_password_file is not None


def _both_or_neither(one: object, other: object) -> bool:
    return (one is None) == (other is None)


def loopback(url: str | None) -> bool:
    """Whether the URL's host is this machine itself."""
    host = urllib.parse.urlsplit(url or "").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _credentials_in_the_clear(settings: Settings) -> bool:
    url, http = settings.notifications.url or "", settings.http
    given = (http.bearer_token, http.bearer_token_file, http.headers_file)
    secret = any(given) or any(name.lower() == "authorization" for name in http.headers)
    return secret and url.startswith("http:") and not loopback(url)


RULES = (
    Rule(
        ("kafka.topics", "kafka.topic_pattern"),
        "exactly one of both must be set",
        lambda s: bool(s.kafka.topics) != (s.kafka.topic_pattern is not None),
        "kafka.topics: campaign-group-events",
    ),
    Rule(
        ("kafka.heartbeat_interval", "kafka.session_timeout"),
        "heartbeat_interval must be at most a third of session_timeout, or one lost heartbeat loses the partitions",
        lambda s: s.kafka.heartbeat_interval <= s.kafka.session_timeout / 3,
        "kafka.heartbeat_interval: 1, kafka.session_timeout: 45",
    ),
    Rule(
        ("kafka.session_timeout", "http.timeout"),
        "session_timeout must be more than http.timeout + 2 s: no POST is begun that could outlive the ownership of its partition",
        lambda s: s.kafka.session_timeout > s.http.timeout + 2,
        "kafka.session_timeout: 45, http.timeout: 5",
    ),
    Rule(
        ("http.timeout", "delivery.drain_timeout"),
        "drain_timeout must be at least http.timeout + 2 s, or a stop cuts POSTs that would have ended",
        lambda s: s.http.timeout + 2 <= s.delivery.drain_timeout,
        "http.timeout: 5, delivery.drain_timeout: 10",
    ),
    Rule(
        ("delivery.drain_timeout", "kafka.max_poll_interval"),
        "drain_timeout must be at most half of max_poll_interval: the rest is for the last checkpoint of a rebalance",
        lambda s: s.delivery.drain_timeout <= s.kafka.max_poll_interval / 2,
        "delivery.drain_timeout: 10, kafka.max_poll_interval: 120",
    ),
    Rule(
        ("http.connect_timeout", "http.timeout"),
        "connect_timeout must be at most http.timeout, which is the total",
        lambda s: s.http.connect_timeout <= s.http.timeout,
        "http.connect_timeout: 2, http.timeout: 5",
    ),
    Rule(
        ("notifications.interval",),
        "interval must be 0 (none) or at least 0.1 s",
        lambda s: s.notifications.interval == 0 or s.notifications.interval >= MIN_INTERVAL,
        "notifications.interval: 10",
    ),
    Rule(
        ("notifications.intervals",),
        "each must be 0 (none) or at least 0.1 s",
        lambda s: all(seconds == 0 or seconds >= MIN_INTERVAL for seconds in s.notifications.intervals.values()),
        'notifications.intervals: {"Environment/OutboundGroup": 5}',
    ),
    Rule(
        ("metrics.labels",),
        "each label may be there once, and at least one",
        lambda s: 0 < len(set(s.metrics.labels)) == len(s.metrics.labels),
        "metrics.labels: tenant, campaign_group",
    ),
    Rule(
        ("kafka.sasl_password", "kafka.sasl_password_file"),
        "at most one of both may be set",
        lambda s: s.kafka.sasl_password is None or s.kafka.sasl_password_file is None,
        "kafka.sasl_password_file: /run/secrets/kafka-password",
    ),
    Rule(
        ("kafka.security_protocol", "kafka.sasl_username"),
        "with SASL, sasl_username must be set",
        lambda s: not _sasl(s) or s.kafka.sasl_username is not None,
        "kafka.sasl_username: bridge",
    ),
    Rule(
        ("kafka.security_protocol", "kafka.sasl_password", "kafka.sasl_password_file"),
        "with SASL, sasl_password_file or sasl_password must be set",
        lambda s: not _sasl(s) or _has_password(s),
        "kafka.sasl_password_file: /run/secrets/kafka-password",
    ),
    Rule(
        ("kafka.ssl_certfile", "kafka.ssl_keyfile"),
        "a certificate and its key must be set together",
        lambda s: _both_or_neither(s.kafka.ssl_certfile, s.kafka.ssl_keyfile),
        "kafka.ssl_certfile: client.pem, kafka.ssl_keyfile: client.key",
    ),
    Rule(
        ("http.cert_file", "http.key_file"),
        "a certificate and its key must be set together",
        lambda s: _both_or_neither(s.http.cert_file, s.http.key_file),
        "http.cert_file: client.pem, http.key_file: client.key",
    ),
    Rule(
        ("http.bearer_token", "http.bearer_token_file"),
        "at most one of both may be set",
        lambda s: s.http.bearer_token is None or s.http.bearer_token_file is None,
        "http.bearer_token_file: /run/secrets/receiver-token",
    ),
)

#: What works but is rarely meant: warnings.
ADVICE = (
    Rule(
        ("notifications.url", "http.verify"),
        "the receiver's certificate is not verified, so anyone on the way can pose as the receiver",
        lambda s: s.http.verify or not (s.notifications.url or "").startswith("https:"),
        "http.ca_file: /etc/ocs-bridge/receiver-ca.pem",
    ),
    Rule(
        ("notifications.url",),
        "a token or secret header is sent over plain http to another host, readable on the way",
        lambda s: not _credentials_in_the_clear(s),
        "notifications.url: https://receiver.example.com/campaign-groups",
    ),
    Rule(
        ("kafka.security_protocol", "kafka.sasl_mechanism"),
        "PLAIN without TLS sends the password readable to the brokers",
        lambda s: s.kafka.security_protocol != "SASL_PLAINTEXT" or s.kafka.sasl_mechanism != "PLAIN",
        "kafka.security_protocol: SASL_SSL",
    ),
    Rule(
        ("kafka.security_protocol", "kafka.sasl_username"),
        "a user or password is set, but the protocol has no login",
        lambda s: _sasl(s) or not (s.kafka.sasl_username or _has_password(s)),
        "kafka.security_protocol: SASL_SSL",
    ),
    Rule(
        ("kafka.security_protocol", "kafka.ssl_cafile", "kafka.ssl_certfile"),
        "files for TLS are set, but the protocol has no TLS",
        lambda s: s.kafka.security_protocol.endswith("SSL") or not (s.kafka.ssl_cafile or s.kafka.ssl_certfile),
        "kafka.security_protocol: SSL",
    ),
    Rule(
        ("kafka.topics", "mapping.profiles"),
        "profiles has a topic that is not among kafka.topics",
        lambda s: not s.kafka.topics or set(s.mapping.profiles) <= set(s.kafka.topics),
        'kafka.topics: dialler-events, mapping.profiles: {"dialler-events": "generic"}',
    ),
)


def missing(settings: Settings, bad: set[str]) -> Iterator[str]:
    """Names of settings that have no default and are not set."""
    if not settings.kafka.bootstrap_servers:
        yield "kafka.bootstrap_servers"
    if not settings.kafka.topics and settings.kafka.topic_pattern is None and "kafka.topic_pattern" not in bad:
        yield "kafka.topics"
    if settings.notifications.enabled and settings.notifications.url is None and "notifications.enabled" not in bad:
        yield "notifications.url"


def broken(rules: tuple[Rule, ...], settings: Settings, bad: set[str]) -> list[str]:
    """The problems of the rules that don't hold, without those that read a setting in `bad`."""
    return [rule.problem(settings) for rule in rules if not bad & set(rule.names) and not rule.holds(settings)]


def unreadable(settings: Settings) -> dict[str, str]:
    """Full names of the settings whose file can't be used -> why."""
    found = {}
    for name, entry in CATALOGUE.items():
        path = value_of(settings, name)
        if entry.type is Path and isinstance(path, Path):
            try:
                _READERS.get(name, check_readable)(path)
            except FileError as error:
                found[name] = str(error)
    return found


_READERS: dict[str, Callable[[Path], object]] = {
    "kafka.sasl_password_file": read_secret,
    "http.bearer_token_file": read_secret,
    "http.headers_file": read_headers,
}
