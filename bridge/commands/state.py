"""`ocs-bridge state`: what is kept of campaign groups, taken out of the state topic and put into one, as lines of JSON."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from bridge.commands.options import Config, fail, kept_settings
from bridge.core.outcome import StateTopicError, Unavailable
from bridge.core.saved import BadState, StateRecord, load
from bridge.edge import state_records
from bridge.edge.kafka_options import Unreachable
from bridge.edge.state_topic import StateTopic
from bridge.settings import Settings

SHOWN = 20  # problems of a file
MAX_PARTITIONS = 100_000
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Look after the state topic: export it, import it.",
)


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record in a file."""

    partition: Annotated[int, msgspec.Meta(ge=0, lt=MAX_PARTITIONS)]
    key: str
    value: msgspec.Raw


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The file to write; - is stdout.")] = Path("-"), config: Config = None
) -> None:
    """Write all that the state topic knows of campaign groups, one a line: partition, key, value."""
    settings = kept_settings(config)
    with _told_failures():
        if file == Path("-"):
            written, bad = _export(settings, sys.stdout.buffer)
        else:
            part = file.with_name(f"{file.name}.part")  # so that a file of this name is whole
            with part.open("wb") as out:
                written, bad = _export(settings, out)
            part.replace(file)
    typer.echo(f"{written} campaign groups of {settings.state_topic}", err=True)
    if bad:
        typer.echo(f"left out: {bad} records that are no campaign groups", err=True)


def _export(settings: Settings, out: BinaryIO) -> tuple[int, int]:
    """How many were written, and left out."""
    written = bad = 0
    for record in state_records.latest(settings.kafka, settings.state_topic):
        try:
            out.write(line(record))
            written += 1
        except BadState:
            bad += 1
    out.flush()
    return written, bad


def line(record: StateRecord) -> bytes:
    """A record as a line of a file. BadState."""
    value = record.value or b""
    load(record.key, value, record.number)
    if b"\n" in value or b"\r" in value:
        value = msgspec.json.format(value, indent=-1)
    return msgspec.json.encode(Line(record.number, record.key.decode(), msgspec.Raw(value))) + b"\n"


@app.command("import")
def import_(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="A file that export wrote; - is stdin.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also while bridges are at work, which may overwrite it.")
    ] = False,
    config: Config = None,
) -> None:
    """Write the campaign groups of a file to the state topic, to the partitions they were in. Nothing is written if a line is bad."""
    settings = kept_settings(config)
    records, problems = read(file)
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        fail("\n".join([*problems[:SHOWN], *more, f"{file.name}: nothing is written"]))
    with _told_failures():
        _import(settings, records, dry_run=dry_run, force=force)


def read(lines: Iterable[bytes]) -> tuple[list[StateRecord], list[str]]:
    """The records of a file, and what is wrong with it, by line."""
    records: list[StateRecord] = []
    problems: list[str] = []
    decode = msgspec.json.Decoder(Line).decode
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            said = decode(text)
            record = StateRecord(said.partition, said.key.encode(), bytes(said.value))
            load(record.key, bytes(said.value), record.number)
            records.append(record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadState) as error:
            problems.append(f"line {number}: {error}")
    return records, problems


def _import(settings: Settings, records: list[StateRecord], *, dry_run: bool, force: bool) -> None:
    kafka, topic = settings.kafka, settings.state_topic
    needed = max((record.number for record in records), default=-1) + 1
    there = state_records.partitions(kafka, topic)
    members = 0 if force else state_records.live_members(kafka)
    if members and not dry_run:
        fail(f"{kafka.group_id} has live members ({members}), which would overwrite it: stop them, or use --force")
    counts = Counter(record.number for record in records)
    spread = ", ".join(f"{number}: {count}" for number, count in sorted(counts.items()))
    what = f"{len(records)} campaign groups to {topic} (by partition: {spread or 'none'})"
    if dry_run:
        made = "" if there >= needed else f"; it has {there} partitions and would get {needed}"
        refused = f"; refused without --force, as {kafka.group_id} has live members ({members})" if members else ""
        typer.echo(f"would write {what}{made}{refused}")
        return
    if records:
        asyncio.run(StateTopic(kafka, topic, settings.state.replication_factor).ensure(max(needed, there)))
        state_records.write(kafka, topic, records)
    typer.echo(f"wrote {what}")


@contextmanager
def _told_failures() -> Iterator[None]:
    try:
        yield
    except (Unreachable, Unavailable, StateTopicError, OSError) as error:
        fail(str(error))
