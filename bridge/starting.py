"""What must be known before a partition is read: where it starts, and what the last owner knew of its campaign groups.

Committed offsets come first, then the state topic: a transaction that is still open holds up both, so what is restored
is never older than the offsets. Whatever does not answer is asked again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import TypeVar

import msgspec

from bridge.core.arrival import Arrival
from bridge.core.campaign_group import CampaignGroup
from bridge.core.groups import Changed, GroupTable
from bridge.core.mapping.mapper import Mapper
from bridge.core.outcome import InvalidEvent, StateTopicError, Unavailable
from bridge.core.record import Partition, Record, names
from bridge.core.start import Reset, Start, resolve
from bridge.core.tally import Tally
from bridge.edge.assignor import unequal
from bridge.edge.log import get_logger
from bridge.ports import Clock, History, Offsets, States

T = TypeVar("T")
log = get_logger(__name__)

RETRY = 1.0  # seconds between attempts to learn something
REPAIR = 10.0  # seconds between looks at a state topic that somebody has to mend


class Known(msgspec.Struct):
    """Campaign groups of a partition number; `changed`: those that the state topic does not have like this."""

    groups: list[CampaignGroup]
    changed: Changed


class Starter:
    """`states` None: nothing is kept over restarts. `seed_ms`: how much of the input's history a first start reads."""

    def __init__(
        self,
        offsets: Offsets,
        states: States | None,
        history: History,
        mapper: Mapper,
        tally: Tally,
        *,
        reset: Reset,
        seed_ms: int,
        clock: Clock,
    ) -> None:
        self.trouble = ""  # what somebody has to mend before partitions can start
        self.counts: dict[str, int] = {}  # partitions of each topic
        self._ids: dict[Partition, str] = {}  # of the topic, when the partition last started here
        self._offsets = offsets
        self._states = states
        self._history = history
        self._mapper = mapper
        self._tally = tally
        self._reset: Reset = reset
        self._seed_ms = seed_ms
        self._clock = clock

    @property
    def count(self) -> int:
        """Partitions of the input, whose topics should have the same number."""
        return max(self.counts.values(), default=0)

    async def starts(self, partitions: Collection[Partition]) -> dict[Partition, Start]:
        """Where partitions start."""
        starts = await self._until_known(lambda: self._resolve(partitions), partitions)
        if text := unequal(self.counts):
            log.warning("topics_not_co_partitioned", reason=text)
        if self._states is not None:
            states = self._states
            await self._until_known(lambda: states.ensure(self.count), partitions)
        return starts

    async def _resolve(self, partitions: Collection[Partition]) -> dict[Partition, Start]:
        logs = await self._offsets.logs(partitions)
        starts = {}
        for topic in sorted({p.topic for p in partitions}):
            commits = await self._offsets.committed(topic)
            # Metadata may be older than what the leader of the group said at this rebalance.
            self.counts[topic] = count = max(commits.count, self.counts.get(topic, 0))
            commits = msgspec.structs.replace(commits, count=count)
            for partition in (p for p in partitions if p.topic == topic):
                known_id = self._ids.get(partition, "")
                starts[partition] = resolve(
                    partition.number, commits, logs[partition], reset=self._reset, known_id=known_id
                )
        self._ids |= {partition: start.topic_id for partition, start in starts.items()}
        return starts

    async def known(self, number: int, starts: dict[Partition, Start]) -> Known:
        """What is known of the groups of a partition number, whose partitions start as said."""
        groups = await self._restored(self._states, number, starts) if self._states is not None else []
        ends = {p: start.offset for p, start in starts.items() if start.first or self._states is None}
        if not (self._seed_ms and ends):
            return Known(groups, {})
        table = GroupTable(saved=self._states is not None)
        table.grow(self.count)
        table.restore(groups, 0, 0)
        since_ms = round(self._clock.wall() * 1000) - self._seed_ms

        def take(records: list[Record]) -> None:
            self._seed(table, records)

        self._tally.seeded += await self._until_known(lambda: self._history.read(ends, since_ms, take), ends)
        return Known(list(table), table.unsaved(number))

    async def _restored(self, states: States, number: int, starts: Collection[Partition]) -> list[CampaignGroup]:
        restored = await self._until_known(lambda: states.restore(number), starts)
        self._tally.states_read += restored.records
        self._tally.states_restored += len(restored.groups)
        self._tally.states_bad += restored.bad
        self._tally.restore_seconds += restored.seconds
        return restored.groups

    def _seed(self, table: GroupTable, records: list[Record]) -> None:
        """On a table that nobody else has yet."""
        for record in records:
            try:
                arrivals = self._mapper.arrivals(record, fresh=False)
            except InvalidEvent:
                continue  # it was never ours to quarantine
            for arrival in arrivals:
                _learn(table, arrival)

    async def _until_known(self, ask: Callable[[], Awaitable[T]], partitions: Collection[Partition]) -> T:
        while True:
            try:
                found = await ask()
            except Unavailable as error:
                log.warning("start_unknown", partitions=names(partitions), reason=str(error), retry_seconds=RETRY)
                await asyncio.sleep(RETRY)
            except StateTopicError as error:
                self.trouble = str(error)
                log.warning(
                    "state_topic_unusable", partitions=names(partitions), reason=str(error), retry_seconds=REPAIR
                )
                await asyncio.sleep(REPAIR)
            else:
                self.trouble = ""
                return found


def _learn(table: GroupTable, arrival: Arrival) -> None:
    seen_ms = arrival.record.timestamp_ms
    with suppress(InvalidEvent):  # as above
        table.merge(arrival.key, arrival.event, arrival.stamp, arrival.policy, arrival.row, seen_ms)
