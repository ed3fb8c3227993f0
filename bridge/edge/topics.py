"""Making topics: for the demo and the tests. In production the platform's owner makes them."""

from collections.abc import Mapping

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from bridge.connections import KafkaSettings
from bridge.edge.kafka_options import connecting, connection_options

#: Replicas: as many as the cluster's own default says.
CLUSTER_DEFAULT = -1


def create_topic(
    kafka: KafkaSettings, name: str, partitions: int, configuration: Mapping[str, str] | None = None
) -> bool:
    """Make the topic; False if it is there already. Raises `Unreachable`, or kafka's error if the broker refuses."""
    with connecting(kafka):
        admin = KafkaAdminClient(**connection_options(kafka))
    try:
        admin.create_topics([NewTopic(name, partitions, CLUSTER_DEFAULT, topic_configs=dict(configuration or {}))])
    except TopicAlreadyExistsError:
        return False
    finally:
        admin.close()
    return True
