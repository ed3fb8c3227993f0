"""Reading a record by the rules of a profile."""

from collections.abc import Callable
from typing import Protocol

from bridge.core.envelopes import Opening
from bridge.core.event import Event
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.paths import Input
from bridge.core.record import Record

#: What becomes of one event of a record that may hold several.
Found = Event | Skip | InvalidEvent


class Rule(Protocol):
    """Which records are selected, and how their event is read."""

    @property
    def selects(self) -> Callable[[Input], bool]:
        """Whether a record is."""

    @property
    def event(self) -> Callable[[Input], Event | Skip]:
        """Its event, or why there is none. Raises InvalidEvent."""


def read_record(record: Record, opening: Opening, rules: tuple[Rule, ...]) -> Event | Skip | list[Found]:
    """What the first rule that selects a record makes of it, once its envelopes are off; a list where it may hold several.

    Raises InvalidEvent, and nothing else.
    """
    value = record.value
    if not value:
        return Skip.TOMBSTONE
    given = opening.open(record, value)
    if isinstance(given, Skip):
        return given
    if isinstance(given, list):
        return [one if isinstance(one, InvalidEvent) else _either(one, rules) for one in given]
    return _read(given, rules)


def _read(given: Input, rules: tuple[Rule, ...]) -> Event | Skip:
    for rule in rules:
        if rule.selects(given):
            return rule.event(given)
    return Skip.NOT_SELECTED


def _either(given: Input, rules: tuple[Rule, ...]) -> Found:
    try:
        return _read(given, rules)
    except InvalidEvent as error:
        return error
