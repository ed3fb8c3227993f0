"""Headers and Kafka options that a user may not set, each with its reason: the bridge owns them."""

import re
from collections.abc import Iterator

from bridge.config.catalogue import suggest
from bridge.config.kinds import HEADER_NAME
from bridge.connections import HttpSettings
from bridge.settings import Settings

#: Lower case -> why. Go's net/http, and so proxies written in Go, re-send a POST that carries one of the first two.
REFUSED_HEADERS = {
    "idempotency-key": "Go proxies re-send a POST that carries it; the event's id is in http.event_id_header",
    "x-idempotency-key": "Go proxies re-send a POST that carries it; the event's id is in http.event_id_header",
    "content-length": "the bridge counts the body itself",
    "content-encoding": "the body is sent as it is",
    "content-type": "the body is always application/json",
    "host": "it comes from notifications.url",
    "user-agent": "use http.user_agent",
    **dict.fromkeys(
        ("transfer-encoding", "connection", "keep-alive", "expect", "te", "trailer", "upgrade"),
        "the bridge keeps the connection itself",
    ),
}

_COMMITS = "the bridge commits what is done, with its checkpoints"
_OBJECT = "it takes a Python object"

#: Options of kafka-python's consumer that the bridge sets -> the setting to use, or why it can't be set.
REFUSED_PROPERTIES = {
    "bootstrap_servers": "use kafka.bootstrap_servers",
    "group_id": "use kafka.group_id",
    "client_id": "use kafka.client_id",
    "auto_offset_reset": "use kafka.auto_offset_reset",
    "session_timeout_ms": "use kafka.session_timeout",
    "heartbeat_interval_ms": "use kafka.heartbeat_interval",
    "max_poll_interval_ms": "use kafka.max_poll_interval",
    "max_poll_records": "use kafka.max_poll_records",
    "security_protocol": "use kafka.security_protocol",
    "sasl_mechanism": "use kafka.sasl_mechanism",
    "sasl_plain_username": "use kafka.sasl_username",
    "sasl_plain_password": "use kafka.sasl_password_file or kafka.sasl_password",
    "ssl_cafile": "use kafka.ssl_cafile",
    "ssl_certfile": "use kafka.ssl_certfile",
    "ssl_keyfile": "use kafka.ssl_keyfile",
    "ssl_check_hostname": "use kafka.ssl_check_hostname",
    "enable_auto_commit": _COMMITS,
    "auto_commit_interval_ms": _COMMITS,
    "default_offset_commit_callback": _COMMITS,
    "isolation_level": "it is always read_committed: a checkpoint is a transaction",
    "partition_assignment_strategy": "the bridge has its own, which gives partition numbers of all topics together",
    "allow_auto_create_topics": "a consumer must not create topics",
    "key_deserializer": "profiles read the records",
    "value_deserializer": "profiles read the records",
    "consumer_timeout_ms": "the bridge polls itself",
    **dict.fromkeys(("ssl_context", "socket_options", "metric_reporters", "selector", "kafka_client"), _OBJECT),
    "sasl_oauth_token_provider": _OBJECT,
}


def refused_headers(http: HttpSettings) -> Iterator[str]:
    """What is wrong with the headers of map and file; never with a value in it. Raises FileError."""
    own = {name: value.get_secret_value() for name, value in http.headers.items()}
    from_file = http.model_copy(update={"headers": {}}).all_headers()
    seen: set[str] = set()
    for name, value in (*own.items(), *from_file.items()):
        why = next((text for holds, text in _reasons(http, name, value, seen) if holds), None)
        if why is not None:
            yield why
        seen.add(name.lower())


def _reasons(http: HttpSettings, name: str, value: str, seen: set[str]) -> tuple[tuple[bool, str], ...]:
    lower, token = name.lower(), bool(http.bearer_token or http.bearer_token_file)
    return (
        (not re.fullmatch(HEADER_NAME, name), "the name of a header is not valid: letters, digits and - only"),
        (lower in REFUSED_HEADERS, f"{name} is refused: {REFUSED_HEADERS.get(lower)}"),
        (lower == http.event_id_header.lower(), f"{name} is refused: http.event_id_header is sent under this name"),
        (lower == "authorization" and token, f"{name} and a bearer token are given: set one of both"),
        (lower in seen, f"{name} is given twice (case does not matter; http.headers_file counts too)"),
        (
            not re.fullmatch(r"[\t -~]{0,8192}", value),
            f"the value of {name} has a line break or another character that is not printable ASCII, or is too long",
        ),
    )


def refused_event_id_header(name: str) -> str | None:
    """Why the event id can't be sent under this name, or None."""
    if name.lower() == "authorization":
        return "it would replace the credentials"
    return REFUSED_HEADERS.get(name.lower())


def refused_token(token: str | None) -> str | None:
    """Why this bearer token can't stand in a header, or None."""
    if token is None or re.fullmatch(r"[!-~]+", token):
        return None
    return "a token has no blanks, line breaks or non-ASCII characters (one newline at the end of its file is fine)"


def refused_properties(settings: Settings, known: frozenset[str] | None) -> Iterator[str]:
    """What is wrong with the names in `kafka.properties`; `known`: all that kafka-python's consumer has."""
    for given in settings.kafka.properties:
        # The Java client's way to write them is what most documentation shows.
        name = given.replace(".", "_").replace("-", "_")
        if name in REFUSED_PROPERTIES:
            yield f"{given} can't be set here: {REFUSED_PROPERTIES[name]}"
        elif known is not None and given not in known:
            hint = f" Did you mean {name}?" if name in known else suggest(name, known - REFUSED_PROPERTIES.keys())
            yield f"{given!r:.80} is no option of kafka-python's consumer.{hint}"
