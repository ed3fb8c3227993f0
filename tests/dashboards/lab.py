"""Bridges at work, watched by a real Prometheus: each scene has bridges, a topic, a receiver and traffic of its own.

A scene is a namespace. Its traffic is the demo's simulator, its bridges are processes as users run them, its receiver
answers in a time that varies; `receiver_down`, `stop_bridges` and `silence` make it ill.
"""

import json
import random
import re
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml
from bridge_process import BridgeProcess
from dashboards.asking import ROOT, Prometheus
from dashboards.kubelet import Pod, kubelet
from edge.receivers import Line, Receiver
from edge.scripts import http
from kafka_topics import fresh_name, make_topic
from loopback import free_port
from support import processes

from bridge.connections import KafkaSettings
from bridge.demo.simulate import Simulator
from bridge.demo.traffic import Traffic
from bridge.edge.producer import Producer

ALERTS = ROOT / "deploy/helm/ocs-bridge/files/alerts.yaml"
SPEED = 20  # times as fast as the alerts wait and look back
UNITS = {"m": 60, "h": 3600, "d": 86400}
PARTITIONS = 6


def hurried(rules: str) -> str:
    """The rules with every duration a twentieth: a scene lasts minutes."""

    def shorter(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) * UNITS[found[3]] * 1000 // SPEED}ms{found[4]}"

    for before, after in ((r"\[", r"\]"), (r"offset ", r"\b"), (r"for: ", r"\b")):
        rules = re.sub(rf"({before})(\d+)([mhd])({after})", shorter, rules)
    return rules


def varied(line: Line) -> None:
    """A receiver as they are: some milliseconds mostly, now and then many."""
    while True:
        line.request()
        line.wait(min(1.0, random.lognormvariate(-4.2, 0.7)))
        line.send(http(200))


class Scene:
    """`bridges` of a namespace. All of it is ended by the lab."""

    def __init__(
        self, lab: "Lab", namespace: str, *, bridges: int, groups: int, rate: float, bad: float, limited: bool
    ) -> None:
        self.namespace = namespace
        self.bridges: list[BridgeProcess] = []
        self._lab, self._limited = lab, limited
        self._topic = make_topic(lab.bootstrap, fresh_name(f"events-{namespace}"), PARTITIONS)
        self._receiver = lab.stack.enter_context(Receiver(varied))
        self._kafka = KafkaSettings(bootstrap_servers=lab.bootstrap.split(","), topics=[self._topic])
        producer = Producer(self._kafka, linger_ms=5)
        lab.stack.callback(producer.close, 2.0)
        self.producer = producer
        # Fewer changes than in the demo: a campaign group stays in a state for a minute rather than for seconds.
        traffic = Traffic(seed=len(namespace), groups=groups, changes=0.01, bad=bad)
        self._simulator = Simulator(producer, self._topic, traffic, rate)
        self._silent = threading.Event()
        for _ in range(bridges):
            self.add_bridge()

    def add_bridge(self) -> None:
        """One more."""
        number = len(self.bridges)
        settings: dict[str, Any] = {
            "kafka": {
                "bootstrap_servers": self._lab.bootstrap,
                "topics": self._topic,
                "group_id": f"{self._topic}-bridges",
            },
            "notifications": {"url": self._receiver.url, "interval": 2},
            "state": {"topic": f"{self._topic}-state"},
            "metrics": {"calling_lists": True},
        }
        folder = self._lab.folder / f"{self._topic}-{number}"
        made = self._lab.stack.enter_context(BridgeProcess(folder, settings))
        self.bridges.append(made)
        pod = f"ocs-bridge-{'abcdefgh'[number] * 2}7{number}"
        self._lab.scrape(self.namespace, pod, int(made.admin.rpartition(":")[2]))
        self._lab.pods.append(Pod(self.namespace, pod, made.process.pid, throttled=self._limited))

    def begin(self) -> Self:
        """Traffic, as soon as the bridges are members of their group."""
        for made in self.bridges:
            made.wait_ready()
        threading.Thread(target=self._simulator.run, args=(self._silent,), daemon=True).start()
        return self

    def write(self, key: str, value: str) -> None:
        """A record besides the traffic."""
        self.producer.send(self._topic, key.encode(), value.encode())

    def receiver_down(self) -> None:
        """Connections are refused from now on."""
        self._receiver.stop()

    def stop_bridges(self) -> None:
        """SIGTERM, and the end of each."""
        for made in self.bridges:
            made.stop()

    def silence(self) -> None:
        """No more traffic."""
        self._silent.set()


class Lab:
    """`scene()` makes one; `prometheus` has seen all of them. `every`: seconds between scrapes."""

    def __init__(self, folder: Path, bootstrap: str, every: float) -> None:
        self.folder, self.bootstrap, self.every = folder, bootstrap, every
        self.stack = ExitStack()
        self.pods: list[Pod] = []
        self._scenes: list[Scene] = []
        self._targets: list[dict[str, Any]] = []
        self._port = free_port()

    def scene(
        self,
        namespace: str,
        *,
        bridges: int = 2,
        groups: int = 12,
        rate: float = 20.0,
        bad: float = 0.0,
        limited: bool = False,
    ) -> Scene:
        """Bridges that are starting; `begin()` it. `bad`: share of records that are no event; `limited`: with a CPU limit."""
        made = Scene(self, namespace, bridges=bridges, groups=groups, rate=rate, bad=bad, limited=limited)
        self._scenes.append(made)
        return self._scenes[-1]

    def scrape(self, namespace: str, pod: str, port: int) -> None:
        """From now on, as a PodMonitor would: the target has its namespace and pod."""
        labels = {"namespace": namespace, "pod": pod, "instance": f"{pod}:9464"}
        self._targets.append({"targets": [f"127.0.0.1:{port}"], "labels": labels})
        (self.folder / "targets.tmp").write_text(json.dumps(self._targets))
        (self.folder / "targets.tmp").rename(self.folder / "targets.json")

    def __enter__(self) -> Self:
        (self.folder / "targets.json").write_text("[]")
        (self.folder / "rules.yaml").write_text(hurried(ALERTS.read_text()))
        metrics = self.stack.enter_context(kubelet(self.pods))
        every = f"{round(self.every * 1000)}ms"
        jobs = [
            {"job_name": "ocs-bridge", "file_sd_configs": [{"files": [str(self.folder / "targets.json")], "refresh_interval": "1s"}]},
            {"job_name": "kubelet", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{metrics}"]}]},
        ]  # fmt: skip
        configuration = {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": [str(self.folder / "rules.yaml")],
            "scrape_configs": jobs,
        }
        (self.folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
        command = ["prometheus", f"--config.file={self.folder}/prometheus.yaml"]
        command += [f"--storage.tsdb.path={self.folder}/tsdb", f"--web.listen-address=127.0.0.1:{self._port}"]
        with (self.folder / "prometheus.log").open("wb") as log:
            process = processes.start(command, stdout=log, stderr=log)
        self.stack.callback(process.wait, 20)
        self.stack.callback(process.terminate)
        self.prometheus = Prometheus(f"http://127.0.0.1:{self._port}")
        self.prometheus.wait_ready()
        self.stack.callback(self.prometheus.close)
        return self

    def __exit__(self, *_: object) -> None:
        for scene in self._scenes:
            scene.silence()
        self.stack.close()
