"""Where values come from: the file, OCS's own names for three of them, and the environment, which goes over both."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from bridge.config.catalogue import CATALOGUE, GROUPS, OCS_OPTIONS, VARIABLES, as_text, nearest, suggest
from bridge.config.files import Document
from bridge.settings import NotificationSettings, Settings


class Found:
    """What was found: `values` as written and their `origins`, by full name; `problems`; `bad`: names that have one."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self.values: dict[str, object] = {}
        self.origins: dict[str, str] = {}
        self.problems: list[str] = []
        self.bad: set[str] = set()
        self.bad_members: dict[str, set[str]] = {}  # of maps: the rest of the map is still looked at
        self._lines = document.lines
        self._take_file(document.data)
        for name, text in _environment(environ).items():
            self.values[name], self.origins[name] = text, CATALOGUE[name].variable

    def complain(self, name: str, what: str, *, shown: str = "") -> None:
        """Note a problem of the setting `name`; what else would read it is left out."""
        self.bad.add(name)
        self.problems.append(CATALOGUE[name].problem(what, shown, self.origins.get(name, "")))

    def tree(self) -> dict[str, dict[str, object]]:
        """Group -> key -> value of all that is not bad; of maps, the members that are not."""
        tree: dict[str, dict[str, object]] = {}
        for name, value in self.values.items():
            group, _, key = name.partition(".")
            members = self.bad_members.get(name)
            if members and isinstance(value, dict):
                tree.setdefault(group, {})[key] = {one: value[one] for one in value if str(one) not in members}
            elif name not in self.bad:
                tree.setdefault(group, {})[key] = value
        return tree

    def _take_file(self, data: Mapping[str, object]) -> None:
        for group, values in data.items():
            if group in OCS_OPTIONS:
                continue
            if group not in GROUPS:
                self._complain_unknown((group,))
            elif isinstance(values, dict):
                self._take_group(group, values)
            elif values is not None:
                example = next(entry for entry in CATALOGUE.values() if entry.group == group)
                self.problems.append(
                    f"{group}{self._at((group,))}: not a map of settings. Allowed: lines `name: value` below `{group}:`, "
                    f"indented. Example: {group}: {{{example.key}: ...}}"
                )
        notifications = data.get("notifications")
        self._take_options(data, ())
        self._take_options(notifications if isinstance(notifications, dict) else {}, ("notifications",))

    def _take_group(self, group: str, values: Mapping[object, object]) -> None:
        for key, value in values.items():
            name = f"{group}.{key}"
            if name in CATALOGUE:
                self._take(name, value, self._line((group, str(key))))
            elif not (group == "notifications" and key in OCS_OPTIONS):
                self._complain_unknown((group, str(key)))

    def _take(self, name: str, value: object, origin: str) -> None:
        if value is not None:  # `key:` with nothing behind it is not set, like an empty variable
            self.values[name], self.origins[name] = value, origin

    def _take_options(self, values: Mapping[str, object], path: tuple[str, ...]) -> None:
        """OCS's own names; given beside the bridge's, they must say the same."""
        for option, key in OCS_OPTIONS.items():
            name, value = f"notifications.{key}", values.get(option)
            entry = CATALOGUE[name]
            if value is None:
                continue
            if name not in self.values:
                self._take(name, value, f"{option}, {self._line((*path, option))}")
            elif not _same(key, self.values[name], value):
                other = f"{option} = {entry.shown(value)}{self._at((*path, option))}"
                self.complain(name, f"given again as {other}; remove one of both", shown=entry.shown(self.values[name]))

    def _complain_unknown(self, path: tuple[str, ...]) -> None:
        """The value is not shown: a misspelt password is one too."""
        name, meant = ".".join(path), _meant(path)
        if meant in CATALOGUE:
            self.bad.add(meant)  # it was given, if under a wrong name: not missing
            entry = CATALOGUE[meant]
            group = "" if entry.group == path[0] else f" (below `{entry.group}:`)"
            rest = f" Did you mean {meant}{group}? Allowed: {entry.allowed()}. Example: {as_text(entry.example)}"
        else:
            keys = GROUPS if len(path) == 1 else [entry.key for entry in CATALOGUE.values() if entry.group == path[0]]
            hint = f" Did you mean {meant}?" if meant else ""
            rest = f"{hint} Allowed: {', '.join(keys)}. Example: {next(iter(keys))}"
        self.problems.append(f"{name}{self._at(path)}: no such setting.{rest}")

    def _line(self, path: tuple[str, ...]) -> str:
        return f"line {self._lines[path]}" if path in self._lines else "file"

    def _at(self, path: tuple[str, ...]) -> str:
        return f" ({self._line(path)})"


def _meant(path: tuple[str, ...]) -> str:
    """What an unknown group (one part) or setting (two parts) was probably meant to be, or ""."""
    key = path[-1].replace("-", "_")
    elsewhere = [entry.name for entry in CATALOGUE.values() if path[-1] == entry.name or key == entry.key]
    if len(path) == 1:
        return nearest(path[0], [*GROUPS, *OCS_OPTIONS]) or next(iter(elsewhere), "")
    near = nearest(key, [entry.key for entry in CATALOGUE.values() if entry.group == path[0]])
    return f"{path[0]}.{near}" if near else next(iter(elsewhere), "") or nearest(path[-1], OCS_OPTIONS)


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A warning for each BRIDGE_* variable that is no setting; Kubernetes makes some for a Service named bridge."""
    known = {*VARIABLES, "BRIDGE_CONFIG"}
    for name in sorted(environ):
        if name.upper().startswith("BRIDGE_") and name.upper() not in known:
            yield f"{name} is no setting and has no effect.{suggest(name.upper(), known)}"


def _environment(environ: Mapping[str, str]) -> dict[str, object]:
    """Texts by full name, of the variables that are settings; an empty one is not set."""
    source = EnvSettingsSource(Settings, case_sensitive=False)
    # The source would read the process's own environment, and fail at the first variable that it does not know.
    source.env_vars = {
        name.lower(): text for name, text in environ.items() if name.upper() in VARIABLES and text.strip()
    }
    return {f"{group}.{key}": text for group, values in source().items() for key, text in values.items()}


def _same(key: str, one: object, other: object) -> bool:
    """Whether two values of a `notifications` setting mean the same: 10 and "10s" do."""
    try:
        first, second = (NotificationSettings.model_validate({key: value}) for value in (one, other))
    except ValidationError:
        return one == other
    return first == second
