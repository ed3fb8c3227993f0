"""What the commands share: the configuration file, and how they end when something is wrong."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:  # see bridge/cli.py
    from bridge.settings import Settings

EX_CONFIG = 78  # sysexits.h: something is wrong with the configuration

Config = Annotated[
    Path | None, typer.Option("--config", "-c", envvar="BRIDGE_CONFIG", help="The configuration file (YAML).")
]


@contextmanager
def told_problems() -> Iterator[None]:
    """Mistakes in settings and in the files that they name end the process, with every problem on stderr."""
    from bridge.core.directory import DirectoryError
    from bridge.core.profile import ProfileError
    from bridge.edge.files import UnusableFile
    from bridge.startup import ConfigError

    try:
        yield
    except (ConfigError, DirectoryError, ProfileError, UnusableFile) as error:
        typer.echo(str(ConfigError(error.problems)), err=True)
        raise typer.Exit(EX_CONFIG) from None


def settings_of(config: Path | None) -> "Settings":
    """Settings that hold, or the end of the process with every problem on stderr."""
    from bridge.startup import prepare

    with told_problems():
        settings, warnings = prepare(config, os.environ)
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    return settings


def fail(text: str) -> NoReturn:
    """The end of the process, for a reason that is no matter of the configuration."""
    typer.echo(text, err=True)
    raise typer.Exit(1)


def kept_settings(config: Path | None) -> "Settings":
    """Settings of a bridge that has a state topic, or the end of the process."""
    settings = settings_of(config)
    if settings.state.store != "kafka":
        fail("state.store is memory: there is no state topic")
    return settings
