"""Where a source takes its raw value from: a path, the first of several, several joined, or two divided."""

import re
from collections.abc import Callable
from decimal import Decimal

from msgspec import UNSET

from bridge.core.conditions import star_match, star_pattern
from bridge.core.numbers import difference, ratio, total
from bridge.core.paths import Getter, Input, compile_path, names_on
from bridge.core.profile_fields import Operand, operand, text
from bridge.core.profile_options import Options
from bridge.core.profile_text import Node, Problems


def compile_getter(node: Node, field: str, problems: Problems) -> Getter | None:
    """The getter of a path, or None and a problem told."""
    if not isinstance(node.value, str):
        problems.add(node.line, field, "a path is needed, such as detail.id")
        return None
    try:
        getter = compile_path(node.value)
    except ValueError as error:
        problems.add(node.line, field, str(error))
        return None
    problems.paths.add(problems.inside + names_on(node.value))
    return getter


def _getters(node: Node, field: str, problems: Problems) -> list[Getter]:
    items = node.value if isinstance(node.value, list) else [node]
    return [getter for item in items if (getter := compile_getter(item, field, problems)) is not None]


def from_paths(options: Options) -> Getter | None:
    """What stands at the first of the paths in `from` that has something, or the part of it that `match` picks."""
    getters = _getters(options.nodes["from"], f"{options.field}.from", options.problems)
    if not getters:
        if options.nodes["from"].value == []:
            options.wrong("from", "an empty list of paths")
        return None
    getter = getters[0] if len(getters) == 1 else _first_raw(getters)
    if "match" not in options.nodes:
        return getter
    pattern, star = _pattern(options)

    def matched(given: Input) -> object:
        raw = getter(given)
        found = star_match(pattern, raw, star)
        return raw if raw is None else UNSET if found is None else found

    return matched


def _pattern(options: Options) -> tuple[re.Pattern[str], int]:
    """The pattern of `match`, and which of its stars stands for the value: of several that in parentheses, else the first."""
    written = options.text("match", "*")
    stars = written.count("*")
    if not stars:
        options.wrong("match", "must hold a *, which stands for the value")
        return star_pattern("*"), 1
    if stars == 1 or "(*)" not in written:
        return star_pattern(written), 1
    before, after = written.split("(*)", maxsplit=1)
    return star_pattern(f"{before}*{after}"), before.count("*") + 1


def _first_raw(getters: list[Getter]) -> Getter:
    def get(given: Input) -> object:
        found: object = UNSET
        for getter in getters:
            raw = getter(given)
            if raw is None:
                found = None
            elif raw is not UNSET:
                return raw
        return found

    return get


def joined(options: Options) -> Getter | None:
    """All parts as texts with `with` between them; not said unless every part is."""
    node = options.nodes["join"]
    items = node.value if isinstance(node.value, list) else [node]
    getters = [_part(item, f"{options.field}.join", options.problems) for item in items]
    separator = options.text("with", "@")
    if len(getters) < 2:
        options.wrong("join", "at least two paths are needed")
        return None

    def get(given: Input) -> object:
        parts = []
        for getter in getters:
            raw = UNSET if getter is None else getter(given)
            part = UNSET if raw is None or raw is UNSET else text(raw, options.field)
            if part is UNSET:
                return UNSET
            parts.append(part)
        return separator.join(parts)

    return get


def _part(node: Node, field: str, problems: Problems) -> Getter | None:
    """Of a path, or of {value: text}."""
    inner = node.value.get("value") if isinstance(node.value, dict) and len(node.value) == 1 else None
    if inner is None or not isinstance(inner.value, str):
        return compile_getter(node, field, problems)
    constant = inner.value
    return lambda _: constant


def quotient(options: Options) -> Getter | None:
    """The quotient of two numbers: not said unless both are, null when one is null or the denominator is 0."""
    return _calculated("ratio", options.nodes["ratio"], options, operand(options))


def summed(options: Options) -> Getter | None:
    """The sum of several numbers: not said unless all are, null when one is null."""
    return _calculated("sum", options.nodes["sum"], options, operand(options))


def subtracted(options: Options) -> Getter | None:
    """The first number without the others: not said unless all are, null when one is null."""
    return _calculated("difference", options.nodes["difference"], options, operand(options))


def _calculated(name: str, node: Node, options: Options, read: Operand) -> Getter | None:
    items = node.value if isinstance(node.value, list) else []
    getters = [_number(item, options, read) for item in items]
    wanted = (
        "two numbers are needed: [numerator, denominator]" if name == "ratio" else "at least two numbers are needed"
    )
    if len(getters) < 2 or (name == "ratio" and len(getters) > 2):
        options.problems.add(
            node.line, f"{options.field}.{name}", f"{wanted}; each is a path, or {{sum: …}}, {{difference: …}}"
        )
        return None
    calculate = _CALCULATIONS[name]

    def get(given: Input) -> object:
        numbers = []
        missing = False
        for getter in getters:
            raw = UNSET if getter is None else getter(given)
            if raw is UNSET:
                return UNSET
            if raw is None:
                missing = True
            else:
                numbers.append(raw if isinstance(raw, Decimal) else read(raw))
        return None if missing else calculate(numbers)

    return get


def _number(node: Node, options: Options, read: Operand) -> Getter | None:
    """Of a path, or of a sum or difference of such."""
    if isinstance(node.value, dict) and len(node.value) == 1:
        ((name, inner),) = node.value.items()
        if name in {"sum", "difference"}:
            return _calculated(name, inner, options, read)
    return compile_getter(node, options.field, options.problems)


_CALCULATIONS: dict[str, Callable[[list[Decimal]], Decimal | None]] = {
    "ratio": lambda numbers: ratio(*numbers),
    "sum": total,
    "difference": difference,
}
