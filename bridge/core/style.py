"""What the page leaves open of a notification's format."""

from typing import Literal

import msgspec

from bridge.core.vocabulary import Action


class Style(msgspec.Struct, frozen=True):
    """What the page leaves open, as the settings of `notifications` fill it."""

    unknown_text: str = "Unknown"
    periodic_action: Action = Action.NoRequest
    calling_lists_key: str = "GSW_CALLING_LISTS"
    missing_statistics: Literal["null", "omit"] = "null"
