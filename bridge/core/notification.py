"""The OCS notification: exactly the fields of the page "Campaign Group Status Reporting", in its order."""

from typing import Literal

import msgspec
from msgspec import UNSET

from bridge.core.event import CallingList, Statistic
from bridge.core.group import Facts
from bridge.core.vocabulary import PREDICTIVE, Action, GroupState

USER_EVENT = "CampaignGroupState"
encode = msgspec.json.Encoder().encode


class Style(msgspec.Struct, frozen=True):
    """What the page leaves open, as the settings of `notifications` fill it."""

    unknown_text: str = "Unknown"
    periodic_action: Action = Action.NoRequest
    calling_lists_key: str = "GSW_CALLING_LISTS"
    missing_statistics: Literal["null", "omit"] = "null"


def render(facts: Facts, style: Style) -> bytes:
    """The JSON body of the POST."""
    return encode(fields(facts, style))


def date_time(time_ms: int) -> str:
    """UTC seconds since the epoch with three decimals, whatever the locale: `1544659952.123`."""
    seconds, milliseconds = divmod(abs(time_ms), 1000)
    return f"{'-' if time_ms < 0 else ''}{seconds}.{milliseconds:03d}"


def fields(facts: Facts, style: Style) -> dict[str, object]:
    """The notification as a dict in the page's order."""
    tenant, ccid, campaign_group, guid, dbid, group, campaign, template, queue = facts.names
    body: dict[str, object] = {
        "GSW_USER_EVENT": USER_EVENT,
        "GSW_DATE_TIME": date_time(facts.time_ms),
        "GSW_TENANT_NAME": style.unknown_text if tenant is None else tenant,
        "GSW_TENANT_CCID": style.unknown_text if ccid is None else ccid,
        "GSW_CAMPAIGN_GROUP_NAME": campaign_group,
        "GSW_CAMPAIGN_GROUP_GUID": guid,
        "GSW_CAMPAIGN_GROUP_DBID": dbid,
        "GSW_GROUP_NAME": group,
        "GSW_CAMPAIGN_NAME": campaign,
    }
    if template is not None:
        body["GSW_CAMPAIGN_TEMPLATE_NAME"] = template
    body["GSW_QUEUE_NAME"] = queue
    if facts.state is GroupState.Running and facts.dial_mode is not None:
        body["GSW_DIAL_MODE"] = facts.dial_mode
        if facts.dial_mode in PREDICTIVE:
            if facts.optimize_by is not None:
                body["GSW_OPTIMIZE_BY"] = facts.optimize_by
            if facts.optimize_goal is not None:
                body["GSW_OPTIMIZE_GOAL"] = facts.optimize_goal
    body["GSW_CAMPAIGN_GROUP_STATE"] = facts.state
    body["GSW_CAMPAIGN_GROUP_ACTION"] = style.periodic_action if facts.periodic else facts.action
    body["GSW_CAMPAIGN_GROUP_ACTOR"] = facts.actor
    _add_statistics(body, facts, style)
    if facts.calling_lists:
        body[style.calling_lists_key] = [_calling_list(values, style) for values in facts.calling_lists]
    return body


def _add_statistics(body: dict[str, object], facts: Facts, style: Style) -> None:
    """All four once any of them is known; those never given are null, or left out by `missing_statistics`."""
    values = facts.statistics
    if values is None:
        return
    _add(body, "GSW_STAT_BUSY_FACTOR", values.busy_factor, style)
    _add(body, "GSW_STAT_HIT_RATIO", values.hit_ratio, style)
    _add(body, "GSW_STAT_OVERDIAL_RATE", values.overdial_rate, style)
    _add(body, "GSW_STAT_TIME_TO_COMPLETE", values.time_to_complete, style)


def _calling_list(values: CallingList, style: Style) -> dict[str, object]:
    body: dict[str, object] = {"GSW_CALLING_LIST": values.name}
    if values.dbid is not None:
        body["GSW_CALLING_LIST_DBID"] = values.dbid
    _add(body, "GSW_STAT_HIT_RATIO", values.hit_ratio, style)
    _add(body, "GSW_STAT_TIME_TO_COMPLETE", values.time_to_complete, style)
    return body


def _add(body: dict[str, object], name: str, value: Statistic, style: Style) -> None:
    if value is not UNSET:
        body[name] = value
    elif style.missing_statistics == "null":
        body[name] = None
