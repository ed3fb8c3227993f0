"""Settings of the two connections: to Kafka, and to the receiver. The rest, and how they are used: bridge/settings.py."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import SecretStr

from bridge.config import kinds as kind
from bridge.config.files import read_headers, read_secret
from bridge.config.kinds import Group, Seconds, Secret, Text, Whole, setting


class KafkaSettings(Group):
    """The input: brokers, topics, consumer group. TLS and SASL have Kafka's own names."""

    bootstrap_servers: kind.Brokers = setting([], "kafka-1:9092,kafka-2:9092")
    """Brokers to ask first. Required."""
    topics: kind.Topics = setting([], "campaign-group-events")
    """Input topics by name. Either this or `kafka.topic_pattern` is required."""
    topic_pattern: kind.Pattern | None = setting(None, r"campaigns\..*")
    """Input topics by regular expression, matched from the start of the name, instead of `kafka.topics`."""
    group_id: Text = setting("ocs-bridge")
    """Consumer group; the replicas of one bridge share it."""
    client_id: Text = setting("ocs-bridge")
    """Name of the bridge in the brokers' logs and quotas."""
    group_instance_id: Text | None = setting(None, "ocs-bridge-0")
    """Makes this a static member: a restart within session_timeout moves no partitions. Its own for each process."""
    auto_offset_reset: Annotated[Literal["latest", "earliest"], kind.LowerWord] = setting("latest")
    """Where a consumer group without offsets starts: with new records, or with the oldest. Applies once per group."""
    session_timeout: Seconds = setting(45.0, ge=0.5, le=1800)
    """Seconds without a heartbeat after which the brokers give the partitions to another replica."""
    heartbeat_interval: Seconds = setting(1.0, ge=0.05, le=600)
    """Seconds between heartbeats."""
    max_poll_interval: Seconds = setting(120.0, ge=1, le=3600)
    """Seconds that may lie between two polls, which is also what a rebalance may take."""
    max_poll_records: Whole = setting(500, ge=1, le=10_000)
    """Records handed over by one poll at most."""
    poll_linger: Seconds = setting(0.05, ge=0, le=1)
    """Seconds to wait after a poll that brought few records, so that those which come meanwhile share a fetch: CPU against latency; 0: none."""
    security_protocol: kind.Protocol = setting("PLAINTEXT")
    """How brokers are spoken to."""
    sasl_mechanism: kind.Mechanism = setting("SCRAM-SHA-512")
    """How the bridge logs in when the protocol is SASL_*."""
    sasl_username: Text | None = setting(None, "bridge")
    """User name when the protocol is SASL_*."""
    sasl_password: Secret | None = setting(None, "from-your-vault")
    """Password when the protocol is SASL_*; better in a file."""
    sasl_password_file: Path | None = setting(None, "/run/secrets/kafka-password")
    """File with the password; one newline at its end is no part of it."""
    ssl_cafile: Path | None = setting(None, "/etc/ocs-bridge/kafka-ca.pem")
    """CA certificates (PEM) that the brokers' certificates are verified with; default: those of the system."""
    ssl_certfile: Path | None = setting(None, "/etc/ocs-bridge/kafka-client.pem")
    """Client certificate (PEM) shown to the brokers."""
    ssl_keyfile: Path | None = setting(None, "/etc/ocs-bridge/kafka-client.key")
    """Private key (PEM) of `kafka.ssl_certfile`."""
    ssl_check_hostname: bool = setting(default=True)
    """Whether the brokers' certificates must carry their host names."""
    properties: kind.Properties = setting({}, {"fetch_min_bytes": 1024})
    """More options of kafka-python's consumer by its own names; those that the bridge sets itself are refused."""

    def password(self) -> str | None:
        """The SASL password; a file is read at each call, so a rotated one is seen. Raises FileError."""
        return _secret(self.sasl_password, self.sasl_password_file)


class HttpSettings(Group):
    """How the receiver is spoken to. Each notification is POSTed once; nothing here repeats it."""

    timeout: Seconds = setting(5.0, ge=0.01, le=300)
    """Seconds for a whole POST, from the start of its connection to the end of the answer."""
    connect_timeout: Seconds = setting(2.0, ge=0.01, le=300)
    """The part of `http.timeout`, in seconds, after which a connection (DNS, TCP, TLS) is given up."""
    max_in_flight: Whole = setting(64, ge=1, le=4096)
    """POSTs under way at a time; one campaign group never has more than one."""
    keepalive_expiry: Seconds = setting(4.0, ge=0, le=3600)
    """Idle seconds after which a connection is not used again. Keep it below the receiver's; 0: never used again."""
    http2: bool = setting(default=False)
    """Whether HTTP/2 is spoken with a receiver that offers it (https only). Costs many times the CPU of HTTP/1.1."""
    proxy: kind.Proxy | None = setting(None, "http://proxy.example.com:3128")
    """Proxy on the way to the receiver; HTTPS_PROXY and the like are not used. Costs many times the CPU of none."""
    headers: kind.Headers = setting({}, {"X-Site": "north"})
    """Headers added to each POST."""
    headers_file: Path | None = setting(None, "/run/secrets/receiver-headers")
    """File with more headers, for secret ones: lines `Name: value`, or a YAML map if its name ends in .yaml."""
    user_agent: kind.UserAgent | None = setting(None, "ocs-bridge")
    """User-Agent header; default: ocs-bridge/ and the version."""
    event_id_header: kind.HeaderName = setting("X-GSW-Event-Id")
    """Header with the id of the event: the same if a POST is repeated after a crash."""
    ca_file: Path | None = setting(None, "/etc/ocs-bridge/receiver-ca.pem")
    """CA certificates (PEM) that the receiver's certificate is verified with; default: those of the system."""
    cert_file: Path | None = setting(None, "/etc/ocs-bridge/client.pem")
    """Client certificate (PEM) shown to the receiver."""
    key_file: Path | None = setting(None, "/etc/ocs-bridge/client.key")
    """Private key (PEM) of `http.cert_file`."""
    verify: bool = setting(default=True)
    """Whether the receiver's certificate is verified."""
    bearer_token: Secret | None = setting(None, "from-your-vault")
    """Token sent as `Authorization: Bearer`; better in a file."""
    bearer_token_file: Path | None = setting(None, "/run/secrets/receiver-token")
    """File with the token; one newline at its end is no part of it."""

    def all_headers(self) -> dict[str, str]:
        """The user's headers, those of the file too; without the bearer token. Reads the file. Raises FileError."""
        plain = {name: value.get_secret_value() for name, value in self.headers.items()}
        return plain | (read_headers(self.headers_file) if self.headers_file else {})

    def token(self) -> str | None:
        """The bearer token; a file is read at each call, so don't ask for each POST. Raises FileError."""
        return _secret(self.bearer_token, self.bearer_token_file)


def _secret(value: SecretStr | None, path: Path | None) -> str | None:
    if path is not None:
        return read_secret(path)
    return value.get_secret_value() if value is not None else None
