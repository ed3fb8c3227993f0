"""Signals of Kafka's side: what is read, what waits, who reads it, and what is written back."""

from grafana.health import QUARANTINED_RATIO, in_an_hour
from grafana.signals import ABOVE_ZERO, Bad, Query, Signal, bad, one


def _rates(*names: str) -> tuple[Query, ...]:
    """Records a second, by what became of them."""
    return tuple(Query(f"sum(rate(ocs_bridge_records_{name}_total{{@}}[rate]))", name) for name in names)


UNCONFIRMED = Signal(
    "What would a crash repeat?",
    "POSTs since the last good checkpoint of each bridge: a crash now may make them again (at_least_once). At delivery.max_unconfirmed "
    "none begins any more.",
    "short",
    one("max by (instance) (ocs_bridge_posts_unconfirmed{@})", "{{instance}}"),
    alerts=("OcsBridgeCheckpointsFailing",),
)
CONSUMED = Signal(
    "How much comes from Kafka?",
    "Records read a second, by topic. None while the platform is at work: compare with the partitions that are read, then ask its owner.",
    "rps",
    one("sum by (topic) (rate(ocs_bridge_records_consumed_total{@}[rate]))", "{{topic}}"),
)
FATES = Signal(
    "What becomes of the records?",
    "posted: notified. absorbed: merged, such as statistics and reports without news. skipped: done without. quarantined: no event at all. "
    "returned: left to the next owner of the partition, after a rebalance or a stop.",
    "ops",
    _rates("posted", "absorbed", "skipped", "quarantined", "returned"),
    colors={"posted": "green", "absorbed": "blue", "skipped": "text", "quarantined": "orange", "returned": "purple"},
)
LAG = Signal(
    "How many records wait in Kafka?",
    "Records of the assigned partitions that are not done. Growing for a quarter of an hour above the red line is an alert. Partitions that "
    "nobody reads are not in it: watch Kafka's own figure of the consumer group too.",
    "short",
    one("sum by (topic) (ocs_bridge_lag_records{@})", "{{topic}}"),
    bad=bad("lagRecords"),
    alerts=("OcsBridgeLagGrowing",),
)
BEHIND = Signal(
    "Which partitions are behind?",
    "The ten partitions with the oldest event that waits. One far ahead of the others: a single campaign group with very many events.",
    "s",
    one("topk(10, max by (topic, partition) (ocs_bridge_lag_seconds{@}))", "{{topic}} {{partition}}"),
    bad=bad("oldestSeconds"),
    alerts=("OcsBridgeEventsOld",),
)
ASSIGNED = Signal(
    "Who reads how many partitions?",
    "Partitions of each bridge, stacked: the height is what is read in all. Uneven is normal while one starts; a gap is a time in which "
    "nobody read.",
    "short",
    one("max by (instance) (ocs_bridge_partitions_assigned{@})", "{{instance}}"),
    alerts=("OcsBridgeNotConsuming",),
)
STARTING = Signal(
    "Do partitions start?",
    "Partitions that are assigned and not read yet, because their state is restored. Above 0 for minutes: the state topic can't be read.",
    "short",
    one("sum(ocs_bridge_partitions_starting{@})", "starting"),
    bad=Bad(ABOVE_ZERO),
    alerts=("OcsBridgePartitionsNotStarting",),
)
STANDING = Signal(
    "Does a partition stand still?",
    "The longest time for which a partition has had records, might post, and got none done. Above the red line it is a defect of the bridge; "
    "the pod is restarted at 300 s.",
    "s",
    one("max by (instance) (ocs_bridge_partition_standing_seconds{@})", "{{instance}}"),
    bad=bad("standingSeconds"),
    alerts=("OcsBridgePartitionStanding",),
)
REBALANCES = Signal(
    "How often do partitions move?",
    "Changes of the assignment in half an hour, of all bridges. revoked and lost stop partitions for a moment; together above the red line: "
    "bridges are restarted, or poll too slowly.",
    "short",
    (
        Query('sum(increase(ocs_bridge_rebalances_total{@, event=~"revoked|lost"}[30m]))', "taken away"),
        Query('sum(increase(ocs_bridge_rebalances_total{@, event="assigned"}[30m]))', "given"),
    ),
    bad=bad("rebalances"),
    alerts=("OcsBridgeRebalancing",),
)
CHECKPOINTS = Signal(
    "Are checkpoints good?",
    "Commits of offsets a second, by what became of them. Anything but done for minutes: Kafka is ill (retriable, timeout), or refuses. "
    "A few are lost or fail in each rebalance.",
    "ops",
    one("sum by (result) (rate(ocs_bridge_commits_total{@}[rate]))", "{{result}}"),
    alerts=("OcsBridgeCheckpointsFailing",),
    colors={"done": "green", "retriable": "yellow", "lost": "orange", "refused": "red", "timeout": "purple"},
)
POLLING = Signal(
    "Does each bridge poll Kafka?",
    "Seconds since the poll thread's last turn. Above the red line its partitions are not read, and nobody else reads them.",
    "s",
    one("time() - max by (instance) (ocs_bridge_poll_timestamp_seconds{@})", "{{instance}}"),
    bad=bad("pollSeconds"),
    alerts=("OcsBridgeNotConsuming",),
)
REFUSED = Signal(
    "What share of records is no event?",
    "Records of the last 15 minutes that were quarantined. A step up: the platform changed its format. They make no notification.",
    "percentunit",
    one(QUARANTINED_RATIO, "quarantined"),
    bad=bad("quarantinedRatio"),
    alerts=("OcsBridgeRecordsQuarantined",),
)
REFUSALS = Signal(
    "Why are records refused or passed over?",
    "Records a second that made no notification, by reason. quarantined: the record is no event. skipped: it is one and is done without. "
    "returned: the next owner of the partition has it. Empty: none.",
    "ops",
    tuple(
        Query(f"sum by (reason) (rate(ocs_bridge_records_{fate}_total{{@}}[rate])) > 0", f"{fate}: {{{{reason}}}}")
        for fate in ("quarantined", "skipped", "returned")
    ),
    alerts=("OcsBridgeRecordsQuarantined",),
    empty="records that are no event",
    no_value="None",
    shades={"quarantined": "orange", "skipped": "text", "returned": "purple"},
)
LOSSES = Signal(
    "Was anything lost or left open in the last hour?",
    "Each should be 0. events expired: Kafka deleted them before they were read. posts unknown: a crash left open whether they were made. "
    "state records bad, quarantine failed, outcomes lost: records that could not be read or written. groups split: a campaign group in two "
    "partitions. The runbooks say what to do.",
    "short",
    (
        Query(in_an_hour("ocs_bridge_offsets_missing_total"), "events expired"),
        Query(in_an_hour("ocs_bridge_posts_unknown_total"), "posts unknown"),
        Query(in_an_hour("ocs_bridge_state_records_bad_total"), "state records bad"),
        Query("sum(increase(ocs_bridge_quarantine_failures_total{@}[1h]))", "quarantine failed"),
        Query("sum(increase(ocs_bridge_outcomes_lost_total{@}[1h]))", "outcomes lost"),
        Query("sum(increase(ocs_bridge_campaign_groups_split_total{@}[1h]))", "groups split"),
    ),
    bad=Bad(ABOVE_ZERO),
    decimals=0,
    alerts=(
        "OcsBridgeEventsLost",
        "OcsBridgePostsUnknown",
        "OcsBridgeStateRecordsBad",
        "OcsBridgeQuarantineFailing",
        "OcsBridgeOutcomesLost",
        "OcsBridgeGroupsSplit",
    ),
)
WRITTEN = Signal(
    "What does the bridge write to Kafka?",
    "Records a second that go to the state topic and to the outcome topic, and producers replaced because a transaction did not end. "
    "State records that end while events come: checkpoints fail.",
    "wps",
    (
        Query("sum(rate(ocs_bridge_state_records_written_total{@}[rate]))", "state records"),
        Query("sum(rate(ocs_bridge_outcomes_written_total{@}[rate]))", "outcomes"),
        Query("sum(rate(ocs_bridge_checkpoint_producers_replaced_total{@}[rate]))", "producers replaced"),
    ),
)
