"""Until when this member may believe that it owns its partitions.

The broker gives a partition to another once no heartbeat came for a session timeout, and nobody tells the old owner: a
process that was stopped and goes on would post what its successor posts too. So ownership also ends by our own clock.
The lease starts at the *send* time of the last heartbeat that was *answered*: the broker's own timer started later.

This is the one place that reads kafka-python's private heartbeat (`_coordinator.heartbeat`: last_send, last_receive,
both monotonic seconds, 3.0.12); tests/broker/test_lease.py shows when it drifts.
"""

import time
from collections.abc import Callable

from kafka import KafkaConsumer

NEVER = float("-inf")


class Lease:
    """`seconds`: how long one lasts, that is the session timeout less the time that a POST begun now may take."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._started = NEVER
        self._awaited = NEVER  # when the heartbeat was sent that was last seen on its way
        self._consumer: KafkaConsumer | None = None

    def of(self, consumer: KafkaConsumer | None) -> None:
        """From now on the lease is this consumer's: it has none until a heartbeat of it is answered."""
        self._consumer = consumer
        self._started = self._awaited = NEVER

    def valid(self) -> bool:
        """Whether a POST may begin now. Reads the clock after everything else: a stop in between must not count."""
        if self._consumer is not None:
            heartbeat = self._consumer._coordinator.heartbeat  # noqa: SLF001 (see above)
            received, sent = heartbeat.last_receive, heartbeat.last_send
            # One is on its way at a time. Where answers take longer than the interval, the next is sent with the answer of
            # the one before: nobody sees it answered, but what was seen on its way was.
            answered = sent if received >= sent else self._awaited if received >= self._awaited else NEVER
            self._started = max(self._started, answered)
            self._awaited = sent
        return self._clock() < self._started + self._seconds
