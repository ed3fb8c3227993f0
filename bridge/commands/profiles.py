"""`ocs-bridge profiles`: the presets, and the tools of those who write a profile of their own."""

import re
from pathlib import Path
from typing import Annotated

import typer

from bridge.commands.map import InputOption, offline_of
from bridge.commands.options import fail
from bridge.commands.profile_cases import BadCase, cases, differences
from bridge.commands.profile_draft import draft
from bridge.commands.profile_sample import NothingToRead
from bridge.commands.record_files import Defaults, Form, read
from bridge.commands.text import harmless
from bridge.core.record import Record
from bridge.profiles import preset_names, preset_text

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="List the presets and print one; draft a profile from records, and test one against files.",
)


@app.callback(invoke_without_command=True)
def list_(context: typer.Context) -> None:
    """List the presets and print one; draft a profile from records, and test one against files."""
    if context.invoked_subcommand is None:
        names = preset_names()
        width = max(map(len, names))
        for name in names:
            typer.echo(f"{name:<{width}}  {purpose(preset_text(name))}")


def purpose(text: str) -> str:
    """What a preset is for: the first sentence of the comment at its head."""
    head = re.match(r"(?:#.*\n)*", text)
    words = re.sub(r"\n?# ?", " ", head.group()).strip() if head else ""
    return re.split(r"(?<=[^.…]\.)\s", words, maxsplit=1)[0]


@app.command()
def show(name: Annotated[str, typer.Argument(help="A preset, or cloudevents+PRESET.")]) -> None:
    """Print a preset: to read it, or as the start of a profile of your own."""
    try:
        typer.echo(preset_text(name), nl=False)
    except KeyError:
        raise typer.BadParameter(f"{name}: one of {', '.join(preset_names())}") from None


@app.command()
def new(
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(help="Records, as `ocs-bridge map` takes them; - is stdin.")
    ] = "-",  # type: ignore[assignment]
    form: InputOption = Form.VALUES,
) -> None:
    """Draft a profile from records: what it guesses, and with # ? what it could not, or is not sure of."""
    records = (given.record for given in read(file, form, Defaults("map", 0)))
    try:
        text = draft(record for record in records if isinstance(record, Record))
    except NothingToRead:
        fail("no record of the sample is a JSON object")
    typer.echo(text, nl=False)


@app.command("test")
def run_cases(
    folder: Annotated[Path, typer.Argument(help="A folder of cases, at any depth.", exists=True, file_okay=False)],
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            help="A preset or a profile's path; default: profile.yaml beside the cases, or else the preset that their "
            "folder is called.",
        ),
    ] = None,
) -> None:
    """Run cases of records with the notifications that they should become, and show where they differ; exit code 0 or 1."""
    found = cases(folder.resolve())
    if not found:
        fail(f"{folder}: no case in it (a folder with event.json and notification.json or result.json)")
    failed = sum(not _passes(case, profile) for case in found)
    typer.echo(f"{len(found)} cases: {len(found) - failed} passed, {failed} failed", err=True)
    raise typer.Exit(int(failed > 0))


def _passes(case: Path, profile: str | None) -> bool:
    own = case.parent / "profile.yaml"
    name = profile or (str(own) if own.exists() else case.parent.name)
    try:
        lines = differences(case, offline_of(name, None))
    except BadCase as error:
        lines = [str(error)]
    for line in lines:
        typer.echo(harmless(line))
    return not lines
