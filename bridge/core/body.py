"""The body of a notification as a type: the fields of the page "Campaign Group Status Reporting", in its order.

As a type, its keys are made ready to be written once. What is UNSET is left out.
"""

from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET

#: All but the last, whose key is a setting. Their types are those of what they are made from: not checked again.
KEYS = (
    "GSW_USER_EVENT",
    "GSW_DATE_TIME",
    "GSW_TENANT_NAME",
    "GSW_TENANT_CCID",
    "GSW_CAMPAIGN_GROUP_NAME",
    "GSW_CAMPAIGN_GROUP_GUID",
    "GSW_CAMPAIGN_GROUP_DBID",
    "GSW_GROUP_NAME",
    "GSW_CAMPAIGN_NAME",
    "GSW_CAMPAIGN_TEMPLATE_NAME",
    "GSW_QUEUE_NAME",
    "GSW_DIAL_MODE",
    "GSW_OPTIMIZE_BY",
    "GSW_OPTIMIZE_GOAL",
    "GSW_CAMPAIGN_GROUP_STATE",
    "GSW_CAMPAIGN_GROUP_ACTION",
    "GSW_CAMPAIGN_GROUP_ACTOR",
    "GSW_STAT_BUSY_FACTOR",
    "GSW_STAT_HIT_RATIO",
    "GSW_STAT_OVERDIAL_RATE",
    "GSW_STAT_TIME_TO_COMPLETE",
)


@cache
def body_type(calling_lists_key: str) -> Any:
    """The type whose last field has this key; its fields are given by their places. ValueError: the key is one of KEYS."""
    if calling_lists_key in KEYS:
        raise ValueError(f"{calling_lists_key} is a field of its own")
    fields: list[tuple[str, Any, Any]] = [(key, Any, UNSET) for key in KEYS]
    return msgspec.defstruct(
        "Body", [*fields, ("calling_lists", Any, UNSET)], rename={"calling_lists": calling_lists_key}, gc=False
    )
