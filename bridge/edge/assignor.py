"""The assignor of the consumer group: it assigns partition numbers, all topics together.

A campaign group lives in one partition number, so whoever has partition 3 of one input topic has partition 3 of the
others (bridge/core/balance.py). A member that may not do so would break that; therefore the protocol has a name of its
own, and Kafka refuses members with another assignor (INCONSISTENT_GROUP_PROTOCOL).

With it goes how many partitions each topic has: a member whose own partitions stay the same learns by nothing else that
the input has grown, and campaign groups may live elsewhere from then on.

Cooperative: a bundle of partitions that moves is first taken from whoever has any of it, and given, as a whole, in the
rebalance after; so nobody restores a number while another still writes its state.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment, ConsumerProtocolSubscription

from bridge.core.balance import Bundle, balance, bundles
from bridge.core.record import Partition

Claims = dict[Partition, str | None]  # who has it; None: two say so, and both must let go
Counts = Mapping[str, int]  # partitions of each topic

#: Of the subscription's wire format: the first that carries the generation of the owned partitions.
VERSION = 2
_decode = msgspec.json.Decoder(dict[str, int]).decode


class Assignor(CooperativeStickyAssignor):  # type: ignore[misc]
    """kafka-python's, with what is claimed, who is believed and who gets what made our own. One instance per consumer.

    `counted` is told the leader's counts at each rebalance, on kafka-python's thread, before the owner is told of it.
    """

    name = "ocs-bridge-co-partitioned"
    version = VERSION

    def __init__(self, counted: Callable[[Counts], None] = lambda _: None) -> None:
        super().__init__()
        self._counted = counted
        self.member_assignment: Collection[tuple[str, int]] | None = None  # what was last assigned
        self._topics: frozenset[str] = frozenset()

    def forget(self) -> None:
        """To be called when partitions are lost.

        kafka-python goes on claiming the partitions it had before the loss, and the leader believes it: two owners at
        once, for as long as the true one drains (tests/edge/test_group.py shows it).
        """
        self.member_assignment = None
        self.generation = self.DEFAULT_GENERATION_ID

    def metadata(self, topics: Collection[str]) -> ConsumerProtocolSubscription:
        """What this member tells the leader: its topics, what it has of them, and since which generation."""
        self._topics = frozenset(topics)
        owned: dict[str, list[int]] = defaultdict(list)
        for topic, number in self.member_assignment or ():
            owned[topic].append(number)
        part = ConsumerProtocolSubscription.TopicPartition
        return ConsumerProtocolSubscription(
            version=self.version,
            topics=sorted(topics),
            user_data=b"",
            owned_partitions=[part(topic=topic, partitions=sorted(owned[topic])) for topic in sorted(owned)],
            generation_id=self.generation,
        )

    def assign(self, cluster: Any, members: Collection[Any]) -> dict[str, ConsumerProtocolAssignment]:
        """What each member gets in this round. Called at the leader, which sees every member's `metadata`."""
        told = {member.member_id: self.parse_member_metadata(member.metadata) for member in members}
        subscriptions = {member: frozenset(said.subscription) for member, said in told.items()}
        claims = claimed(told)
        existing = self._existing(cluster, subscriptions, claims)
        wanted = bundles(existing, subscriptions)
        placed = balance(wanted, {b: owner for b in wanted if (owner := owner_of(b, claims))}, subscriptions)
        given = {member: defaultdict[str, list[int]](list) for member in subscriptions}
        for bundle in wanted:
            member = placed[bundle]
            for partition in ready(bundle, member, claims):
                given[member][partition.topic].append(partition.number)
        counts = msgspec.json.encode({t: len(n) for t in sorted(existing) if (n := cluster.partitions_for_topic(t))})
        return {
            member: ConsumerProtocolAssignment(self.version, sorted(by_topic.items()), counts)
            for member, by_topic in given.items()
        }

    def on_assignment(self, assignment: ConsumerProtocolAssignment, generation: int) -> None:
        """What this member got, and what the leader said of the topics."""
        super().on_assignment(assignment, generation)
        try:
            counts = _decode(assignment.user_data or b"{}")
        except msgspec.DecodeError:  # a leader of another version
            counts = {}
        self._counted({topic: count for topic, count in counts.items() if topic in self._topics})

    def _existing(
        self, cluster: Any, subscriptions: Mapping[str, Collection[str]], claims: Claims
    ) -> dict[str, Collection[int]]:
        """The partition numbers of each topic."""
        existing: dict[str, Collection[int]] = {}
        for topic in {topic for topics in subscriptions.values() for topic in topics}:
            numbers = cluster.partitions_for_topic(topic)
            if numbers is None and topic not in self._topics:
                # The leader has not subscribed to it, and asks only now what there is of it: until it knows, and
                # assigns again, nobody need give up anything. Of its own topics it knows that they do not exist.
                numbers = {partition.number for partition in claims if partition.topic == topic}
            existing[topic] = numbers or ()
        return existing


def claimed(told: Mapping[str, Any]) -> Claims:
    """Who has which partition: of those who say so, the one with the latest generation.

    `told`: of each member its partitions, their generation and its subscription, as kafka-python parses it. A member
    without a word of its loss comes with an old generation; two of the same generation must both let go.
    """
    claims: Claims = {}
    since: dict[Partition, int] = {}
    for member, said in sorted(told.items()):
        for topic, number in said.partitions:
            partition = Partition(topic, number)
            # What is no longer subscribed to was revoked before the member joined.
            if topic not in said.subscription or said.generation < since.get(partition, said.generation):
                continue
            twice = since.get(partition) == said.generation
            claims[partition] = None if twice else member
            since[partition] = said.generation
    return claims


def owner_of(bundle: Bundle, claims: Claims) -> str | None:
    """The member that has the most of a bundle and may have it all."""
    having = [claims.get(partition) for partition in bundle.partitions()]
    able = [member for member in bundle.able if member in having]
    return max(able, key=having.count, default=None)


def ready(bundle: Bundle, member: str, claims: Claims) -> list[Partition]:
    """What the member that is to have a bundle gets of it now: what it has, and the rest when nobody else has any."""
    wanted = bundle.partitions()
    if all(claims.get(partition, member) == member for partition in wanted):
        return wanted
    return [partition for partition in wanted if claims.get(partition) == member]


def unequal(counts: Mapping[str, int]) -> str | None:
    """What to say where input topics, which should be co-partitioned, differ in their partitions; None: they do not."""
    if len(set(counts.values())) < 2:
        return None
    each = ", ".join(f"{topic} has {counts[topic]}" for topic in sorted(counts))
    return f"{each}: a campaign group whose key falls into different partition numbers is kept twice; see kafka.topics"
