"""What a receiver may rely on in a notification, as a table: types, presence, and which value allows which field."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from bridge.core.vocabulary import PREDICTIVE, Action, Actor, DialMode, GroupState, OptimizeBy

Body = Mapping[str, object]

_TIME = re.compile(r"\d{1,12}\.\d{3}")


def _text(value: object) -> bool:
    return isinstance(value, str)


def _integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _statistic(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)


def _one_of(numbers: Iterable[int]) -> Callable[[object], bool]:
    allowed = frozenset(numbers)
    return lambda value: _integer(value) and value in allowed


ALWAYS: dict[str, Callable[[object], bool]] = {
    "GSW_USER_EVENT": lambda value: value == "CampaignGroupState",
    "GSW_DATE_TIME": lambda value: isinstance(value, str) and _TIME.fullmatch(value) is not None,
    "GSW_TENANT_NAME": _text,
    "GSW_TENANT_CCID": _text,
    "GSW_CAMPAIGN_GROUP_NAME": _text,
    "GSW_CAMPAIGN_GROUP_GUID": _text,
    "GSW_CAMPAIGN_GROUP_DBID": _text,
    "GSW_GROUP_NAME": _text,
    "GSW_CAMPAIGN_NAME": _text,
    "GSW_QUEUE_NAME": _text,
    "GSW_CAMPAIGN_GROUP_STATE": _one_of(GroupState),
    "GSW_CAMPAIGN_GROUP_ACTION": _one_of(Action),
    "GSW_CAMPAIGN_GROUP_ACTOR": _one_of(Actor),
}
SOMETIMES: dict[str, Callable[[object], bool]] = {
    "GSW_CAMPAIGN_TEMPLATE_NAME": _text,
    "GSW_DIAL_MODE": _one_of(DialMode),
    "GSW_OPTIMIZE_BY": _one_of(OptimizeBy),
    "GSW_OPTIMIZE_GOAL": _integer,
    "GSW_STAT_BUSY_FACTOR": _statistic,
    "GSW_STAT_HIT_RATIO": _statistic,
    "GSW_STAT_OVERDIAL_RATE": _statistic,
    "GSW_STAT_TIME_TO_COMPLETE": _statistic,
    "GSW_CALLING_LISTS": lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
}
IN_LIST: dict[str, Callable[[object], bool]] = {
    "GSW_CALLING_LIST": _text,
    "GSW_CALLING_LIST_DBID": _text,
    "GSW_STAT_HIT_RATIO": _statistic,
    "GSW_STAT_TIME_TO_COMPLETE": _statistic,
}


def problems(body: object) -> tuple[str, ...]:
    """What is wrong with a notification's JSON value, in words; empty if nothing is."""
    if not isinstance(body, dict):
        return ("the notification is no JSON object",)
    missing = [f"{name} is missing" for name in ALWAYS if name not in body]
    return (*missing, *_wrong(body, ALWAYS | SOMETIMES), *_misplaced(body), *_lists(body))


def _wrong(body: Body, rules: Mapping[str, Callable[[object], bool]], place: str = "") -> Iterator[str]:
    for name, holds in rules.items():
        if name in body and not holds(body[name]):
            yield f"{place}{name} can't be {str(body[name])[:40]!r}"


def _misplaced(body: Body) -> Iterator[str]:
    """Dial mode only while running, optimization only while a predictive mode is in force."""
    if "GSW_DIAL_MODE" in body and body.get("GSW_CAMPAIGN_GROUP_STATE") != GroupState.Running:
        yield "GSW_DIAL_MODE of a campaign group that is not running"
    for name in ("GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL"):
        if name in body and body.get("GSW_DIAL_MODE") not in PREDICTIVE:
            yield f"{name} without a predictive dial mode"


def _lists(body: Body) -> Iterator[str]:
    lists = body.get("GSW_CALLING_LISTS", [])
    for place, one in enumerate(lists if isinstance(lists, list) else []):
        if isinstance(one, dict):
            yield from _wrong(one, IN_LIST, f"calling list {place}: ")
            if "GSW_CALLING_LIST" not in one:
                yield f"calling list {place}: GSW_CALLING_LIST is missing"
