"""ocs-bridge / Resources: what each process uses, and what it may."""

from grafana import process
from grafana.boards.overview import fleet
from grafana.dashboard import Dashboard, Row
from grafana.panels import Json, lines, stat, table


def _versions() -> Json:
    columns: dict[str, Json] = {
        "Bridges": {"custom.width": 70},
        "version": {"title": "Version", "custom.width": 80},
        "python": {"title": "Python", "custom.width": 80},
        "kafka_python": {"title": "kafka-python", "custom.width": 110},
        "httpx": {"title": "httpx"},
    }
    return table(process.VERSIONS, columns)


RESOURCES = Dashboard(
    "resources",
    "Resources",
    "What each bridge uses of CPU, memory and connections, how near it is to its limits, and when it restarted.",
    (
        Row(8, ((24, fleet()),)),
        Row(8, ((12, lines(process.CPU)), (12, lines(process.MEMORY)))),
        Row(8, ((12, lines(process.STARTS)), (12, lines(process.DESCRIPTORS, height=1)))),
        Row(8, ((12, lines(process.SCRAPES)), (12, lines(process.SERIES)))),
        Row(6, ((8, _versions()), (8, stat(process.RESTORED, several=True)), (8, stat(process.ODD_PROCESS, several=True)))),
        Row(
            8,
            ((8, lines(process.POD_MEMORY, legend="list", height=1)), (8, lines(process.POD_THROTTLED, legend="list", height=1)), (8, lines(process.POD_RESTARTS, legend="list", height=1))),
            "Kubernetes (needs cAdvisor and kube-state-metrics)",
        ),
    ),
)  # fmt: skip
