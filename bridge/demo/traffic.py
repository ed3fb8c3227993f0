"""Campaign traffic as a dialling platform would write it: pure and repeatable, in the `generic` event format.

All campaign groups load and start at once; then most records are statistics, a share are changes of the life cycle
(life.py), and a few are bad on purpose. Everything of a group has its GUID as key, so it stays in one partition.
"""

import random
from enum import IntEnum
from typing import NamedTuple

import msgspec

from bridge.core.vocabulary import PREDICTIVE, GroupState, Kind
from bridge.demo.cast import cast
from bridge.demo.life import Life

Fields = dict[str, object]


class Message(NamedTuple):
    """A record to write; a value of None is a tombstone."""

    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = (("content-type", b"application/json"),)


class Traffic:
    """`changes` and `bad` are shares of all records; one seed gives the same records for the same times."""

    def __init__(self, seed: int = 1, groups: int = 8, *, changes: float = 0.08, bad: float = 0.01) -> None:
        self._rng = random.Random(seed)  # noqa: S311 (made-up traffic, no secret)
        self._lives = [Life(member, self._rng) for member in cast(groups, self._rng)]
        self._changes = changes
        self._bad = bad
        self._opening = [life for life in self._lives for _ in ("load", "start")]
        self._opening.reverse()

    def next(self, now_ms: int) -> Message:
        """The next record; `now_ms`: milliseconds since the epoch, never going back."""
        if self._opening:
            return self._change(self._opening.pop(), now_ms)
        life = self._rng.choice(self._lives)
        dice = self._rng.random()
        if dice < self._bad:
            return self._spoiled(life, now_ms)
        if life.used_up or dice < self._bad + self._changes:
            return self._change(life, now_ms)
        return self._statistics(life, now_ms)

    def _change(self, life: Life, now_ms: int) -> Message:
        life.change(now_ms)
        fields = _fields(life, Kind.CHANGE, now_ms) | _situation(life)
        if life.state is GroupState.Active:  # just loaded or stopped: nothing is dialled, so nothing can be computed
            fields["statistics"] = {
                "busy_factor": None,
                "hit_ratio": round(life.hit.value, 3),
                "time_to_complete": None,
            }
        return _message(life, fields)

    def _statistics(self, life: Life, now_ms: int) -> Message:
        running = [one for one in (life, *self._rng.choices(self._lives, k=8)) if one.state is GroupState.Running]
        if not running:
            return self._change(life, now_ms)
        life = running[0]
        life.drift(now_ms)
        fields = _fields(life, Kind.STATISTICS, now_ms)
        fields["statistics"] = _numbers(life)
        if self._rng.random() < 0.25:
            fields["calling_lists"] = _calling_lists(life)
        return _message(life, fields)

    def _spoiled(self, life: Life, now_ms: int) -> Message:
        """A record that is no event, one of the kinds met in practice."""
        good = _fields(life, Kind.CHANGE, now_ms) | _situation(life)
        spoil = self._rng.choice(("cut", "negative", "word", "nameless", "tombstone"))
        match spoil:
            case "tombstone":
                return Message(life.member.guid.encode(), None)
            case "negative":
                good["statistics"] = {"hit_ratio": -0.25}
            case "word":
                good["state"] = "Warming up"
            case "nameless":
                good = {"kind": "statistics", "time": now_ms, "statistics": _numbers(life)}
        message = _message(life, good)
        return (
            message._replace(value=message.value[: len(message.value) // 2])
            if spoil == "cut" and message.value
            else message
        )


def _fields(life: Life, kind: Kind, now_ms: int) -> Fields:
    return {"kind": kind.value, "time": now_ms, **life.member.names}


def _situation(life: Life) -> Fields:
    """State, action and actor, and while it runs the dial mode and what that is optimized for."""
    situation: dict[str, IntEnum | int] = {"state": life.state, "action": life.action, "actor": life.actor}
    if life.state is GroupState.Running:
        situation["dial_mode"] = life.mode
        if life.mode in PREDICTIVE:
            situation |= {"optimize_by": life.optimize_by, "optimize_goal": life.optimize_goal}
    return {name: _word(value, numbers=life.member.numbers) for name, value in situation.items()}


def _word(value: IntEnum | int, *, numbers: bool) -> object:
    return value.name if isinstance(value, IntEnum) and not numbers else int(value)


def _numbers(life: Life) -> Fields:
    return {
        "busy_factor": round(life.busy.value, 3),
        "hit_ratio": round(life.hit.value, 3),
        # Only predictive dialling can overdial.
        "overdial_rate": round(life.overdial.value, 4) if life.mode in PREDICTIVE else None,
        "time_to_complete": life.seconds_left,
    }


def _calling_lists(life: Life) -> list[Fields]:
    """Each list has the group's statistics within a few percent, and an equal part of what is left."""
    lists = life.member.lists
    return [
        {
            "name": name,
            "dbid": dbid,
            "hit_ratio": round(life.hit.value * (0.9 + 0.1 * place), 3),
            "time_to_complete": life.seconds_left // len(lists),
        }
        for place, (name, dbid) in enumerate(lists)
    ]


def _message(life: Life, fields: Fields) -> Message:
    return Message(life.member.guid.encode(), msgspec.json.encode(fields))
