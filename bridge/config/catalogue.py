"""The settings as a list: names, variables, and in words what each allows. Problems and docs are written from it."""

import difflib
import json
import reprlib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bridge.config.kinds import MASK, mask_url, masked
from bridge.settings import Settings

#: Options of OCS itself, accepted in the file (top level or inside `notifications`) for the setting beside them.
OCS_OPTIONS = {
    "send-campaigngroup-states": "enabled",
    "campaigngroup-states-uri": "url",
    "campaigngroup-states-interval": "interval",
}


def limit(limits: Iterable[object], name: str) -> typing.Any:
    """The bound `name` among what a type carries, or None."""
    return next((value for one in limits if (value := getattr(one, name, None)) is not None), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting. `name` is its full name (`http.timeout`), `type` its plain type, `limits` what its type carries."""

    group: str
    key: str
    field: FieldInfo
    type: object
    limits: tuple[object, ...]

    @property
    def name(self) -> str:
        """`http.timeout`."""
        return f"{self.group}.{self.key}"

    @property
    def variable(self) -> str:
        """`BRIDGE_HTTP__TIMEOUT`."""
        return f"BRIDGE_{self.group}__{self.key}".upper()

    @property
    def meaning(self) -> str:
        """What it is for, in one line: a line's end would end the row of a table."""
        return " ".join((self.field.description or "").split())

    @property
    def example(self) -> object:
        """A value that is accepted, as one would write it in the file."""
        return self.field.examples[0] if self.field.examples else self.field.get_default()

    def limit(self, name: str) -> typing.Any:
        """The bound `name` (ge, le, min_length, max_length, pattern), or None."""
        return limit(self.limits, name)

    def allowed(self) -> str:
        """What a value may be, in words."""
        words = self.limit("words")
        if words == "seconds":
            return f"seconds from {self.limit('ge')} to {self.limit('le')}, or text such as 500ms, 10s, 2m, 24h"
        if words == "bytes":
            return f"bytes from {self.limit('ge')} to {self.limit('le')}, or text such as 512KiB, 32MiB"
        return str(words) if words else self._plain()

    def _plain(self) -> str:
        if typing.get_origin(self.type) is Literal:
            return ", ".join(str(word) for word in typing.get_args(self.type))
        if self.type is int:
            return f"a whole number from {self.limit('ge')} to {self.limit('le')}"
        if self.type is bool:
            return "true or false"
        if self.type is Path:
            return "the path of a file that the bridge may read"
        return f"text of 1 to {self.limit('max_length')} characters"

    def problem(self, what: str, shown: str = "", origin: str = "") -> str:
        """The text of a problem: full name, value, where it came from, what is wrong, what is allowed, an example."""
        given = f" = {shown}" if shown else ""
        source = f" ({origin})" if origin else ""
        end = "" if what.endswith(("?", ".")) else "."
        return f"{self.name}{given}{source}: {what}{end} Allowed: {self.allowed()}. Example: {as_text(self.example)}"

    def shown(self, value: object) -> str:
        """A value as it may be printed: short, on one line, without secrets."""
        return shorten(masked(self.key, value))


def shorten(value: object) -> str:
    """Any value on one line, cut at 120 characters or 6 members; what may be a password in an address is masked."""
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, str):
        return repr(mask_url(value) if "@" in value else value)[:120]
    if isinstance(value, Path):
        return repr(str(value))[:120]
    return _SHORT.repr(value)[:120]


class _Short(reprlib.Repr):
    def repr_str(self, x: str, level: int) -> str:  # noqa: ARG002
        return repr(mask_url(x) if "@" in x else x)


_SHORT = _Short()
_SHORT.maxlist = _SHORT.maxdict = 6
_SHORT.maxlevel = 2


def plain_type(annotation: object, limits: tuple[object, ...] = ()) -> tuple[object, tuple[object, ...]]:
    """Take `Annotated` and `| None` off a type. -> (plain type, everything they said about it)."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        inner = [part for part in typing.get_args(annotation) if part is not type(None)]
        return plain_type(inner[0], limits)
    if typing.get_origin(annotation) is Annotated:
        plain, *said = typing.get_args(annotation)
        flat = [part for one in said for part in (one.metadata if isinstance(one, FieldInfo) else [one])]
        return plain_type(plain, (*limits, *flat))
    return annotation, limits


def _entries() -> Iterator[Entry]:
    for group, outer in Settings.model_fields.items():
        kind = typing.cast("type[BaseModel]", outer.annotation)
        for key, field in kind.model_fields.items():
            plain, limits = plain_type(field.annotation, tuple(field.metadata))
            yield Entry(group, key, field, plain, limits)


CATALOGUE: Mapping[str, Entry] = {entry.name: entry for entry in _entries()}
GROUPS: Mapping[str, str] = {
    group: str(typing.cast("type[BaseModel]", field.annotation).__doc__)
    for group, field in Settings.model_fields.items()
}
VARIABLES: Mapping[str, Entry] = {entry.variable: entry for entry in CATALOGUE.values()}


def as_text(value: object) -> str:
    """A value as one would write it in YAML."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` was probably meant to be, or ""."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.75)), "")


def suggest(word: str, known: Iterable[str]) -> str:
    """` Did you mean x?`, or nothing if no known word is near."""
    near = nearest(word, known)
    return f" Did you mean {near}?" if near else ""


def value_of(settings: Settings, name: str) -> object:
    """The value of the setting with this full name."""
    group, _, key = name.partition(".")
    return getattr(getattr(settings, group), key)
