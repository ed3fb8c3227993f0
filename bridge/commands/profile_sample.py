"""What stands in records from which a profile is drafted: the values of each member that a profile can name."""

from collections.abc import Iterable

from bridge.commands.profile_guesses import named
from bridge.core.envelopes import OPENERS, Envelope, Opening
from bridge.core.outcome import InvalidEvent
from bridge.core.paths import Input, compile_path
from bridge.core.record import Record
from bridge.offline import shown

Path = tuple[str, ...]
_MOST_RECORDS, _MOST_MEMBERS, _LONGEST = 1000, 2000, 240


class NothingToRead(Exception):
    """No record of the sample is a JSON object."""


class Sample:
    """What stands in records: the values of each member, and the arrays of objects."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.values: dict[Path, list[object]] = {}
        self.arrays: dict[Path, dict[str, object]] = {}  # of each the first object
        self.envelope: Envelope | None = None
        self.count = 0
        for record in records:
            if self.count < _MOST_RECORDS:
                self._add(record)
        if not self.count:
            raise NothingToRead

    def _add(self, record: Record) -> None:
        tree = _object(record, Opening())
        envelope = None if tree is None else _envelope(tree, record)
        if envelope is not None:
            tree = _object(record, Opening((OPENERS[envelope],)))
        if tree is None:
            return
        self.envelope = self.envelope or envelope
        self.count += 1
        self._take(tree, ())

    def _take(self, node: object, path: Path) -> None:
        if isinstance(node, dict):
            for name, value in node.items():
                self._take(value, (*path, name))
        elif isinstance(node, list):
            first = next((item for item in node if isinstance(item, dict)), None)
            if first is not None and path and can_be_named(path):
                self.arrays.setdefault(path, first)
        elif path in self.values or (node is not None and path and self._has_room() and can_be_named(path)):
            self.values.setdefault(path, []).append(node)

    def _has_room(self) -> bool:
        return len(self.values) < _MOST_MEMBERS

    def find(self, names: str, kinds: tuple[type, ...]) -> Path | None:
        """The likeliest member of these names whose values are all of these types."""
        return named(self.values, names, lambda path: all(type(value) in kinds for value in self.values[path]))

    def words(self, path: Path) -> list[str]:
        """The different values of a member, as a profile has them."""
        return list(dict.fromkeys(plain(value) for value in self.values[path]))


def _envelope(tree: dict[str, object], record: Record) -> Envelope | None:
    if "specversion" in tree or any(name == "ce_specversion" for name, _ in record.headers):
        return Envelope.CLOUDEVENTS
    packed = "schema" in tree and isinstance(tree.get("payload"), dict)
    return Envelope.DEBEZIUM if packed or {"op", "after", "source"} <= tree.keys() else None


def plain(value: object) -> str:
    """A scalar as the text that a profile compares it with."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def can_be_named(path: Path) -> bool:
    """Whether a profile can name the path."""
    text = shown(path)
    if len(text) > _LONGEST or not text.isprintable():
        return False
    try:
        compile_path(text)
    except ValueError:
        return False
    return ":" not in text


def _object(record: Record, opening: Opening) -> dict[str, object] | None:
    """The JSON object of a record that holds one event."""
    try:
        given = opening.open(record, record.value or b"")
    except InvalidEvent:
        return None
    return given.tree if isinstance(given, Input) else None
