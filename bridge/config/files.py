"""Small files that settings name: secrets, headers, and the configuration itself. Texts of errors never quote content."""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

MAX_SECRET_BYTES = 64 * 1024
MAX_CONFIG_BYTES = 1024 * 1024  # Kubernetes allows a ConfigMap no more


class FileError(Exception):
    """A file that a setting names can't be used; the text says which and why, never what is in it."""


@dataclass(slots=True)
class Document:
    """A configuration file: its top-level map, the line of each key, and what is wrong with the file itself."""

    data: dict[str, object] = field(default_factory=dict)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)  # ("kafka", "topics") -> 12
    problems: list[str] = field(default_factory=list)


def read_text(path: Path, limit: int | None = None) -> str:
    """UTF-8 text of a regular file (of at most `limit` bytes), without a byte order mark. Raises FileError."""
    try:
        # Looked at before it is opened: to open a FIFO would block the start for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileError(f"{path} is no regular file")
        with path.open("rb") as file:
            raw = file.read() if limit is None else file.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        raise FileError(f"{path} can't be read: {reason}") from None
    if limit is not None and len(raw) > limit:
        raise FileError(f"{path} has more than {limit} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 (byte {error.start})") from None


def check_readable(path: Path) -> None:
    """Raise FileError unless `path` is a regular file that this process may read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileError(f"{path} is no regular file")
        path.open("rb").close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        raise FileError(f"{path} can't be read: {reason}") from None


def read_secret(path: Path) -> str:
    """The content of a secret's file without one trailing newline. Raises FileError, also when that leaves nothing."""
    secret = re.sub(r"\r?\n\Z", "", read_text(path, MAX_SECRET_BYTES))
    if not secret:
        raise FileError(f"{path} is empty")
    return secret


def read_headers(path: Path) -> dict[str, str]:
    """Header lines `Name: value` (`#` begins a comment line), or a YAML map if the name ends in .yaml or .yml.

    Raises FileError, also for a name given twice.
    """
    text = read_text(path, MAX_SECRET_BYTES)
    pairs = _yaml_headers(path, text) if path.suffix in {".yaml", ".yml"} else list(_header_lines(path, text))
    headers: dict[str, str] = {}
    for name, value in pairs:
        if name.lower() in {known.lower() for known in headers}:
            raise FileError(f"{path} gives a header twice")
        headers[name] = value
    return headers


def _header_lines(path: Path, text: str) -> Iterator[tuple[str, str]]:
    # Only line ends of files: str.splitlines() would also split at control characters inside a value.
    for number, line in enumerate(re.split(r"\r?\n", text), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, colon, value = line.partition(":")
            if not colon:
                raise FileError(f"{path} line {number} is no 'Name: value'")
            yield name.strip(), value.strip()


def _yaml_headers(path: Path, text: str) -> list[tuple[str, str]]:
    document = parse_yaml(text, str(path))
    if document.problems:
        raise FileError("; ".join(document.problems))
    if not all(isinstance(value, str) for value in document.data.values()):
        raise FileError(f"{path}: each value must be text (put it in quotes)")
    return [(name, str(value)) for name, value in document.data.items()]


def parse_yaml(text: str, source: str) -> Document:
    """Read a YAML map and note the lines of its keys, two levels deep. Duplicate keys are problems, not the last one's."""
    document = Document()
    try:
        node, data = _compose(text)
    except yaml.MarkedYAMLError as error:
        document.problems.append(f"{source}{_at(error)}: {_reason(error)}")
    except (yaml.YAMLError, ValueError, RecursionError):
        document.problems.append(f"{source} is not valid YAML: a character, date or number in it can't be read")
    else:
        if isinstance(node, yaml.MappingNode) and isinstance(data, dict):
            document.problems += _note_lines(node, source, (), document.lines)
            document.data = {str(key): value for key, value in data.items()}
        elif data is not None:
            document.problems.append(f"{source} must be a map of groups (kafka:, http:, ...)")
    return document


def _compose(text: str) -> tuple[yaml.Node | None, object]:
    """The tree, which has the lines, and what it says."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _at(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _reason(error: yaml.MarkedYAMLError) -> str:
    """What PyYAML says, but never the words that it quotes: `password: *word` would show the password."""
    said = re.sub(r"'(?!<)[^']{2,}'", "'***'", str(error.problem or "not valid YAML"))
    return f"{said} (text with any of * & ! % @ ` : # in it needs quotes)"


def _note_lines(
    node: yaml.MappingNode, source: str, path: tuple[str, ...], lines: dict[tuple[str, ...], int]
) -> list[str]:
    """Fill `lines`, return the problems: keys given twice."""
    problems = []
    for key, value in node.value:
        here = (*path, str(key.value))
        line = key.start_mark.line + 1
        if here in lines and key.value != "<<":
            problems.append(f"{source} line {line}: {'.'.join(here)} is given twice (first in line {lines[here]})")
        lines.setdefault(here, line)
        # Aliases may make the tree exponential, but settings are two levels deep.
        if isinstance(value, yaml.MappingNode) and len(here) < 2:
            problems += _note_lines(value, source, here, lines)
    return problems
