"""Signals of the process: what each bridge uses, and what it may. In Kubernetes also what cAdvisor and kube-state-metrics tell."""

from grafana.health import in_an_hour
from grafana.signals import ABOVE_ZERO, Bad, Query, Signal, one

BY = "max by (instance)"
#: The pods of the bridges chosen: series of others that have the same namespace and pod.
PODS = "and on (namespace, pod) ocs_bridge_build_info{@}"

FLEET = Signal(
    "Which bridge does what?",
    "One line for each bridge. Answers 0: it is gone or does not answer. Partitions 0: a spare, or it can't join. In flight far above "
    "the others: its receiver or its partitions are slow. Versions differ only during a roll-out.",
    "none",
    (
        Query(f"{BY} (up{{@}})", column="Answers"),
        Query("max by (instance, version) (ocs_bridge_build_info{@})", column="Info"),
        Query(f"time() - {BY} (process_start_time_seconds{{@}})", column="Up for"),
        Query(f"{BY} (ocs_bridge_group_joined{{@}})", column="In the group"),
        Query(f"{BY} (ocs_bridge_partitions_assigned{{@}})", column="Partitions"),
        Query("sum by (instance) (rate(ocs_bridge_posts_sent_total{@}[rate]))", column="Delivered"),
        Query("sum by (instance) (rate(ocs_bridge_posts_failed_total{@}[rate]))", column="Failed"),
        Query(f"{BY} (ocs_bridge_posts_in_flight{{@}})", column="In flight"),
        Query(f"{BY} (ocs_bridge_lag_seconds{{@}})", column="Oldest event"),
    ),
)
VERSIONS = Signal(
    "Do all bridges run the same version?",
    "Bridges by version of the bridge, of Python and of its Kafka client. Two lines outside a roll-out: one of them was not restarted.",
    "none",
    (Query("count by (version, python, kafka_python, httpx) (ocs_bridge_build_info{@})", column="Bridges"),),
)
CPU = Signal(
    "How much CPU does each bridge use?",
    "Cores of each process. The event loop is one thread: near 1 core it is at its limit, and more bridges help.",
    "short",
    one("sum by (instance) (rate(process_cpu_seconds_total{@}[rate]))", "{{instance}}"),
)
MEMORY = Signal(
    "How much memory does each bridge use?",
    "Resident memory of each process. It grows with campaign groups and with events that wait (delivery.max_buffered_bytes). Rising for "
    "days: a leak; tell the authors.",
    "bytes",
    one(f"{BY} (process_resident_memory_bytes{{@}})", "{{instance}}"),
)
DESCRIPTORS = Signal(
    "How many files and connections are open?",
    "Open file descriptors of each process as a share of its limit: a connection for each POST under way, and a few for Kafka. Near 100 %: no "
    "POST can begin; raise the limit.",
    "percentunit",
    one(f"{BY} (process_open_fds{{@}}) / {BY} (process_max_fds{{@}})", "{{instance}}"),
)
STARTS = Signal(
    "How long has each bridge run?",
    "For how long each process has run. A line that falls to 0 is a restart; many of them: look at the log of the one before, "
    "exit code 78 is a mistake in the settings.",
    "s",
    one(f"time() - {BY} (process_start_time_seconds{{@}})", "{{instance}}"),
    alerts=("OcsBridgeDown",),
)
SCRAPES = Signal(
    "How long does a scrape take?",
    "Time that Prometheus needs for the metrics of each bridge. Near the scrape's timeout: fewer campaign groups with series "
    "(metrics.max_groups).",
    "s",
    one(f"{BY} (scrape_duration_seconds{{@}})", "{{instance}}"),
)
SERIES = Signal(
    "How many series does each bridge have?",
    "Samples of each scrape: some 250, and 6 for each campaign group. A jump is a tenant that was added, or calling lists.",
    "short",
    one(f"{BY} (scrape_samples_scraped{{@}})", "{{instance}}"),
)
RESTORED = Signal(
    "What did the last starts take?",
    "Of all bridges in the last hour: seconds of reading the state topic, and campaign groups read; seeded: from state.seed_from. Growing "
    "from start to start: the state topic is not compacted, or holds groups that are long gone (state.ttl).",
    "short",
    (
        Query(in_an_hour("ocs_bridge_state_restore_seconds_total"), "seconds"),
        Query(in_an_hour("ocs_bridge_state_groups_restored_total"), "campaign groups"),
        Query(in_an_hour("ocs_bridge_state_records_seeded_total"), "seeded"),
    ),
    decimals=1,
    alerts=("OcsBridgePartitionsNotStarting",),
)
ODD_PROCESS = Signal(
    "Is the machine well?",
    "In the last hour: jumps of the wall clock, and log lines thrown away because nobody read the output. Clock jumps: time synchronization "
    "of the node. Lines dropped: the log collector.",
    "short",
    (
        Query("sum(increase(ocs_bridge_clock_jumps_total{@}[1h]))", "clock jumps"),
        Query("sum(increase(ocs_bridge_log_lines_dropped_total{@}[1h]))", "log lines dropped"),
    ),
    bad=Bad(ABOVE_ZERO, color="orange"),
    decimals=0,
)
POD_MEMORY = Signal(
    "How near is each pod to its memory limit?",
    "Working set as a share of the limit (cAdvisor, kube-state-metrics). At 100 % the pod is killed: raise resources.limits.memory, or lower "
    "delivery.max_buffered_bytes.",
    "percentunit",
    one(
        f'max by (pod) (container_memory_working_set_bytes{{namespace=~"$namespace", container="bridge"}} {PODS}) '
        '/ max by (pod) (kube_pod_container_resource_limits{namespace=~"$namespace", container="bridge", resource="memory"})',
        "{{pod}}",
    ),
    alerts=("OcsBridgeDown",),
)
POD_THROTTLED = Signal(
    "Is a pod's CPU throttled?",
    "Share of time slices in which a CPU limit stopped the pod (cAdvisor). The chart sets no CPU limit, as it makes heartbeats late; above 0 "
    "somebody set one. Empty: there is no limit.",
    "percentunit",
    one(
        f'max by (pod) (rate(container_cpu_cfs_throttled_periods_total{{namespace=~"$namespace", container="bridge"}}[rate]) {PODS}) '
        f'/ max by (pod) (rate(container_cpu_cfs_periods_total{{namespace=~"$namespace", container="bridge"}}[rate]) {PODS})',
        "{{pod}}",
    ),
    empty="a CPU limit",
    no_value="No CPU limit",
)
POD_RESTARTS = Signal(
    "How often did containers restart?",
    "Restarts in the last hour, by pod (kube-state-metrics). Above 0: `kubectl logs --previous`, and the reason in the pod's last state.",
    "short",
    one(
        f'max by (pod) (increase(kube_pod_container_status_restarts_total{{namespace=~"$namespace", container="bridge"}}[1h]) {PODS})',
        "{{pod}}",
    ),
    bad=Bad(ABOVE_ZERO, color="orange"),
    alerts=("OcsBridgeDown",),
    decimals=0,
)
