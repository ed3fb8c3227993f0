"""How `poll` fetches on, with kafka-python's own network thread and a fetcher that is played; with Kafka: tests/broker, tests/e2e."""

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError
from kafka.future import Future
from kafka.net.selector import NetworkSelector
from loopback import wait_until

from bridge.edge import fetching
from bridge.edge.fetching import FEW, SPAN, Fetching

LONG = 30.0  # seconds that nothing here may take
TP = TopicPartition("events", 0)
Batch = dict[TopicPartition, list[Any]]


class Played:
    """A fetcher whose brokers answer when told, and what becomes of their answers."""

    def __init__(self, net: NetworkSelector) -> None:
        self._net = net
        self._fetch_futures: list[Future] = []
        self._reset_task: Future | None = None
        self._nodes_with_pending_fetch_requests: set[int] = set()  # none: the first look has tests of its own
        self.brokers = 1
        self.sent: list[float] = []
        self.buffered: list[Batch] = []
        self.failure: Exception | None = None
        self.took_on: list[str] = []  # names of threads
        self.given: list[Batch] = []
        self.room = True
        self.rejoin = False
        self.resumed = threading.Event()

    # What Fetching asks of kafka-python.

    @property
    def _completed_fetches(self) -> list[Batch]:
        return self.buffered

    async def _send_fetches_async(self) -> None:
        self.sent.append(time.monotonic())
        self._fetch_futures = [Future() for _ in range(self.brokers)]

    def send_fetches(self) -> None:
        self._net.run(self._send_fetches_async)

    def fetched_records(self, max_records: int, *, update_offsets: bool) -> tuple[Batch, bool]:
        assert (max_records, update_offsets) == (500, True)
        self.took_on.append(threading.current_thread().name)
        if self.failure is not None:
            raise self.failure
        return (self.buffered.pop(0) if self.buffered else {}), len(self.buffered) > 0

    # The test's side.

    def fetching(self, *, linger: float = 0.0, sleep_ms: float = LONG * 1000) -> Fetching:
        coordinator = SimpleNamespace(need_rejoin=lambda: self.rejoin)
        consumer: Any = SimpleNamespace(
            _fetcher=self,
            _coordinator=coordinator,
            _subscription=None,
            _client=SimpleNamespace(_manager=SimpleNamespace(_conns={})),
            config={"retry_backoff_ms": sleep_ms, "max_poll_records": 500},
        )
        return Fetching(consumer, self.give, self.resumed, linger)

    def give(self, batch: Batch) -> bool:
        if self.room:
            self.given.append(batch)
        return self.room

    def answer(self, *batches: Batch) -> None:
        """On the network's thread, as answers come."""
        self.buffered.extend(batches)
        self._net.run(lambda: self._fetch_futures[-1].success(None))

    def answers(self, *batches: Batch) -> None:
        """All fetches that are under way, each with one of these."""

        def answer_all() -> None:
            for fetch, batch in zip(list(self._fetch_futures), batches, strict=True):
                self.buffered.append(batch)
                fetch.success(None)

        self._net.run(answer_all)

    def next_fetch(self, number: int) -> None:
        wait_until(lambda: len(self.sent) >= number, timeout=LONG, what=f"fetch {number}")


@pytest.fixture
def played() -> Iterator[Played]:
    net = NetworkSelector()
    net.start()
    yield Played(net)
    net.close()


class Poll(threading.Thread):
    """One `fetch_records`, in a thread of its own."""

    def __init__(self, fetching: Fetching, timeout: float = LONG) -> None:
        super().__init__(name="poll")
        self._fetching = fetching
        self._timeout = timeout
        self._result: Any = None
        self.start()

    def run(self) -> None:
        try:
            self._result = self._fetching.fetch_records(500, update_offsets=True, timeout_ms=self._timeout * 1000)
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            self._result = error

    def result(self) -> Any:
        self.join(LONG / 2)
        assert not self.is_alive()
        return self._result


def few(number: int = 1) -> Batch:
    return {TP: list(range(number))}


def test_few_records_are_handed_over_by_the_network_thread_which_fetches_on(played: Played) -> None:
    poll = Poll(played.fetching())
    for number in (1, 2, 3):
        played.next_fetch(number)
        played.answer(few(number))
    assert poll.result() == ({}, False)  # after SPAN
    assert played.given == [few(1), few(2), few(3)]
    first, *others = played.took_on
    assert first == "poll"
    assert len(others) >= 3
    assert all(name.startswith("kafka-io") for name in others)


def test_brokers_that_answer_at_once_are_all_heard(played: Played) -> None:
    played.brokers = 2
    poll = Poll(played.fetching())
    played.next_fetch(1)
    began = time.monotonic()
    played.answers(few(1), few(2))
    wait_until(lambda: len(played.given) == 2, timeout=LONG, what="both")
    assert time.monotonic() - began < SPAN
    assert played.given == [few(1), few(2)]
    assert poll.result() == ({}, False)


def test_of_brokers_that_answer_at_once_poll_returns_one_by_one(played: Played) -> None:
    played.brokers = 2
    of_one = played.fetching()
    poll = Poll(of_one)
    played.next_fetch(1)
    played.answers(few(FEW), few(FEW + 1))
    assert poll.result() == (few(FEW), False)
    assert Poll(of_one).result() == (few(FEW + 1), False)


def test_they_do_not_keep_poll_for_long(played: Played) -> None:
    """The group, and where partitions start, are looked after by the polling thread."""
    began = time.monotonic()
    poll = Poll(played.fetching())
    played.next_fetch(1)
    played.answer(few())
    assert poll.result() == ({}, False)
    assert SPAN * 0.9 < time.monotonic() - began < LONG / 2
    assert len(played.sent) == 2, "the next fetch is under way"


def test_a_rebalance_has_poll_return_at_once(played: Played) -> None:
    played.rejoin = True
    poll = Poll(played.fetching())
    played.next_fetch(1)
    played.answer(few())
    assert poll.result() == ({}, False)
    assert played.given == [few()]
    assert len(played.sent) == 1


@pytest.mark.parametrize("batches", [[few(FEW)], [few(1), few(1)]], ids=["many", "and there are more"])
def test_many_records_are_for_the_polling_thread(played: Played, batches: list[Batch]) -> None:
    poll = Poll(played.fetching())
    played.next_fetch(1)
    played.answer(*batches)
    assert poll.result() == (batches[0], False)
    assert played.given == []


def test_records_the_loop_has_no_room_for_are_for_the_polling_thread_to_wait_with(played: Played) -> None:
    played.room = False
    poll = Poll(played.fetching())
    played.next_fetch(1)
    played.answer(few())
    assert poll.result() == (few(), False)


@pytest.mark.parametrize("more", [False, True])
def test_many_that_lie_ready_are_returned_with_the_next_fetch_under_way(played: Played, *, more: bool) -> None:
    played.buffered.extend([few(FEW), few(4)] if more else [few(FEW)])
    assert Poll(played.fetching()).result() == (few(FEW), False)
    assert len(played.sent) == (0 if more else 1)
    assert played.given == []


def test_few_that_lie_ready_are_handed_over_with_the_same_wait_before_the_next_fetch(played: Played) -> None:
    """Fetched before the wait, the next would lie ready, and wait all of it."""
    played.buffered.append(few())
    began = time.monotonic()
    poll = Poll(played.fetching(linger=0.05))
    played.next_fetch(1)
    assert played.given == [few()]
    assert played.sent[0] - began >= 0.05
    assert poll.result() == ({}, False)


def test_after_few_records_the_next_fetch_waits_for_as_long_as_it_should(played: Played) -> None:
    poll = Poll(played.fetching(linger=0.05))
    played.next_fetch(1)
    answered = time.monotonic()
    played.answer(few())
    played.next_fetch(2)
    assert played.sent[1] - answered >= 0.05
    assert poll.result() == ({}, False)


def test_what_comes_within_that_wait_is_taken_after_it_without_another_one(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another the next answer would lie ready, and each one after it: all would be late by two waits, for ever."""
    monkeypatch.setattr(fetching, "SPAN", LONG)
    linger = 0.5
    played.brokers = 2
    poll = Poll(played.fetching(linger=linger))
    played.next_fetch(1)
    played.answer(few(1))
    played.buffered.append(few(2))  # of the other broker
    played.next_fetch(2)
    assert played.given == [few(1), few(2)]
    played.rejoin = True
    sent = time.monotonic()
    played.answer(few(3))
    wait_until(lambda: len(played.given) == 3, timeout=LONG, what="the third")
    assert time.monotonic() - sent < linger / 2
    assert poll.result() == ({}, False)


def test_what_is_wrong_with_an_answer_is_raised_by_poll(played: Played) -> None:
    poll = Poll(played.fetching())
    played.next_fetch(1)
    wait_until(lambda: played.took_on == ["poll"], timeout=LONG, what="the look before")
    played.failure = ValueError("a checksum")
    played.answer()
    assert poll.result() is played.failure


def test_an_answer_after_poll_is_over_is_left_to_the_next(played: Played) -> None:
    """Nobody but the polling thread touches what it works with, unless it waits."""
    of_one = played.fetching()
    assert Poll(of_one, timeout=0.05).result() == ({}, False)
    looks = len(played.took_on)
    played.answer(few())
    assert len(played.took_on) == looks
    assert played.given == []
    assert Poll(of_one, timeout=0.05).result() == ({}, False)
    assert played.given == [few()]
    assert played.took_on[looks] == "poll"


def test_an_answer_after_the_end_is_left_alone(played: Played) -> None:
    poll = Poll(played.fetching())
    played.next_fetch(1)
    played._net.close()
    assert isinstance(poll.result(), KafkaConnectionError)
    played.buffered.append(few())
    played._fetch_futures[-1].success(None)
    assert played.took_on == ["poll"]


def test_where_a_partition_starts_is_waited_for(played: Played) -> None:
    """Without it nothing can be fetched."""
    played.brokers = 0
    reset = played._reset_task = Future()
    poll = Poll(played.fetching())
    played.next_fetch(1)
    played._net.run(lambda: reset.success(None))
    assert poll.result() == ({}, False)


def test_with_nothing_to_fetch_poll_goes_on_as_soon_as_a_partition_is_resumed(played: Played) -> None:
    played.brokers = 0
    poll = Poll(played.fetching())
    played.next_fetch(1)
    poll.join(0.05)
    assert poll.is_alive()
    played.resumed.set()
    assert poll.result() == ({}, False)  # not idle, for kafka-python: it would sleep


@pytest.mark.parametrize(("timeout", "sleep_ms"), [(0.05, LONG * 1000), (LONG, 50)])
def test_and_waits_no_longer_than_it_may(played: Played, timeout: float, sleep_ms: float) -> None:
    played.brokers = 0
    played.resumed.set()  # before: what was resumed by then is found by the look
    began = time.monotonic()
    assert Poll(played.fetching(sleep_ms=sleep_ms), timeout).result() == ({}, False)
    assert 0.04 < time.monotonic() - began < LONG / 2
