"""The options of one source, read with their problems told."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from bridge.core.numbers import decimal
from bridge.core.outcome import InvalidEvent
from bridge.core.profile_text import Node, Problems, suggestion


class Options(msgspec.Struct, frozen=True):
    """The mapping of one source as it stands in the file, and where to tell what is wrong with it."""

    field: str
    nodes: Mapping[str, Node]
    problems: Problems
    line: int

    def text(self, name: str, default: str) -> str:
        """The text of an option, or its default."""
        node = self.nodes.get(name)
        if node is None:
            return default
        if isinstance(node.value, str):
            return node.value
        self.wrong(name, "must be a text")
        return default

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of a few words."""
        word = self.text(name, default)
        if word in allowed:
            return word
        self.wrong(name, f"unknown {word!r}{suggestion(word, allowed)}")
        return default

    def factor(self, name: str) -> Decimal:
        """A positive number, 1 by default."""
        try:
            value = decimal(self.text(name, "1"), name)
        except InvalidEvent:
            value = Decimal(0)
        if value > 0:
            return value
        self.wrong(name, "must be a number above 0")
        return Decimal(1)

    def wrong(self, name: str, text: str) -> None:
        """Tell a problem of the option `name`."""
        self.problems.add(self.nodes[name].line, f"{self.field}.{name}", text)
