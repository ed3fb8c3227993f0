"""What becomes of values: settings, files, replicas, times; and of mistakes in them."""

import json
import re
from pathlib import Path

import pytest
import yaml
from chart.release import (
    CASES,
    CHART,
    EXAMPLES,
    HELMS,
    MINIMAL,
    ROOT,
    Object,
    bridge,
    configuration,
    one,
    over,
    rendered,
    run,
    template,
    tool,
    values_of,
    workload,
)

from bridge import ownership, service
from bridge.edge import quarantine, transactions
from bridge.settings import Settings

pytestmark = pytest.mark.chart


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("case", CASES)
def test_lint_finds_nothing(case: str, helm: str) -> None:
    done = run(tool(helm), "lint", "--strict", str(CHART), "-f", str(values_of(case)))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("case", CASES)
def test_both_helms_make_the_same(case: str) -> None:
    made = [rendered(case, helm=helm) for helm in HELMS]

    assert sorted(made[0], key=str) == sorted(made[1], key=str)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_taken(example: Path) -> None:
    assert workload(rendered(str(example)))


def test_the_values_of_the_argo_cd_application_are_taken() -> None:
    application = yaml.safe_load((CHART.parents[1] / "examples/argo-cd-application.yaml").read_text())
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert application["spec"]["source"]["targetRevision"] == chart["version"]
    assert workload(rendered(application["spec"]["source"]["helm"]["valuesObject"]))


def test_three_values_are_enough() -> None:
    command = [
        f"--set=config.{name}"
        for name in ("kafka.bootstrap_servers=k:1", "kafka.topics=t", "notifications.url=http://r/x")
    ]
    for helm in HELMS:
        done = run(tool(helm), "template", "r", str(CHART), *command)
        assert done.returncode == 0, done.stderr


def test_lists_and_texts_may_be_null() -> None:
    """Null takes their default away; where a map or a number is needed, the schema says so."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    everything: Object = {
        "networkPolicy": {"enabled": True},
        "autoscaling": {"type": "keda"},
        "monitoring": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
        "strimzi": {"cluster": "events", "user": {"create": True}},
        "istio": {"noRetry": True},
    }

    text = yaml.safe_dump_all(rendered(over(nulls(schema), everything)))

    assert "<nil>" not in text
    assert "%!" not in text


def nulls(schema: Object) -> Object:
    """Null in place of all that is not required."""
    required = schema.get("required", [])
    return {
        name: nulls(node) if name in required and "properties" in node else None
        for name, node in schema["properties"].items()
        if name not in ("config", "enabled") and (name not in required or "properties" in node)
    }


@pytest.mark.parametrize(("given", "kept"), [({}, True), ({"type": "Recreate"}, False)], ids=["default", "recreate"])
def test_a_strategy_has_only_what_goes_with_it(given: Object, kept: bool) -> None:
    strategy = workload(rendered({"workload": {"strategy": given}}))["spec"]["strategy"]

    assert ("rollingUpdate" in strategy) is kept


@pytest.mark.parametrize("helm", HELMS)
def test_the_commands_of_the_readme_are_taken(helm: str) -> None:
    text = (ROOT / "README.md").read_text().replace("\\\n", " ")
    command = re.search(r"^helm install (.*)$", text, re.MULTILINE)
    assert command

    done = run(tool(helm), "template", *command[1].replace("deploy/helm/ocs-bridge", str(CHART)).split())

    assert done.returncode == 0, done.stderr
    assert "image: registry.example.com/ocs-bridge:" in done.stdout.replace('"', "")


@pytest.mark.parametrize("helm", HELMS)
def test_it_is_a_subchart_that_can_be_switched_off_and_takes_global_values(tmp_path: Path, helm: str) -> None:
    parent = tmp_path / "parent"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts/ocs-bridge").symlink_to(CHART)
    dependency = {"name": "ocs-bridge", "version": "0.1.0", "condition": "ocs-bridge.enabled"}
    (parent / "Chart.yaml").write_text(
        yaml.safe_dump({"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]})
    )
    values = {
        "global": {"imageRegistry": "mirror.example.com", "other": {"x": 1}},
        "ocs-bridge": {"enabled": True, **MINIMAL},
    }

    done = template(helm, yaml.safe_dump(values), chart=parent)
    assert done.returncode == 0, done.stderr
    assert (
        bridge([item for item in yaml.safe_load_all(done.stdout) if item])["image"]
        == "mirror.example.com/ocs-bridge:0.1.0"
    )
    off = template(helm, yaml.safe_dump({"ocs-bridge": {"enabled": False}}), chart=parent)
    assert (off.returncode, off.stdout.strip()) == (0, "")


def test_settings_are_rendered_as_they_are() -> None:
    settings = {
        "delivery": {"max_buffered_bytes": 67108864, "max_unconfirmed": 1000000},
        "http": {"headers": {"X-Site": "{{ north }}"}},
        "metrics": {"calling_lists": True},
    }

    made = configuration(rendered({"config": settings}))

    assert made == over({"admin": {"port": 9464}, "log": {"level": "INFO"}}, over(MINIMAL["config"], settings))
    assert isinstance(made["delivery"]["max_buffered_bytes"], int)


def test_what_is_null_is_not_set() -> None:
    made = configuration(
        rendered({"config": {"http": None, "kafka": {"session_timeout": None}, "log": {"level": None}}})
    )

    assert "http" not in made
    assert "session_timeout" not in made["kafka"]
    assert made["log"] == {}


@pytest.mark.parametrize(
    ("values", "replicas"),
    [({}, 2), ({"replicaCount": 0}, 0), ({"replicaCount": None}, None), ({"autoscaling": {"type": "keda"}}, None), ({"autoscaling": {"type": "hpa"}}, None)],
    ids=["default", "zero", "null", "keda", "hpa"],
)  # fmt: skip
def test_replicas_are_left_out_where_somebody_else_counts(values: Object, replicas: int | None) -> None:
    assert workload(rendered(values))["spec"].get("replicas") == replicas


def test_the_grace_period_is_what_a_stop_may_need() -> None:
    """The bounds of bridge/service.py and what it calls, one after the other."""
    drain = Settings().delivery.drain_timeout
    drained = drain + ownership.CUT
    last_checkpoint = max(drain / 2, drain - ownership.CUT - ownership.MARGIN)
    left = 2 * service.LEAVE + 2 * transactions.GIVEN_UP
    closed = service.LEAVE + 1  # the quarantine, and the admin server
    assert quarantine.AGAIN > 0  # not waited for

    grace = workload(rendered({}))["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]

    assert drained + last_checkpoint + left + closed <= grace <= 2 * drain + 20


@pytest.mark.parametrize(
    ("drain", "grace"), [(25, 70), ("15s", 50), ("15 s", 50), ("0.25m", 50), ("14500ms", 50), ("1m", 140)], ids=str
)
def test_the_grace_period_follows_the_drain(drain: object, grace: int) -> None:
    spec = workload(rendered({"config": {"delivery": {"drain_timeout": drain}}}))["spec"]["template"]["spec"]

    assert spec["terminationGracePeriodSeconds"] == grace


def test_defaults_that_the_templates_know_are_the_bridges_own() -> None:
    settings = Settings()
    objects = rendered(
        {
            "config": {"admin": None},
            "autoscaling": {"type": "keda"},
            "monitoring": {"prometheusRule": {"enabled": True}},
        }
    )
    metadata = one(objects, "ScaledObject")["spec"]["triggers"][0]["metadata"]

    assert bridge(objects)["ports"][0]["containerPort"] == settings.admin.port
    assert metadata["consumerGroup"] == settings.kafka.group_id
    assert metadata["offsetResetPolicy"] == settings.kafka.auto_offset_reset
    assert (metadata["sasl"], metadata["tls"]) == (
        "none",
        "disable",
    )
    assert settings.kafka.security_protocol == "PLAINTEXT"
    assert f">= {0.95 * settings.http.max_in_flight:g} #" in str(one(objects, "PrometheusRule"))


def test_only_a_change_of_the_configuration_changes_its_checksum() -> None:
    def checksum(values: Object) -> str:
        found: str = workload(rendered(values))["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        return found

    assert checksum({}) == checksum({"replicaCount": 5, "podLabels": {"a": "b"}})
    assert checksum({}) != checksum({"config": {"log": {"level": "DEBUG"}}})
    assert checksum({}) != checksum({"files": {"a.yaml": "b"}})


def test_a_new_version_of_the_chart_alone_rolls_nothing(tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "ocs-bridge"
    shutil.copytree(CHART, copy)
    text = (copy / "Chart.yaml").read_text()
    (copy / "Chart.yaml").write_text(text.replace("\nversion: 0.1.0", "\nversion: 0.1.1"))

    templates = [workload(rendered({}, chart=chart))["spec"]["template"] for chart in (CHART, copy)]

    assert text != (copy / "Chart.yaml").read_text()
    assert templates[0] == templates[1]


def test_a_variable_of_the_users_replaces_that_of_the_chart() -> None:
    name = "BRIDGE_KAFKA__GROUP_INSTANCE_ID"
    own = rendered({"workload": {"kind": "StatefulSet"}})
    replaced = rendered(
        {"workload": {"kind": "StatefulSet"}, "extraEnv": [{"name": name, "value": "{{ .Release.Name }}-x"}]}
    )

    assert bridge(own)["env"] == [
        {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}
    ]
    assert bridge(replaced)["env"] == [{"name": name, "value": "r-x"}]


def test_newer_fields_are_only_for_newer_clusters() -> None:
    budgets = [
        one(rendered({}, "--kube-version", version), "PodDisruptionBudget")["spec"] for version in ("1.26.0", "1.27.0")
    ]

    assert ["unhealthyPodEvictionPolicy" in budget for budget in budgets] == [False, True]


def test_a_cluster_that_is_too_old_is_refused() -> None:
    done = template("helm4", str(values_of("minimal")), "--kube-version", "1.24.0")

    assert done.returncode != 0
    assert "kubeVersion" in done.stderr


def test_notes_say_what_to_do_next() -> None:
    done = run(
        tool("helm4"), "install", "r", str(CHART), "-n", "ns", "-f", str(values_of("minimal")), "--dry-run=client"
    )

    assert done.returncode == 0, done.stderr
    notes = done.stdout.split("NOTES:")[1]
    assert "reads campaign-group-events as consumer group ocs-bridge and POSTs to https://receiver.example.com" in notes
    assert "helm test -n ns r" in notes
    assert "monitoring.serviceMonitor.enabled=true" in notes
