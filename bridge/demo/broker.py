"""librdkafka's mock broker, inside this process: for trying only.

One consumer group member, no transactions, bounded retention, topics made by producing to them, nothing on disk. It
lives in native threads of a producer object of confluent-kafka (the extra `demo`), and ends with it.
"""

from typing import Any

#: kafka-python can't ask this broker for its version and has to be told.
API_VERSION = "2.3"

NOTE = "embedded broker: for trying only; one member, no transactions, keeps little and only in memory"


class NoBroker(Exception):
    """The embedded broker can't be had; the text says what to do."""


class EmbeddedBroker:
    """`address` is host:port on the loopback interface, free to use until `close()`."""

    def __init__(self) -> None:
        try:
            from confluent_kafka import Producer  # noqa: PLC0415 (an extra: needed by nobody who has a broker)
        except ImportError as error:
            raise NoBroker(
                "the embedded broker needs an extra: pip install 'ocs-bridge[demo]', or use --broker host:port"
            ) from error
        # log_level 0: librdkafka writes to stderr by itself, over the live view.
        self._producer: Any = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        brokers = self._producer.list_topics(timeout=5).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def close(self) -> None:
        """Close the clients of the broker first: they would try to reconnect."""
        self._producer = None
