"""The composition root: every object of the service is made here, top to bottom."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bridge.checkpoints import Checkpoints, Committer
from bridge.core.gate import Gate
from bridge.core.group import Policy
from bridge.core.mapping.mapper import Mapper
from bridge.core.route import Route
from bridge.core.style import Style
from bridge.core.switches import Switches
from bridge.core.tally import Tally
from bridge.core.vocabulary import Action
from bridge.cover import Cover
from bridge.edge.admin import Admin
from bridge.edge.audit import Audit
from bridge.edge.files import DirectoryFile, load_profile
from bridge.edge.history import InputHistory
from bridge.edge.kafka import Input
from bridge.edge.lease import Lease
from bridge.edge.log import get_logger
from bridge.edge.metrics import Metrics
from bridge.edge.outcomes import Outcomes
from bridge.edge.plain import PlainCommits
from bridge.edge.post import Poster
from bridge.edge.quarantine import LogQuarantine, TopicQuarantine
from bridge.edge.report import Report
from bridge.edge.state_topic import StateTopic
from bridge.edge.tls import receiver_context
from bridge.edge.transactions import Transactions, transactional_id
from bridge.ownership import Ownership
from bridge.pipeline import Pipeline
from bridge.ports import SYSTEM, Limits, Rules
from bridge.settings import DeliverySettings, MappingSettings, NotificationSettings, Settings
from bridge.starting import Starter
from bridge.status import Status

log = get_logger(__name__)

NOWHERE = "http://127.0.0.1"  # with notifications.enabled false nothing is posted
COVERED = 256  # POSTs of a partition that may be covered by a checkpoint at a time (at_most_once)
LEASE_MARGIN = 2.0  # seconds


def style(notifications: NotificationSettings) -> Style:
    """How the settings fill what the page leaves open."""
    return Style(
        unknown_text=notifications.unknown_text,
        periodic_action=None if notifications.periodic_action == "last" else Action(notifications.periodic_action),
        calling_lists_key=notifications.calling_lists_key,
        missing_statistics=notifications.missing_statistics,
    )


def route(mapping: MappingSettings, profile: str) -> Route:
    """How records of a topic with this profile are read. UnusableFile, ProfileError."""
    compiled = load_profile(profile, mapping.on_unknown)
    policy = Policy(
        compiled.missing,
        None if mapping.on_missing == "reject" else mapping.on_missing,
        None if mapping.missing_dbid == "derived" else mapping.missing_dbid,
        mapping.name_by_id,
    )
    return Route(compiled, policy)


def mapper(mapping: MappingSettings, directory: DirectoryFile | None) -> Mapper:
    """From records to events. UnusableFile, ProfileError, DirectoryError."""
    return Mapper(
        route(mapping, mapping.profile),
        {topic: route(mapping, profile) for topic, profile in mapping.profiles.items()},
        max_future_ms=round(mapping.max_future * 1000),
        max_past_ms=round(mapping.max_past * 1000),
        now_ms=lambda: round(time.time() * 1000),
        directory=directory.read() if directory else None,
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """A bridge, put together and not started."""

    poster: Poster
    quarantine: LogQuarantine | TopicQuarantine
    report: Report
    outcomes: Outcomes | None
    pipeline: Pipeline
    source: Input
    committer: Committer
    ownership: Ownership
    cover: Cover | None
    admin: Admin


def build(settings: Settings, mapper: Mapper, failed: Callable[[asyncio.Task[None]], None]) -> Parts:
    """Every part, in the running loop. `failed` is called with background tasks that end."""
    loop = asyncio.get_running_loop()
    metrics = Metrics(process=True)
    poster = new_poster(settings)
    topic = settings.mapping.quarantine_topic
    quarantine = TopicQuarantine(settings.kafka, topic, loop) if topic else LogQuarantine()
    outcomes = Outcomes(settings.kafka, settings.delivery.outcome_topic) if settings.delivery.outcome_topic else None
    audit = Audit(outcomes, settings.kafka.client_id, lambda: pipeline.cluster_id, time.time) if outcomes else None
    report = Report(settings.notifications.url or NOWHERE, metrics, time.monotonic, audit)
    # A POST begun in time ends within http.timeout; the rest is for what can't be measured.
    lease = Lease(settings.kafka.session_timeout - settings.http.timeout - LEASE_MARGIN)
    gate = new_gate(settings.delivery, lease)
    pipeline = Pipeline(
        mapper=mapper,
        style=style(settings.notifications),
        poster=poster,
        quarantine=quarantine,
        report=report,
        gate=gate,
        switches=switches(settings.notifications, mapper),
        rules=rules(settings),
    )
    source = Input(settings.kafka, lease, loop)
    pipeline.tally.consumed.update(dict.fromkeys(settings.kafka.topics, 0))  # series from the start, as all counters
    states = new_states(settings)
    starter = new_starter(settings, source, states, mapper, pipeline.tally)
    limits = new_limits(settings.delivery)
    committer = new_committer(settings, source)
    always = settings.kafka.group_instance_id is not None
    checkpoints = Checkpoints(committer, pipeline.tally, gate, pipeline.table, always=always)
    ownership = Ownership(pipeline, source, starter, checkpoints, limits, failed)
    cover = None
    if limits.covered:
        cover = pipeline.cover = Cover(pipeline.lanes, ownership.checkpoint, pipeline.nudge)
    status = Status(pipeline, ownership, source, quarantine, outcomes, committer, starter, states, settings)
    admin = Admin(
        settings.admin.host,
        settings.admin.port,
        metrics=lambda accept: status.render(metrics, accept),
        groups=status.groups,
        live=status.live,
        ready=status.ready,
        started=status.started,
    )
    return Parts(poster, quarantine, report, outcomes, pipeline, source, committer, ownership, cover, admin)


def new_gate(delivery: DeliverySettings, lease: Lease) -> Gate:
    """What says whether a POST may begin."""
    return Gate(
        lease.valid,
        max_unconfirmed=delivery.max_unconfirmed,
        cool_down=delivery.cool_down,
        cool_down_after=delivery.cool_down_after,
    )


def rules(settings: Settings) -> Rules:
    """What is posted, and what is kept."""
    return Rules(
        enabled=settings.notifications.enabled,
        max_age=settings.delivery.max_age or float("inf"),
        saved=settings.state.store == "kafka",
        ttl=settings.state.ttl,
        drop_repeats=settings.delivery.drop_repeats,
    )


def new_limits(delivery: DeliverySettings) -> Limits:
    """How much is held, and for how long."""
    return Limits(
        drain=delivery.drain_timeout,
        records=delivery.max_buffered_records,
        bytes=delivery.max_buffered_bytes,
        covered=COVERED if delivery.mode == "at_most_once" else 0,
    )


def switches(notifications: NotificationSettings, mapper: Mapper) -> Switches:
    """How often each campaign group has periodic notifications; with notifications.enabled false none has any."""
    return Switches(
        interval=notifications.interval,
        intervals=notifications.intervals,
        disabled=notifications.disabled,
        periodic_states=notifications.periodic_states if notifications.enabled else (),
        directory=mapper.current_directory,
    )


def new_starter(settings: Settings, source: Input, states: StateTopic | None, mapper: Mapper, tally: Tally) -> Starter:
    """What learns where partitions start."""
    return Starter(
        source.offsets,
        states,
        InputHistory(settings.kafka),
        mapper,
        tally,
        reset=settings.kafka.auto_offset_reset,
        seed_ms=round(settings.state.seed_from * 1000),
        clock=SYSTEM,
    )


def new_states(settings: Settings) -> StateTopic | None:
    """What the table is kept in over restarts."""
    if settings.state.store == "memory":
        return None
    return StateTopic(settings.kafka, settings.state_topic, settings.state.replication_factor)


def new_poster(settings: Settings) -> Poster:
    """What makes the one attempt."""
    url = settings.notifications.url or NOWHERE
    return Poster(
        url,
        settings.http,
        ssl_context=receiver_context(settings.http) if url.startswith("https:") else None,
        headers=settings.http.all_headers(),
        token=settings.http.token(),
    )


def new_committer(settings: Settings, source: Input) -> Committer:
    """What checkpoints are written with."""
    if not settings.delivery.transactions:
        return PlainCommits(settings.kafka, source.offsets, settings.state_topic)
    identity = settings.delivery.transactional_id or transactional_id(settings.kafka.group_id)
    return Transactions(settings.kafka, identity, lambda: source.consumer, source.fail, settings.state_topic)
