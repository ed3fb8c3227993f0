"""What the bridge says of itself: to the probes, and to a scrape."""

import asyncio
import copy
import time

from bridge.core.intake import Intake
from bridge.core.record import Partition
from bridge.edge.admin import Check
from bridge.edge.kafka import Input
from bridge.edge.log import dropped_lines
from bridge.edge.metrics import Lag, Metrics, Moment
from bridge.edge.offsets import Offsets
from bridge.edge.quarantine import LogQuarantine, TopicQuarantine
from bridge.edge.series import series
from bridge.edge.transactions import Transactions
from bridge.ownership import Ownership
from bridge.pipeline import Pipeline
from bridge.settings import MetricsSettings

STUCK = 300.0  # seconds; far longer than any POST, retry of a commit or rebalance lasts


class Progress:
    """Tells partitions that hold records of which none gets done, although POSTs may begin: a defect of the bridge.

    `seconds`: how long that may last. A POST ends within http.timeout, whatever the receiver does.
    """

    def __init__(self, pipeline: Pipeline, ownership: Ownership, seconds: float) -> None:
        self._pipeline = pipeline
        self._ownership = ownership
        self._seconds = seconds
        self._moved: dict[Partition, tuple[int, float]] = {}  # records settled, and when that number was first seen

    def look(self, now: float) -> dict[Partition, float]:
        """Seconds since each partition with records last moved."""
        held_up = self._pipeline.gate.why_closed(now) is not None or self._pipeline.cover.failing
        before, self._moved = self._moved, {}
        for partition, intake in self._ownership.intakes.items():
            settled, since = before.get(partition, (-1, now))
            waits = intake.held > 0 and not held_up and settled == intake.settled
            self._moved[partition] = intake.settled, since if waits else now
        return {partition: now - since for partition, (_, since) in self._moved.items()}

    def stuck(self, now: float) -> list[str]:
        """What stands still for too long, for people."""
        still = {p: seconds for p, seconds in self.look(now).items() if seconds > self._seconds}
        return [f"{p.topic}-{p.number}: nothing done for {seconds:.0f} s" for p, seconds in still.items()]


class Status:
    """Reads the parts of a running bridge; changes nothing. `patience`: seconds that the poll thread may stand still."""

    def __init__(
        self,
        pipeline: Pipeline,
        ownership: Ownership,
        source: Input,
        quarantine: LogQuarantine | TopicQuarantine,
        committer: Transactions | Offsets,
        settings: MetricsSettings,
        patience: float,
    ) -> None:
        self._pipeline = pipeline
        self._ownership = ownership
        self._source = source
        self._quarantine = quarantine
        self._committer = committer
        self._settings = settings
        self._patience = patience
        self._progress = Progress(pipeline, ownership, STUCK)
        self._joined_once = False

    def live(self) -> list[Check]:
        """Whether a restart would help: the loop answers (it made this list) and the poll thread moves."""
        silence = time.monotonic() - self._source.polled_at
        connecting = not self._joined_once and not self._source.failed.done()
        moves = connecting or silence < self._patience
        stuck = self._progress.stuck(time.monotonic())
        return [
            Check("loop", ok=True, reason="answers"),
            Check("partitions", ok=not stuck, reason="; ".join(stuck) or "move"),
            Check("poll_thread", ok=moves, reason=f"last turn {silence:.1f} s ago, at most {self._patience:g} s"),
        ]

    def ready(self) -> list[Check]:
        """Whether it does its work: a member of its group (with or without partitions), and not stopping."""
        joined = self._source.joined
        self._joined_once = self._joined_once or joined
        return [
            Check("group_joined", ok=joined, reason="a member" if joined else self._source.trouble),
            Check(
                "not_draining",
                ok=not self._ownership.draining,
                reason="draining" if self._ownership.draining else "at work",
            ),
        ]

    def started(self) -> list[Check]:
        """Whether it has been ready once."""
        self.ready()
        return [
            Check(
                "joined_once", ok=self._joined_once, reason="has joined" if self._joined_once else self._source.trouble
            )
        ]

    def moment(self) -> Moment:
        """Everything of a scrape, at one moment of the loop."""
        table = self._pipeline.table
        found = series(
            table,
            tuple(self._settings.labels),
            limit=self._settings.max_groups,
            calling_lists=self._settings.calling_lists,
        )
        now = time.time()
        return Moment(
            tally=copy.deepcopy(self._pipeline.tally),
            held=self._ownership.held,
            queued=self._pipeline.lanes.queued,
            in_flight=len(self._pipeline.flights),
            lags=tuple(self._lag(intake, now) for intake in self._ownership.intakes.values()),
            assigned=len(self._ownership.intakes),
            joined=self._source.joined,
            polled_at=now - (time.monotonic() - self._source.polled_at),
            missing_topics=len(self._source.missing),
            standing=self._progress.look(time.monotonic()),
            replaced_producers=self._committer.replaced,
            unconfirmed=self._pipeline.gate.unconfirmed,
            posting_held=self._pipeline.gate.why_closed(time.monotonic()),
            replaced_times=self._pipeline.replaced_times,
            split=table.split,
            late=table.late,
            above_one=table.above_one,
            states=found.states,
            hidden=found.hidden,
            quarantine_failures=self._quarantine.failures,
            log_lines_dropped=dropped_lines(),
            series=found.samples,
            group_labels=tuple(self._settings.labels),
        )

    def _lag(self, intake: Intake, now: float) -> Lag:
        """Records from the last readable one back to what is done; what is fetched counts until it is done."""
        unread = max(0, (self._source.offsets.highwater(intake.partition) or 0) - intake.ledger.end)
        waiting = unread - min(unread, len(intake.backlog)) + intake.held
        oldest = intake.oldest_ms
        return Lag(intake.partition, waiting, max(0.0, now - oldest / 1000) if oldest is not None else 0.0)

    async def render(self, metrics: Metrics, accept: str) -> tuple[str, bytes]:
        """A scrape: the moment is taken on the loop, its text made in a thread."""
        return await asyncio.to_thread(metrics.render, self.moment(), accept)
