"""What `poll` does between two answers of the brokers, in place of kafka-python's `fetch_records`.

kafka-python 3.0.12 wakes the polling thread for each answer; it takes the records, has the loop called, and goes through the whole
of `poll` for the next fetch. Where a fetch brings one record, that is most of what the record costs. So few records are handed over
where their answer arrives, on kafka-python's own thread, which fetches on by itself (docs/decisions/0011 has the figures). Nearly
all of them come by the first look at that answer (first_look.py).
The polling thread stands still meanwhile: nothing here is touched by both at once.
"""

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kafka import KafkaConsumer
from kafka.future import Future

from bridge.edge.first_look import Batch, FirstLook, Give

FEW = 50  # records of a fetch, which costs as much CPU as they do: at low rates some share one (kafka.poll_linger)
SPAN = 0.1  # seconds for which few records at a time may keep `poll` from the group, from resets, and from its end

Look = Callable[[], tuple[Batch, bool]]  # what has been fetched by now, and whether there is more of it


class Fetching:
    """Of one consumer: private state, set before the first poll.

    `give` hands few records over without waiting; False: it has no room. `resumed` is set when a partition is resumed: while all
    are paused kafka-python sleeps 100 ms at a time, in which a busy bridge settles all that it holds, and stands still.
    `linger`: seconds from few records to the next fetch.
    """

    def __init__(self, consumer: KafkaConsumer, give: Give, resumed: threading.Event, linger: float) -> None:
        self._fetcher = consumer._fetcher  # noqa: SLF001 (there is no public way)
        self._net = consumer._fetcher._net  # noqa: SLF001
        self._coordinator = consumer._coordinator  # noqa: SLF001
        self._longest_sleep = consumer.config["retry_backoff_ms"] / 1000
        self._give = give
        self._resumed = resumed
        self._linger = linger
        self._first_look = FirstLook(consumer, give, min(FEW - 1, consumer.config["max_poll_records"]))
        self._fetcher.fetch_records = self.fetch_records

    def fetch_records(self, max_records: int, *, update_offsets: bool = True, timeout_ms: float) -> tuple[Batch, bool]:
        """Records, none if they were handed over or none came in time; False: there is no need to sleep."""
        until = time.monotonic() + timeout_ms / 1000
        self._resumed.clear()
        look = partial(self._fetcher.fetched_records, max_records, update_offsets=update_offsets)
        records = self._take(look)
        if records:
            if not self._fetcher._completed_fetches:  # noqa: SLF001
                self._fetcher.send_fetches()
            return records, False
        records, idle = self._net.run(partial(self._fetch_on, look, until, handed_over=records is None))
        if idle:
            self._resumed.wait(min(self._longest_sleep, _left(until)))
        return records, False

    # From here on, kafka-python's thread; `_take` is for both.

    async def _fetch_on(self, look: Look, until: float, *, handed_over: bool) -> tuple[Batch, bool]:
        """Records for `poll` to return, and whether there is nothing to wait for."""
        while True:
            if handed_over:
                until = min(until, time.monotonic() + SPAN)
                if self._linger:
                    await self._net.sleep(self._linger)
            if self._fetcher._completed_fetches:  # noqa: SLF001
                # With no wait after it: the answers of all fetches from now on would lie ready while one waits.
                records = self._take(look)
                if records:
                    return records, False
            await self._fetcher._send_fetches_async()  # noqa: SLF001
            awaited = self._under_way()
            if not awaited:
                return {}, True
            records = await self._first(awaited, look, until)
            if records is not None or self._coordinator.need_rejoin():
                return records or {}, False
            handed_over = True

    def _under_way(self) -> list[Future]:
        """Fetches, and where partitions start, as far as it has to be asked for."""
        reset = self._fetcher._reset_task  # noqa: SLF001
        unknown = [] if reset is None or reset.is_done else [reset]
        return [*self._fetcher._fetch_futures, *unknown]  # noqa: SLF001

    async def _first(self, awaited: Iterable[Future], look: Look, until: float) -> Batch | None:
        """What there is once one of them has come, or the time is over; None: it was handed over."""
        found: Any = Future()
        self._first_look.begin()

        def arrive(_: object = None) -> None:  # within the handling of the answer: a turn of kafka-python's loop sooner
            if found.is_done:
                return
            try:
                found.success(None if self._first_look.end() else self._take(look))
            except Exception as error:  # noqa: BLE001 (`poll` raises it)
                found.failure(error)

        timer = self._net.call_later(_left(until), arrive)
        try:
            for future in awaited:
                future.add_both(arrive)
            records: Batch | None = await found
        finally:
            self._first_look.end()
            if not found.is_done:
                found.success(None)  # what comes later is for the polling thread to find
            self._net.cancel(timer)
        return records

    def _take(self, look: Look) -> Batch | None:
        """What there is; None: it was handed over."""
        records, more = look()
        if not records or more or sum(map(len, records.values())) >= FEW or not self._give(records):
            return records
        return None


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())
