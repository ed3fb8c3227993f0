"""Records handed over before kafka-python reads their answer: with its loop, connection, session and positions, and a broker that is played.

With a real one: tests/broker/test_contract.py, and all that consumes.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from edge.test_fetched import TIMESTAMP, batch
from kafka import TopicPartition
from kafka.consumer.fetcher import FetchMetadata, FetchSessionHandler
from kafka.consumer.subscription_state import SubscriptionState
from kafka.net.connection import KafkaConnection
from kafka.net.selector import NetworkSelector
from kafka.protocol.broker_version_data import BrokerVersionData
from kafka.protocol.consumer import FetchRequest
from kafka.protocol.metadata import MetadataRequest
from kafka.structs import OffsetAndMetadata

from bridge.edge.fetch_answer import TAIL
from bridge.edge.first_look import MOST_BYTES, FirstLook
from bridge.edge.receiving import Plain

LONG = 10.0  # seconds that nothing here may take
SESSION = 77
MOST = 5
TP, OTHER = TopicPartition("events", 0), TopicPartition("events", 1)
AT = 40  # where both are read


def records(count: int = 1, at: int = AT) -> bytes:
    return batch([(n, TIMESTAMP, b"key", b"value %d" % n, []) for n in range(count)], base=at)


def partition(number: int, data: bytes, *, error: int = 0) -> bytes:
    head = struct.pack(">ihqqq", number, error, AT + 9, AT + 9, 0)
    return head + b"\1\xff\xff\xff\xff" + unsigned(len(data) + 1) + data + b"\0"


def unsigned(number: int) -> bytes:
    made = b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


class Played:
    """A broker with a fetch session, and the consumer's side as kafka-python has it."""

    def __init__(self) -> None:
        self.net = NetworkSelector()
        ours, self.broker = socket.socketpair()
        ours.setblocking(False)
        self.connection = KafkaConnection(self.net, node_id=1, broker_version_data=BrokerVersionData((4, 0)))
        self.transport: Any = Plain(self.net, ours)
        self.connection.connection_made(self.transport)
        self.connection.initializing, self.connection.connected = False, True
        self.subscription = SubscriptionState("earliest")
        self.subscription.assign_from_user([TP, OTHER])
        for tp in (TP, OTHER):
            self.state(tp).seek(OffsetAndMetadata(AT, "", -1))
        self.session = FetchSessionHandler(1)
        self.session.next_metadata = FetchMetadata(SESSION, 3)
        self.session.session_partitions = {TP: None, OTHER: None}
        self.fetcher = SimpleNamespace(
            _net=self.net,
            _session_handlers={1: self.session},
            _nodes_with_pending_fetch_requests={1, 2},
            _completed_fetches=[],
            _next_partition_records=None,
            _next_in_line_exception_metadata=None,
        )
        consumer: Any = SimpleNamespace(
            _fetcher=self.fetcher,
            _subscription=self.subscription,
            _client=SimpleNamespace(_manager=SimpleNamespace(_conns={1: self.connection})),
        )
        self.given: list[dict[TopicPartition, list[int]]] = []
        self.room = True
        self.look = FirstLook(consumer, self.give, MOST)

    def give(self, found: Any) -> bool:
        if self.room:
            self.given.append({tp: [record.offset for record in some] for tp, some in found.items()})
        return self.room

    def state(self, tp: TopicPartition) -> Any:
        return self.subscription.assignment[tp]

    def fetch(self, *, waiting: bool = True) -> Any:
        """A request on its way; the future of its answer."""
        request = FetchRequest(
            max_wait_ms=500, min_bytes=1, max_bytes=1000, isolation_level=1, session_id=SESSION, session_epoch=3,
            topics=[], forgotten_topics_data=[], rack_id="", min_version=4, max_version=12,
        )  # fmt: skip
        future = self.connection.send_request(request)
        if waiting:
            self.look.begin()
        return future

    def answer(self, *partitions: bytes, session: int = SESSION) -> bytes:
        """Its answer as a broker writes it."""
        correlation = self.connection.parser._correlation_id
        body = struct.pack(">iBihi", correlation, 0, 0, 0, session)
        if partitions:
            body += b"\2\7events" + unsigned(len(partitions) + 1) + b"".join(partitions) + b"\0"
        else:
            body += b"\1"
        return struct.pack(">i", len(body) + 1) + body + b"\0"

    def until(self, done: Callable[[], bool]) -> None:
        """Go round kafka-python's loop."""
        end = time.monotonic() + LONG
        while not done():
            assert time.monotonic() < end
            self.net._poll_once(0.05)

    def hears(self, answered: Any, *pieces: bytes, pause: float = 0.0) -> Any:
        """Have these pieces come, one after the other; what kafka-python reads of the answer, whose partitions it gives."""

        def send() -> None:
            for piece in pieces:
                self.broker.sendall(piece)
                time.sleep(pause)

        sender = threading.Thread(target=send)
        sender.start()
        self.until(lambda: answered.is_done)
        sender.join()
        assert answered.exception is None
        assert (answered.value.error_code, answered.value.session_id) == (0, SESSION)
        return [(topic.topic, p.partition_index) for topic in answered.value.responses for p in topic.partitions]


@pytest.fixture
def played() -> Iterator[Played]:
    made = Played()
    yield made
    made.connection.close()
    made.net.close()
    made.broker.close()


def test_records_are_handed_over_and_kafka_python_reads_an_answer_in_which_nothing_came(played: Played) -> None:
    heard = played.hears(
        played.fetch(), played.answer(partition(0, records(2) + records(1, AT + 2)), partition(1, records()))
    )
    assert played.given == [{TP: [AT, AT + 1, AT + 2], OTHER: [AT]}]
    assert heard == []
    assert played.look.end()
    assert played.state(TP).position == OffsetAndMetadata(AT + 3, "", 0)
    assert played.state(OTHER).position.offset == AT + 1
    assert played.state(TP).highwater == AT + 9
    assert list(played.subscription.assignment) == [TP, OTHER], "whose turn it is to be fetched first"


def test_the_next_answer_is_read_from_where_that_one_ended(played: Played) -> None:
    for at in (AT, AT + 1, AT + 2):
        assert played.hears(played.fetch(), played.answer(partition(0, records(1, at)))) == []
    assert played.given == [{TP: [AT]}, {TP: [AT + 1]}, {TP: [AT + 2]}]


def test_partitions_have_their_turns(played: Played) -> None:
    played.hears(played.fetch(), played.answer(partition(0, records())))
    assert list(played.subscription.assignment) == [OTHER, TP]


@pytest.mark.parametrize("tail", [1, 2, TAIL])
def test_records_do_not_wait_for_what_is_behind_them_which_nobody_sees(played: Played, tail: int) -> None:
    answered, answer = played.fetch(), played.answer(partition(0, records()))
    assert played.hears(answered, answer[:-tail]) == []
    assert played.given == [{TP: [AT]}]
    again = played.fetch()
    assert played.hears(again, answer[-tail:], played.answer(partition(0, records(1, AT + 1))), pause=0.02) == []
    assert played.given == [{TP: [AT]}, {TP: [AT + 1]}]


@pytest.mark.alone
def test_an_answer_in_pieces_is_put_together(played: Played) -> None:
    answered, answer = played.fetch(), played.answer(partition(0, records()))
    assert played.hears(answered, answer[:60], answer[60:-TAIL], answer[-TAIL:], pause=0.0002) == []
    assert played.given == [{TP: [AT]}]


def test_pieces_that_come_late_are_kafka_pythons(played: Played) -> None:
    answered, answer = played.fetch(), played.answer(partition(0, records()))
    assert played.hears(answered, answer[:2], answer[2:60], answer[60:], pause=0.05) == [("events", 0)]
    assert played.given == []
    assert played.state(TP).position.offset == AT


def another_broker(played: Played) -> None:
    played.fetcher._nodes_with_pending_fetch_requests.discard(1)
    played.look.begin()


#: What makes an answer to be left to kafka-python.
ALTERATIONS: dict[str, Callable[[Played], object]] = {
    "paused": lambda p: p.subscription.pause(TP),
    "about to be taken away": lambda p: p.subscription.mark_pending_revocation([TP]),
    "to be validated": lambda p: setattr(p.state(TP), "_awaiting_validation", True),
    "read elsewhere by now": lambda p: p.state(TP).seek(OffsetAndMetadata(AT - 1, "", -1)),
    "not ours any more": lambda p: p.subscription.assignment.pop(TP),
    "not of the session": lambda p: p.session.session_partitions.pop(TP),
    "a session that begins": lambda p: setattr(p.session, "next_metadata", FetchMetadata(SESSION, 0)),
    "no session": lambda p: p.fetcher._session_handlers.clear(),
    "no room": lambda p: setattr(p, "room", False),
    "an answer before it": lambda p: p.fetcher._completed_fetches.append("an answer"),
    "records before it": lambda p: setattr(p.fetcher, "_next_partition_records", "some"),
    "an error before it": lambda p: setattr(p.fetcher, "_next_in_line_exception_metadata", "one"),
    "nobody waits": lambda p: p.look.end(),
    "another broker is waited for": another_broker,
}


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS)
def test_what_is_unusual_is_left_to_kafka_python(played: Played, alter: Callable[[Played], object]) -> None:
    answered = played.fetch()
    alter(played)
    before = {tp: state.position.offset for tp, state in played.subscription.assignment.items()}
    heard = played.hears(answered, played.answer(partition(0, records()), partition(1, records())))
    assert heard == [("events", 0), ("events", 1)]
    assert played.given == []
    assert not played.look.end()
    assert {tp: state.position.offset for tp, state in played.subscription.assignment.items()} == before


@pytest.mark.parametrize(
    "of_it",
    [records(MOST + 1), batch([(0, TIMESTAMP, None, b"x" * MOST_BYTES, [])], base=AT), b""],
    ids=["many", "long", "none"],
)
def test_so_are_many_records_long_ones_and_none(played: Played, of_it: bytes) -> None:
    assert played.hears(played.fetch(), played.answer(partition(0, of_it))) == [("events", 0)]
    assert played.given == []


def test_as_many_as_may_be_are_handed_over(played: Played) -> None:
    assert played.hears(played.fetch(), played.answer(partition(0, records(MOST)))) == []
    assert len(played.given[0][TP]) == MOST


def test_an_answer_with_another_behind_it_is_left_to_kafka_python(played: Played) -> None:
    answered = played.fetch()
    answer = played.answer(partition(0, records()))
    played.connection.send_request(MetadataRequest(topics=[], min_version=0, max_version=0))
    correlation = played.connection.parser._correlation_id
    another = struct.pack(">iiii", 12, correlation, 0, 0)
    assert played.hears(answered, answer + another) == [("events", 0)]
    assert played.given == []


def test_an_answer_to_something_else_is_not_looked_at(played: Played) -> None:
    other = played.connection.send_request(MetadataRequest(topics=[], min_version=0, max_version=0))
    metadata = struct.pack(">iiii", 12, played.connection.parser._correlation_id, 0, 0)
    answered = played.fetch()
    played.broker.sendall(metadata)
    played.until(lambda: bool(other.is_done))
    assert other.value.brokers == []
    assert played.hears(answered, played.answer(partition(0, records()))) == []
    assert played.given == [{TP: [AT]}]


def test_after_few_were_handed_over_no_more_are_until_somebody_waits_again(played: Played) -> None:
    played.hears(played.fetch(), played.answer(partition(0, records())))
    answered = played.fetch(waiting=False)
    assert played.hears(answered, played.answer(partition(0, records(1, AT + 1)))) == [("events", 0)]
    assert len(played.given) == 1


def test_a_connection_that_ends_is_told_as_ever(played: Played) -> None:
    answered = played.fetch()
    played.broker.close()
    played.until(lambda: bool(answered.is_done))
    assert answered.exception is not None
    played.look.begin()  # and one without a socket is passed over
    assert played.given == []
