"""`ocs-bridge map`: what becomes of records, without a network."""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from bridge.app import mapper, style
from bridge.commands.options import Config, fail, settings_of, told_problems
from bridge.commands.record_files import Defaults, Form, Given, NoRecord, read
from bridge.commands.text import harmless
from bridge.core.record import Record
from bridge.edge.files import DirectoryFile
from bridge.offline import Mapped, Offline
from bridge.settings import Settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
EVENTS = {"notified", "merged", "unchanged"}
MOST = 50  # members that nothing reads that are listed
TOPIC = "map"  # of records whose file does not say their topic

ProfileOption = Annotated[
    str | None, typer.Option("--profile", "-p", help="A preset or a profile's path; default: the configured one.")
]
InputOption = Annotated[
    Form,
    typer.Option(
        "--input",
        "-i",
        help="What the file has of each record: its value alone, the record as docs/profiles.md describes it, or what "
        "kcat -J prints.",
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Also say which records make no notification, and which members nothing reads."
    ),
]


def offline_of(profile: str | None, config: Path | None) -> Offline:
    """A bridge without a network, with this profile or the configured one. Ends the process where something is wrong."""
    settings = Settings() if config is None else settings_of(config)
    mapping = settings.mapping
    if profile is not None:
        mapping = mapping.model_copy(update={"profile": profile, "profiles": {}})
    directory = DirectoryFile(mapping.directory_file) if mapping.directory_file else None
    with told_problems():
        return Offline(mapper(mapping, directory), style(settings.notifications))


@app.command("map")
def map_(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(
            help="Records, one a line, or a JSON file: an array, or objects one after the other; - is stdin."
        ),
    ] = "-",  # type: ignore[assignment]
    profile: ProfileOption = None,
    form: InputOption = Form.VALUES,
    config: Config = None,
    verbose: VerboseOption = False,
) -> None:
    """Map records of a file to notifications, without network: notifications to stdout, what is wrong and a summary to stderr."""
    offline = offline_of(profile, config)
    notes = Notes(verbose=verbose)
    try:
        for given in read(file, form, Defaults(TOPIC, round(time.time() * 1000))):
            mapped = become(offline, given)
            for one in mapped:
                if one.notification is not None:
                    sys.stdout.buffer.write(one.notification + b"\n")
                notes.take(given.place, one)
            if verbose and isinstance(given.record, Record) and any(one.outcome in EVENTS for one in mapped):
                notes.unread.update(offline.unread(given.record))
        sys.stdout.buffer.flush()
    except OSError as error:
        fail(f"the records can't be read: {error.strerror}")
    notes.end()
    typer.echo(offline.summary(), err=True)
    raise typer.Exit(int(offline.outcomes["invalid"] > 0))


def become(offline: Offline, given: Given) -> list[Mapped]:
    """What becomes of what a file has."""
    if isinstance(given.record, NoRecord):
        return [offline.unreadable(str(given.record))]
    return offline.map(given.record)


class Notes:
    """What is said on stderr of single records."""

    def __init__(self, *, verbose: bool) -> None:
        self.unread: Counter[str] = Counter()  # records with such a member, by its path
        self._verbose = verbose
        self._warnings: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def take(self, place: str, mapped: Mapped) -> None:
        """Say what there is to say of a record."""
        if mapped.outcome == "invalid":
            typer.echo(harmless(f"{place}: {mapped.note}"), err=True)
        elif self._verbose and mapped.notification is None:
            said = mapped.reason or mapped.note
            typer.echo(f"{place}: {mapped.outcome}: {said}", err=True)
        for warning in mapped.warnings:
            self._first.setdefault(warning, place)
            self._warnings[warning] += 1

    def end(self) -> None:
        """Say what is said once."""
        for warning, count in self._warnings.items():
            more = f" and {count - 1} more" if count > 1 else ""
            typer.echo(f"warning: {warning} ({self._first[warning]}{more})", err=True)
        members = [f"  {member} ({count})" for member, count in self.unread.most_common(MOST)]
        if members:
            rest = [f"  and {len(self.unread) - MOST} more"] if len(self.unread) > MOST else []
            lines = ["members that the profile does not read, and in how many records they are:", *members, *rest]
            typer.echo("\n".join(map(harmless, lines)), err=True)
