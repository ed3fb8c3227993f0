"""The golden cases of the presets, read as `ocs-bridge profiles test` reads those of anyone's profile."""

from pathlib import Path

from bridge.commands import profile_cases
from bridge.commands.profile_cases import TIMESTAMP_MS, Step, by_lines, steps

__all__ = ["GOLDEN", "TIMESTAMP_MS", "Step", "by_lines", "cases", "steps"]

GOLDEN = Path(__file__).parent


def cases() -> list[tuple[str, Path]]:
    """(profile, folder of the case)."""
    return [(case.parent.name, case) for case in profile_cases.cases(GOLDEN)]
