"""The profiles that come with the bridge: one YAML file for each dialling platform."""

import re
from importlib.resources import files

#: What a preset can be read inside of, as `WORD+NAME`, and how a profile says so.
_AROUND = {"cloudevents": "cloudevents", "debezium": "debezium_row"}
_INSIDE = re.compile(r"^inside: *\[?([^\]\n#]+?)\]? *(?:#.*)?$", re.MULTILINE)


def preset_names() -> list[str]:
    """The names of all presets. Each may also be given as `cloudevents+NAME` or `debezium+NAME`."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in files(__name__).iterdir() if entry.name.endswith(".yaml")
    )


def preset_text(name: str) -> str:
    """The YAML of a preset; `cloudevents+NAME` is that of NAME inside CloudEvents. Raises KeyError for no preset."""
    *around, wrapped = name.split("+")
    if wrapped not in preset_names() or not set(around) <= _AROUND.keys() or len(set(around)) < len(around):
        raise KeyError(name)
    text = (files(__name__) / f"{wrapped}.yaml").read_text(encoding="utf-8")
    inside = _INSIDE.search(text)
    own = inside[1].split(", ") if inside else []
    if set(around) & {word.split("_")[0] for word in own}:
        raise KeyError(name)
    if not around:
        return text
    line = f"inside: [{', '.join([*(_AROUND[word] for word in around), *own])}]"
    return _INSIDE.sub(line, text, count=1) if inside else f"{line}\n{text}"
