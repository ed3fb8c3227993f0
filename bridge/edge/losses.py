"""A loss of the membership in the middle of a rebalance, which kafka-python 3.0.12 tells nobody.

Rebalance call-backs are for one attempt to join. If the broker drops the member while that attempt waits (its session was over, or
an administrator removed it), the answer is UNKNOWN_MEMBER_ID and kafka-python joins again as somebody new, within the
same attempt: `on_partitions_lost` is never called. What it had then counts as owned all along: it would be posted on
from offsets another may have passed meanwhile, or given up with a commit that the broker believes, as the generation is new.
tests/broker/test_losses.py shows the defect, and when a newer kafka-python needs this no more.
"""

from typing import Any

from kafka import KafkaConsumer


def always_tell_losses(consumer: KafkaConsumer) -> None:
    """Let each loss of the generation begin a new attempt. Private state, touched on kafka-python's own thread only."""
    coordinator = consumer._coordinator  # noqa: SLF001 (there is no public way)
    stock = coordinator.reset_generation

    def reset_generation(*args: Any, **options: Any) -> None:
        stock(*args, **options)
        coordinator.rejoining = False

    coordinator.reset_generation = reset_generation
