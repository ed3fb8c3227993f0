"""What the page leaves open of a notification's format."""

from typing import Literal

import msgspec

from bridge.core.vocabulary import Action


class Style(msgspec.Struct, frozen=True):
    """What the page leaves open, as the settings of `notifications` fill it. `periodic_action` None: the group's last."""

    unknown_text: str = "Unknown"
    periodic_action: Action | None = Action.NoRequest
    calling_lists_key: str = "GSW_CALLING_LISTS"
    missing_statistics: Literal["always", "known", "omit"] = "always"
