"""What both schemas are made of: names and statistics with a sentence and an example each."""

from collections.abc import Iterable
from enum import IntEnum

from bridge.core.limits import MAX_NUMBER

Schema = dict[str, object]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
STATISTICS = {
    "busy_factor": ("GSW_STAT_BUSY_FACTOR", "Agent busy factor as a fraction: 0.85 is 85 %.", 0.85),
    "hit_ratio": ("GSW_STAT_HIT_RATIO", "Hit ratio as a fraction: 0.3 is 30 %.", 0.3),
    "overdial_rate": ("GSW_STAT_OVERDIAL_RATE", "Overdial rate as a fraction: 0.02 is 2 %.", 0.02),
    "time_to_complete": ("GSW_STAT_TIME_TO_COMPLETE", "Time to complete in seconds: 600 is 10 minutes.", 600),
}
_NULL = " null = not computable, which is not 0."
LIST_STATISTICS = ("hit_ratio", "time_to_complete")
NAMES = {
    "tenant_name": ("GSW_TENANT_NAME", "Tenant.", "Environment"),
    "tenant_ccid": ("GSW_TENANT_CCID", "Contact centre id of the tenant.", "5a1f"),
    "campaign_group_name": ("GSW_CAMPAIGN_GROUP_NAME", "Campaign group, usually campaign@group.", "Spring@East"),
    "campaign_group_guid": ("GSW_CAMPAIGN_GROUP_GUID", "Unique id of the campaign group, opaque.", "K5J0ARGH0V9P5DB6"),
    "campaign_group_dbid": ("GSW_CAMPAIGN_GROUP_DBID", "DBID of the campaign group.", "101"),
    "group_name": ("GSW_GROUP_NAME", "Agent group or place group.", "East"),
    "campaign_name": ("GSW_CAMPAIGN_NAME", "Campaign.", "Spring"),
    "campaign_template_name": ("GSW_CAMPAIGN_TEMPLATE_NAME", "Campaign template, if there is one.", "Seasonal"),
    "queue_name": ("GSW_QUEUE_NAME", "The Voice Transfer Destination DN.", "7001"),
}


def legend(vocabulary: Iterable[IntEnum]) -> str:
    """The numbers of an enumeration with their names."""
    return ", ".join(f"{member.value} {member.name}" for member in vocabulary) + "."


def number(text: str, example: float) -> Schema:
    """A statistic."""
    return {
        "description": text + _NULL,
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": MAX_NUMBER,
        "examples": [example],
    }
