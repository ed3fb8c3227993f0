"""The commands: arguments and printing, nothing else.

What a command works with is imported when it is run: all of it takes a second of CPU, `--help` a fifth of that.
"""

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from bridge import __version__
from bridge.commands.named import Commands
from bridge.commands.options import Config, fail, settings_of

if TYPE_CHECKING:
    from bridge.service import Bridge

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Genesys OCS notifications from any dialling platform that writes to Kafka.",
)


def main() -> None:
    """The console command."""
    app()


@app.command()
def run(config: Config = None) -> None:
    """Run the bridge until SIGTERM or Ctrl-C: it drains, commits and leaves; a second signal stops it at once."""
    import uvloop

    from bridge.edge import log
    from bridge.edge.affinity import stay_on_one_cpu
    from bridge.edge.allocator import give_memory_back
    from bridge.service import Bridge

    give_memory_back()
    settings = settings_of(config)
    log.configure(settings.log.level, settings.log.format)
    if settings.process.single_cpu:
        log.get_logger(__name__).info("single_cpu", cpu=stay_on_one_cpu())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_until_signal(Bridge(settings)))
    raise typer.Exit(code)


async def _until_signal(bridge: "Bridge") -> int:
    from bridge.edge import log
    from bridge.edge.admin import AdminPortError

    stop = asyncio.Event()

    def stopped() -> None:
        if stop.is_set():
            log.flush(0.2)
            os._exit(1)  # what is out stays out: the next start says so
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped)
    try:
        return await bridge.run(stop)
    except (AdminPortError, OSError) as error:
        log.get_logger(__name__).error("start_failed", reason=str(error))
        return 1


@app.command()
def check(config: Config = None) -> None:
    """Check settings, profiles, files and certificates without the network; exit code 0 or 78."""
    from bridge.edge import log

    settings = settings_of(config)
    typer.echo(
        f"good: {settings.mapping.profile} from {settings.kafka.group_id} to {log.safe_url(settings.notifications.url or 'nowhere')}"
    )


@app.command("schema")
def schema_(what: Annotated[str, typer.Argument(help="event, notification, profile or settings")]) -> None:
    """Print a JSON Schema: of the generic event, the notification, a profile, or the configuration file."""
    from bridge.config.docs import schema as settings_schema
    from bridge.core import schema
    from bridge.core.schemas.profile import profile_schema

    made = {
        "event": schema.event_schema,
        "notification": schema.notification_schema,
        "profile": profile_schema,
        "settings": settings_schema,
    }
    if what not in made:
        raise typer.BadParameter(f"{what}: one of {', '.join(made)}")
    typer.echo(json.dumps(made[what](), indent=2))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def receiver(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 is any free one.")] = 8099,
    status: Annotated[int, typer.Option(help="Status of every answer.", min=200, max=599)] = 200,
    delay: Annotated[float, typer.Option(help="Seconds before each answer.", min=0)] = 0.0,
    fail_rate: Annotated[float, typer.Option(help="Share of answers that are 503 instead.", min=0, max=1)] = 0.0,
    raw: Annotated[bool, typer.Option("--json", help="Print the bodies as they came, one a line.")] = False,
) -> None:
    """Receive notifications: print each, check it against the format, and count what came twice or out of order."""
    from bridge.demo.commands import run_receiver
    from bridge.demo.receiver import Answer

    try:
        raise typer.Exit(run_receiver(host, port, Answer(status, delay, fail_rate), raw=raw))
    except OSError as error:
        fail(f"--host/--port: {error}")


@app.command()
def simulate(
    topic: Annotated[str | None, typer.Option(help="Topic to write to; default: the first of kafka.topics.")] = None,
    rate: Annotated[float, typer.Option(help="Records a second.", min=0.01)] = 20.0,
    groups: Annotated[int, typer.Option(help="Campaign groups.", min=1)] = 8,
    bad: Annotated[float, typer.Option(help="Share of records that are no valid events.", min=0, max=1)] = 0.01,
    seed: Annotated[int, typer.Option(help="The same seed makes the same traffic.")] = 1,
    seconds: Annotated[str | None, typer.Option("--for", help="How long, as in 30s; default: until Ctrl-C.")] = None,
    broker: Annotated[str | None, typer.Option(help="host:port, without a configuration file.")] = None,
    config: Config = None,
) -> None:
    """Write campaign traffic to a topic: life cycles, drifting statistics, calling lists, a few bad records."""
    from bridge.connections import KafkaSettings
    from bridge.demo.commands import run_simulate
    from bridge.demo.traffic import Traffic
    from bridge.edge.kafka_options import Unreachable

    kafka = KafkaSettings(bootstrap_servers=[broker]) if broker else settings_of(config).kafka
    names = [topic] if topic else kafka.topics
    if not names:
        fail("--topic is needed with --broker")
    traffic = Traffic(seed, groups, bad=bad)
    try:
        raise typer.Exit(run_simulate(kafka, names[0], traffic, rate, duration(seconds)))
    except Unreachable as error:
        fail(str(error))


@app.command()
def demo(
    broker: Annotated[str | None, typer.Option(help="A real broker, host:port; default: an embedded one.")] = None,
    seconds: Annotated[str | None, typer.Option("--for", help="How long, as in 30s; default: until Ctrl-C.")] = None,
    rate: Annotated[float, typer.Option(help="Records a second.", min=0.01)] = 20.0,
    groups: Annotated[int, typer.Option(help="Campaign groups.", min=1)] = 8,
    bad: Annotated[float, typer.Option(help="Share of records that are no valid events.", min=0, max=1)] = 0.01,
    fail_rate: Annotated[float, typer.Option(help="Share of notifications answered with 503.", min=0, max=1)] = 0.02,
    seed: Annotated[int, typer.Option(help="The same seed makes the same traffic.")] = 1,
) -> None:
    """See it work: broker, simulator, bridge and receiver in one command, without Java or Docker."""
    from bridge.demo.broker import NoBroker
    from bridge.demo.options import Options
    from bridge.demo.run import run_demo
    from bridge.edge.kafka_options import Unreachable
    from bridge.service import Bridge

    options = Options(
        broker=broker, seconds=duration(seconds), rate=rate, groups=groups, bad=bad, fail_rate=fail_rate, seed=seed
    )
    try:
        raise typer.Exit(run_demo(options, Bridge))
    except (NoBroker, Unreachable) as error:
        fail(str(error))


def duration(text: str | None) -> float | None:
    """Seconds of `30`, `30s`, `500ms`, `2m`, as settings take them."""
    from pydantic import TypeAdapter, ValidationError

    from bridge.config.kinds import Seconds

    try:
        return None if text is None else TypeAdapter(Seconds).validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text}: a duration such as 30s or 2m") from None
