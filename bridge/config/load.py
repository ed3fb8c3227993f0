"""Settings from a file and the environment over it. Every problem is found in one go; none shows a secret."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from pydantic import ValidationError

from bridge.config.catalogue import CATALOGUE, suggest, value_of
from bridge.config.checks import ADVICE, RULES, broken, missing, unreadable
from bridge.config.files import MAX_CONFIG_BYTES, Document, FileError, parse_yaml, read_text
from bridge.config.refused import refused_event_id_header, refused_headers, refused_properties, refused_token
from bridge.config.sources import Found, unknown_variables
from bridge.settings import Settings

#: What is wrong, by the type of pydantic's error; its own words speak of types that users don't know.
_WORDS = {
    "greater_than_equal": "too small",
    "less_than_equal": "too large",
    "literal_error": "not one of the allowed values",
    "string_type": "not text (put it in quotes)",
    "string_too_short": "empty",
    "too_short": "empty",
    "string_too_long": "too long",
    "too_long": "too long",
    "string_pattern_mismatch": "not of the allowed form",
    "bool_parsing": "neither true nor false",
    "bool_type": "neither true nor false",
    "int_parsing": "not a whole number",
    "int_from_float": "not a whole number",
    "int_type": "not a whole number",
    "float_parsing": "not a number",
    "float_type": "not a number",
    "finite_number": "not a number",
    "list_type": "not a list",
    "dict_type": "not a map",
    "path_type": "not a path (put it in quotes)",
}


class ConfigError(Exception):
    """The configuration can't be used; `problems` are all its mistakes, one line each. Exit code 78."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = (f"{number:3}. {problem}" for number, problem in enumerate(self.problems, start=1))
        return "\n".join((f"The configuration has {count}:", *lines))


def load(
    config: Path | None,
    environ: Mapping[str, str],
    *,
    kafka_properties: frozenset[str] | None = None,
    further: Callable[[Settings, AbstractSet[str]], list[str]] = lambda _settings, _bad: [],
) -> tuple[Settings, list[str]]:
    """Settings and warnings from the file (else that of BRIDGE_CONFIG, else none) and `environ`.

    `kafka_properties` are the names that `kafka.properties` may have; None: any. `further` gives more problems, of what
    settings refer to; those named in its second argument are bad already, and have their defaults. Raises ConfigError.
    """
    named = environ.get("BRIDGE_CONFIG", "").strip()
    document = _document(config or (Path(named) if named else None))
    found = Found(document, environ)
    settings = _validate(found)
    # What a file that can't be read may have said is not missing.
    if document.data or not document.problems:
        _check(found, settings, kafka_properties)
        found.problems += further(settings, found.bad)
    problems = list(dict.fromkeys(document.problems + found.problems))
    if problems:
        raise ConfigError(problems)
    return settings, [*unknown_variables(environ), *broken(ADVICE, settings, set())]


def _document(path: Path | None) -> Document:
    if path is None:
        return Document()
    try:
        return parse_yaml(read_text(path, MAX_CONFIG_BYTES), str(path))
    except FileError as error:
        return Document(problems=[f"configuration file: {error}"])


def _validate(found: Found) -> Settings:
    """The settings, with defaults in place of those that are bad."""
    try:
        return Settings.model_validate(found.tree())
    except ValidationError as error:
        seen = set()
        for one in error.errors(include_url=False):
            place = one["loc"][:3]  # deeper are only the branches of a union
            if place not in seen:
                seen.add(place)
                _complain(
                    found, place, one["msg"] if one["type"] == "setting" else _WORDS.get(one["type"], ""), one["input"]
                )
    return Settings.model_validate(found.tree())


def _complain(found: Found, place: tuple[int | str, ...], what: str, value: object) -> None:
    name = f"{place[0]}.{place[1]}"
    entry = CATALOGUE[name]
    if what == _WORDS["literal_error"] and isinstance(value, str):
        what += suggest(value, entry.allowed().split(", ")).replace(" Did", "; did")
    if len(place) > 2:
        found.bad_members.setdefault(name, set()).add(str(place[2]))
        # The key of a map may be anything, also a header line with its secret.
        allowed = r"[\w./%@-]{1,80}" if name == "notifications.intervals" else r"[\w.-]{1,80}"
        member = str(place[2]) if re.fullmatch(allowed, str(place[2])) else "***"
        what = f"member {member}: " + ("of no allowed type" if entry.key == "properties" else what or "not allowed")
    found.complain(name, what or "not allowed", shown=entry.shown(value))


def _check(found: Found, settings: Settings, kafka_properties: frozenset[str] | None) -> None:
    """Note what is missing, unreadable, refused, or does not go together."""
    for name in [name for name in missing(settings, found.bad) if name not in found.bad]:
        found.origins[name] = f"in the file, or {CATALOGUE[name].variable}"
        found.complain(name, "not set")
    for name, why in unreadable(settings).items():
        found.complain(name, why, shown=CATALOGUE[name].shown(value_of(settings, name)))
    found.problems += broken(RULES, settings, found.bad)
    for why in refused_properties(settings, kafka_properties):
        found.complain("kafka.properties", why)
    if "http.headers_file" not in found.bad:
        for why in refused_headers(settings.http):
            found.complain("http.headers", why)
    _check_header_settings(found, settings)


def _check_header_settings(found: Found, settings: Settings) -> None:
    header = settings.http.event_id_header
    if why := refused_event_id_header(header):
        found.complain("http.event_id_header", why, shown=header)
    token = "http.bearer_token_file" if settings.http.bearer_token_file else "http.bearer_token"
    if token not in found.bad and (why := refused_token(settings.http.token())):
        found.complain(token, why)
