"""Write the bridge's own schema of its settings into the chart's values.schema.json, so that `helm` finds their mistakes.

    python tools/chart_schema.py [--check]

Of JSON Schema's words only those that Helm's two validators (draft 7, 2020-12) know alike are used. `anyOf` is made one
schema of several types: their messages then say what is wrong, not that no alternative fits.
"""

# ruff: noqa: INP001 (a script, not a package)

import json
import sys
from pathlib import Path
from typing import Any

from bridge.config.catalogue import CATALOGUE
from bridge.config.docs import schema

VALUES = Path(__file__).parents[1] / "deploy/helm/ocs-bridge/values.schema.json"
WORDLESS = ("examples", "default", "title", "$schema")  # of no use to a validator
NAME = {"type": "string", "minLength": 1}
#: Where a file comes from: {secret, key} or {configMap, key}.
SOURCE = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "required": ["key"],
    "minProperties": 2,
    "maxProperties": 2,
    "properties": {"secret": NAME, "configMap": NAME, "key": NAME},
}
#: Of the root. For parent charts; and the bridge's own settings, whose defaults are the bridge's.
OPTIONAL = ("enabled", "global", "config", "secretFiles")


def plain(node: Any) -> Any:
    """The schema without `anyOf`: alternatives of different types are one schema with all their words."""
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {word: plain(value) for word, value in node.items() if word not in (*WORDLESS, "anyOf", "properties")}
    if "properties" in node:
        made["properties"] = {name: plain(value) for name, value in node["properties"].items()}
    return merged(made, [plain(alternative) for alternative in node.get("anyOf", [])])


def merged(made: dict[str, Any], alternatives: list[dict[str, Any]]) -> dict[str, Any]:
    """Words of each alternative concern its own type only, so they can stand side by side."""
    types: list[str] = []
    values: list[Any] = []
    for alternative in alternatives:
        kinds = alternative.pop("type", [])
        types += [kinds] if isinstance(kinds, str) else kinds
        values += alternative.pop("enum", [])
        if clash := made.keys() & alternative.keys():
            raise ValueError(f"alternatives share {clash}")
        made |= alternative
    if values:
        return {**made, "enum": values + ([None] if "null" in types else [])}
    return {**made, "type": types} if types else made


def secret_files() -> dict[str, Any]:
    """Of `secretFiles`: the settings that name a file."""
    groups: dict[str, dict[str, Any]] = {}
    for entry in CATALOGUE.values():
        if entry.type is Path:
            groups.setdefault(entry.group, {})[entry.key] = SOURCE
    return {name: {**strict(files), "type": ["object", "null"]} for name, files in groups.items()}


def strict(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def demand(node: dict[str, Any], without: tuple[str, ...] = ()) -> None:
    """Require, in each object, what may not be null. All has a default, so it is absent only where somebody wrote null.

    Typical is `monitoring:` with nothing but comments below. Otherwise a template would end with a nil pointer.
    """
    properties = {name: value for name, value in node.get("properties", {}).items() if name not in without}
    if needed := [name for name, value in properties.items() if needs_a_value(value)]:
        node["required"] = needed
    for value in properties.values():
        demand(value)


def needs_a_value(node: dict[str, Any]) -> bool:
    """Texts and lists may be absent: they are empty then."""
    kind = node.get("type")
    return "enum" in node or kind in ("boolean", "integer", "number") or (kind == "object" and "properties" in node)


def document() -> str:
    """values.schema.json as it should be."""
    values = json.loads(VALUES.read_text(encoding="utf-8"))
    values["properties"]["config"] = {**plain(schema()), "description": "Settings of the bridge (docs/settings.md)."}
    values["properties"]["secretFiles"] = {**strict(secret_files()), "type": ["object", "null"]}
    demand(values, without=OPTIONAL)
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write it, or with --check compare. -> exit code."""
    if "--check" not in arguments:
        VALUES.write_text(document(), encoding="utf-8")
    elif VALUES.read_text(encoding="utf-8") != document():
        sys.stderr.write(f"{VALUES.name} differs from the settings: run python tools/chart_schema.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
