"""The lease on a real broker: when it begins, when it ends, and that kafka-python still tells what it is made from."""

import time

from broker.group_member import HEARTBEAT, SESSION, Member, settings_for
from kafka_broker import KafkaBroker
from kafka_topics import fresh_name, make_topic
from loopback import wait_until

from bridge.connections import KafkaSettings
from bridge.edge.lease import Lease


def settings(broker: KafkaBroker) -> KafkaSettings:
    topic = make_topic(broker.bootstrap, fresh_name("events"))
    return settings_for(broker.bootstrap, topic, fresh_name("group"))


def test_kafka_python_still_has_the_private_times_that_the_lease_reads_and_they_move(broker: KafkaBroker) -> None:
    with Member(settings(broker)) as member:
        heartbeat = member.consumer._coordinator.heartbeat
        wait_until(lambda: heartbeat.last_receive > 0, timeout=60, what="an answered heartbeat")
        sent, received = heartbeat.last_send, heartbeat.last_receive
        assert sent <= time.monotonic() < sent + 10 * HEARTBEAT, "monotonic seconds"
        assert received - sent < HEARTBEAT
        wait_until(lambda: heartbeat.last_send > sent, timeout=60, what="the next one")
        wait_until(lambda: heartbeat.last_receive > received, timeout=60, what="its answer")
        assert heartbeat.last_send >= sent + HEARTBEAT


def test_a_member_has_no_lease_before_it_joined_and_one_soon_after(broker: KafkaBroker) -> None:
    lease = Lease(2.0)
    assert not lease.valid()
    member = Member(settings(broker))
    lease.of(member.consumer)
    assert not lease.valid()
    with member:
        joined = time.monotonic()
        wait_until(lease.valid, timeout=60, what="a lease")
        assert time.monotonic() - joined < 3 * HEARTBEAT
        until = joined + 3.5
        while time.monotonic() < until:
            assert lease.valid(), "without a gap while heartbeats are answered"
            time.sleep(0.02)
        other = Lease(2.0)
        other.of(member.consumer)
        # At once, or with the answer to the one that happens to be on its way: it never saw the answered one before that.
        wait_until(
            other.valid, timeout=3 * HEARTBEAT, what="a lease of the consumer's heartbeats, not of the lease's own"
        )
        lease.of(None)
        assert not lease.valid()


def test_the_lease_ends_in_time_when_the_broker_answers_no_more_and_comes_back_with_it(own_broker: KafkaBroker) -> None:
    seconds = SESSION / 3
    lease = Lease(seconds)
    with Member(settings(own_broker)) as member:
        lease.of(member.consumer)
        wait_until(lease.valid, timeout=60, what="a lease")
        heartbeat = member.consumer._coordinator.heartbeat
        with own_broker.frozen():
            answered = heartbeat.last_send if heartbeat.last_receive >= heartbeat.last_send else None
            frozen = time.monotonic()
            wait_until(lambda: not lease.valid(), timeout=SESSION, what="the end of the lease")
            ended = time.monotonic()
            # It ran from the last answered heartbeat, sent before the broker froze, up to a heartbeat's interval ago.
            assert ended <= frozen + seconds + 0.2
            assert ended >= frozen + seconds - 2 * HEARTBEAT
            if answered is not None:
                assert abs(ended - (answered + seconds)) < 0.2
            time.sleep(0.5)
            assert not lease.valid(), "a heartbeat that is sent and not answered does not count"
        wait_until(lease.valid, timeout=60, what="a lease again")


def test_the_clock_is_read_after_everything_else() -> None:
    """A process that is stopped in between, and goes on later, must not post on what it saw before."""

    class Stopped:
        """Looking at its heartbeat takes an hour."""

        now = 100.0

        @property
        def _coordinator(self) -> "Stopped":
            return self

        @property
        def heartbeat(self) -> "Stopped":
            return self

        @property
        def last_receive(self) -> float:
            return 99.9

        @property
        def last_send(self) -> float:
            self.now += 3600
            return 99.8

    consumer = Stopped()
    lease = Lease(10.0, lambda: consumer.now)
    lease.of(consumer)
    assert not lease.valid()


def test_only_a_heartbeat_that_was_answered_after_it_was_sent_prolongs_the_lease() -> None:
    class Heartbeat:
        last_send = last_receive = float("-inf")

    class Consumer:
        def __init__(self) -> None:
            self.heartbeat = Heartbeat()
            self._coordinator = self

    now = 0.0
    consumer = Consumer()
    lease = Lease(10.0, lambda: now)
    lease.of(consumer)
    assert not lease.valid()
    consumer.heartbeat.last_send = 1.0
    assert not lease.valid()
    consumer.heartbeat.last_receive = 2.0
    now = 10.9
    assert lease.valid()
    now = 11.0
    assert not lease.valid(), "it began when the heartbeat was sent, not when its answer came"
    consumer.heartbeat.last_send = 10.5
    assert not lease.valid()
    consumer.heartbeat.last_receive = 11.0
    assert lease.valid()
    lease.of(Consumer())
    assert not lease.valid(), "another consumer's heartbeats do not count"


def test_answers_that_take_longer_than_the_interval_prolong_the_lease_too() -> None:
    """The next heartbeat is sent at the moment the answer comes, so no look falls between the two."""

    class Consumer:
        last_send = last_receive = float("-inf")

        def __init__(self) -> None:
            self._coordinator = self.heartbeat = self

    now = 0.0
    consumer = Consumer()
    lease = Lease(10.0, lambda: now)
    lease.of(consumer)
    consumer.last_send = 1.0
    assert not lease.valid()
    consumer.last_receive = consumer.last_send = 3.0
    consumer.last_send += 0.001
    now = 10.9
    assert lease.valid()
    now = 11.0
    assert not lease.valid(), "it began when the answered one was sent"
    consumer.last_send = 11.0
    assert not lease.valid(), "one that was sent after one that failed is no answer"
