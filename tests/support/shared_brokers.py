"""The brokers that all tests of a run share, also those of several pytest-xdist workers.

The first test that asks for one has it started; it ends with the run. Under xdist the controller starts it, so that it
outlives each worker, and hands the workers where it is.
"""

import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

import pytest
from kafka_broker import KafkaBroker

_KINDS: dict[str, Callable[[Path], KafkaBroker]] = {
    "plain": KafkaBroker,
    "secure": lambda folder: KafkaBroker(folder, secure=True),
}
_ADDRESS = "shared_brokers"  # in a worker's input


class Brokers:
    """Those of this process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="brokers-", ignore_cleanup_errors=True)
        self._started: dict[str, KafkaBroker] = {}
        self._listener: Listener | None = None

    def get(self, kind: str) -> KafkaBroker:
        """The broker of this kind, started at the first call."""
        if kind not in self._started:
            broker = _KINDS[kind](Path(self._folder.name) / kind)
            broker.start()
            self._started[kind] = broker
        return self._started[kind]

    def serve(self) -> str:
        """Answer workers from now on; the address to ask."""
        self._listener = Listener(f"{self._folder.name}/socket", "AF_UNIX")
        # A thread of its own for the whole run: a broker ends with the thread that started it.
        threading.Thread(target=self._answer, args=(self._listener,), daemon=True, name="shared brokers").start()
        return str(self._listener.address)

    def stop(self) -> None:
        """Stop them all."""
        if self._listener is not None:
            self._listener.close()
        for broker in self._started.values():
            broker.stop()
        self._folder.cleanup()

    def _answer(self, listener: Listener) -> None:
        while True:
            with suppress(EOFError), listener.accept() as worker:
                self._answer_one(worker)

    def _answer_one(self, worker: Connection) -> None:
        try:
            worker.send(self.get(worker.recv()))
        except (RuntimeError, TimeoutError, OSError) as error:  # it did not start: the tests that asked say why
            worker.send(error)


class SharedBrokers:
    """The pytest plugin."""

    def __init__(self) -> None:
        self._brokers: Brokers | None = None
        self._address = ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """In the controller, for each worker that is about to start."""
        self._address = self._address or self._own().serve()
        node.workerinput[_ADDRESS] = self._address  # type: ignore[attr-defined]

    def pytest_unconfigure(self) -> None:
        """At the end of the run."""
        if self._brokers is not None:
            self._brokers.stop()

    def get(self, config: pytest.Config, kind: str) -> KafkaBroker:
        """The shared broker of this kind."""
        address = getattr(config, "workerinput", {}).get(_ADDRESS)
        if address is None:
            return self._own().get(kind)
        with Client(address, "AF_UNIX") as controller:
            controller.send(kind)
            answer = controller.recv()
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, KafkaBroker)
        return answer

    def _own(self) -> Brokers:
        self._brokers = self._brokers or Brokers()
        return self._brokers
