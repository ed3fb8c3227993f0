"""The chart and the image in a cluster: installed, changed, rolled back and removed.

Run by `make cluster` (tools/cluster.sh), which sets KUBECONFIG, CLUSTER_HOST, CLUSTER_IMAGE and CLUSTER_LOGS.
"""

import json
import os
from pathlib import Path

import pytest
from chart.cluster import LOGS, SELECTOR, PodBroker, kubectl, release, values_for, wait_gone
from chart.release import HELMS, Object, pods, rendered
from faults.harness.recorder import Recorder
from support import processes

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.mark.parametrize("which", HELMS)
def test_install_upgrade_roll_back_test_and_uninstall(
    which: str, pod_broker: PodBroker, receiver: Recorder, tmp_path: Path
) -> None:
    with release(tmp_path, values_for(pod_broker, receiver)) as made:
        made.helm(which, "install", "", "--wait", "--timeout", "120s")
        first = made.generations()
        assert len(made.pods()) == 2
        made.helm(which, "upgrade", "", "--wait", "--timeout", "120s")
        assert made.generations() == first, "the same values change nothing"

        made.helm(which, "upgrade", "", "--wait", "--timeout", "120s", "--set", "config.log.level=DEBUG")
        assert made.generations() != first
        made.helm(which, "rollback", "1", "--wait", "--timeout", "120s")
        assert "level: INFO" in str(made.objects("configmaps", "-l", SELECTOR))
        made.helm(which, "test", "", "--timeout", "60s")
        if LOGS:
            ask_as_helm_test_does(f"http://{made.pods()[0]['status']['podIP']}:9464")

        made.helm(which, "uninstall", "", "--wait")
        wait_gone(made)
        assert made.left() == []


def ask_as_helm_test_does(url: str) -> None:
    """What the test's second container does where there is DNS, by the image and its own program."""
    test = next(item for item in rendered({}) if item["kind"] == "Pod")
    program, *arguments, _ = test["spec"]["containers"][1]["command"]
    podman = ["podman", *os.environ["STORAGE"].split(), "run", "--rm", "--network=host", "--entrypoint", program]
    call = [*podman, os.environ["CLUSTER_IMAGE"], *arguments, url]
    done = processes.run(call, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "/readyz 200\n/metrics 200\n"), done.stderr


@pytest.mark.parametrize(("first", "then"), [HELMS, HELMS[::-1]])
def test_a_release_of_one_helm_goes_on_with_the_other(
    first: str, then: str, pod_broker: PodBroker, receiver: Recorder, tmp_path: Path
) -> None:
    with release(tmp_path, values_for(pod_broker, receiver)) as made:
        made.helm(first, "install", "", "--wait", "--timeout", "120s")
        before = made.generations()
        made.helm(then, "upgrade", "", "--wait", "--timeout", "120s")
        assert made.generations() == before

        made.helm(then, "upgrade", "", "--wait", "--timeout", "120s", "--set", "rolloutToken=2")
        assert made.generations() != before
        made.helm(then, "uninstall", "", "--wait")
        wait_gone(made)
        assert made.left() == []


ALL = {
    "networkPolicy": {"enabled": True},
    "autoscaling": {"type": "keda"},
    "monitoring": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboards": {"enabled": True},
    },
    "strimzi": {
        "cluster": "events",
        "user": {"create": True},
        "topics": [{"name": "state", "partitions": 6, "replicas": 1}],
    },
    "istio": {"noRetry": True},
}


@pytest.mark.parametrize("values", [{}, ALL, {"workload": {"kind": "StatefulSet"}}, {"autoscaling": {"type": "hpa"}}], ids=["usual", "all", "statefulset", "hpa"])  # fmt: skip
def test_the_api_server_takes_every_object_without_a_warning(values: Object, tmp_path: Path) -> None:
    if values is ALL and not LOGS and "scaledobjects.keda.sh" not in kubectl("get", "crd", "-o", "name"):
        pytest.skip("this cluster does not know the operators' kinds")
    with release(tmp_path, {}) as made:
        objects = rendered(values)
        for item in objects:
            item["metadata"]["namespace"] = made.namespace
        specs = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"x-{n}", "namespace": made.namespace}, "spec": {**spec, "serviceAccountName": "default"}} for n, spec in enumerate(pods(objects))]  # fmt: skip
        for how in (("apply", "--server-side"), ("apply",)):
            text = "\n---\n".join(json.dumps(item) for item in objects if item["kind"] != "Pod")
            kubectl(*how, "--validate=strict", "--dry-run=server", "-f", "-", text=text, silent=True)
        kubectl("create", "--dry-run=server", "-f", "-", text="\n---\n".join(json.dumps(spec) for spec in specs))


def test_a_misspelt_field_and_a_privileged_pod_are_refused_here(tmp_path: Path) -> None:
    with release(tmp_path, {}) as made:
        deployment = next(item for item in rendered({}) if item["kind"] == "Deployment")
        deployment["metadata"]["namespace"] = made.namespace
        deployment["spec"]["replica"] = 3
        with pytest.raises(AssertionError, match="replica"):
            kubectl("apply", "--validate=strict", "--dry-run=server", "-f", "-", text=json.dumps(deployment))
        spec = {
            **pods(rendered({"securityContext": {"privileged": True, "allowPrivilegeEscalation": True}}))[0],
            "serviceAccountName": "default",
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": made.namespace}, "spec": spec}
        with pytest.raises(AssertionError, match="violates PodSecurity"):
            kubectl("create", "--dry-run=server", "-f", "-", text=json.dumps(pod))
