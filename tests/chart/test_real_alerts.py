"""Each alert reaches a webhook for its real cause: a fault is made, a bridge meets it, Prometheus sees it.

All faults are made at once, each with a bridge, a topic and a `namespace` of its own; the rules run at 20 times their speed.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from bridge_process import BridgeProcess
from chart.alerting import Alerting
from chart.release import CHART
from edge import scripts
from edge.receivers import Receiver, Script
from faults.harness.workload import Workload
from group_events import change
from kafka import KafkaAdminClient, TopicPartition
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic, produce

pytestmark = [pytest.mark.alerts, pytest.mark.timeout(400)]
NAMES = {rule["alert"] for group in yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"] for rule in group["rules"] if "alert" in rule}  # fmt: skip

#: By fault: the alerts that it raises.
FAULTS = {
    "none": (),
    "killed": ("OcsBridgeDown",),
    "no outcome topic": ("OcsBridgeOutcomesLost",),
    "no topic": ("OcsBridgeTopicsMissing", "OcsBridgeNotConsuming"),
    "slow receiver": ("OcsBridgeEventsOld", "OcsBridgeLagGrowing", "OcsBridgeSaturated", "OcsBridgeTicksLate", "OcsBridgeTicksDropped"),
    "broken receiver": ("OcsBridgeFailureRatioHigh", "OcsBridgeErrorBudgetBurn"),
    "bad records": ("OcsBridgeRecordsQuarantined", "OcsBridgeQuarantineFailing"),
    "broker killed": ("OcsBridgeCheckpointsFailing", "OcsBridgePostingHeld"),
    "key in two partitions": ("OcsBridgeGroupsSplit",),
    "more groups than series": ("OcsBridgeGroupsHidden",),
    "records deleted": ("OcsBridgeEventsLost",),
    "killed at most once": ("OcsBridgePostsUnknown",),
    "foreign state": ("OcsBridgeStateRecordsBad",),
    "state topic not compacted": ("OcsBridgePartitionsNotStarting",),
    "members come and go": ("OcsBridgeRebalancing",),
    "input grown": ("OcsBridgeTicksMissing",),
    "defect": ("OcsBridgePartitionStanding",),
}  # fmt: skip


class Lab:
    """What the faults share. `start` runs a bridge and has it scraped."""

    def __init__(
        self, folder: Path, broker: KafkaBroker, own: KafkaBroker, alerting: Alerting, stack: ExitStack
    ) -> None:
        self.broker, self.own, self.alerting = broker, own, alerting
        self._folder, self._stack = folder, stack

    def settings(
        self, script: Script, *, broker: KafkaBroker | None = None, partitions: int = 1, **sections: Any
    ) -> dict[str, Any]:
        """Of a bridge on a topic and in a group of its own, with a receiver of its own."""
        where = (broker or self.broker).bootstrap
        receiver = self._stack.enter_context(Receiver(script))
        topic = sections.get("kafka", {}).get("topics") or make_topic(where, fresh_name("alerts"), partitions)
        kafka = {
            "bootstrap_servers": where,
            "topics": topic,
            "group_id": fresh_name("alerts-group"),
            **sections.pop("kafka", {}),
        }
        url = {"url": receiver.url, **sections.pop("notifications", {})}
        return {"kafka": kafka, "notifications": url, **sections}

    def start(
        self, fault: str, settings: dict[str, Any], *, scraped: bool = True, module: str = "bridge"
    ) -> BridgeProcess:
        folder = self._folder / fresh_name(fault.replace(" ", "-"))
        made = self._stack.enter_context(BridgeProcess(folder, settings, module=module))
        if scraped:
            self.alerting.scrape(fault, int(made.admin.rpartition(":")[2]))
        return made

    def load(self, settings: dict[str, Any], rate: float, *, partitions: int = 1, groups: int = 20) -> None:
        """From now on."""
        kafka = settings["kafka"]
        made = Workload(kafka["bootstrap_servers"], kafka["topics"], partitions=partitions, groups=groups)
        self._stack.enter_context(made).start(rate)


def none(lab: Lab) -> None:
    settings = lab.settings(scripts.answer(200), notifications={"interval": 1})
    lab.start("none", settings).wait_ready()
    lab.load(settings, 20)


def killed(lab: Lab) -> None:
    made = lab.start("killed", lab.settings(scripts.answer(200))).wait_ready()
    lab.alerting.wait_scraped("killed")
    made.signal(signal.SIGKILL)


def no_topic(lab: Lab) -> None:
    lab.start("no topic", lab.settings(scripts.answer(200), kafka={"topics": "nobody-made-it"}))


def slow_receiver(lab: Lab) -> None:
    settings = lab.settings(scripts.answer_late(0.5), http={"max_in_flight": 2}, notifications={"interval": 1})
    lab.start("slow receiver", settings).wait_ready()
    lab.load(settings, 20)


def broken_receiver(lab: Lab) -> None:
    settings = lab.settings(scripts.answer(500))
    lab.start("broken receiver", settings).wait_ready()
    lab.load(settings, 20)


def bad_records(lab: Lab) -> None:
    settings = lab.settings(scripts.answer(200), mapping={"quarantine_topic": "nobody-made-this-either"})
    lab.start("bad records", settings).wait_ready()
    lab.alerting.wait_scraped("bad records")
    produce(lab.broker.bootstrap, settings["kafka"]["topics"], [("k", "no JSON")] * 20)


def broker_killed(lab: Lab) -> None:
    """With a session that outlasts the alert's wait: once partitions are lost there is nothing to commit."""
    settings = lab.settings(
        scripts.answer_late(0.3),
        broker=lab.own,
        kafka={"session_timeout": 120},
        http={"max_in_flight": 2},
        delivery={"max_unconfirmed": 5},
    )
    lab.start("broker killed", settings).wait_ready()
    lab.load(settings, 50)
    time.sleep(3)
    lab.own.kill()


def no_outcome_topic(lab: Lab) -> None:
    settings = lab.settings(scripts.answer(200), delivery={"outcome_topic": "nor-this-one"})
    lab.start("no outcome topic", settings).wait_ready()
    lab.alerting.wait_scraped("no outcome topic")
    lab.load(settings, 5)


def key_in_two_partitions(lab: Lab) -> None:
    settings = lab.settings(scripts.answer(200), partitions=2)
    lab.start("key in two partitions", settings).wait_ready()
    lab.alerting.wait_scraped("key in two partitions")
    for number in range(6):
        produce(lab.broker.bootstrap, settings["kafka"]["topics"], [("G", change("G", number))], partition=number % 2)


def more_groups_than_series(lab: Lab) -> None:
    settings = lab.settings(scripts.answer(200), metrics={"max_groups": 1})
    lab.start("more groups than series", settings).wait_ready()
    produce(lab.broker.bootstrap, settings["kafka"]["topics"], [(key, change(key, 0)) for key in ("G", "H")])


def records_deleted(lab: Lab) -> None:
    settings = lab.settings(scripts.answer(200))
    topic = settings["kafka"]["topics"]
    with lab.start("records deleted", settings, scraped=False).wait_ready() as first:
        produce(lab.broker.bootstrap, topic, [("G", change("G", 0))])
        first.wait_metric("posts_sent_total", 1)
        first.stop()
    produce(lab.broker.bootstrap, topic, [("G", change("G", number)) for number in range(1, 11)])
    administer(lab, lambda client: client.delete_records({TopicPartition(topic, 0): 8}))
    lab.start("records deleted", settings)


def administer(lab: Lab, work: Callable[[Any], object]) -> None:
    client = KafkaAdminClient(bootstrap_servers=lab.broker.bootstrap)
    try:
        work(client)
    finally:
        client.close()


def killed_at_most_once(lab: Lab) -> None:
    settings = lab.settings(scripts.never_answer, delivery={"mode": "at_most_once"}, http={"timeout": 3})
    with lab.start("killed at most once", settings, scraped=False).wait_ready() as first:
        produce(lab.broker.bootstrap, settings["kafka"]["topics"], [(f"G{n}", change(f"G{n}", 0)) for n in range(5)])
        first.wait_metric("posts_in_flight", 5)
        first.signal(signal.SIGKILL)
    lab.start("killed at most once", settings)


def foreign_state(lab: Lab) -> None:
    state = make_topic(lab.broker.bootstrap, fresh_name("state"), 1, cleanup_policy="compact")
    produce(lab.broker.bootstrap, state, [("G", "not a campaign group")])
    lab.start("foreign state", lab.settings(scripts.answer(200), state={"topic": state}))


def state_topic_not_compacted(lab: Lab) -> None:
    state = make_topic(lab.broker.bootstrap, fresh_name("state"), 1, cleanup_policy="delete")
    lab.start("state topic not compacted", lab.settings(scripts.answer(200), state={"topic": state}))


def members_come_and_go(lab: Lab) -> None:
    settings = lab.settings(scripts.answer(200), partitions=4)
    lab.start("members come and go", settings).wait_ready()
    lab.alerting.wait_scraped("members come and go")
    for _ in range(4):
        with lab.start("members come and go", settings, scraped=False).wait_ready() as second:
            second.wait_metric("partitions_assigned", 2, timeout=60)
            second.stop()


def input_grown(lab: Lab) -> None:
    """A campaign group that may live elsewhere now is not told any more until an event of it comes."""
    settings = lab.settings(scripts.answer(200), notifications={"interval": 1})
    topic = settings["kafka"]["topics"]
    made = lab.start("input grown", settings).wait_ready()
    produce(lab.broker.bootstrap, topic, [("G", change("G", 0))])
    made.wait_metric("ticks_due_total", 3, timeout=60)
    administer(lab, lambda client: client.create_partitions({topic: 2}))


def defect(lab: Lab) -> None:
    """Only one of the bridge's own can do this."""
    settings = lab.settings(scripts.answer(200))
    lab.start("defect", settings, module="tests.chart.forgetful").wait_ready()
    produce(lab.broker.bootstrap, settings["kafka"]["topics"], [("G", change("G", number)) for number in range(5)])


@pytest.fixture(scope="module")
def alerting(broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerting]:
    """With every fault made."""
    folder = tmp_path_factory.mktemp("alerts")
    own = KafkaBroker(folder / "own-broker")
    with ExitStack() as stack:
        started = stack.enter_context(Alerting(folder))
        stack.callback(own.stop)
        own.start()
        lab = Lab(folder, broker, own, started, stack)
        for fault in FAULTS:
            globals()[fault.replace(" ", "_")](lab)
        yield started


@pytest.mark.parametrize(("fault", "alert"), [(fault, alert) for fault, alerts in FAULTS.items() for alert in alerts])
def test_a_fault_reaches_the_pager(fault: str, alert: str, alerting: Alerting) -> None:
    alerting.wait_told(alert, fault, timeout=180)


def test_a_healthy_bridge_reaches_nobody(alerting: Alerting) -> None:
    """Asked last: it has been as long under the same eyes."""
    assert [alert for alert, namespace in alerting.told if namespace == "none"] == []


def test_every_alert_has_its_fault() -> None:
    assert {alert for alerts in FAULTS.values() for alert in alerts} == NAMES
