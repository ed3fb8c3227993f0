"""Where a source takes its raw value from: a path, the first of several, several joined, or two divided."""

from decimal import Decimal

from msgspec import UNSET

from bridge.core.conditions import star_match, star_pattern
from bridge.core.numbers import decimal, number, ratio
from bridge.core.paths import Getter, Input, compile_path, names_on
from bridge.core.profile_fields import text
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
    written = options.text("match", "*")
    if written.count("*") != 1:
        options.wrong("match", "must hold exactly one *, which stands for the value")
    pattern = star_pattern(written if "*" in written else "*")

    def matched(given: Input) -> object:
        raw = getter(given)
        found = star_match(pattern, raw)
        return raw if raw is None else UNSET if found is None else found

    return matched


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
    getters = _getters(options.nodes["join"], f"{options.field}.join", options.problems)
    separator = options.text("with", "@")
    if len(getters) < 2:
        options.wrong("join", "at least two paths are needed")
        return None

    def get(given: Input) -> object:
        parts = []
        for getter in getters:
            raw = getter(given)
            part = UNSET if raw is None or raw is UNSET else text(raw, options.field)
            if part is UNSET:
                return UNSET
            parts.append(part)
        return separator.join(parts)

    return get


def quotient(options: Options) -> Getter | None:
    """The quotient of two numbers: not said unless both are, null when one is null or the denominator is 0."""
    getters = _getters(options.nodes["ratio"], f"{options.field}.ratio", options.problems)
    if len(getters) != 2:
        options.wrong("ratio", "two paths are needed: [numerator, denominator]")
        return None
    above, below = getters
    operand = decimal if options.text("as", "number") == "decimal" else _json_number

    def get(given: Input) -> object:
        raws = above(given), below(given)
        if UNSET in raws:
            return UNSET
        if None in raws:
            return None
        return ratio(operand(raws[0], options.field), operand(raws[1], options.field))

    return get


def _json_number(value: object, field: str) -> Decimal:
    return decimal(number(value, field), field)
