"""Few records, handed over before kafka-python reads the answer that they came in.

From a socket's bytes to records its thread takes 0.3 ms, where next to nothing else happens on the way of an event: a third of what
all of the bridge takes (docs/decisions/0012). So while the bridge waits for an answer, its bytes are looked at first. If records
could be handed over, kafka-python reads an answer in which nothing came; whatever is unusual about an answer, its session, or its
partitions is left to kafka-python. Nothing of it moves meanwhile: this is its own thread, and the polling one stands still.
"""

# ruff: noqa: SLF001 (of all this there is no public way)

from collections.abc import Callable
from selectors import EVENT_READ
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from bridge.core.record import Record
from bridge.edge.fetch_answer import PREFIX, TAIL, VERSION, Piece, empty, pieces_of

FETCH = 1  # kafka's number for such a request
MOST_BYTES = 32 * 1024  # of an answer; such a long one holds no few records

Batch = dict[TopicPartition, list[Record]]
Give = Callable[[Batch], bool]


class FirstLook:
    """At what comes for one consumer, between `begin` and `end`.

    `give` hands `most` records or fewer over without waiting; False: it has no room.
    """

    def __init__(self, consumer: KafkaConsumer, give: Give, most: int) -> None:
        self._fetcher = consumer._fetcher
        self._partitions = consumer._subscription
        self._connections = consumer._client._manager._conns
        self._give = give
        self._most = most
        self._sockets: dict[Any, Any] = {}  # with their connections
        self._gave = False
        net = self._fetcher._net
        self._process_events = net._process_events
        net._process_events = self._look

    def begin(self) -> None:
        """Look at what the fetches bring that are under way."""
        self._gave = False
        self._sockets = {}
        for node in self._fetcher._nodes_with_pending_fetch_requests:
            connection = self._connections.get(node)
            if connection is not None and connection.transport is not None:
                self._sockets[connection.transport._sock] = connection

    def end(self) -> bool:
        """Look no more; whether records were handed over."""
        self._sockets = {}
        return self._gave

    def _look(self, events: list[Any]) -> None:
        for key, mask in events:
            if mask & EVENT_READ and not self._gave:
                connection = self._sockets.get(key.fileobj)
                if connection is not None and connection.transport is not None:
                    self._look_at(connection, connection.transport)
        self._process_events(events)

    def _look_at(self, connection: Any, transport: Any) -> None:
        request = _answered(connection)
        session = self._session(connection)
        if request is None or session is None or self._busy():
            return
        received = transport.read()
        size = PREFIX + int.from_bytes(received[:PREFIX], "big")
        missing = -1
        if len(received) >= PREFIX and size <= MOST_BYTES:
            received = transport.rest(received, size - TAIL)
            missing = size - len(received)
        correlation, its = request.correlation_id, session.next_metadata.session_id
        if 0 <= missing <= TAIL and self._hand_over(pieces_of(received + bytes(missing), correlation, its), session):
            transport.put(empty(correlation, its), missing)
        else:
            transport.put(received)

    def _session(self, connection: Any) -> Any:
        """The fetch session, if the answer may go on with it."""
        session = self._fetcher._session_handlers.get(connection.node_id)
        return None if session is None or session.next_metadata.is_full else session

    def _busy(self) -> bool:
        """Whether something else has to come before what is in this answer."""
        fetcher = self._fetcher
        return bool(
            fetcher._completed_fetches or fetcher._next_partition_records or fetcher._next_in_line_exception_metadata
        )

    def _hand_over(self, pieces: list[Piece], session: Any) -> bool:
        batch: Batch = {}
        found = []
        for piece in pieces:
            tp = TopicPartition(*piece.partition)
            state = self._partitions.assignment.get(tp)
            if tp not in session.session_partitions or state is None:
                return False
            if not state.is_fetchable() or state.position.offset != piece.begin:
                return False
            batch[tp] = piece.records
            found.append((piece, tp, state))
        if not 0 < sum(map(len, batch.values())) <= self._most or not self._give(batch):
            return False
        for piece, tp, state in found:  # nobody waits for this
            state.position = OffsetAndMetadata(piece.end, "", piece.leader_epoch)
            state.highwater = piece.highwater
            self._partitions.move_partition_to_end(tp)
        self._gave = True
        return True


def _answered(connection: Any) -> Any:
    """The request that the next bytes answer, if they begin an answer, and it is a fetch that can be read here."""
    parser = connection.parser
    if parser is None or parser._receiving or parser._header.tell() or not parser.in_flight_requests:
        return None
    request = parser.in_flight_requests[0]
    return request if request.request_api_key == FETCH and request.request_api_version == VERSION else None
