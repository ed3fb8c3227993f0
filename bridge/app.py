"""The composition root: every object of the service is made here, top to bottom."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bridge import __version__
from bridge.checkpoints import Checkpoints
from bridge.core.directory import DirectoryError
from bridge.core.groups import GroupTable, Policy
from bridge.core.mapping import Mapper, Route
from bridge.core.notification import Style
from bridge.core.tally import Tally
from bridge.core.vocabulary import Action
from bridge.edge.admin import Admin
from bridge.edge.files import DirectoryFile, UnusableFile, load_profile
from bridge.edge.kafka import Input
from bridge.edge.log import get_logger, safe_url
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

LEAVE = 5.0  # seconds to leave the group, once everything is committed
DIRECTORY = 5.0  # seconds between looks at the directory's file


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
    ownership: Ownership
    admin: Admin


def build(settings: Settings, mapper: Mapper, failed: Callable[[asyncio.Task[None]], None]) -> Parts:
    """Every part, in the running loop. `failed` is called with background tasks that end."""
    loop = asyncio.get_running_loop()
    url = (
        settings.notifications.url or "http://127.0.0.1"
    )  # without one nothing is posted: notifications.enabled is false
    metrics = Metrics()
    poster = Poster(
        url,
        settings.http,
        ssl_context=receiver_context(settings.http) if url.startswith("https:") else None,
        headers=settings.http.all_headers(),
        token=settings.http.token(),
    )
    topic = settings.mapping.quarantine_topic
    quarantine = TopicQuarantine(settings.kafka, topic, loop) if topic else LogQuarantine()
    report = Report(url, metrics, time.monotonic)
    pipeline = Pipeline(
        mapper=mapper,
        style=style(settings.notifications),
        poster=poster,
        quarantine=quarantine,
        report=report,
        enabled=settings.notifications.enabled,
    )
    source = Input(settings.kafka, loop)
    limits = Limits(
        drain=settings.delivery.drain_timeout,
        records=settings.delivery.max_buffered_records,
        bytes=settings.delivery.max_buffered_bytes,
        reset=settings.kafka.auto_offset_reset,
    )
    checkpoints = Checkpoints(committer(settings, source), pipeline.tally)
    ownership = Ownership(pipeline, source, source.offsets, checkpoints, limits, failed)
    # A revoke may hold the poll thread up for as long as a drain takes.
    patience = settings.kafka.max_poll_interval / 2 + settings.delivery.drain_timeout
    status = Status(pipeline, ownership, source, quarantine, settings.metrics, patience)
    admin = Admin(
        settings.admin.host,
        settings.admin.port,
        metrics=lambda accept: status.render(metrics, accept),
        live=status.live,
        ready=status.ready,
        started=status.started,
    )
    return Parts(poster, quarantine, report, pipeline, source, ownership, admin)


def committer(settings: Settings, source: Input) -> Transactions | Offsets:
    """What checkpoints are written with."""
    if not settings.delivery.transactions:
        return source.offsets
    identity = settings.delivery.transactional_id or transactional_id(settings.kafka.group_id)
    return Transactions(settings.kafka, identity, lambda: source.consumer, source.fail)


class Bridge:
    """The service. UnusableFile, ProfileError, DirectoryError when it is made; needs a running loop only in `run`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        file = settings.mapping.directory_file
        self._directory = DirectoryFile(file) if file else None
        self._mapper = mapper(settings.mapping, self._directory)
        self._parts: Parts | None = None
        self._broken: asyncio.Future[BaseException]

    @property
    def tally(self) -> Tally:
        """Counts so far."""
        return self._parts.pipeline.tally if self._parts else Tally()

    @property
    def table(self) -> GroupTable:
        """The campaign groups known now."""
        return self._parts.pipeline.table if self._parts else GroupTable()

    async def run(self, stop: asyncio.Event) -> int:
        """Work until `stop` is set; the exit code: 0, or 1 after a failure that a restart may mend.

        OSError: the admin server's port can't be had.
        """
        self._broken = asyncio.get_running_loop().create_future()
        parts = self._parts = build(self._settings, self._mapper, self._ended)
        await parts.admin.start()
        senders = [parts.pipeline.send() for _ in range(self._settings.http.max_in_flight)]
        checkpoints = parts.ownership.keep_checkpoints(self._settings.delivery.checkpoint_interval)
        tasks = [
            self._spawn(work)
            for work in (*senders, checkpoints, self._each_second(parts.report), self._watch_directory())
        ]
        self._say_started(parts)
        parts.source.start(parts.ownership)
        failure = await self._until(stop, parts.source.failed)
        log.info("stopping", held=parts.ownership.held, in_flight=parts.pipeline.in_flight)
        await parts.ownership.stop()
        await parts.source.close(LEAVE)
        for task in tasks:
            task.cancel()
        await parts.quarantine.close(LEAVE)
        await parts.poster.close()
        await parts.admin.stop()
        if failure is not None:
            log.error("failed", reason=f"{type(failure).__name__}: {failure}", exc_info=failure)
        log.info("stopped", posted=parts.pipeline.tally.posted)
        return 0 if failure is None else 1

    def _say_started(self, parts: Parts) -> None:
        settings = self._settings
        log.info(
            "started",
            version=__version__,
            receiver=safe_url(settings.notifications.url or "none: notifications.enabled is false"),
            topics=settings.kafka.topics or settings.kafka.topic_pattern,
            group_id=settings.kafka.group_id,
            auto_offset_reset=settings.kafka.auto_offset_reset,
            admin_port=parts.admin.port,
        )

    async def _until(self, stop: asyncio.Event, failed: asyncio.Future[BaseException]) -> BaseException | None:
        stopped = asyncio.create_task(stop.wait())
        ends: set[asyncio.Future[Any]] = {stopped, failed, self._broken}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        return next((future.result() for future in (failed, self._broken) if future.done()), None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A background task fails only by a defect: then the bridge stops, and its supervisor starts it again."""
        if not task.cancelled() and (error := task.exception()) is not None and not self._broken.done():
            self._broken.set_result(error)

    async def _each_second(self, report: Report) -> None:
        while True:
            await asyncio.sleep(1.0)
            report.tick()

    async def _watch_directory(self) -> None:
        """Read the directory again when its file changes; one that can't be used leaves the old one in force."""
        while self._directory is not None:
            await asyncio.sleep(DIRECTORY)
            if not self._directory.changed:
                continue
            try:
                self._mapper.directory = await asyncio.to_thread(self._directory.read)
            except (UnusableFile, DirectoryError) as error:
                log.warning("directory_kept", setting="mapping.directory_file", reason=str(error))
            else:
                log.info("directory_read", setting="mapping.directory_file")
