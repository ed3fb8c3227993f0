"""The enumerations of the notification format.

Numbers and names are those of the Genesys Platform SDK (dial mode: GSW_CM_AttrDialMode, optimization:
GSW_CM_AttrOptimizeBy, state: GSW_CM_AttrGroupCampStatus, action: CMMessageType). Genesys ICON numbers campaign
states differently; its list must never be mixed with this one.
"""

from enum import IntEnum, StrEnum


class DialMode(IntEnum):
    """GSW_DIAL_MODE."""

    NoDialMode = 0
    Predict = 1
    Progress = 2
    Preview = 3
    ProgressAndSeize = 4
    PredictAndSeize = 5
    Power = 6
    PowerAndSeize = 7
    PushPreview = 8
    ProgressGVP = 9
    PredictGVP = 10
    PowerGVP = 11


#: Modes for which OCS has an optimization method and goal.
PREDICTIVE = frozenset({DialMode.Predict, DialMode.PredictAndSeize, DialMode.PredictGVP})


class OptimizeBy(IntEnum):
    """GSW_OPTIMIZE_BY."""

    NoOptimizationMethod = 0
    BusyFactor = 1
    OverdialRate = 2
    WaitTime = 3
    DistributionTime = 4
    MaximumGain = 5


class GroupState(IntEnum):
    """GSW_CAMPAIGN_GROUP_STATE."""

    NotLoaded = 0
    WaitingUnload = 1
    UnloadInProgress = 2
    InActive = 3
    Active = 4
    Running = 5


class Action(IntEnum):
    """GSW_CAMPAIGN_GROUP_ACTION: the client request behind a notification.

    `NoRequest` stands in periodic notifications (our choice: the page does not say).
    """

    NoRequest = 0
    LoadCampaign = 7
    UnloadCampaign = 8
    StartDialing = 9
    StopDialing = 10
    SetDialingMode = 11


class Actor(IntEnum):
    """GSW_CAMPAIGN_GROUP_ACTOR."""

    Unknown = 0
    OcsClient = 1


class Kind(StrEnum):
    """What an event is for.

    A `change` is notified at once (81000), a `report` of how the group is now only where it differs from what is known
    (bridge/core/campaigns/derivation.py). `statistics` are merged into the group and sent with its next notification, a
    `snapshot` is a periodic notification made upstream: sent at once as periodic (81001).
    """

    CHANGE = "change"
    REPORT = "report"
    STATISTICS = "statistics"
    SNAPSHOT = "snapshot"
