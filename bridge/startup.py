"""From the command line to settings that hold: everything that is wrong is told at once, before anything begins."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.config.load import ConfigError, load
from bridge.core.directory import DirectoryError
from bridge.core.profile import ProfileError
from bridge.edge.consumer import KAFKA_PROPERTIES
from bridge.edge.files import DirectoryFile, UnusableFile, load_profile
from bridge.edge.tls import certificate, file_problems
from bridge.settings import Settings

SOON = timedelta(days=14)  # before a certificate's end, when there is still time to renew it

#: Settings that name a certificate of our own.
CERTIFICATES: dict[str, Callable[[Settings], Path | None]] = {
    "http.cert_file": lambda settings: settings.http.cert_file,
    "kafka.ssl_certfile": lambda settings: settings.kafka.ssl_certfile,
}

__all__ = ["ConfigError", "prepare"]


def prepare(config: Path | None, environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Settings and warnings. ConfigError with all that is wrong with settings, profiles, the directory, certificates."""
    settings, warnings = load(config, environ, kafka_properties=KAFKA_PROPERTIES, further=_file_problems)
    ending = [text for expired, text in _certificates(settings) if not expired]
    return settings, warnings + ending + _profile_warnings(settings)


def _file_problems(settings: Settings, bad: AbstractSet[str]) -> list[str]:
    """What is wrong with what the settings refer to; `bad` ones have been told already."""
    tls = [problem for problem in file_problems(settings.http, settings.kafka) if problem.setting not in bad]
    problems = [str(problem) for problem in tls]
    if not problems and not bad & CERTIFICATES.keys():
        problems += [text for expired, text in _certificates(settings) if expired]
    problems += _profile_problems(settings)
    return problems if "mapping.directory_file" in bad else problems + _directory_problems(settings)


def _profile_problems(settings: Settings) -> list[str]:
    problems, ids = [], {}
    chosen = {"mapping.profile": settings.mapping.profile}
    chosen |= {f"mapping.profiles.{topic}": name for topic, name in settings.mapping.profiles.items()}
    for setting, name in chosen.items():
        try:
            # A tenant before it may be one platform's need.
            ids[setting] = load_profile(name, settings.mapping.on_unknown).key[-1]
        except (ProfileError, UnusableFile) as error:
            problems += [f"{setting}: {problem}" for problem in error.problems]
    if len(set(ids.values())) > 1:
        listed = "; ".join(f"{setting}: {name}" for setting, name in ids.items())
        problems.append(
            f"mapping.profiles: all profiles of one bridge must tell campaign groups apart by the same id ({listed})"
        )
    return problems


def _profile_warnings(settings: Settings) -> list[str]:
    """What may not be meant in profiles of the user's own; a preset's are ours to mend."""
    names = dict.fromkeys([settings.mapping.profile, *settings.mapping.profiles.values()])
    own = [name for name in names if name.endswith((".yaml", ".yml"))]
    return [warning for name in own for warning in load_profile(name, settings.mapping.on_unknown).warnings]


def _directory_problems(settings: Settings) -> list[str]:
    if settings.mapping.directory_file is None:
        return []
    try:
        DirectoryFile(settings.mapping.directory_file).read()
    except (DirectoryError, UnusableFile) as error:
        return [f"mapping.directory_file: {problem}" for problem in error.problems]
    return []


def _certificates(settings: Settings) -> list[tuple[bool, str]]:
    """Client certificates that have expired (True), or will within `SOON`."""
    found = []
    now = datetime.now(UTC)
    for setting, of in CERTIFICATES.items():
        path = of(settings)
        end = certificate(setting, path).not_after if path is not None else None
        if end is not None and end < now + SOON:
            text = f"{setting}: {path}: valid until {end:%Y-%m-%d %H:%M} UTC"
            found.append((end < now, f"{text}: it has expired" if end < now else text))
    return found
