"""Every setting: its default, unit and meaning."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Group(BaseModel):
    """One group of settings: unknown keys are errors, values do not change after start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Seconds = Annotated[float, Field(gt=0)]


class KafkaSettings(Group):
    """The input: brokers, topics, consumer group."""

    bootstrap_servers: list[str] = Field(default_factory=list, description="Brokers to ask first, host:port.")
    topics: list[str] = Field(default_factory=list, description="Input topics by name.")
    topic_pattern: str | None = Field(None, description="Input topics by regular expression, instead of `topics`.")
    group_id: str = "ocs-bridge"
    client_id: str = "ocs-bridge"
    auto_offset_reset: Literal["latest", "earliest"] = "latest"
    session_timeout: Seconds = 45.0
    heartbeat_interval: Seconds = 1.0
    max_poll_interval: Seconds = 120.0
    max_poll_records: int = 500
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: Path | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    ssl_check_hostname: bool = True
    properties: dict[str, str | int | float | bool | None] = Field(default_factory=dict)


class NotificationSettings(Group):
    """What is sent, and how what OCS leaves open is filled."""

    enabled: bool = True
    url: str | None = None
    interval: float = 10.0
    periodic_action: Literal[0, 7, 8, 9, 10, 11] = 0
    periodic_states: list[int] = Field(default_factory=lambda: [4, 5])
    unknown_text: str = "Unknown"
    calling_lists_key: str = "GSW_CALLING_LISTS"
    missing_statistics: Literal["null", "omit"] = "null"


class HttpSettings(Group):
    """How the receiver is spoken to."""

    timeout: Seconds = 5.0
    connect_timeout: Seconds = 2.0
    max_in_flight: int = 64
    keepalive_expiry: float = 4.0
    headers: dict[str, str] = Field(default_factory=dict)
    headers_file: Path | None = None
    user_agent: str | None = None  # default: ocs-bridge/<version>
    event_id_header: str = "X-GSW-Event-Id"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    verify: bool = True
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None


class OnMissing(StrEnum):
    """What becomes of an event that lacks a field nobody can fill."""

    REJECT = "reject"
    TEXT = "text"


class MappingSettings(Group):
    """From raw events to campaign group events."""

    profile: str = "generic"
    profiles: dict[str, str] = Field(default_factory=dict)  # topic -> profile
    on_missing: OnMissing = OnMissing.REJECT
    on_unknown: Literal["reject", "omit"] = "reject"
    directory_file: Path | None = None
    max_future: Seconds = 300.0
    quarantine_topic: str | None = None


class DeliverySettings(Group):
    """Promises, buffers and the time to stop."""

    checkpoint_interval: Seconds = 1.0
    drain_timeout: Seconds = 10.0
    max_buffered_bytes: int = 32 * 1024 * 1024
    max_buffered_records: int = 2000  # per partition


class StateSettings(Group):
    """The table of campaign groups."""

    ttl: float = 86_400.0


class MetricsSettings(Group):
    """What is exposed to Prometheus."""

    max_groups: int = 2000
    calling_lists: bool = False


class AdminSettings(Group):
    """The server for metrics and health."""

    host: str = "0.0.0.0"  # noqa: S104 (in a pod, Prometheus and the kubelet come from outside)
    port: int = 9464


class LogSettings(Group):
    """What is logged, and how."""

    level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["json", "console"] = "json"


class Settings(Group):
    """All of it."""

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    notifications: NotificationSettings = Field(default_factory=NotificationSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    mapping: MappingSettings = Field(default_factory=MappingSettings)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    state: StateSettings = Field(default_factory=StateSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    admin: AdminSettings = Field(default_factory=AdminSettings)
    log: LogSettings = Field(default_factory=LogSettings)
