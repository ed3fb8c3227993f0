"""Notifications a second of one bridge by POSTs in flight, campaign groups and latency: the arithmetic of docs/scaling.md."""

import time
from pathlib import Path

import pytest
from bridge_process import BridgeProcess
from edge import scripts
from edge.receivers import Receiver
from faults.harness.workload import Workload
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic

SECONDS = 6.0
#: In flight, campaign groups, seconds until an answer.
CASES = [(16, 200, 0.1), (64, 200, 0.1), (64, 8, 0.1), (64, 200, 0.2)]


def measured(broker: KafkaBroker, folder: Path, in_flight: int, groups: int, latency: float) -> tuple[float, int]:
    """Notifications a second while a backlog is worked off, and MiB resident in the end."""
    topic = make_topic(broker.bootstrap, fresh_name("in-flight"), 8)
    with (
        Receiver(scripts.answer_late(latency)) as receiver,
        Workload(broker.bootstrap, topic, partitions=8, groups=groups) as load,
    ):
        load.produce(round(2 * SECONDS * min(in_flight, groups) / latency))
        settings = {
            "kafka": {"bootstrap_servers": broker.bootstrap, "topics": topic, "group_id": fresh_name("in-flight-group")},
            "notifications": {"url": receiver.url},
            "http": {"max_in_flight": in_flight},
        }  # fmt: skip
        with BridgeProcess(folder / fresh_name("bridge"), settings) as bridge:
            bridge.wait_metric("posts_sent_total", in_flight)
            first, began = bridge.metrics()("posts_sent_total"), time.monotonic()
            time.sleep(SECONDS)
            rate = (bridge.metrics()("posts_sent_total") - first) / (time.monotonic() - began)
            status = Path(f"/proc/{bridge.process.pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return rate, int(resident.split()[1]) // 1024


@pytest.mark.timeout(300)
def test_posts_in_flight(broker: KafkaBroker, tmp_path: Path) -> None:
    print("\n| in flight | groups | latency | arithmetic | measured | MiB |\n| --- | --- | --- | --- | --- | --- |")
    for in_flight, groups, latency in CASES:
        rate, resident = measured(broker, tmp_path, in_flight, groups, latency)
        expected = min(in_flight, groups) / latency
        print(
            f"| {in_flight} | {groups} | {latency * 1000:.0f} ms | {expected:.0f}/s | {rate:.0f}/s | {resident} |",
            flush=True,
        )
        assert rate <= expected * 1.02, "more than may be in flight"
