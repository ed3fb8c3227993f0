"""The types of the two fields about a group's own notifications: how often it has periodic ones, and whether it has any."""

from msgspec import UNSET, UnsetType

from bridge.core.numbers import interval
from bridge.core.profile_fields import Converter, NumberType, Unknown, WordType
from bridge.core.profile_options import Options
from bridge.core.words import SWITCHES, Switch


class IntervalType:
    """Seconds, read as a statistic is: `multiply` and `divide` for other units, `as: duration` for a written one."""

    options = frozenset({"as", "decimal", "multiply", "divide"})
    unreadable: None | UnsetType = UNSET
    on_unknown: Unknown | None = None

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
    unreadable: None | UnsetType = UNSET
    on_unknown: Unknown | None = None

    def __init__(self) -> None:
        self._words = WordType(SWITCHES)

    def converter(self, options: Options) -> Converter[bool]:
        """The converter for one source."""
        convert = self._words.converter(options).convert

        def switch(value: object) -> bool | UnsetType | None:
            found = convert(value)
            return found.value if isinstance(found, Switch) else found

        return Converter(switch)
