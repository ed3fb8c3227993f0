"""Write docs/settings.md and docs/settings.schema.json from bridge/settings.py.

`python -m bridge.config.docs [--check] [directory]`: with --check nothing is written, exit code 1 says that they differ.
"""

import json
import re
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from bridge.config.catalogue import CATALOGUE, GROUPS, OCS_OPTIONS, Entry, as_text, limit, plain_type
from bridge.config.checks import ADVICE, RULES
from bridge.config.kinds import DURATION, SIZE
from bridge.config.refused import REFUSED_HEADERS, REFUSED_PROPERTIES

Schema = dict[str, object]

_HEAD = """<!-- Made by `python -m bridge.config.docs`; edit bridge/settings.py instead. -->
# Settings

A setting is read from its environment variable, else from the YAML file given by `--config` (or `BRIDGE_CONFIG`), else it has its
default. `ocs-bridge check` shows every mistake at once, without connecting to anything; exit code 78 means that there are some.

```yaml
# yaml-language-server: $schema=settings.schema.json
kafka:
  bootstrap_servers: kafka-1:9092,kafka-2:9092
  topics: campaign-group-events
notifications:
  url: https://receiver.example.com/campaign-groups
```

* Lists are YAML lists, or text with commas; in the environment also JSON. Maps are JSON in the environment.
* Durations are seconds, or text with a unit: `500ms`, `10s`, `2m`, `24h`, `7d`. Sizes are bytes, or text: `512KiB`, `32MiB`.
* A key without a value, and an empty variable, are not set. A variable replaces a list or map of the file as a whole.
* Unknown keys in the file are mistakes; unknown `BRIDGE_*` variables are warnings.
* Files of secrets (`*_file`) hold the secret and at most one newline after it, 64 KiB at most. Relative paths start at the working
  directory. Keep secrets in files: the environment of a process is easily seen.
* A commented file with every setting: [examples/bridge.yaml](examples/bridge.yaml). For editors: [settings.schema.json](settings.schema.json).
"""

_OCS = """
## Names of OCS

In the file, at its top level or inside `notifications`, three options may have the names that OCS gives them. Given together with the
bridge's own name they must have the same value.

| option of OCS | setting |
| --- | --- |
"""


def document() -> str:
    """docs/settings.md."""
    groups = "".join(f"\n## {group}\n\n{text}\n\n{_table(group)}" for group, text in GROUPS.items())
    options = "".join(f"| `{option}` | `notifications.{key}` |\n" for option, key in OCS_OPTIONS.items())
    rules = "".join(f"* {_names(rule.names)}: {_code(rule.text)}.\n" for rule in RULES)
    advice = "".join(f"* {_names(rule.names)}: {_code(rule.text)}.\n" for rule in ADVICE)
    headers = "".join(f"| `{name}` | {_code(why)} |\n" for name, why in REFUSED_HEADERS.items())
    properties = "".join(f"| `{name}` | {_code(why)} |\n" for name, why in REFUSED_PROPERTIES.items())
    return (
        f"{_HEAD}{groups}{_OCS}{options}"
        f"\n## Rules between settings\n\nMistakes:\n\n{rules}\nWarnings:\n\n{advice}"
        f"\n## Headers that are refused\n\n| header | why |\n| --- | --- |\n{headers}"
        f"\n## Options of kafka-python that are refused\n\nIn `kafka.properties`:\n\n| option | why |\n| --- | --- |\n{properties}"
    )


def _table(group: str) -> str:
    lines = ["| name | variable | allowed | default | meaning | example |", "| --- | --- | --- | --- | --- | --- |"]
    for entry in CATALOGUE.values():
        if entry.group == group:
            default = entry.field.get_default()
            cells = (
                f"`{entry.key}`",
                f"`{entry.variable}`",
                entry.allowed(),
                "" if default in (None, [], {}) else f"`{as_text(default)}`",
                entry.meaning,
                f"`{as_text(entry.example)}`",
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _code(text: str) -> str:
    """Put the full names of settings in code."""
    return re.sub(r"(?<!`)\b(?:" + "|".join(map(re.escape, CATALOGUE)) + r")\b(?!`)", r"`\g<0>`", text)


def schema() -> Schema:
    """JSON Schema of the file."""
    options: Schema = {option: _schema_of(CATALOGUE[f"notifications.{key}"]) for option, key in OCS_OPTIONS.items()}
    groups: Schema = {}
    for group, text in GROUPS.items():
        members: Schema = {entry.key: _schema_of(entry) for entry in CATALOGUE.values() if entry.group == group}
        groups[group] = _closed(members | (options if group == "notifications" else {})) | {"description": text}
    head: Schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Configuration of ocs-bridge"}
    return head | _closed(groups | options)


def _closed(properties: Mapping[str, object]) -> Schema:
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _schema_of(entry: Entry) -> Schema:
    default = entry.field.get_default()
    said: Schema = {"description": entry.meaning, "examples": [entry.example]}
    return {"anyOf": [*_forms(entry), {"type": "null"}]} | said | ({} if default is None else {"default": default})


def _forms(entry: Entry) -> list[Schema]:
    """The forms in which the file may give a setting."""
    origin = typing.get_origin(entry.type)
    if origin is Literal:
        return [{"enum": list(typing.get_args(entry.type))}]
    if origin is list:
        return [{"type": "array", "items": _item(typing.get_args(entry.type)[0])}, {"type": "string"}]
    if origin is dict:
        return [{"type": "object", "additionalProperties": _item(typing.get_args(entry.type)[1])}]
    if entry.type is bool:
        return [{"type": "boolean"}]
    if entry.type in (int, float):
        return _number(entry.type, entry.limits)
    return [_text(entry)]


def _number(kind: object, limits: tuple[object, ...]) -> list[Schema]:
    name = "integer" if kind is int else "number"
    number: Schema = {"type": name, "minimum": limit(limits, "ge"), "maximum": limit(limits, "le")}
    text = {"seconds": DURATION, "bytes": SIZE}.get(str(limit(limits, "words")))
    return [number, {"type": "string", "pattern": text}] if text else [number]


def _text(entry: Entry) -> Schema:
    bounds = {"minLength": entry.limit("min_length"), "maxLength": entry.limit("max_length")}
    bounds["pattern"] = r"^https?://[^/]" if entry.key == "url" else entry.limit("pattern")
    return {"type": "string"} | {name: value for name, value in bounds.items() if value is not None}


def _item(kind: object) -> Schema:
    """A member of a list or map: a word, a number, text, or any scalar (`kafka.properties`)."""
    if isinstance(kind, types.UnionType):
        return {"type": ["string", "number", "boolean", "null"]}
    plain, limits = plain_type(kind)
    if typing.get_origin(plain) is Literal:
        return {"enum": list(typing.get_args(plain))}
    if plain in (int, float):
        forms = _number(plain, limits)
        return forms[0] if len(forms) == 1 else {"anyOf": forms}
    return {"type": "string"}


def files() -> dict[str, str]:
    """Name below docs/ -> content."""
    return {
        "settings.md": document(),
        "settings.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
    }


def main(arguments: list[str]) -> int:
    """Write, or with --check compare. -> exit code."""
    places = [argument for argument in arguments if argument != "--check"]
    folder = Path(places[0]) if places else Path(__file__).parents[2] / "docs"
    stale = 0
    for name, content in files().items():
        path = folder / name
        if "--check" not in arguments:
            path.write_text(content, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != content:
            stale = 1
            sys.stderr.write(f"{path} differs from bridge/settings.py: run python -m bridge.config.docs\n")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
