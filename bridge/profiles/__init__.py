"""The profiles that come with the bridge: one YAML file for each dialling platform."""

import re
from importlib.resources import files

_CLOUDEVENTS = "cloudevents+"
_INSIDE = re.compile(r"^inside: *(\w+) *$", re.MULTILINE)


def preset_names() -> list[str]:
    """The names of all presets. Each may also be given as `cloudevents+NAME`."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in files(__name__).iterdir() if entry.name.endswith(".yaml")
    )


def preset_text(name: str) -> str:
    """The YAML of a preset; `cloudevents+NAME` is that of NAME inside CloudEvents. Raises KeyError for no preset."""
    wrapped = name.removeprefix(_CLOUDEVENTS)
    if wrapped not in preset_names() or (wrapped != name and wrapped == "cloudevents"):
        raise KeyError(name)
    text = (files(__name__) / f"{wrapped}.yaml").read_text(encoding="utf-8")
    if wrapped == name:
        return text
    text, inner = _INSIDE.subn(r"inside: [cloudevents, \1]", text)
    return text if inner else f"inside: cloudevents\n{text}"
