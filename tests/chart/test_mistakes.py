"""Mistakes in values: each is told in a sentence before anything is installed, and all of them at once."""

import re
from pathlib import Path

import pytest
import yaml
from chart.release import HELMS, MINIMAL, Object, over, refused, rendered

from bridge.config.checks import RULES, Rule
from bridge.config.load import ConfigError, load

pytestmark = pytest.mark.chart

SCHEMA_MISTAKES = {
    "replicas": 3,
    "image": {"tag": 1.2},
    "config": {
        "kafka": {"bootstrap_server": "kafka:9092", "session_timeout": "soon", "auto_offset_reset": "newest"},
        "notifications": {"url": "receiver"},
        "http": {"timeout": 500},
    },
    "secretFiles": {"kafka": {"sasl_password": {"secret": "a", "key": "b"}}},
    "workload": {"kind": "DaemonSet"},
    "autoscaling": {"type": "vpa"},
    "monitoring": {"serviceMonitor": {"enabled": "yes"}},
}
#: A part of the line that names each of them.
SCHEMA_WORDS = ("replicas", "tag", "bootstrap_server", "session_timeout", "auto_offset_reset", "url", "timeout", "sasl_password", "kind", "type", "enabled")  # fmt: skip


@pytest.mark.parametrize("helm", HELMS)
def test_mistakes_of_names_and_types_are_told_all_at_once(helm: str) -> None:
    lines = [
        line
        for line in refused(SCHEMA_MISTAKES, helm).splitlines()
        if line.lstrip().startswith("- ") and not line.endswith("validation failed")
    ]

    assert len(lines) == len(SCHEMA_WORDS)
    for word in SCHEMA_WORDS:
        assert any(word in line for line in lines), word


#: Values that a schema can't refuse, and the beginning of what is said.
MISTAKES: dict[str, tuple[Object, str]] = {
    "no port": ({"config": {"kafka": {"bootstrap_servers": "kafka"}}}, 'config.kafka.bootstrap_servers: "kafka" has no port'),
    "no topics": ({"config": {"kafka": {"topics": None}}}, "config.kafka.topics is missing"),
    "no url": ({"config": {"notifications": {"url": None}}}, "config.notifications.url is missing"),
    "password": ({"config": {"kafka": {"sasl_password": "x"}}}, "config.kafka.sasl_password would be readable in a ConfigMap"),
    "no password": ({"config": {"kafka": {"security_protocol": "SASL_SSL"}}}, "config.kafka.security_protocol is SASL_SSL, but there is no password"),
    "no user": ({"config": {"kafka": {"security_protocol": "SASL_SSL", "sasl_password_file": "/x"}}}, "config.kafka.security_protocol is SASL_SSL, but config.kafka.sasl_username is missing"),
    "no key": ({"config": {"http": {"cert_file": "/x"}}}, "secretFiles.http: cert_file and key_file go together"),
    "grace": ({"terminationGracePeriodSeconds": 30}, "terminationGracePeriodSeconds is 30, but a stop may need 40 s"),
    "same id": ({"config": {"kafka": {"group_instance_id": "a"}}}, "config.kafka.group_instance_id: all pods"),
    "same transactions": ({"config": {"delivery": {"transactional_id": "a"}}}, "config.delivery.transactional_id: all pods"),
    "short session": ({"workload": {"kind": "StatefulSet"}, "config": {"kafka": {"session_timeout": "20s"}}}, "workload.kind is StatefulSet, but"),
    "twice": ({"extraEnv": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "extraEnv: A is there twice"),
    "volume": ({"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}, "extraVolumes: the name tmp is taken"),
    "mount": ({"extraVolumeMounts": [{"name": "x", "mountPath": "/tmp/"}]}, "extraVolumeMounts: /tmp/ is taken"),
    "replicas": ({"autoscaling": {"type": "keda", "minReplicas": 7}}, "autoscaling: minReplicas 7 is more than maxReplicas 6"),
    "hpa from 0": ({"autoscaling": {"type": "hpa", "minReplicas": 0}}, "autoscaling.minReplicas: an HPA has at least 1"),
    "static and scaled": ({"autoscaling": {"type": "keda"}, "workload": {"kind": "StatefulSet"}}, "autoscaling with workload.kind StatefulSet"),
    "monitors": ({"monitoring": {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}}, "monitoring.serviceMonitor and monitoring.podMonitor"),
    "no cluster": ({"strimzi": {"user": {"create": True}}}, "strimzi.cluster is missing"),
    "any port": ({"config": {"admin": {"port": 0}}}, "config.admin.port is 0"),
    "both": ({"config": {"http": {"ca_file": "/x"}}, "secretFiles": {"http": {"ca_file": {"secret": "a", "key": "b"}}}}, "secretFiles.http.ca_file and config.http.ca_file: exactly one"),
}  # fmt: skip


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize(("values", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told(values: Object, said: str, helm: str) -> None:
    assert f"\n  - {said}" in refused(over(MINIMAL, values), helm)


@pytest.mark.parametrize("helm", HELMS)
def test_ten_mistakes_are_ten_lines(helm: str) -> None:
    together = (
        "no port",
        "no topics",
        "no url",
        "password",
        "no key",
        "grace",
        "same id",
        "twice",
        "volume",
        "monitors",
    )
    values: Object = MINIMAL
    for name in together:
        values = over(values, MISTAKES[name][0])
    text = refused(values, helm)

    assert "10 problem(s) in the values of ocs-bridge" in text
    for name in together:
        assert f"\n  - {MISTAKES[name][1]}" in text


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize(
    "values", ["monitoring:", "autoscaling:", "image:", "workload: {kind: }", "probes:", "service: {port: }"]
)
def test_a_heading_with_nothing_below_is_told_as_such(values: str, helm: str) -> None:
    """It takes the defaults away, so that a template would end with a nil pointer."""
    text = refused(yaml.safe_dump(MINIMAL) + values, helm)
    name = re.findall(r"\w+", values)[-1]

    assert re.search(rf"{name} is required|missing property '{name}'", text), text


#: By the names of each rule of the bridge between settings: sections of `config` that break it, and that just don't.
TLS = {"security_protocol": "SSL", "ssl_certfile": "/x"}
SASL = {"security_protocol": "SASL_SSL", "sasl_username": "u", "sasl_password_file": "/x"}
BREAKS: dict[tuple[str, ...], tuple[Object, Object]] = {
    ("kafka.topics", "kafka.topic_pattern"): ({"kafka": {"topic_pattern": "a"}}, {"kafka": {"topic_pattern": None}}),
    ("kafka.heartbeat_interval", "kafka.session_timeout"): ({"kafka": {"heartbeat_interval": "15.1s"}}, {"kafka": {"heartbeat_interval": "15s"}}),
    ("kafka.session_timeout", "http.timeout"): ({"kafka": {"session_timeout": 7}}, {"kafka": {"session_timeout": "7100ms"}}),
    ("http.timeout", "delivery.drain_timeout"): ({"http": {"timeout": "8.1 s"}}, {"http": {"timeout": 8}}),
    ("delivery.drain_timeout", "kafka.max_poll_interval"): ({"delivery": {"drain_timeout": 60.5}}, {"delivery": {"drain_timeout": "1m"}}),
    ("http.connect_timeout", "http.timeout"): ({"http": {"connect_timeout": 5.5}}, {"http": {"connect_timeout": 5}}),
    ("notifications.interval",): ({"notifications": {"interval": "90ms"}}, {"notifications": {"interval": 0}}),
    ("notifications.intervals",): ({"notifications": {"intervals": {"a": 10, "b": 0.05}}}, {"notifications": {"intervals": {"a": 0, "b": 0.1}}}),
    ("metrics.labels",): ({"metrics": {"labels": "tenant, tenant"}}, {"metrics": {"labels": ["tenant"]}}),
    ("kafka.sasl_password", "kafka.sasl_password_file"): ({"kafka": {**SASL, "sasl_password": "p"}}, {"kafka": SASL}),
    ("kafka.security_protocol", "kafka.sasl_username"): ({"kafka": {**SASL, "sasl_username": None}}, {"kafka": SASL}),
    ("kafka.security_protocol", "kafka.sasl_password", "kafka.sasl_password_file"): ({"kafka": {**SASL, "sasl_password_file": None}}, {"kafka": SASL}),
    ("kafka.ssl_certfile", "kafka.ssl_keyfile"): ({"kafka": TLS}, {"kafka": {**TLS, "ssl_keyfile": "/x"}}),
    ("http.cert_file", "http.key_file"): ({"http": {"key_file": "/x"}}, {"http": {"key_file": "/x", "cert_file": "/x"}}),
    ("http.bearer_token", "http.bearer_token_file"): ({"http": {"bearer_token": "t", "bearer_token_file": "/x"}}, {"http": {"bearer_token_file": "/x"}}),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: " ".join(rule.names))
def test_the_chart_knows_each_rule_of_the_bridge_between_settings(rule: Rule, tmp_path: Path) -> None:
    """Else a pod would start, and end with code 78. That of the bridge itself is asked too, lest the example be wrong."""
    broken, kept = BREAKS[rule.names]

    assert rule.text in problems_of(broken, tmp_path)
    assert "1 problem(s) in the values" in refused(over(MINIMAL, {"config": broken}), "helm4")
    assert rule.text not in problems_of(kept, tmp_path)
    assert rendered({"config": kept})


def problems_of(config: Object, folder: Path) -> str:
    """What the bridge says of it."""
    made = over(MINIMAL["config"], config)
    (folder / "bridge.yaml").write_text(yaml.safe_dump(made).replace("/x", str(folder / "bridge.yaml")))
    try:
        load(folder / "bridge.yaml", {})
    except ConfigError as error:
        return str(error)
    return ""


def test_what_a_variable_brings_is_not_missing() -> None:
    """User names are in Secrets, too."""
    user = {"name": "BRIDGE_KAFKA__SASL_USERNAME", "valueFrom": {"secretKeyRef": {"name": "s", "key": "username"}}}
    protocol = {"config": {"kafka": {**SASL, "sasl_username": None}}}

    assert rendered({**protocol, "extraEnv": [user]})
    assert rendered({**protocol, "extraEnvFrom": [{"secretRef": {"name": "s"}}]})
