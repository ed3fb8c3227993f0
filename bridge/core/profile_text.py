"""A profile's YAML as nodes that know their line, so that every problem can be told with its place.

All scalars stay text (`on`, `off` and `0123` mean what they look like); a plain `null`, `~` or nothing is None.
"""

import difflib
from collections.abc import Iterable

import msgspec
import yaml

from bridge.core.limits import MAX_NESTING


class Node(msgspec.Struct, frozen=True):
    """A scalar (text or None), a list or a mapping, and the line it starts in (the key's, for a value in a mapping)."""

    value: "str | list[Node] | dict[str, Node] | None"
    line: int


class ProfileError(Exception):
    """A profile that can't be used. `problems`: one text each, "source:line: field: what is wrong, what is allowed"."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Problems:
    """What is wrong with a profile, collected so that all of it is told at once; and on the way, which paths it names.

    `paths`: the names that each path into a record's JSON leads through, without the places in arrays. `inside`: those of
    the array whose items the paths compiled with this object start from.
    """

    def __init__(self, source: str, inside: tuple[str, ...] = ()) -> None:
        self.source = source
        self.inside = inside
        self.found: list[str] = []
        self.warnings: list[str] = []
        self.paths: set[tuple[str, ...]] = set()

    def within(self, names: tuple[str, ...]) -> "Problems":
        """The same collection, for paths that start from items of the array at `names`."""
        inner = Problems(self.source, self.inside + names)
        inner.found, inner.warnings, inner.paths = self.found, self.warnings, self.paths
        return inner

    def add(self, line: int, field: str, text: str) -> None:
        """One problem at `field` (dotted, as in the file); told once, however many rules share the line."""
        problem = f"{self.source}:{line}: {field}: {text}"
        if problem not in self.found:
            self.found.append(problem)

    def warn(self, line: int, field: str, text: str) -> None:
        """Something at `field` that may be meant, and often is not; told once."""
        warning = f"{self.source}:{line}: {field}: {text}"
        if warning not in self.warnings:
            self.warnings.append(warning)

    def raise_any(self) -> None:
        """Raise ProfileError if there is a problem."""
        if self.found:
            raise ProfileError(self.found)


def choices(allowed: Iterable[str]) -> str:
    """Allowed words as a text, in order."""
    return ", ".join(sorted(allowed))


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """What to put behind "unknown x": the nearest of `allowed`, where one is near, and the list of them."""
    allowed = list(allowed)
    near = difflib.get_close_matches(word, allowed, n=1)
    return (f"; did you mean {near[0]}?" if near else "") + f" (allowed: {choices(allowed)})"


def parse(text: str, problems: Problems) -> dict[str, Node]:
    """The profile's outermost mapping. Raises ProfileError when there is none."""
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
        node = _node(root, problems, "file", 0) if root is not None else None
    except RecursionError:  # of PyYAML, or of _node
        problems.add(1, "file", "nested too deeply, or an alias within what it stands for")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problems.add(line, "file", f"no YAML: {error.problem or error.context}")
    except yaml.YAMLError as error:  # a character that YAML forbids
        problems.add(1, "file", f"no YAML: {error}")
    else:
        if node is not None and isinstance(node.value, dict):
            problems.raise_any()
            return node.value
        problems.add(1, "file", "a profile is a mapping with at least `key` and `fields`")
    problems.raise_any()
    raise AssertionError("unreachable")  # pragma: no cover


def _node(raw: yaml.Node, problems: Problems, field: str, depth: int, line: int | None = None) -> Node:
    if depth > MAX_NESTING:
        raise RecursionError
    line = raw.start_mark.line + 1 if line is None else line
    if isinstance(raw, yaml.MappingNode):
        return Node(_mapping(raw, problems, field, depth + 1), line)
    if isinstance(raw, yaml.SequenceNode):
        return Node([_node(item, problems, field, depth + 1) for item in raw.value], line)
    plain_null = isinstance(raw, yaml.ScalarNode) and raw.style is None and raw.value in {"", "~", "null"}
    return Node(None if plain_null else str(raw.value), line)


def _mapping(raw: yaml.MappingNode, problems: Problems, field: str, depth: int) -> dict[str, Node]:
    mapping: dict[str, Node] = {}
    for key, value in raw.value:
        line = key.start_mark.line + 1
        name = str(key.value)
        if not isinstance(key, yaml.ScalarNode):
            problems.add(line, field, "a key must be a word")
        elif name in mapping:
            problems.add(line, name, "given twice")
        else:
            mapping[name] = _node(value, problems, name, depth, line)
    return mapping
