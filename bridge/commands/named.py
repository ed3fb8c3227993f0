"""Commands that are known by their names, and imported when they are run."""

from importlib import import_module
from typing import Any

import typer
import typer.core

#: Commands with modules of their own, bridge/commands/, in the order of the help, and what it says of them.
OTHERS = {
    "explain": "Say what happened to a record of the input: what it is, whether it is done, and what became of its notification.",
    "groups": "List the campaign groups that running bridges know, or that the state topic has: state, mode, statistics, next notification.",
    "map": "Map records of a file to notifications, without network: notifications to stdout, what is wrong and a summary to stderr.",
    "profiles": "List the presets and print one; draft a profile from records, and test one against files.",
    "state": "Look after the state topic: export it, import it.",
}


class Commands(typer.core.TyperGroup):
    """Knows commands of other modules by their names until they are run."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All of them, in the order of the help."""
        first, second, *rest = super().list_commands(ctx)
        return [first, second, *OTHERS, *rest]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the help lists."""
        if cmd_name in OTHERS:
            return typer.core.TyperCommand(cmd_name, help=OTHERS[cmd_name])
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """What is run."""
        name = args[0]
        if name not in OTHERS:
            return super().resolve_command(ctx, args)
        return name, typer.main.get_command(import_module(f"bridge.commands.{name}").app), args[1:]
