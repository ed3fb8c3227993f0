"""The types of the two fields about a group's own notifications: how often it has periodic ones, and whether it has any."""

from msgspec import UnsetType

from bridge.core.numbers import interval
from bridge.core.profile_fields import Converter, NumberType, Unknown, WordType
from bridge.core.profile_options import Options
from bridge.core.words import SWITCHES, Switch


class IntervalType:
    """Seconds, read as a statistic is: `as: decimal` also takes texts, `multiply` and `divide` other units."""

    options = frozenset({"as", "multiply", "divide"})

    def converter(self, options: Options) -> Converter[float]:
        """The converter for one source."""
        field, convert = options.field, NumberType().converter(options).convert

        def seconds(value: object) -> float | UnsetType | None:
            found = convert(value)
            return interval(found, field) if isinstance(found, (int, float)) else found

        return Converter(seconds)


class SwitchType:
    """A boolean, or a word for one. `words` may turn it round: {true: false, false: true}."""

    options = WordType.options

    def __init__(self, on_unknown: Unknown) -> None:
        self._words = WordType(SWITCHES, on_unknown)

    def converter(self, options: Options) -> Converter[bool]:
        """The converter for one source."""
        convert = self._words.converter(options).convert
        plain = "words" not in options.nodes

        def switch(value: object) -> bool | UnsetType | None:
            if type(value) is bool:
                if plain:
                    return value
                value = "true" if value else "false"
            found = convert(value)
            return found.value if isinstance(found, Switch) else found

        return Converter(switch)
