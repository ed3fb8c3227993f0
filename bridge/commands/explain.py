"""`ocs-bridge explain`: what happened to one record of the input."""

from typing import Annotated

import msgspec
import typer

from bridge.commands.options import Config, fail, settings_of
from bridge.commands.text import harmless
from bridge.core.explanation import Explanation, Standing, moment
from bridge.core.outcome import Unavailable
from bridge.core.record import Partition
from bridge.edge.kafka_options import Unreachable
from bridge.explain import NoSuchRecord
from bridge.explain import explain as look_up

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
STANDINGS = {
    Standing.DONE: "done: consumer group {0.group_id} has committed offset {0.committed}",
    Standing.DONE_BEYOND: "done out of order: consumer group {0.group_id} has committed offset {0.committed}",
    Standing.COVERED: "covered: its POST may have begun, consumer group {0.group_id} has committed offset {0.committed}",
    Standing.NOT_DONE: "not done: consumer group {0.group_id} has committed offset {0.committed}",
    Standing.NO_COMMIT: "none of this partition by consumer group {0.group_id}",
}


@app.command()
def explain(
    topic: Annotated[str, typer.Argument(help="An input topic.")],
    partition: Annotated[int, typer.Argument(help="The partition's number.", min=0)],
    offset: Annotated[int, typer.Argument(help="The record's offset.", min=0)],
    as_json: Annotated[bool, typer.Option("--json", help="Everything that was found, as JSON.")] = False,
    seconds: Annotated[
        float, typer.Option("--search", help="Seconds to search the outcome topic for at most.", min=1)
    ] = 30.0,
    config: Config = None,
) -> None:
    """Say what happened to a record of the input: what it is, whether it is done, and what became of its notification."""
    settings = settings_of(config)
    try:
        found = look_up(settings, Partition(topic, partition), offset, seconds)
    except (NoSuchRecord, Unreachable, Unavailable) as error:
        fail(str(error))
    if as_json:
        typer.echo(msgspec.json.encode({"answer": found.answer(), **msgspec.to_builtins(found)}))
        return
    for sentence in found.answer():
        typer.echo(harmless(sentence))
    for name, text in details(found):
        typer.echo(harmless(f"  {name:<10}{text}"))


def details(found: Explanation) -> list[tuple[str, str]]:
    """What the answer rests on: name and text of each line. Payloads are not shown."""
    written = f"written {moment(found.time)}" if found.time else found.missing or "without a timestamp"
    lines = [("record", f"{found.topic} partition {found.partition} offset {found.offset}, {written}")]
    if mapped := found.mapped:
        lines.append(("mapping", _mapping(found)))
        lines += [("", f"by itself it would be quarantined: {mapped.alone}")] if mapped.alone else []
    lines.append(("commit", STANDINGS[found.standing].format(found)))
    lines += [("event id", fate) for fate in sorted({fate.event_id for fate in found.search.fates})]
    if found.search.fates and found.search.problem:
        lines.append(("search", found.search.problem))
    return lines


def _mapping(found: Explanation) -> str:
    mapped = found.mapped
    if mapped is None or mapped.invalid:
        return f"quarantine: {mapped.invalid}" if mapped else ""
    return (
        f"skipped: {mapped.skipped}" if mapped.skipped else f"{mapped.kind} of campaign group {mapped.campaign_group}"
    )
