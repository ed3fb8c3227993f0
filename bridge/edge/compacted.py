"""A compacted topic with enough partitions: looked at, made, grown; and what a person must do where the bridge may not.

Everything here blocks.
"""

import time
from collections.abc import Mapping
from typing import Any, NoReturn

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaTimeoutError, RetriableError, for_code

from bridge.connections import KafkaSettings
from bridge.core.outcome import StateTopicError
from bridge.edge.kafka_options import connecting, connection_options
from bridge.edge.log import get_logger

log = get_logger(__name__)

#: Of a small table that changes all the time: rolled and cleaned often, so that a restore reads little beside what is
#: known. Tombstones and the markers of transactions, one a second, would by default stay for a day. The brokers' time counts:
#: they refuse records of a member whose clock is an hour ahead, and with them its checkpoints.
CONFIGURATION = {
    "cleanup.policy": "compact",
    "message.timestamp.type": "LogAppendTime",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.bytes": str(16 * 1024 * 1024),
    "segment.ms": "600000",
    "delete.retention.ms": "600000",
}
NEEDED = ("READ", "WRITE")
NO_ERROR, UNKNOWN_TOPIC, FORBIDDEN, EXISTS, HAS_PARTITIONS = 0, 3, 29, 36, 37  # Kafka's error codes
#: What to do where a topic is gone that was there at the start.
MEND = "make it again, compacted, with as many partitions as the input: see docs/state.md, The topic is lost"
LED = 10.0  # seconds for a new partition to have a leader


class CompactedTopic:
    """`setting`: of the topic's name. `replication_factor` -1: the brokers' default."""

    def __init__(self, kafka: KafkaSettings, name: str, replication_factor: int, setting: str) -> None:
        self.name = name
        self._kafka = kafka
        self._replication_factor = replication_factor
        self._setting = setting
        self._warned = False

    def ensure(self, partitions: int) -> None:
        """It is there and as it must be, with at least so many partitions. StateTopicError, Unreachable, kafka's errors."""
        with connecting(self._kafka):
            admin = KafkaAdminClient(**{"request_timeout_ms": 10_000, **connection_options(self._kafka)})
        try:
            found = self._described(admin)
            if found is None:
                self._create(admin, partitions)
                found = self._led(admin, 1)
            self._check(admin, found)
            if len(found["partitions"]) < partitions:
                self._grow(admin, partitions)
                self._led(admin, partitions)
        finally:
            admin.close()

    def _described(self, admin: KafkaAdminClient) -> Mapping[str, Any] | None:
        found: Mapping[str, Any]
        [found] = admin.describe_topics([self.name])
        code = found["error_code"]
        if code == FORBIDDEN:
            raise StateTopicError(self.forbidden("DESCRIBE"))
        if code == UNKNOWN_TOPIC:
            return None
        if code != NO_ERROR:  # such as no leader yet
            error = for_code(code)
            raise (
                error(self.name) if issubclass(error, RetriableError) else StateTopicError(f"{self}: {error.__name__}")
            )
        return found

    def _led(self, admin: KafkaAdminClient, partitions: int) -> Mapping[str, Any]:
        """The topic once it has so many partitions, all with a leader. Brokers learn of them a little later."""
        until = time.monotonic() + LED
        while time.monotonic() < until:
            found = self._described(admin)
            if (
                found
                and len(found["partitions"]) >= partitions
                and all(p["leader_id"] >= 0 for p in found["partitions"])
            ):
                return found
            time.sleep(0.05)
        raise KafkaTimeoutError(f"{self.name} has no {partitions} partitions with leaders {LED:g} s after it was made")

    def _create(self, admin: KafkaAdminClient, partitions: int) -> None:
        options = {
            "num_partitions": partitions,
            "replication_factor": self._replication_factor,
            "configs": CONFIGURATION,
        }
        try:
            [answer] = admin.create_topics({self.name: options}, raise_errors=False)["topics"]
        except ValueError as error:  # kafka-python 3.0.12 can't read the answer of a broker that is not Kafka's own
            log.warning("state_topic_made", topic=self.name, partitions=partitions, unread=str(error))
            return  # whether it is there is asked next
        if answer["error_code"] == NO_ERROR:
            log.info("state_topic_made", topic=self.name, partitions=partitions)
        elif answer["error_code"] != EXISTS:  # made by another replica meanwhile
            self._refuse(answer["error_code"], answer["error_message"], "does not exist", self._creation(partitions))

    def _grow(self, admin: KafkaAdminClient, partitions: int) -> None:
        [answer] = admin.create_partitions({self.name: partitions}, raise_errors=False).results
        if answer.error_code == NO_ERROR:
            log.info("state_topic_grown", topic=self.name, partitions=partitions)
        elif answer.error_code != HAS_PARTITIONS:
            command = self._command("kafka-topics.sh", f"--alter --topic {self.name} --partitions {partitions}")
            wrong = f"has fewer partitions than the input, which has {partitions}"
            self._refuse(answer.error_code, answer.error_message, wrong, command)

    def _check(self, admin: KafkaAdminClient, found: Mapping[str, Any]) -> None:
        """What the bridge may do with it, and that it is compacted."""
        allowed = found["authorized_operations"]  # none at all: an old broker, that does not tell
        if missing := [operation for operation in NEEDED if allowed and operation not in allowed]:
            raise StateTopicError(self.forbidden(" and ".join(missing)))
        resource = ConfigResource(ConfigResourceType.TOPIC, self.name, ["cleanup.policy"])
        told = admin.describe_configs([resource], config_filter="all")["topic"].get(self.name, {})
        policy = told.get("cleanup.policy", {}).get("value")
        if policy is None:
            self._warn("not known whether it is compacted: this user has no right DESCRIBE_CONFIGS on it")
        elif "compact" not in policy:
            change = "--add-config cleanup.policy=compact"
            command = self._command(
                "kafka-configs.sh", f"--alter --entity-type topics --entity-name {self.name} {change}"
            )
            raise StateTopicError(f"{self} has cleanup.policy={policy}, which loses campaign groups; run: {command}")
        elif "delete" in policy:
            self._warn(f"cleanup.policy={policy}: campaign groups that nothing is heard of are lost after retention.ms")

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            log.warning("state_topic_doubtful", topic=self.name, reason=reason)

    def forbidden(self, what: str) -> str:
        """What to tell where the bridge's user may not do `what`."""
        user = self._kafka.sasl_username or "<the bridge's user>"
        rights = "--operation Read --operation Write --operation DescribeConfigs"
        command = self._command("kafka-acls.sh", f"--add --allow-principal 'User:{user}' {rights} --topic {self.name}")
        return f"{self}: not permitted ({what}), or there is no such topic; run: {command}"

    def _refuse(self, code: int, message: str | None, wrong: str, command: str) -> NoReturn:
        """Raise that Kafka refused to mend what is wrong."""
        error = for_code(code)
        if issubclass(error, RetriableError):
            raise error(message)
        why = f"{error.__name__}: {message}" if message else error.__name__
        raise StateTopicError(f"{self} {wrong}, and Kafka refused to mend that ({why}); run: {command}")

    def _creation(self, partitions: int) -> str:
        replicas = f" --replication-factor {self._replication_factor}" if self._replication_factor > 0 else ""
        configuration = "".join(f" --config {name}={value}" for name, value in CONFIGURATION.items())
        words = f"--create --topic {self.name} --partitions {partitions}{replicas}{configuration}"
        return self._command("kafka-topics.sh", words)

    def _command(self, tool: str, words: str) -> str:
        servers = ",".join(self._kafka.bootstrap_servers)
        login = "" if self._kafka.security_protocol == "PLAINTEXT" else " --command-config client.properties"
        return f"{tool} --bootstrap-server {servers}{login} {words}"

    def __str__(self) -> str:
        return f"topic {self.name} (see {self._setting})"
