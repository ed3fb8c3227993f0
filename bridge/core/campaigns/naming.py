"""The names that notifications tell of a campaign group, whoever knows them.

In this order: events, the directory, the profile's own texts (`missing`), and for what is left the policy: the name of a
campaign group that nobody knows is its GUID, else its DBID; a DBID that nobody knows is derived from the group's key; the
rest has one text for all.
"""

from hashlib import blake2b
from typing import Final

from bridge.core.event import NAMES
from bridge.core.group import Names, Policy
from bridge.core.outcome import Invalid, InvalidEvent

#: Sent as notifications.unknown_text when nobody knows them (the page's rule), or left out (the template).
_OPTIONAL: Final = frozenset({"tenant_name", "tenant_ccid", "campaign_template_name"})
_GUID: Final = NAMES.index("campaign_group_guid")
_DBID: Final = NAMES.index("campaign_group_dbid")
_NAME: Final = NAMES.index("campaign_group_name")
# A DBID of Genesys is below 2^31, and beyond 2^53 a reader of JSON may round: what is derived lies between.
_LEAST_DERIVED: Final = 2**52


def derived_dbid(key: str) -> str:
    """16 decimal digits for the key of a campaign group: the same wherever and whenever they are computed.

    52 bits of a hash: among 10,000 campaign groups, two have the same with a probability of 1 in 90 million.
    """
    number = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
    return str(_LEAST_DERIVED + number % _LEAST_DERIVED)


def filled(first: Names, then: Names) -> Names:
    """What `first` lacks, from `then`."""
    for place in range(len(first)):
        if first[place] is None and then[place] is not None:
            return tuple([a if a is not None else b for a, b in zip(first, then, strict=True)])
    return first


def shown(key: str, names: Names, row: Names | None, policy: Policy) -> Names:
    """The names of the group `key` as they are told; None where nobody knows one and the policy has no text for it."""
    if row is not None:
        names = filled(names, row)
    texts: list[str | None] | None = None
    for place in range(len(names)):
        if names[place] is None:
            text = _text(key, place, names, policy)
            if text is not None:
                if texts is None:
                    texts = list(names)
                texts[place] = text
    return names if texts is None else tuple(texts)


def _text(key: str, place: int, names: Names, policy: Policy) -> str | None:
    """What stands for the name at `place`, which nobody knows."""
    name = NAMES[place]
    text = policy.missing.get(name)
    if text is not None or name in _OPTIONAL:
        return text
    if place == _DBID:
        return policy.dbid or derived_dbid(key)
    if place == _NAME and policy.name_by_id:
        text = names[_GUID] or names[_DBID]
    return text or policy.on_missing


def check(names: Names) -> None:
    """InvalidEvent: a name is missing that every notification has."""
    for place in range(len(names)):
        if names[place] is None and NAMES[place] not in _OPTIONAL:
            raise InvalidEvent(
                Invalid.MISSING_FIELD, NAMES[place], "neither in the event, nor known, nor in the directory"
            )
