"""ocs-bridge / Delivery: what goes to the receiver, what comes from Kafka, and what is lost on the way."""

from grafana import delivery, intake
from grafana.dashboard import Dashboard, Row
from grafana.panels import bars, heatmap, lines, stat, timeline

DELIVERY = Dashboard(
    "delivery",
    "Delivery",
    "From Kafka to the receiver: where do events wait, where do they fail, and why?",
    (
        Row(
            8,
            ((12, lines(delivery.ARRIVING, stacked=True, legend="list")), (12, lines(delivery.REASONS, stacked=True))),
            "The receiver",
        ),
        Row(8, ((12, heatmap(delivery.DURATION_MAP)), (12, heatmap(delivery.AGE_MAP)))),
        Row(8, ((8, lines(delivery.DURATION, legend="list")), (8, lines(delivery.IN_FLIGHT, legend="list", to_limit=True)), (8, lines(delivery.WAITING, legend="list", height=10)))),
        Row(7, ((8, timeline(delivery.HELD_BY, points=500)), (8, lines(delivery.KINDS, stacked=True, legend="list")), (8, lines(delivery.DROPPED, legend="list", height=1)))),
        Row(
            8,
            ((12, lines(intake.CONSUMED, stacked=True, legend="list")), (12, lines(intake.FATES, stacked=True, legend="list"))),
            "Kafka",
        ),
        Row(8, ((12, lines(intake.LAG, legend="list", to_limit=True)), (12, bars(intake.BEHIND)))),
        Row(8, ((8, lines(intake.ASSIGNED, stacked=True, legend="list")), (8, lines(intake.REBALANCES, legend="list", to_limit=True)), (8, lines(intake.CHECKPOINTS, stacked=True, legend="list")))),
        Row(7, ((6, lines(intake.UNCONFIRMED, legend="list", height=10)), (6, lines(intake.POLLING, legend="list", to_limit=True)), (6, lines(intake.STANDING, legend="list", to_limit=True)), (6, lines(intake.STARTING, legend="list", height=1)))),
        Row(
            6,
            ((24, stat(intake.LOSSES, several=True)),),
            "Refused, lost, left open",
        ),
        Row(8, ((8, lines(intake.REFUSED, legend="list", to_limit=True)), (8, lines(intake.REFUSALS, stacked=True, legend="list")), (8, lines(intake.WRITTEN, legend="list")))),
    ),
)  # fmt: skip
