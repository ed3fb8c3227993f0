"""The composition root: every object of the service is made here, top to bottom."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bridge.checkpoints import Checkpoints
from bridge.core.gate import Gate
from bridge.core.groups import Policy
from bridge.core.mapping import Mapper, Route
from bridge.core.notification import Style
from bridge.core.vocabulary import Action
from bridge.cover import Cover
from bridge.edge.admin import Admin
from bridge.edge.files import DirectoryFile, load_profile
from bridge.edge.kafka import Input
from bridge.edge.lease import Lease
from bridge.edge.log import get_logger
from bridge.edge.metrics import Metrics
from bridge.edge.offsets import Offsets
from bridge.edge.post import Poster
from bridge.edge.quarantine import LogQuarantine, TopicQuarantine
from bridge.edge.report import Report
from bridge.edge.tls import receiver_context
from bridge.edge.transactions import Transactions, transactional_id
from bridge.ownership import Limits, Ownership
from bridge.pipeline import Pipeline
from bridge.settings import MappingSettings, NotificationSettings, Settings
from bridge.status import Status

log = get_logger(__name__)

NOWHERE = "http://127.0.0.1"  # with notifications.enabled false nothing is posted
COVERED = 256  # POSTs of a partition that may be covered by a checkpoint at a time (at_most_once)
LEASE_MARGIN = 2.0  # seconds


def style(notifications: NotificationSettings) -> Style:
    """How the settings fill what the page leaves open."""
    return Style(
        unknown_text=notifications.unknown_text,
        periodic_action=Action(notifications.periodic_action),
        calling_lists_key=notifications.calling_lists_key,
        missing_statistics=notifications.missing_statistics,
    )


def route(mapping: MappingSettings, profile: str) -> Route:
    """How records of a topic with this profile are read. UnusableFile, ProfileError."""
    compiled = load_profile(profile, mapping.on_unknown)
    return Route(compiled, Policy(compiled.missing, None if mapping.on_missing == "reject" else mapping.on_missing))


def mapper(mapping: MappingSettings, directory: DirectoryFile | None) -> Mapper:
    """From records to events. UnusableFile, ProfileError, DirectoryError."""
    return Mapper(
        route(mapping, mapping.profile),
        {topic: route(mapping, profile) for topic, profile in mapping.profiles.items()},
        max_future_ms=round(mapping.max_future * 1000),
        directory=directory.read() if directory else None,
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """A bridge, put together and not started."""

    poster: Poster
    quarantine: LogQuarantine | TopicQuarantine
    report: Report
    pipeline: Pipeline
    source: Input
    committer: Transactions | Offsets
    ownership: Ownership
    cover: Cover | None
    admin: Admin


def build(settings: Settings, mapper: Mapper, failed: Callable[[asyncio.Task[None]], None]) -> Parts:
    """Every part, in the running loop. `failed` is called with background tasks that end."""
    loop = asyncio.get_running_loop()
    metrics = Metrics()
    poster = new_poster(settings)
    topic = settings.mapping.quarantine_topic
    quarantine = TopicQuarantine(settings.kafka, topic, loop) if topic else LogQuarantine()
    report = Report(settings.notifications.url or NOWHERE, metrics, time.monotonic)
    # A POST begun in time ends within http.timeout; the rest is for what can't be measured.
    lease = Lease(settings.kafka.session_timeout - settings.http.timeout - LEASE_MARGIN)
    gate = Gate(
        lease.valid,
        max_unconfirmed=settings.delivery.max_unconfirmed,
        cool_down=settings.delivery.cool_down,
        cool_down_after=settings.delivery.cool_down_after,
    )
    pipeline = Pipeline(
        mapper=mapper,
        style=style(settings.notifications),
        poster=poster,
        quarantine=quarantine,
        report=report,
        gate=gate,
        enabled=settings.notifications.enabled,
        max_age=settings.delivery.max_age or float("inf"),
    )
    source = Input(settings.kafka, lease, loop)
    limits = Limits(
        drain=settings.delivery.drain_timeout,
        records=settings.delivery.max_buffered_records,
        bytes=settings.delivery.max_buffered_bytes,
        reset=settings.kafka.auto_offset_reset,
        covered=COVERED if settings.delivery.mode == "at_most_once" else 0,
    )
    committer = new_committer(settings, source)
    checkpoints = Checkpoints(committer, pipeline.tally, gate, always=settings.kafka.group_instance_id is not None)
    ownership = Ownership(pipeline, source, source.offsets, checkpoints, limits, failed)
    cover = None
    if limits.covered:
        cover = pipeline.cover = Cover(pipeline.lanes, ownership.checkpoint, pipeline.nudge)
    # A revoke may hold the poll thread up for as long as a drain takes.
    patience = settings.kafka.max_poll_interval / 2 + settings.delivery.drain_timeout
    status = Status(pipeline, ownership, source, quarantine, committer, settings.metrics, patience)
    admin = Admin(
        settings.admin.host,
        settings.admin.port,
        metrics=lambda accept: status.render(metrics, accept),
        live=status.live,
        ready=status.ready,
        started=status.started,
    )
    return Parts(poster, quarantine, report, pipeline, source, committer, ownership, cover, admin)


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


def new_committer(settings: Settings, source: Input) -> Transactions | Offsets:
    """What checkpoints are written with."""
    if not settings.delivery.transactions:
        return source.offsets
    identity = settings.delivery.transactional_id or transactional_id(settings.kafka.group_id)
    return Transactions(settings.kafka, identity, lambda: source.consumer, source.fail)
