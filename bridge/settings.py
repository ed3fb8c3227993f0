"""Every setting: its default, unit, bounds and meaning. docs/settings.md and docs/settings.schema.json are made from it.

A value comes from the environment, else from the file, else it is the default (bridge/config/load.py). Nothing here reads
the environment: `Settings(...)` made by hand holds exactly what it is given.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.config import kinds as kind
from bridge.config.files import read_headers, read_secret
from bridge.config.kinds import Bytes, Group, Seconds, Secret, Text, Topic, Whole, setting


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


class NotificationSettings(Group):
    """What is sent, and how what OCS leaves open is filled."""

    enabled: bool = setting(default=True)
    """Whether notifications are sent; false: events are only read, merged and exposed as metrics."""
    url: kind.Url | None = setting(None, "https://receiver.example.com/campaign-groups")
    """Where notifications are POSTed. Required unless `notifications.enabled` is false."""
    interval: Seconds = setting(10.0, ge=0, le=86_400)
    """Seconds between periodic notifications; 0: none. Not in effect yet: only snapshots made upstream are sent."""
    periodic_action: Annotated[Literal[0, 7, 8, 9, 10, 11], kind.NumberWord] = setting(0)
    """GSW_CAMPAIGN_GROUP_ACTION of periodic notifications."""
    periodic_states: kind.States = setting([4, 5])
    """States (GSW_CAMPAIGN_GROUP_STATE) in which a campaign group has periodic notifications. Not in effect yet."""
    unknown_text: Text = setting("Unknown")
    """Stands for tenant names and the like that nobody has told."""
    calling_lists_key: kind.Member = setting("GSW_CALLING_LISTS")
    """Name of the member that holds the calling lists."""
    missing_statistics: Literal["null", "omit"] = setting("null")
    """What stands for a statistic that can't be computed: the value null, or no member. YAML needs quotes: "null"."""


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


class MappingSettings(Group):
    """From raw events to campaign group events."""

    profile: kind.Profile = setting("generic", "cloudevents+generic")
    """How records are read."""
    profiles: kind.Profiles = setting({}, {"dialler-events": "cloudevents+generic"})
    """Profiles of single topics, instead of `mapping.profile`."""
    on_missing: Text = setting("reject")
    """An event that lacks a name nobody can fill: `reject` quarantines it, any other text stands for the name."""
    on_unknown: Annotated[Literal["reject", "omit"], kind.LowerWord] = setting("reject")
    """An event with a word that its profile does not know: quarantine it, or read it without that field."""
    directory_file: Path | None = setting(None, "/etc/ocs-bridge/directory.csv")
    """CSV or YAML file that names campaign groups by DBID or GUID."""
    max_future: Seconds = setting(300.0, ge=0, le=86_400)
    """Seconds that an event's time may lie ahead of its record's timestamp; beyond, the timestamp is taken."""
    quarantine_topic: Topic | None = setting(None, "campaign-group-events-quarantine")
    """Topic for records that are no valid events; default: none, they are counted and logged."""


class DeliverySettings(Group):
    """Promises, buffers and the time to stop."""

    mode: Annotated[Literal["at_least_once", "at_most_once"], kind.LowerWord] = setting("at_least_once")
    """What a crash may do: make POSTs since the last checkpoint happen again, or leave some open that are not made again."""
    transactions: bool = setting(default=True)
    """Whether checkpoints are Kafka transactions, which a member that lost its partitions can't write. False: plain commits,
    for brokers or permissions without transactions; see docs/delivery.md for what that costs."""
    transactional_id: Text | None = setting(None, "ocs-bridge-1")
    """Transactional id of the checkpoints, its own for each process; default: group, host name and a random part."""
    checkpoint_interval: Seconds = setting(1.0, ge=0.01, le=60)
    """Seconds between checkpoints; what was posted since the last one may be repeated after a crash."""
    max_unconfirmed: Whole = setting(10_000, ge=1, le=1_000_000)
    """POSTs since the last good checkpoint after which no further one begins: what an outage of Kafka may make repeat."""
    max_age: Seconds = setting(0.0, ge=0, le=31_536_000)
    """Seconds after its record's timestamp from which an event makes no notification any more; 0: it always does."""
    cool_down: Seconds = setting(0.0, ge=0, le=3600)
    """Longest pause in seconds after 429 or 503 with Retry-After, or cool_down_after POSTs in a row not sent; 0: none."""
    cool_down_after: Whole = setting(10, ge=1, le=1_000_000)
    """POSTs in a row that could not be sent before a cool-down."""
    drain_timeout: Seconds = setting(10.0, ge=0.1, le=1800)
    """Seconds that POSTs under way have to end when the bridge stops or loses partitions."""
    max_buffered_bytes: Bytes = setting(32 * 1024 * 1024, ge=64 * 1024, le=4 * 1024**3)
    """Bytes of records held in memory, all partitions together."""
    max_buffered_records: Whole = setting(2000, ge=1, le=20_000)
    """Records held in memory per partition."""


class StateSettings(Group):
    """The table of campaign groups."""

    ttl: Seconds = setting(86_400.0, ge=0, le=31_536_000)
    """Seconds after its last event until an unloaded campaign group is forgotten; 0: never. Not in effect yet."""


class MetricsSettings(Group):
    """What is exposed to Prometheus."""

    labels: kind.Labels = setting(["tenant", "campaign_group"])
    """Labels of a campaign group's series; together they should tell one group from another."""
    max_groups: Whole = setting(2000, ge=0, le=100_000)
    """Campaign groups that have series of their own; those beyond are counted."""
    calling_lists: bool = setting(default=False)
    """Whether calling lists have series of their own."""


class AdminSettings(Group):
    """The server for metrics and health."""

    host: Text = setting("0.0.0.0")  # noqa: S104 (in a pod, Prometheus and the kubelet come from outside)
    """Address it listens on."""
    port: Whole = setting(9464, ge=0, le=65_535)
    """Port it listens on; 0: any free one."""


class LogSettings(Group):
    """What is logged, and how."""

    level: kind.Level = setting("INFO")
    """The least important level that is logged; TRACE has a line per record and POST."""
    format: Annotated[Literal["json", "console"], kind.LowerWord] = setting("json")
    """For machines, or for eyes."""


class Settings(Group, BaseSettings):
    """All of it."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_", env_nested_delimiter="__", enable_decoding=False)

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    notifications: NotificationSettings = Field(default_factory=NotificationSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    mapping: MappingSettings = Field(default_factory=MappingSettings)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    state: StateSettings = Field(default_factory=StateSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    admin: AdminSettings = Field(default_factory=AdminSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values come from the call alone; bridge/config/load.py reads file and environment and calls."""
        return (init_settings,)


def _secret(value: SecretStr | None, path: Path | None) -> str | None:
    if path is not None:
        return read_secret(path)
    return value.get_secret_value() if value is not None else None
