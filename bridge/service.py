"""The service: starts the parts, waits, and stops them in order."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from bridge import __version__
from bridge.app import Parts, build, mapper
from bridge.core.directory import DirectoryError
from bridge.core.groups import GroupTable
from bridge.core.tally import Tally
from bridge.edge.files import DirectoryFile, UnusableFile
from bridge.edge.kafka_options import explained
from bridge.edge.log import get_logger, safe_url
from bridge.edge.report import Report
from bridge.pipeline import Pipeline
from bridge.settings import Settings

log = get_logger(__name__)

LEAVE = 5.0  # seconds to leave the group, once everything is committed
TURN = 0.05  # seconds until a slot that is due, or a gate that opened, is noticed
DIRECTORY = 5.0  # seconds between looks at the directory's file


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
        loop = asyncio.get_running_loop()
        self._broken = loop.create_future()
        loop.set_exception_handler(self._callback_failed)
        parts = self._parts = build(self._settings, self._mapper, self._ended)
        await parts.admin.start()
        senders = [parts.pipeline.send() for _ in range(self._settings.http.max_in_flight)]
        checkpoints = parts.ownership.keep_checkpoints(self._settings.delivery.checkpoint_interval)
        tasks = [
            self._spawn(work)
            for work in (
                *senders,
                checkpoints,
                self._each_second(parts.report),
                self._turn(parts.pipeline),
                self._watch_directory(parts.pipeline),
                *([parts.cover.keep()] if parts.cover else []),
            )
        ]
        self._say_started(parts)
        parts.source.start(parts.ownership)
        failure = await self._until(stop, parts.source.failed)
        log.info("stopping", held=parts.ownership.held, in_flight=len(parts.pipeline.flights))
        await parts.ownership.stop()
        await parts.source.close(LEAVE)
        await parts.committer.close()
        for task in tasks:
            task.cancel()
        writers = [writer for writer in (parts.quarantine, parts.outcomes) if writer is not None]
        await asyncio.gather(*(writer.close(LEAVE) for writer in writers))
        await parts.poster.close()
        await parts.admin.stop()
        if failure is not None:
            log.error("failed", reason=explained(failure), exc_info=failure)
        log.info("stopped", posted=parts.pipeline.tally.posted)
        return 0 if failure is None else 1

    def _say_started(self, parts: Parts) -> None:
        settings = self._settings
        log.info(
            "started",
            version=__version__,
            receiver=safe_url(settings.notifications.url) if settings.notifications.url else "none",
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

    def _callback_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """So does a callback of the loop; what else asyncio tells (of connections that broke) is for the log."""
        error = context.get("exception")
        if "handle" in context and error is not None and not self._broken.done():
            self._broken.set_result(error)
        else:
            loop.default_exception_handler(context)

    async def _each_second(self, report: Report) -> None:
        while True:
            await asyncio.sleep(1.0)
            report.tick()

    async def _turn(self, pipeline: Pipeline) -> None:
        while True:
            await asyncio.sleep(TURN)
            pipeline.turn()

    async def _watch_directory(self, pipeline: Pipeline) -> None:
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
                pipeline.ticks.look_at_all()
                log.info("directory_read", setting="mapping.directory_file")
