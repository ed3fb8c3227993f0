"""What every Kafka client of the bridge is given: brokers, security, and the user's own `kafka.properties`.

kafka-python refuses options that the class at hand does not know, so the properties are split: connection options go to
each client, the rest to the input's consumer only.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import FencedInstanceIdError, KafkaError, ProducerFencedError
from kafka.net.compat import KafkaNetClient

from bridge.config.files import FileError
from bridge.connections import KafkaSettings
from bridge.core.outcome import Unavailable
from bridge.edge.receiving import receive_large_pieces

receive_large_pieces()

#: Options that consumer, producer and admin client all take.
SHARED = (
    frozenset(KafkaConsumer.DEFAULT_CONFIG)
    & frozenset(KafkaProducer.DEFAULT_CONFIG)
    & frozenset(KafkaAdminClient.DEFAULT_CONFIG)
)

#: kafka-python's logger that alone knows why a bootstrap failed: the exception only says that it did.
_BOOTSTRAP_LOGGER = "kafka.net.manager"

#: Reasons that say what to do; a later attempt that only says that the broker hung up does not replace them.
_TELLING = re.compile(r"sasl|ssl|certificate|authenti|refused|resol", re.IGNORECASE)


#: What no retry mends, and what does.
FATAL: dict[type[BaseException], str] = {
    FencedInstanceIdError: "another process has the same kafka.group_instance_id: each needs one of its own",
    ProducerFencedError: "another process has the same delivery.transactional_id: each needs one of its own",
}


def explained(error: BaseException) -> str:
    """An error that ends the bridge, for people."""
    known = next((text for kind, text in FATAL.items() if isinstance(error, kind)), "")
    return f"{known} ({type(error).__name__})" if known else f"{type(error).__name__}: {error}"


class Unreachable(Exception):
    """No broker answered, or none let us in; the text says what was seen last."""


#: What making and using a client can end with, for reasons outside the bridge.
FAULTS: tuple[type[Exception], ...] = (KafkaError, Unreachable, FileError, OSError, RuntimeError)


@contextmanager
def unavailable() -> Iterator[None]:
    """Such an end as `Unavailable`."""
    try:
        yield
    except FAULTS as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def connection_options(kafka: KafkaSettings) -> dict[str, object]:
    """Keyword arguments for any kafka-python client, without client or group specific ones.

    A password file is read at each call, so a new client has the new password. Raises FileError.
    """
    return {
        "bootstrap_servers": list(kafka.bootstrap_servers),
        "client_id": kafka.client_id,
        # With the default of 30 s an outage costs up to 30 s more than it lasted.
        "reconnect_backoff_max_ms": 1_000,
        "bootstrap_timeout_ms": 10_000,
        "kafka_client": _remembered,
        **_security(kafka),
        **_properties(kafka, shared=True),
    }


def consumer_properties(kafka: KafkaSettings) -> dict[str, object]:
    """The part of `kafka.properties` that is the input consumer's own; an unknown name makes its constructor fail."""
    return _properties(kafka, shared=False)


def _properties(kafka: KafkaSettings, *, shared: bool) -> dict[str, object]:
    chosen = {name: value for name, value in kafka.properties.items() if (name in SHARED) is shared}
    return {name: _value(name, value) for name, value in chosen.items()}


def _value(name: str, value: object) -> object:
    """YAML and the environment know no tuples: `api_version` is written "2.3" (in YAML also as the number 2.3)."""
    if name == "api_version" and isinstance(value, str | float):
        return tuple(int(part) for part in str(value).split("."))
    return value


def _security(kafka: KafkaSettings) -> dict[str, object]:
    options: dict[str, object] = {"security_protocol": kafka.security_protocol}
    if kafka.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = kafka.password()
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_check_hostname"] = kafka.ssl_check_hostname
        options["ssl_cafile"] = _text(kafka.ssl_cafile)
        options["ssl_certfile"] = _text(kafka.ssl_certfile)
        options["ssl_keyfile"] = _text(kafka.ssl_keyfile)
    return options


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


class _Begun(threading.local):
    """Network clients made by the constructor that runs in this thread."""

    def __init__(self) -> None:
        self.clients: list[KafkaNetClient] = []


_begun = _Begun()


def _remembered(**options: object) -> KafkaNetClient:
    """kafka-python's own network client, kept at hand until the constructor that asked for it is through."""
    client = KafkaNetClient(**options)
    _begun.clients.append(client)
    return client


class _LastWords(logging.Handler):
    """Keeps the reason in the last log record about a failed connection, or in the last that tells more."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it; the very last record says "Unable to bootstrap", which explains nothing."""
        found = re.search(r"failed: (.*?)(?: \(backoff|$)", record.getMessage())
        if found and "Unable to bootstrap" not in found[1] and (_tells(found[1]) or not _tells(self.reason)):
            self.reason = found[1]


def _tells(reason: str) -> bool:
    return _TELLING.search(reason) is not None


@contextmanager
def connecting(kafka: KafkaSettings) -> Iterator[None]:
    """Around the constructor of a client made with `connection_options`.

    Raises `Unreachable` with the cause that kafka-python only logs. It also ends what 3.0.12 leaves behind where a
    constructor fails: a thread and some sockets, each time, for ever.
    """
    words = _LastWords()
    logger = logging.getLogger(_BOOTSTRAP_LOGGER)
    logger.addHandler(words)
    _begun.clients.clear()
    try:
        yield
    except KafkaError as error:
        for client in _begun.clients:
            with suppress(KafkaError, RuntimeError):
                client.close()
        servers = ", ".join(kafka.bootstrap_servers)
        # Over TLS the broker's refusal of a login is often lost with the connection.
        guess = kafka.security_protocol.startswith("SASL") and not _tells(words.reason)
        hint = "; brokers also hang up on a wrong user or password" if guess else ""
        raise Unreachable(f"no connection to Kafka at {servers}: {words.reason or error}{hint}") from error
    finally:
        _begun.clients.clear()
        logger.removeHandler(words)
