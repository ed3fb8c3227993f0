"""What is taken from Kafka's sockets: all of it, in large pieces, also what OpenSSL holds already, and how it ends."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from edge.certificates import Certificates, make
from kafka.errors import KafkaConnectionError
from kafka.net import manager
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from bridge.edge import kafka_options
from bridge.edge.receiving import PIECE, PIECES, REST_MS, Encrypted, Plain

pytestmark = pytest.mark.alone

LONG = bytes(range(256)) * 1200  # 300 KiB: some TLS records, and more than is taken at once
Pair = tuple[Any, socket.socket]


class Fewer:
    """Counts the calls to a socket's recv."""

    def __init__(self, peer: socket.socket) -> None:
        self.calls = 0
        self._peer = peer

    def recv(self, size: int) -> bytes:
        self.calls += 1
        return self._peer.recv(size)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def plain() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
    with ours, theirs:
        yield Plain(None, ours), theirs


@pytest.fixture
def encrypted(certificates: Certificates) -> Iterator[Pair]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server.cert, certificates.server.key)
    ours, theirs = socket.socketpair()
    trusted = ssl.create_default_context(cafile=certificates.authority.cert)
    transport = Encrypted(None, ours, host="localhost", ssl_context=trusted)
    answering = threading.Thread(target=transport._sock.do_handshake)
    answering.start()
    server = context.wrap_socket(theirs, server_side=True)
    answering.join()
    transport._sock.setblocking(False)
    with transport._sock, server:
        yield transport, server


def all_of(transport: Any, size: int) -> bytes:
    received = b""
    while len(received) < size:
        data, error = transport._sock_recv()
        assert error is None
        received += data
    return received


def sending(peer: socket.socket, data: bytes) -> threading.Thread:
    thread = threading.Thread(target=peer.sendall, args=(data,))
    thread.start()
    return thread


@pytest.mark.parametrize("kind", ["plain", "encrypted"])
def test_all_that_comes_is_received_in_its_order(kind: str, request: pytest.FixtureRequest) -> None:
    transport, theirs = request.getfixturevalue(kind)
    thread = sending(theirs, LONG)
    assert all_of(transport, len(LONG)) == LONG
    thread.join()
    assert transport._sock_recv() == (b"", None)  # nothing more for now


def test_large_pieces_are_taken_and_not_more_than_some_at_once(plain: Pair) -> None:
    transport, theirs = plain
    theirs.sendall(LONG)
    transport._sock = counted = Fewer(transport._sock)
    data, _ = transport._sock_recv()
    assert len(data) <= PIECE * PIECES
    assert data + transport._sock_recv()[0] == LONG
    assert counted.calls <= len(LONG) // PIECE + 2


def test_a_short_piece_is_the_last_that_is_asked_for(plain: Pair) -> None:
    transport, theirs = plain
    theirs.sendall(b"answer")
    transport._sock = counted = Fewer(transport._sock)
    assert transport._sock_recv() == (b"answer", None)
    assert counted.calls == 1


def test_openssl_keeps_nothing_that_nobody_would_hear_of(encrypted: Pair) -> None:
    transport, theirs = encrypted
    theirs.sendall(b"x" * 40_000)  # three records
    theirs.sendall(b"y")
    assert transport._sock_recv() == (b"x" * 40_000 + b"y", None)


@pytest.mark.parametrize("kind", ["plain", "encrypted"])
def test_a_broker_that_hangs_up_is_told(kind: str, request: pytest.FixtureRequest) -> None:
    transport, theirs = request.getfixturevalue(kind)
    theirs.close()
    data, error = transport._sock_recv()
    assert (data, type(error)) == (b"", KafkaConnectionError)


def test_what_came_before_the_end_is_received(plain: Pair) -> None:
    transport, theirs = plain
    theirs.sendall(b"the last answer")
    theirs.close()
    assert transport._sock_recv() == (b"the last answer", None)
    assert isinstance(transport._sock_recv()[1], KafkaConnectionError)


@pytest.mark.parametrize("kind", ["plain", "encrypted"])
def test_a_connection_that_is_closed_already_is_told(kind: str, request: pytest.FixtureRequest) -> None:
    transport, _ = request.getfixturevalue(kind)
    ours, transport._sock = transport._sock, None
    assert isinstance(transport._sock_recv()[1], KafkaConnectionError)
    transport._sock = ours


@pytest.mark.parametrize("kind", ["plain", "encrypted"])
def test_the_rest_of_an_answer_is_waited_for_and_nothing_longer(kind: str, request: pytest.FixtureRequest) -> None:
    transport, theirs = request.getfixturevalue(kind)
    theirs.sendall(b"head")
    head = transport.read()
    thread = threading.Timer(0.0005, theirs.sendall, args=(b" and records",))
    thread.start()
    assert transport.rest(head, 16) == b"head and records"
    thread.join()
    assert transport.rest(b"whole", 5) == b"whole"
    began = time.monotonic()
    assert transport.rest(b"part", 5) == b"part"
    assert REST_MS / 1000 <= time.monotonic() - began < 1


def test_an_answer_in_many_pieces_is_not_waited_for_without_end(plain: Pair) -> None:
    transport, theirs = plain
    theirs.sendall(b"x" * 10)
    transport.take = lambda: (transport._sock.recv(1), None)
    assert transport.rest(b"", 10) == b"x" * PIECES


@pytest.mark.parametrize("kind", ["plain", "encrypted"])
def test_what_is_put_is_received_in_place_of_what_was_read(kind: str, request: pytest.FixtureRequest) -> None:
    transport, theirs = request.getfixturevalue(kind)
    theirs.sendall(b"an answer, and")
    assert transport.read() == b"an answer, and"
    transport.put(b"nothing", passed_over=5)
    assert transport._sock_recv() == (b"nothing", None)
    theirs.sendall(b" its")
    assert transport._sock_recv() == (b"", None)
    theirs.sendall(b" tail")
    assert transport._sock_recv() == (b"tail", None)


def test_what_is_passed_over_goes_with_what_is_put_if_it_is_there(plain: Pair) -> None:
    """Or kafka-python's loop goes round for it."""
    transport, theirs = plain
    theirs.sendall(b"...next")
    transport.put(b"nothing,", passed_over=3)
    assert transport._sock_recv() == (b"nothing,next", None)
    transport.put(b"", passed_over=0)
    assert transport._sock_recv() == (b"", None)


def test_an_error_that_was_read_ahead_is_met_again(plain: Pair) -> None:
    transport, theirs = plain
    theirs.close()
    assert transport.read() == b""
    transport.put(b"")
    assert isinstance(transport._sock_recv()[1], KafkaConnectionError)


def test_kafka_pythons_clients_receive_so() -> None:
    assert kafka_options.FAULTS
    assert (manager.KafkaTCPTransport, manager.KafkaSSLTransport) == (Plain, Encrypted)
    for stock in (KafkaTCPTransport, KafkaSSLTransport):  # or a newer kafka-python does it otherwise
        assert "_sock_recv" in vars(stock)
        assert 4096 in stock._sock_recv.__code__.co_consts
