"""The records of one owned partition between Kafka and the lanes.

Records wait in `backlog`, untouched, until the partition's share of the buffers and its ledger have room. While
anything waits there the partition should be paused; it is resumed at half the share, so that work is left to do until
the first new record arrives.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from bridge.core.ledger import Ledger, Seen
from bridge.core.record import Partition, Record
from bridge.core.share import Share

# Looked up once, as in core/campaigns/derivation.py.
_FRESH: Final = Seen.FRESH


class Intake:
    """One owned partition, from its assignment to its end."""

    def __init__(self, partition: Partition, ledger: Ledger, share: Share) -> None:
        self.partition = partition
        self.ledger = ledger
        self.share = share  # shared by all partitions, changes with their number
        self.backlog: deque[Record] = deque()
        self._next = ledger.end  # the lowest offset that may come
        self.settled = 0  # records done here: what moves is not stuck
        self.bytes = 0  # of records seen and not done
        self.paused = False
        self.admitting = False  # its backlog is being taken over: what is done at once must not begin that again
        self.out = 0  # POSTs and quarantines that have begun and not ended …
        self.ticks_out = 0  # … those of them that are of no record: periodic notifications
        self.parts_out = 0  # … and of what is out, that of records with several events
        self.begun = 0  # such records of which anything went out, and that are not done
        self.gone = False  # owned by another: what ends from now on is no longer ours to count
        self.leaving = False  # being revoked: nothing of it may be taken over any more
        self._open: dict[int, Record] = {}  # by offset: seen and not done

    @property
    def held(self) -> int:
        """Records of this partition in the bridge, whose fate is open; once it leaves, only what is out, or half out."""
        if self.leaving:
            return self.out - self.ticks_out - self.parts_out + self.begun
        return self.ledger.held + len(self.backlog)

    @property
    def oldest_ms(self) -> int | None:
        """The timestamp of the record at the watermark; None where nothing is held."""
        if self._open:
            return self._open[self.ledger.watermark].timestamp_ms
        return self.backlog[0].timestamp_ms if self.backlog else None

    def offer(self, records: Sequence[Record]) -> bool:
        """Records as they came from Kafka. False, and not taken: they lie behind others that came before."""
        if records[0].offset < self._next:
            return False
        self._next = records[-1].offset + 1
        self.backlog.extend(records)
        return True

    def take(self) -> tuple[Record, Seen] | None:
        """The next record that may be taken over, and what is known of it; None: nothing waits, or no room.

        A record that is not fresh counts as done already.
        """
        if not self.backlog or self.leaving or self._crowded():
            return None
        record = self.backlog.popleft()
        seen = self.ledger.see(record.offset)
        if seen is _FRESH:
            self._open[record.offset] = record
            self.bytes += record.size
        return record, seen

    def settle(self, offset: int) -> None:
        """The record at `offset` is done."""
        self.ledger.settle(offset)
        self.settled += 1
        self.bytes -= self._open.pop(offset).size

    def _crowded(self) -> bool:
        held, share = self.ledger.held, self.share
        return held > 0 and (held >= share.records or self.bytes >= share.bytes or self.ledger.full)

    @property
    def wants_pause(self) -> bool | None:
        """True: to be paused, False: to be resumed, None: stay as it is."""
        if self.backlog:
            return None if self.paused else True
        roomy = self.ledger.held <= self.share.records // 2 and self.bytes <= self.share.bytes // 2
        return False if self.paused and roomy else None
