"""librdkafka's mock broker in a child process: a Kafka within 0.1 s and without Java, for one member only.

It has no transactions, no second group member, and forgets old records. kafka-python clients must be given
`api_version=(2, 3)`; topics are made by writing to them.
"""

import subprocess
import sys

from support import processes


class EmbeddedBroker:
    """Lives until `stop`, or until the tests end in any way: the child waits for the end of its standard input."""

    def __init__(self) -> None:
        self._process = processes.start(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.bootstrap = self._process.stdout.readline().strip()
        if not self.bootstrap:
            raise RuntimeError(f"the embedded broker did not start: exit status {self._process.wait(10)}")

    def stop(self) -> None:
        """End the child."""
        self._process.communicate(timeout=10)


def main() -> None:
    """The child: print host:port, then wait."""
    from confluent_kafka import Producer

    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    brokers = cluster.list_topics(timeout=5).brokers.values()
    print(",".join(f"{broker.host}:{broker.port}" for broker in brokers), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
