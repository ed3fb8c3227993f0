"""Every setting: its default, unit, bounds and meaning. docs/settings.md and docs/settings.schema.json are made from it.

A value comes from the environment, else from the file, else it is the default (bridge/config/load.py). Nothing here reads
the environment: `Settings(...)` made by hand holds exactly what it is given.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.config import kinds as kind
from bridge.config.kinds import Bytes, Group, Seconds, Text, Topic, Whole, setting
from bridge.connections import HttpSettings, KafkaSettings


class NotificationSettings(Group):
    """What is sent, and how what OCS leaves open is filled."""

    enabled: bool = setting(default=True)
    """Whether notifications are sent; false: events are only read, merged and exposed as metrics."""
    url: kind.Url | None = setting(None, "https://receiver.example.com/campaign-groups")
    """Where notifications are POSTed. Required unless `notifications.enabled` is false."""
    interval: Seconds = setting(10.0, ge=0, le=86_400)
    """Seconds between periodic notifications of a campaign group; 0: none."""
    intervals: kind.Intervals = setting({}, {"Environment/OutboundGroup": 5})
    """Seconds of `notifications.interval` for single campaign groups, by key: what the profile's `key` names, tenant/id or id alone."""
    disabled: kind.Keys = setting([], ["Environment/OutboundGroup"])
    """Keys of campaign groups that have no notifications at all."""
    periodic_action: Annotated[Literal[0, 7, 8, 9, 10, 11, "last"], kind.NumberWord] = setting(0)
    """GSW_CAMPAIGN_GROUP_ACTION of periodic notifications; `last`: the last one that was notified of the group."""
    periodic_states: kind.States = setting([4, 5])
    """States (GSW_CAMPAIGN_GROUP_STATE) in which a campaign group has periodic notifications."""
    unknown_text: Text = setting("Unknown")
    """Stands for tenant names and the like that nobody has told."""
    calling_lists_key: kind.Member = setting("GSW_CALLING_LISTS")
    """Name of the member that holds the calling lists."""
    missing_statistics: Literal["always", "known", "omit"] = setting("always")
    """Statistics that nobody gave: `always` sends all four, null where unknown; `known` does so once one is known; `omit`
    leaves out each that is not."""


class MappingSettings(Group):
    """From raw events to campaign group events."""

    profile: kind.Profile = setting("generic", "cloudevents+generic")
    """How records are read."""
    profiles: kind.Profiles = setting({}, {"dialler-events": "cloudevents+generic"})
    """Profiles of single topics, instead of `mapping.profile`."""
    on_missing: Text = setting("Unknown")
    """Stands for a name of the campaign group, group, campaign or queue that nobody knows, and for a GUID. `reject`
    quarantines the event instead."""
    missing_dbid: Text = setting("derived")
    """Stands for a DBID that nobody knows. `derived`: 16 digits made from the campaign group's key, always the same ones."""
    name_by_id: bool = setting(default=True)
    """Whether a campaign group whose name nobody knows is called by its GUID, else its DBID; false: by `on_missing`."""
    on_unknown: Annotated[Literal["reject", "omit"], kind.LowerWord] = setting("reject")
    """An event with a word for its state or action that its profile does not know: quarantine it, or read it without."""
    directory_file: Path | None = setting(None, "/etc/ocs-bridge/directory.csv")
    """CSV or YAML file that names campaign groups by DBID or GUID."""
    max_future: Seconds = setting(300.0, ge=0, le=86_400)
    """Seconds that an event's time may lie ahead of its record's timestamp; beyond, the timestamp is taken."""
    max_past: Seconds = setting(0.0, ge=0, le=31_536_000)
    """Seconds that an event's time may lie before its record's timestamp; beyond, the timestamp is taken. 0: any time, as
    records that were copied or replayed have later timestamps than their events."""
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
    """Seconds between checkpoints, sooner where max_unconfirmed is near; what was posted since the last one may be repeated
    after a crash."""
    max_unconfirmed: Whole = setting(10_000, ge=1, le=1_000_000)
    """POSTs since the last good checkpoint after which no further one begins: what an outage of Kafka may make repeat."""
    max_age: Seconds = setting(0.0, ge=0, le=31_536_000)
    """Seconds after its record's timestamp from which an event makes no notification any more; 0: it always does."""
    cool_down: Seconds = setting(0.0, ge=0, le=3600)
    """Longest pause in seconds after 429 or 503 with Retry-After, or cool_down_after POSTs in a row not sent; 0: none."""
    cool_down_after: Whole = setting(10, ge=1, le=1_000_000)
    """POSTs in a row that could not be sent before a cool-down."""
    drop_repeats: bool = setting(default=False)
    """Whether an event is dropped whose own id (`event_id` of its profile; source and id of a CloudEvent) was among the last 16 of its
    campaign group."""
    outcome_topic: Topic | None = setting(None, "ocs-bridge-outcomes")
    """Topic to which what became of each notification is written, for audits; default: none."""
    drain_timeout: Seconds = setting(10.0, ge=0.1, le=1800)
    """Seconds that POSTs under way have to end when the bridge stops or loses partitions."""
    max_buffered_bytes: Bytes = setting(32 * 1024 * 1024, ge=64 * 1024, le=4 * 1024**3)
    """Bytes of records held in memory, all partitions together."""
    max_buffered_records: Whole = setting(500, ge=1, le=20_000)
    """Records held in memory per partition."""


class StateSettings(Group):
    """The table of campaign groups."""

    store: Annotated[Literal["kafka", "memory"], kind.LowerWord] = setting("kafka")
    """Where the table is kept over restarts: in a compacted topic, or nowhere (memory; see docs/state.md for what that costs)."""
    topic: Topic | None = setting(None, "ocs-bridge-state")
    """The compacted topic; default: `kafka.group_id` and "-state". Made by the bridge if it is not there."""
    replication_factor: Whole = setting(-1, ge=-1, le=100)
    """Replicas of the topic when the bridge makes it; -1: the brokers' default."""
    ttl: Seconds = setting(86_400.0, ge=0, le=31_536_000)
    """Seconds after its last event until an unloaded campaign group is forgotten; 0: never."""
    seed_from: Seconds = setting(0.0, ge=0, le=31_536_000)
    """History in seconds that the first start reads to learn the campaign groups, without notifying it; 0: none."""


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


class ProcessSettings(Group):
    """The process itself."""

    single_cpu: bool = setting(default=False)
    """Whether all threads stay on one of the CPUs that the process has, chosen by chance (Linux). They take turns anyway, and handing over within a CPU is cheaper."""


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
    process: ProcessSettings = Field(default_factory=ProcessSettings)

    @property
    def state_topic(self) -> str:
        """The state topic's name."""
        return self.state.topic or f"{self.kafka.group_id}-state"

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
