"""A consumer group whose offsets and states are committed by tests, and what the broker has of them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from broker.group_member import settings_for
from broker.states import make_state_topic, states
from kafka_broker import KafkaBroker
from kafka_topics import committed, fresh_name, make_topic
from loopback import wait_until

from bridge.checkpoints import Committer
from bridge.connections import KafkaSettings
from bridge.core.outcome import Commit
from bridge.core.record import Partition
from bridge.core.runs import Checkpoint
from bridge.core.saved import StateRecord
from bridge.edge.transactions import Transactions, transactional_id

SESSION = 45.0  # seconds: longer than the outages of these tests, and than a busy machine holds up heartbeats
PRODUCER = "a-producer"
THREADS = ("kafka-transactions", "kafka-close", PRODUCER)


class Group:
    """A topic, a state topic, a group, and who was told that its id is another's."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.bootstrap = broker.bootstrap
        self.topic = make_topic(broker.bootstrap, fresh_name("events"))
        self.name = fresh_name("group")
        self.state_topic = make_state_topic(broker.bootstrap)
        self.identity = transactional_id(self.name)
        self.fenced: list[BaseException] = []

    @property
    def settings(self) -> KafkaSettings:
        plain = settings_for(self.bootstrap, self.topic, self.name)
        return plain.model_copy(
            update={"client_id": PRODUCER, "session_timeout": SESSION}
        )  # what kafka-python calls its threads by

    def at(self, *offsets: int, metadata: str = "") -> dict[Partition, Checkpoint]:
        """Checkpoints of the first partitions."""
        return {Partition(self.topic, n): Checkpoint(o, metadata or f"1;3;{o}") for n, o in enumerate(offsets)}

    def kept(self) -> dict[int, int]:
        """What the broker has, by partition number. Metadata agree."""
        found = committed(self.bootstrap, self.name, self.topic)
        assert all(kept.metadata == f"1;3;{kept.offset}" for kept in found.values())
        return {number: kept.offset for number, kept in found.items()}

    def metadata(self, number: int) -> str:
        kept: str = committed(self.bootstrap, self.name, self.topic)[number].metadata
        return kept

    def keeps(self, expected: dict[int, int]) -> None:
        """The broker shows what was committed only once the transaction's markers are written."""
        wait_until(lambda: self.kept().get(0) == expected[0], timeout=60, what=f"{expected} is kept")
        assert self.kept() == expected

    def states(self) -> list[StateRecord]:
        """What was committed of states."""
        return states(self.bootstrap, self.state_topic)

    @asynccontextmanager
    async def transactions(
        self, consumer: Any, deadline: float = 8.0, identity: str = ""
    ) -> AsyncIterator[Transactions]:
        """`identity`: of another process than the group's own."""
        name, fenced = identity and transactional_id(identity), self.fenced.append
        made = Transactions(self.settings, name or self.identity, lambda: consumer, fenced, self.state_topic, deadline)
        try:
            yield made
        finally:
            await made.close()


def ours() -> list[str]:
    """Threads of transactions, and of producers."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(THREADS)]


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


async def until_done(
    made: Committer, checkpoints: dict[Partition, Checkpoint], seconds: float, states: Sequence[StateRecord] = ()
) -> None:
    """Commit as the bridge does: again and again."""
    async with asyncio.timeout(seconds):
        while (await made.commit(checkpoints, states))[0] is not Commit.DONE:  # noqa: ASYNC110 (nothing to wait for)
            await asyncio.sleep(0.1)
