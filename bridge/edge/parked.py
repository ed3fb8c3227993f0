"""Records of paused partitions, which kafka-python 3.0.12 can forget for ever.

A fetch that was handed out in part when its partition was paused is parked, and taken up again after `resume`: but only
while no other fetch is in hand, and a fetch that is used up counts as in hand until the next one comes. With all other
partitions idle, or busy enough to always have one, the resumed partition stands still without a word.
tests/broker/test_parked.py shows the defect, and when a newer kafka-python needs this no more.
"""

from collections.abc import Callable
from typing import Any

from kafka import KafkaConsumer


def never_forget_parked(consumer: KafkaConsumer) -> None:
    """Let the consumer put a used up fetch away before it looks for parked ones. Private state, touched in `poll` only."""
    fetcher = consumer._fetcher  # noqa: SLF001 (there is no public way)

    def put_away() -> None:
        if not fetcher._next_partition_records:  # noqa: SLF001
            fetcher._next_partition_records = None  # noqa: SLF001

    before_each_fetch(consumer, put_away)


def before_each_fetch(consumer: KafkaConsumer, call: Callable[[], None]) -> None:
    """Have something called within `poll`, whenever it looks for records.

    With all partitions paused that is every 100 ms, where `poll` itself returns only after its whole timeout: and a short one
    would make kafka-python forget joins.
    """
    fetcher = consumer._fetcher  # noqa: SLF001 (there is no public way)
    stock = fetcher.fetched_records

    def fetched_records(*args: Any, **options: Any) -> Any:
        call()
        return stock(*args, **options)

    fetcher.fetched_records = fetched_records
