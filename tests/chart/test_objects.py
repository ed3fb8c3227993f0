"""The objects that are made: valid for Kubernetes and the operators, restricted, and of use to the bridge."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from certificates import make_certificates
from chart.release import (
    CASES,
    HELMS,
    KUBES,
    ROOT,
    TOOLS,
    Object,
    bridge,
    configuration,
    one,
    pods,
    rendered,
    run,
    tool,
    workload,
)

from bridge.startup import prepare

pytestmark = pytest.mark.chart
OPERATORS = ("monitoring.coreos.com", "keda.sh", "kafka.strimzi.io", "grafana.integreatly.org", "networking.istio.io")


def custom(item: Object) -> bool:
    return str(item["apiVersion"]).split("/")[0] in OPERATORS


@pytest.mark.parametrize("kube", KUBES)
def test_kubernetes_knows_every_field(kube: str, tmp_path: Path) -> None:
    for helm in HELMS:
        for case in CASES:
            objects = [item for item in rendered(case, "--kube-version", kube, helm=helm) if not custom(item)]
            (tmp_path / f"{helm}-{case}.yaml").write_text(yaml.safe_dump_all(objects))
    schemas = f"{TOOLS}/schemas/v{kube}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"

    done = run(tool("kubeconform"), "-strict", "-summary", "-schema-location", schemas, str(tmp_path))

    assert done.returncode == 0, done.stdout
    valid = re.search(r"Valid: (\d+), Invalid: 0, Errors: 0, Skipped: 0", done.stdout)
    assert valid
    assert int(valid[1]) > 5 * len(HELMS) * len(CASES)


def test_a_misspelt_field_would_be_found(tmp_path: Path) -> None:
    objects = rendered({})
    workload(objects)["spec"]["template"]["spec"]["terminationGracePeriod"] = 5
    (tmp_path / "x.yaml").write_text(yaml.safe_dump_all(objects))
    schemas = f"{TOOLS}/schemas/v{KUBES[0]}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"

    done = run(tool("kubeconform"), "-strict", "-schema-location", schemas, str(tmp_path))

    assert done.returncode == 1
    assert "terminationGracePeriod" in done.stdout


def test_the_operators_know_every_field_of_theirs() -> None:
    told: list[Object] = [
        {"where": case, "object": item}
        for case in CASES
        for item in rendered(case)
        # No schemas of these two can be had: looked at below.
        if custom(item) and not item["apiVersion"].startswith(("kafka.strimzi.io", "grafana.integreatly.org"))
    ]
    kinds = {item["object"]["kind"] for item in told}

    assert kinds == {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication", "VirtualService"}  # fmt: skip
    assert validated(told) == ""
    for item in told:
        item["object"]["spec"]["misspelt"] = 1
    assert validated(told).count("/spec/misspelt is unknown") == len(told)


def validated(told: list[Object]) -> str:
    script = str(Path(__file__).parent / "validate.mjs")
    done = run("node", script, str(TOOLS / "node_modules"), text=json.dumps(told))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_names_in_a_pod_are_there_once_and_what_is_mounted_exists(case: str) -> None:
    for spec in pods(rendered(case)):
        containers = [*spec.get("initContainers", []), *spec["containers"]]
        volumes = [volume["name"] for volume in spec["volumes"]]
        groups = [volumes, [container["name"] for container in containers]]
        for container in containers:
            mounts = container.get("volumeMounts", [])
            groups += [[item["name"] for item in container.get("env", [])], [item["mountPath"] for item in mounts], [item["name"] for item in container.get("ports", [])]]  # fmt: skip
            assert {mount["name"] for mount in mounts} <= set(volumes)
        for group in groups:
            assert len(group) == len(set(group)), group


@pytest.mark.parametrize("case", CASES)
def test_pods_are_restricted_and_know_their_limits(case: str) -> None:
    for spec in pods(rendered(case)):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert not any("hostPath" in volume for volume in spec["volumes"])
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True
    limits = bridge(rendered(case))["resources"]
    assert limits["limits"].keys() == {"memory"}, "a CPU limit makes heartbeats late"
    assert limits["requests"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("case", CASES)
def test_selectors_select_the_pods_and_labels_are_the_usual_ones(case: str) -> None:
    objects = rendered(case)
    labels = workload(objects)["spec"]["template"]["metadata"]["labels"]
    selectors = [workload(objects)["spec"]["selector"]["matchLabels"], one(objects, "Service")["spec"]["selector"]]
    selectors += [item["spec"]["selector"]["matchLabels"] for item in objects if item["kind"] in ("PodDisruptionBudget", "ServiceMonitor", "PodMonitor")]  # fmt: skip
    selectors += [item["spec"]["podSelector"]["matchLabels"] for item in objects if item["kind"] == "NetworkPolicy"]

    for selector in selectors:
        assert selector.keys() == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
        assert selector.items() <= labels.items()
    test_pod = next(item for item in objects if item["kind"] == "Pod")
    assert not selectors[0].items() <= test_pod["metadata"]["labels"].items(), "the Service would send scrapes to it"
    for item in objects:
        if "-more" not in item["metadata"]["name"] and "-text" not in item["metadata"]["name"]:  # the user's
            assert item["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
            assert item["metadata"]["labels"]["helm.sh/chart"] == "ocs-bridge-0.1.0"


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the Secrets and ConfigMaps of ci/ hold, by the end of a key's name."""
    folder = tmp_path_factory.mktemp("certificates")
    made = make_certificates(folder)
    return {
        "password": b"secret\n",
        "token": b"abc\n",
        "headers.yaml": b"X-Key: secret\n",
        "ca": made.ca.read_bytes(),
        "crt": made.client.read_bytes(),
        "key": made.client_key.read_bytes(),
    }


@pytest.mark.parametrize("case", CASES)
def test_the_bridge_takes_the_configuration(case: str, tmp_path: Path, secrets: dict[str, bytes]) -> None:
    """As the pod has it: files at their places, variables set."""
    objects = rendered(case)
    spec = workload(objects)["spec"]["template"]["spec"]
    volume = next(volume for volume in spec["volumes"] if volume["name"] == "settings")
    for name, content in projected(volume["projected"]["sources"], objects, secrets).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content.replace(b"/etc/ocs-bridge", str(tmp_path).encode()))

    _, warnings = prepare(tmp_path / "bridge.yaml", variables(bridge(objects).get("env", [])))

    allowed = ("is sent over plain http", "valid until")
    assert [text for text in warnings if not any(part in text for part in allowed)] == []
    mounted = next(mount for mount in bridge(objects)["volumeMounts"] if mount["name"] == "settings")
    assert mounted["mountPath"] == "/etc/ocs-bridge"
    assert bridge(objects)["args"][:3] == ["run", "--config", "/etc/ocs-bridge/bridge.yaml"]


def projected(sources: list[Object], objects: list[Object], secrets: dict[str, bytes]) -> dict[str, bytes]:
    """Files of the volume: of the chart's own ConfigMap its text, of the user's objects something fit."""
    own = next(item for item in objects if item["kind"] == "ConfigMap" and "bridge.yaml" in item["data"])
    files = {}
    for source in sources:
        kind, reference = next(iter(source.items()))
        for item in reference["items"]:
            if kind == "configMap" and reference["name"] == own["metadata"]["name"]:
                files[item["path"]] = own["data"][item["key"]].encode()
            else:
                end = "ca" if item["key"].startswith("ca.") else item["key"].removeprefix("tls.").removeprefix("user.")
                files[item["path"]] = secrets[end]
    return files


def variables(env: list[Any]) -> dict[str, str]:
    return {item["name"]: item.get("value", "ocs-bridge-0") for item in env}


#: KEDA's kafka scaler, its documentation of 2.18; other keys are ignored in silence.
KEDA_KEYS = {
    "bootstrapServers", "consumerGroup", "topic", "lagThreshold", "activationLagThreshold", "offsetResetPolicy", "allowIdleConsumers",
    "scaleToZeroOnInvalidOffset", "excludePersistentLag", "limitToPartitionsWithLag", "ensureEvenDistributionOfPartitions", "version",
    "partitionLimitation", "sasl", "tls", "saslTokenProvider", "awsRegion", "awsEndpoint", "unsafeSsl", "keyPassword",
}  # fmt: skip
KEDA_PARAMETERS = {"sasl", "username", "password", "tls", "ca", "cert", "key", "keyPassword"}


@pytest.mark.parametrize("case", ["keda", "keda-plain"])
def test_kedas_triggers_have_known_keys_and_texts(case: str) -> None:
    objects = rendered(case)
    scaled = one(objects, "ScaledObject")["spec"]

    for trigger in scaled["triggers"]:
        assert trigger["metadata"].keys() <= KEDA_KEYS
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
    topics = configuration(objects)["kafka"]["topics"]
    assert [trigger["metadata"]["topic"] for trigger in scaled["triggers"]] == (
        [topics] if isinstance(topics, str) else topics
    )
    assert scaled["scaleTargetRef"]["name"] == workload(objects)["metadata"]["name"]


def test_keda_logs_in_like_the_bridge() -> None:
    objects = rendered("keda")
    authentication = one(objects, "TriggerAuthentication")["spec"]
    references = [*authentication["secretTargetRef"], *authentication["configMapTargetRef"]]

    assert {item["parameter"]: (item["name"], item["key"]) for item in references} == {
        "password": ("kafka-user", "password"),
        "ca": ("kafka-ca", "ca.crt"),
        "username": ("r-ocs-bridge", "sasl-username"),
    }
    assert {item["parameter"] for item in references} <= KEDA_PARAMETERS
    own = next(item for item in objects if item["kind"] == "ConfigMap")
    assert own["data"]["sasl-username"] == "bridge"
    assert [trigger["authenticationRef"] for trigger in one(objects, "ScaledObject")["spec"]["triggers"]] == [
        {"name": "r-ocs-bridge"}
    ]


def test_a_kafka_user_may_what_the_bridge_does() -> None:
    objects = rendered("strimzi-scram")
    user = one(objects, "KafkaUser")
    rights = {
        (acl["resource"]["type"], acl["resource"]["name"]): set(acl["operations"])
        for acl in user["spec"]["authorization"]["acls"]
    }

    assert user["metadata"]["labels"]["strimzi.io/cluster"] == "events"
    assert rights["topic", "campaign-group-events"] == {"Describe", "Read"}
    assert rights["group", "ocs-bridge"] == {"Describe", "Read"}
    assert rights["transactionalId", "ocs-bridge-"] == {"Describe", "Write"}
    assert rights["topic", "ocs-bridge-state"] == {"Alter", "Create", "Describe", "DescribeConfigs", "Read", "Write"}
    assert rights["topic", "campaign-group-events-quarantine"] == {"Describe", "Write"}
    assert configuration(objects)["kafka"]["sasl_username"] == user["metadata"]["name"] == "bridge"


#: Of Strimzi's KafkaUser and KafkaTopic (kafka.strimzi.io/v1) and of grafana-operator's GrafanaDashboard (v1beta1): no package has
#: their schemas, so these are the fields and words of their CustomResourceDefinitions that the chart has a use for.
RESOURCES = {"topic", "group", "cluster", "transactionalId"}
PATTERNS = {"literal", "prefix"}
OPERATIONS = {"Read", "Write", "Create", "Delete", "Alter", "Describe", "ClusterAction", "AlterConfigs", "DescribeConfigs", "IdempotentWrite", "All"}  # fmt: skip


@pytest.mark.parametrize("case", ["strimzi-scram", "strimzi-tls"])
def test_strimzis_resources_have_known_fields_and_words(case: str) -> None:
    objects = rendered(case)
    spec = one(objects, "KafkaUser")["spec"]

    assert spec.keys() == {"authentication", "authorization"}
    assert spec["authentication"] in ({"type": "scram-sha-512"}, {"type": "tls"})
    assert (spec["authorization"].keys(), spec["authorization"]["type"]) == ({"type", "acls"}, "simple")
    for acl in spec["authorization"]["acls"]:
        assert acl.keys() == {"resource", "operations"}
        assert acl["resource"].keys() == {"type", "name", "patternType"}
        assert acl["resource"]["type"] in RESOURCES
        assert acl["resource"]["patternType"] in PATTERNS
        assert set(acl["operations"]) <= OPERATIONS
    for topic in (item["spec"] for item in objects if item["kind"] == "KafkaTopic"):
        assert topic.keys() == {"topicName", "partitions", "replicas", "config"}
    assert {item["apiVersion"] for item in objects if item["kind"].startswith("Kafka")} == {"kafka.strimzi.io/v1"}


def test_grafana_operators_dashboards_have_known_fields() -> None:
    dashboards = [item for item in rendered("pod-monitor") if item["kind"] == "GrafanaDashboard"]

    assert {item["apiVersion"] for item in dashboards} == {"grafana.integreatly.org/v1beta1"}
    for item in dashboards:
        assert item["spec"].keys() == {"instanceSelector", "allowCrossNamespaceImport", "folder", "json"}
        assert item["spec"]["instanceSelector"].keys() <= {"matchLabels", "matchExpressions"}


def test_a_network_policy_lets_out_to_the_ports_of_the_settings() -> None:
    egress = one(rendered({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]["egress"]

    assert [[port["port"] for port in rule["ports"]] for rule in egress] == [[53, 53], [9092], [443]]


def test_helm_test_reaches_the_pods_through_a_network_policy_that_names_who_may() -> None:
    objects = rendered("network-policy")
    peers = one(objects, "NetworkPolicy")["spec"]["ingress"][0]["from"]
    labels = next(item for item in objects if item["kind"] == "Pod")["metadata"]["labels"]

    assert any("podSelector" in peer and peer["podSelector"]["matchLabels"].items() <= labels.items() for peer in peers)


def test_helm_test_runs_a_program_that_the_image_has() -> None:
    test = next(item for item in rendered({}) if item["kind"] == "Pod")

    assert f'ENTRYPOINT ["{test["spec"]["containers"][1]["command"][0]}"' in (ROOT / "Dockerfile").read_text()


def test_a_virtual_service_forbids_retries() -> None:
    spec = one(rendered("istio"), "VirtualService")["spec"]

    assert spec["hosts"] == ["receiver.example.com"]
    assert spec["http"][0]["retries"] == {"attempts": 0}
    assert spec["http"][0]["route"][0]["destination"]["host"] == "receiver.example.com"
