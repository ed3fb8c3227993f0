"""What members of records are usually called, and what their values usually mean: the guesses of `ocs-bridge profiles new`."""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum

from bridge.core.outcome import InvalidEvent
from bridge.core.times import time_ms
from bridge.core.vocabulary import Action, Actor, DialMode, GroupState, OptimizeBy
from bridge.core.words import ACTIONS, ACTORS, DIAL_MODES, OPTIMIZE_BY, STATES, normal, number_table

#: Field -> names of members, without case and punctuation, the likeliest first. `campaignid` is also `campaign.id`.
MEMBERS: dict[str, str] = {
    "campaign_group_guid": "campaigngroupguid groupguid campaignguid guid campaignuuid uuid campaigngroupid campaignid id",
    "campaign_group_dbid": "campaigngroupdbid groupdbid campaigndbid dbid",
    "campaign_group_name": "campaigngroupname campaigngroup campaignname campaign name displayname title",
    "campaign_name": "campaignname campaign name displayname title",
    "group_name": "groupname agentgroup agentgroupname skillname skillgroup teamname team",
    "campaign_template_name": "campaigntemplatename templatename template",
    "queue_name": "queuename queue queueid transferdn transferdestination entrypointid",
    "tenant_name": "tenantname tenant accountname organizationname domainname domain",
    "tenant_ccid": "tenantccid ccid tenantid accountid organizationid orgid instanceid domainid",
    "time": "occurredat eventtime timestamp changedat updatedat datemodified modifiedat lastmodified time tsms ts",
    "state": "campaigngroupstate campaignstate campaignstatus state status displaystatus active",
    "action": "action request command operation",
    "dial_mode": "dialmode dialingmode diallingmode dialermode dialmethod dialingmethod pacingmode outboundmode mode",
    "optimize_by": "optimizeby optimizationmethod",
    "optimize_goal": "optimizegoal optimizationgoal targetabandonrate maxabandonrate maxabandonmentpercent",
    "busy_factor": "busyfactor agentbusyfactor occupancy agentutilization utilization",
    "hit_ratio": "hitratio hitrate connectrate contactrate answerrate",
    "overdial_rate": "overdialrate abandonrate abandonedrate abandonmentrate droprate dropspct",
    "time_to_complete": "timetocomplete secondstocomplete secondsleft remainingseconds estimatedsecondsremaining",
}
#: Two counts whose quotient is a statistic: names of the numerator, and of the denominator.
RATIOS = {
    "hit_ratio": (
        "callsconnected connects connected connections answers answered",
        "callsdialed callsdialled attempts dialed dialled",
    ),
    "overdial_rate": (
        "callsabandoned abandoned abandons drops dropped",
        "callsconnected connects connected connections answers answered",
    ),
}
LISTS = "callinglists callinglist lists contactlists"
TYPES = "eventtype type eventname event detailtype topicname"
#: In a type of event, one that brings numbers rather than a change.
NUMBERS = re.compile(r"stat(?!e|us)|progress|metric|report", re.IGNORECASE)

TABLES: dict[str, Mapping[str | int, IntEnum | None]] = {
    "state": number_table(GroupState, STATES),
    "action": number_table(Action, ACTIONS),
    "actor": number_table(Actor, ACTORS),
    "dial_mode": number_table(DialMode, DIAL_MODES),
    "optimize_by": number_table(OptimizeBy, OPTIMIZE_BY),
}
#: Words that platforms mean different things by, or that the tables do not have because of that.
DOUBTFUL: dict[str, dict[str, IntEnum]] = {
    "state": {
        "active": GroupState.Running,
        "y": GroupState.Running,
        "n": GroupState.Active,
        "inprogress": GroupState.Running,
    },
    "dial_mode": {"auto": DialMode.Predict, "automatic": DialMode.Predict, "ivr": DialMode.PowerGVP},
}
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def named(
    members: Iterable[tuple[str, ...]], names: str, fits: Callable[[tuple[str, ...]], bool]
) -> tuple[str, ...] | None:
    """The member with the likeliest of these names that fits: by its own name, or that of what it is in before it."""
    members = list(members)
    for name in names.split():
        for depth in (2, 1):
            for member in sorted(members, key=len):
                if (
                    len(member) >= depth
                    and normal("".join(member[-depth:])).removeprefix("gsw") == name
                    and fits(member)
                ):
                    return member
    return None


def meaning(field: str, word: str) -> tuple[IntEnum | None, bool] | None:
    """What a word means, and whether that is sure; None: it is not known. `campaigns.started` is read as `started`."""
    table = TABLES[field]
    tokens = _TOKEN.findall(word)
    for text in [word, *(" ".join(tokens[-count:]) for count in (2, 1))]:
        if (found := DOUBTFUL.get(field, {}).get(normal(text))) is not None:
            return found, False
        if normal(text) in table:
            return table[normal(text)], True
    return None


def is_time(value: object) -> bool:
    """Whether a value can be a time of this century."""
    try:
        return time_ms(value, "time") > 946_684_800_000
    except InvalidEvent:
        return False
