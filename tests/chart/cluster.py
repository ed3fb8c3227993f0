"""A cluster, its namespaces and releases; Kafka and a receiver that its pods can reach."""

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chart.release import CHART, Object, tool
from faults.harness.recorder import Recorder
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic
from support import processes

HOST = os.environ.get("CLUSTER_HOST", "127.0.0.1")
#: Where the home-made cluster has the pods' logs; empty in others.
LOGS = os.environ.get("CLUSTER_LOGS", "")
SELECTOR = "app.kubernetes.io/name=ocs-bridge"
RESTRICTED = ("pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted")
#: Kinds that Kubernetes itself leaves behind for a while, or makes.
PASSING = ("events", "pods", "endpoints", "endpointslices", "leases", "replicasets", "controllerrevisions")


class PodBroker(KafkaBroker):
    """A broker on the address that pods know this machine by."""

    def address(self, protocol: str) -> str:
        return f"{HOST}:{self._ports[protocol]}"

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self._ports["PLAINTEXT"]), 1):
                return True
        except OSError:
            return False


def kubectl(*words: str, text: str | None = None, timeout: float = 120, silent: bool = False) -> str:
    """What it printed; AssertionError with what it said if it failed, or (`silent`) warned."""
    done = processes.run(
        [tool("kubectl"), *words], capture_output=True, text=True, timeout=timeout, check=False, input=text
    )
    assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
    assert not (silent and done.stderr), done.stderr
    printed: str = done.stdout
    return printed


class Release:
    """The chart in a namespace of its own that enforces `restricted`. `values` are written to a file once."""

    def __init__(self, folder: Path, namespace: str, values: Object) -> None:
        self.namespace = namespace
        self._values = folder / f"{namespace}.json"
        self._values.write_text(json.dumps(values))

    def helm(self, which: str, command: str, *words: str, timeout: int = 120) -> str:
        """Run it; AssertionError with what it said if it failed or warned."""
        values = ("-f", str(self._values)) if command in ("install", "upgrade") else ()
        chart = (str(CHART),) if command in ("install", "upgrade") else ()
        call = [tool(which), command, "ocs-bridge", *words[:1], *chart, "-n", self.namespace, *values, *words[1:]]
        call = [word for word in call if word]
        done = processes.run(call, capture_output=True, text=True, timeout=timeout + 30, check=False)
        said: str = done.stdout + done.stderr
        assert done.returncode == 0, f"{' '.join(call)}: {said}"
        assert "would violate" not in said, said
        return said

    def kubectl(self, *words: str, **options: Any) -> str:
        return kubectl("-n", self.namespace, *words, **options)

    def objects(self, kind: str, *words: str) -> list[Object]:
        found: list[Object] = json.loads(self.kubectl("get", kind, *words, "-o", "json"))["items"]
        return found

    def pods(self) -> list[Object]:
        """Those of the bridge that are not ending."""
        return [pod for pod in self.objects("pods", "-l", SELECTOR) if "deletionTimestamp" not in pod["metadata"]]

    def generations(self) -> dict[str, int]:
        """Of workloads: it is raised by each change of their specification."""
        found = self.objects("deployments") + self.objects("statefulsets")
        return {item["metadata"]["name"]: item["metadata"]["generation"] for item in found}

    def left(self) -> list[str]:
        """What is left in the namespace, but for what Kubernetes makes itself."""
        kinds = kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
        wanted = ",".join(kind for kind in kinds if not kind.startswith(PASSING))
        names = self.kubectl("get", wanted, "-o", "name", "--ignore-not-found").split()
        return [name for name in names if not name.endswith(("/kube-root-ca.crt", "serviceaccount/default"))]


def values_for(broker: PodBroker, receiver: Recorder, **kafka: object) -> Object:
    """Of a bridge on a topic and in a group of its own. Each pod says its name in its requests."""
    repository, _, tag = os.environ["CLUSTER_IMAGE"].rpartition(":")
    topic = make_topic(broker.bootstrap, fresh_name("cluster"), 6)
    settings: Object = {
        "kafka": {
            "bootstrap_servers": broker.bootstrap,
            "topics": topic,
            "group_id": fresh_name("cluster-group"),
            **kafka,
        },
        "notifications": {"url": receiver.url, "interval": 0},
        # Longer than a busy machine takes: a POST that fails for its time never arrives.
        "http": {"timeout": 5, "connect_timeout": 4},
        "delivery": {"checkpoint_interval": 0.5},
    }
    name = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    return {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "config": settings,
        "workload": {"minReadySeconds": 2},
        "extraEnv": [{"name": "BRIDGE_HTTP__USER_AGENT", "valueFrom": name}],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "test": {"service": not LOGS},  # the home-made cluster has no DNS
    }


@contextmanager
def release(folder: Path, values: Object) -> Iterator[Release]:
    """A release that is not installed yet; its namespace goes at the end."""
    namespace = f"bridge-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", namespace)
    kubectl("label", "namespace", namespace, *RESTRICTED)
    made = Release(folder, namespace, values)
    try:
        yield made
    except BaseException:
        with suppress(AssertionError):
            print(made.kubectl("get", "pods", "-o", "wide"), made.kubectl("get", "events", "--sort-by=.lastTimestamp"))
        raise
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")


def wait_gone(made: Release, timeout: float = 60) -> None:
    """Until no pod of the bridge is left."""
    deadline = time.monotonic() + timeout
    while made.objects("pods", "-l", SELECTOR):
        assert time.monotonic() < deadline, "pods are left"
        time.sleep(0.2)
