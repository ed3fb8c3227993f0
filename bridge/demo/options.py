"""What a demo can be told, and the settings of the bridge that follow from it."""

from dataclasses import dataclass

from bridge.connections import KafkaSettings
from bridge.core.outcome import Result
from bridge.core.tally import Tally
from bridge.demo.broker import API_VERSION
from bridge.settings import AdminSettings, DeliverySettings, LogSettings, NotificationSettings, Settings, StateSettings

HOST = "127.0.0.1"
PARTITIONS = 4

#: The embedded broker looks for new records only when the wait of a fetch is over: with the default, half a second.
FOR_EMBEDDED: dict[str, str | int | float | bool | None] = {"api_version": API_VERSION, "fetch_max_wait_ms": 50}


@dataclass(frozen=True, slots=True)
class Options:
    """`broker`: a real one as host:port, None: the embedded one. `seconds` None: until Ctrl-C. Ports that are taken are replaced."""

    broker: str | None = None
    seconds: float | None = None
    rate: float = 20.0  # records a second
    groups: int = 8
    interval: float = 5.0  # seconds between periodic notifications of a group
    bad: float = 0.01  # share of records that are no valid events
    fail_rate: float = 0.02  # share of notifications that the receiver answers with 503
    seed: int = 1
    topic: str = "ocs-bridge-demo"
    admin_port: int = 9464
    receiver_port: int = 8099


def demo_settings(options: Options, address: str, receiver_port: int, admin_port: int) -> Settings:
    """The bridge's settings for brokers at `address` (host:port, several with commas)."""
    embedded = options.broker is None
    kafka = KafkaSettings(
        bootstrap_servers=address.split(","),
        topics=[options.topic],
        group_id="ocs-bridge-demo",
        client_id="ocs-bridge-demo",
        auto_offset_reset="earliest",
        properties=FOR_EMBEDDED if embedded else {},
    )
    return Settings(
        kafka=kafka,
        notifications=NotificationSettings(
            url=f"http://{HOST}:{receiver_port}/campaign-groups", interval=options.interval
        ),
        # The embedded broker has no transactions.
        delivery=DeliverySettings(transactions=not embedded),
        state=StateSettings(store="memory"),
        admin=AdminSettings(host=HOST, port=admin_port),
        log=LogSettings(level="WARNING", format="console"),
    )


def counts(tally: Tally) -> dict[str, int]:
    """The bridge's counts that a demo shows."""
    results = {result: sum(n for (_, one, _), n in tally.outcomes.items() if one is result) for result in Result}
    delivered = results.pop(Result.DELIVERED)
    return {
        "consumed": tally.consumed.total(),
        "posted": tally.posted,
        "absorbed": tally.absorbed,
        "skipped": tally.skipped.total(),
        "quarantined": tally.quarantined.total(),
        "delivered": delivered,
        "failed": sum(results.values()),
    }
