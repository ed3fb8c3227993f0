"""Reading a record by the rules of a profile."""

from collections.abc import Callable
from typing import Protocol

from bridge.core.envelopes import Envelope, open_record
from bridge.core.event import Event
from bridge.core.outcome import Skip
from bridge.core.paths import Input
from bridge.core.record import Record


class Rule(Protocol):
    """Which records are selected, and how their event is read."""

    @property
    def selects(self) -> Callable[[Input], bool]:
        """Whether a record is."""

    @property
    def event(self) -> Callable[[Input], Event]:
        """Its event. Raises InvalidEvent."""


def read_event(record: Record, envelopes: tuple[Envelope, ...], rules: tuple[Rule, ...]) -> Event | Skip:
    """What the first rule that selects a record makes of it, once its envelopes are off. Raises InvalidEvent, and nothing else."""
    value = record.value
    if not value:
        return Skip.TOMBSTONE
    given = open_record(record, value, envelopes)
    for rule in rules:
        if rule.selects(given):
            return rule.event(given)
    return Skip.NOT_SELECTED
