"""The OCS notification: exactly the fields of the page "Campaign Group Status Reporting", in its order."""

from typing import Final

import msgspec

from bridge.core.body import body_type
from bridge.core.event import CallingList, Statistic, Statistics
from bridge.core.facts import Facts
from bridge.core.style import Style
from bridge.core.vocabulary import PREDICTIVE, GroupState

USER_EVENT = "CampaignGroupState"
encode: Final = msgspec.json.Encoder().encode
UNSET: Final = msgspec.UNSET  # looked up once, as in campaigns/derivation.py
_RUNNING: Final = GroupState.Running
_NULLS: Final = (None, None, None, None)
_NOTHING: Final = (UNSET, UNSET, UNSET, UNSET)
_DECIMALS: Final = [f".{milliseconds:03d}" for milliseconds in range(1000)]


def render(facts: Facts, style: Style) -> bytes:
    """The JSON body of the POST."""
    tenant, ccid, campaign_group, guid, dbid, group, campaign, template, queue = facts.names
    dial_mode, optimize_by, optimize_goal = _mode(facts)
    busy_factor, hit_ratio, overdial_rate, time_to_complete = _statistics(facts.statistics, style)
    body = body_type(style.calling_lists_key)(
        USER_EVENT,
        date_time(facts.time_ms),
        style.unknown_text if tenant is None else tenant,
        style.unknown_text if ccid is None else ccid,
        campaign_group,
        guid,
        dbid,
        group,
        campaign,
        UNSET if template is None else template,
        queue,
        dial_mode,
        optimize_by,
        optimize_goal,
        facts.state,
        style.periodic_action if facts.periodic and style.periodic_action is not None else facts.action,
        facts.actor,
        busy_factor,
        hit_ratio,
        overdial_rate,
        time_to_complete,
        [_calling_list(values, style) for values in facts.calling_lists] if facts.calling_lists else UNSET,
    )
    return encode(body)


def date_time(time_ms: int) -> str:
    """UTC seconds since the epoch with three decimals, whatever the locale: `1544659952.123`."""
    if time_ms < 0:
        return "-" + date_time(-time_ms)
    return str(time_ms // 1000) + _DECIMALS[time_ms % 1000]


def _mode(facts: Facts) -> tuple[object, object, object]:
    """Dial mode, optimization and its goal, where they are told."""
    mode = facts.dial_mode
    if facts.state is not _RUNNING or mode is None:
        return UNSET, UNSET, UNSET
    if mode not in PREDICTIVE:
        return mode, UNSET, UNSET
    by, goal = facts.optimize_by, facts.optimize_goal
    return mode, UNSET if by is None else by, UNSET if goal is None else goal


def _statistics(values: Statistics | None, style: Style) -> tuple[object, object, object, object]:
    """All four, null where nobody gave them, unless `missing_statistics` leaves them out."""
    if values is None:
        return _NULLS if style.missing_statistics == "always" else _NOTHING
    return (
        _told(values.busy_factor, style),
        _told(values.hit_ratio, style),
        _told(values.overdial_rate, style),
        _told(values.time_to_complete, style),
    )


def _told(value: Statistic, style: Style) -> object:
    return None if value is UNSET and style.missing_statistics != "omit" else value


def _calling_list(values: CallingList, style: Style) -> dict[str, object]:
    body: dict[str, object] = {"GSW_CALLING_LIST": values.name}
    if values.dbid is not None:
        body["GSW_CALLING_LIST_DBID"] = values.dbid
    for key, value in (
        ("GSW_STAT_HIT_RATIO", values.hit_ratio),
        ("GSW_STAT_TIME_TO_COMPLETE", values.time_to_complete),
    ):
        told = _told(value, style)
        if told is not UNSET:
            body[key] = told
    return body
