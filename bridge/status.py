"""What the bridge says of itself: to the probes, and to a scrape."""

import asyncio
import copy
import time
from collections.abc import Mapping

from bridge.checkpoints import Committer
from bridge.core.intake import Intake
from bridge.core.listing import Page, Query, page
from bridge.core.record import Partition
from bridge.edge.admin import Check
from bridge.edge.kafka import Input
from bridge.edge.log import dropped_lines, get_logger
from bridge.edge.metrics import Lag, Metrics, Moment
from bridge.edge.outcomes import Outcomes
from bridge.edge.quarantine import LogQuarantine, TopicQuarantine
from bridge.edge.series import Hidden, series
from bridge.edge.state_topic import StateTopic
from bridge.ownership import Ownership
from bridge.pipeline import Pipeline
from bridge.settings import Settings
from bridge.starting import Starter

log = get_logger(__name__)

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
        pipeline = self._pipeline
        # With every sender busy it is the receiver that holds it up, in turn: with none that answers, for long.
        held_up = pipeline.why_held() is not None or pipeline.cover.failing or pipeline.busy
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


class Unseen:
    """Warns when campaign groups have no series, and once more whenever that are twice as many."""

    def __init__(self, max_groups: int) -> None:
        self._max_groups = max_groups
        self._told = 0

    def tell(self, hidden: Mapping[Hidden, int]) -> None:
        """To be called at each scrape."""
        count = sum(hidden.values())
        if count == 0:
            self._told = 0
        elif count >= 2 * self._told:
            self._told = count
            by_reason = {why.value: number for why, number in hidden.items() if number}
            log.warning("campaign_groups_hidden", by_reason=by_reason, max_groups=self._max_groups)


class Status:
    """Reads the parts of a running bridge; changes nothing."""

    def __init__(
        self,
        pipeline: Pipeline,
        ownership: Ownership,
        source: Input,
        quarantine: LogQuarantine | TopicQuarantine,
        outcomes: Outcomes | None,
        committer: Committer,
        starter: Starter,
        states: StateTopic | None,
        settings: Settings,
    ) -> None:
        self._pipeline = pipeline
        self._ownership = ownership
        self._source = source
        self._quarantine = quarantine
        self._outcomes = outcomes
        self._committer = committer
        self._starter = starter
        self._states = states
        self._settings = settings.metrics
        # A revoke may hold the poll thread up for as long as a drain takes.
        self._patience = settings.kafka.max_poll_interval / 2 + settings.delivery.drain_timeout
        self._progress = Progress(pipeline, ownership, STUCK)
        self._joined_once = False
        self._unseen = Unseen(settings.metrics.max_groups)

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
            Check("state", ok=not self._starter.trouble, reason=self._starter.trouble or "usable"),
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

    def groups(self, query: Query) -> Page:
        """What is known of campaign groups."""
        return page(self._pipeline.table, query, self._pipeline.ticks.periods)

    def moment(self) -> Moment:
        """Everything of a scrape, at one moment of the loop."""
        table = self._pipeline.table
        found = series(
            table,
            tuple(self._settings.labels),
            limit=self._settings.max_groups,
            calling_lists=self._settings.calling_lists,
        )
        self._unseen.tell(found.hidden)
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
            posting_held=self._pipeline.why_held(),
            replaced_times=self._pipeline.replaced_times,
            split=table.split,
            late=table.late,
            unchanged=table.unchanged,
            above_one=table.above_one,
            expired=table.expired,
            ticks_waiting=len(self._pipeline.ticks.waiting),
            starting=len(self._ownership.starting),
            states=found.states,
            hidden=found.hidden,
            quarantine_failures=self._quarantine.failures,
            outcomes_written=self._outcomes.written if self._outcomes else 0,
            outcomes_lost=self._outcomes.lost if self._outcomes else 0,
            log_lines_dropped=dropped_lines(),
            restoring=tuple(self._states.restoring.values()) if self._states else (),
            series=found.samples,
            group_labels=tuple(self._settings.labels),
        )

    def _lag(self, intake: Intake, now: float) -> Lag:
        """Records from the last readable one back to what is done; what is fetched counts until it is done."""
        unread = max(0, (self._source.offsets.highwater(intake.partition) or 0) - intake.ledger.end)
        waiting = unread - min(unread, len(intake.backlog)) + intake.held
        oldest = intake.oldest_ms
        if oldest is None or oldest < 0:  # a record may have no timestamp
            return Lag(intake.partition, waiting, 0.0)
        return Lag(intake.partition, waiting, max(0.0, now - oldest / 1000))

    async def render(self, metrics: Metrics, accept: str) -> tuple[str, bytes]:
        """A scrape: the moment is taken on the loop, its text made in a thread."""
        return await asyncio.to_thread(metrics.render, self.moment(), accept)
