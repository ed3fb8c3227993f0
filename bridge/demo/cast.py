"""Who takes part in the made-up traffic: tenants, campaigns, agent groups, calling lists."""

import random
from typing import NamedTuple

TENANTS = (("Environment", "101"), ("Northwind Bank", "204"), ("Contoso Energy", "317"))
CAMPAIGNS = (
    "Spring Renewal",
    "Late Payment Reminder",
    "Card Activation",
    "Customer Survey",
    "Meter Reading",
    "Appointment Confirmation",
    "Win Back",
    "Loan Follow-up",
    "Service Upgrade",
    "Delivery Notice",
    "Welcome Call",
)
AGENT_GROUPS = (
    "Agents North",
    "Agents South",
    "Collections",
    "Retention Desk",
    "Evening Shift",
    "Partner Leeds",
    "Backup",
)
LISTS = ("new leads", "callbacks", "second attempt")
TEMPLATES = ("Standard Outbound", "Collections Outbound")

#: Base 32 as the configuration server writes its GUIDs.
_BASE_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Member(NamedTuple):
    """One campaign group, and what never changes about it: `names` are fields of each of its events."""

    guid: str
    names: dict[str, str]
    lists: tuple[tuple[str, str], ...]  # name, DBID
    numbers: bool  # whether its platform writes enumerations as numbers


def cast(number: int, rng: random.Random) -> list[Member]:
    """`number` campaign groups, no two with the same name, GUID or DBID."""
    return [_member(index, rng) for index in range(number)]


def _member(index: int, rng: random.Random) -> Member:
    tenant, ccid = TENANTS[index % len(TENANTS)]
    # The lengths of the two lists have no common factor, so their pairs repeat late; a season keeps them apart then.
    season = index // (len(CAMPAIGNS) * len(AGENT_GROUPS))
    campaign = CAMPAIGNS[index % len(CAMPAIGNS)] + (f" {season + 1}" if season else "")
    group = AGENT_GROUPS[index % len(AGENT_GROUPS)]
    guid = "".join(rng.choices(_BASE_32, k=32))
    names = {
        "tenant_name": tenant,
        "tenant_ccid": ccid,
        "campaign_group_name": f"{campaign}@{group}",
        "campaign_group_guid": guid,
        "campaign_group_dbid": str(1001 + index),
        "group_name": group,
        "campaign_name": campaign,
        "queue_name": f"VQ_{group.replace(' ', '_')}",
    }
    if index % 3:
        names["campaign_template_name"] = TEMPLATES[index % len(TEMPLATES)]
    lists = tuple(
        (f"{campaign}: {name}", str(50_000 + 3 * index + at)) for at, name in enumerate(LISTS[: 1 + index % 3])
    )
    return Member(guid, names, lists, numbers=index % 4 == 3)
