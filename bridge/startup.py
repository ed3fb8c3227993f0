"""From the command line to settings that hold: everything that is wrong is told at once, before anything begins."""

from collections.abc import Mapping
from pathlib import Path

from bridge.config.load import ConfigError, load
from bridge.core.directory import DirectoryError
from bridge.core.profile import ProfileError
from bridge.edge.consumer import KAFKA_PROPERTIES
from bridge.edge.files import DirectoryFile, UnusableFile, load_profile
from bridge.edge.tls import file_problems
from bridge.settings import Settings

__all__ = ["ConfigError", "prepare"]


def prepare(config: Path | None, environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Settings and warnings. ConfigError with all that is wrong with settings, profiles, the directory, certificates."""
    settings, warnings = load(config, environ, kafka_properties=KAFKA_PROPERTIES)
    problems = [str(problem) for problem in file_problems(settings.http, settings.kafka)]
    problems += _profile_problems(settings)
    problems += _directory_problems(settings)
    if problems:
        raise ConfigError(problems)
    return settings, warnings


def _profile_problems(settings: Settings) -> list[str]:
    problems, keys = [], {}
    chosen = {"mapping.profile": settings.mapping.profile}
    chosen |= {f"mapping.profiles.{topic}": name for topic, name in settings.mapping.profiles.items()}
    for setting, name in chosen.items():
        try:
            keys[setting] = load_profile(name, settings.mapping.on_unknown).key
        except (ProfileError, UnusableFile) as error:
            problems += [f"{setting}: {problem}" for problem in error.problems]
    if len(set(keys.values())) > 1:
        told = "; ".join(f"{setting}: {', '.join(key)}" for setting, key in keys.items())
        problems.append(
            f"mapping.profiles: all profiles of one bridge must tell campaign groups apart by the same key ({told})"
        )
    return problems


def _directory_problems(settings: Settings) -> list[str]:
    if settings.mapping.directory_file is None:
        return []
    try:
        DirectoryFile(settings.mapping.directory_file).read()
    except (DirectoryError, UnusableFile) as error:
        return [f"mapping.directory_file: {problem}" for problem in error.problems]
    return []
