"""`when`: conditions on a record. All paths of a mapping must hold; a list holds when one of its items does."""

import re
from collections.abc import Callable

from msgspec import UNSET

from bridge.core.limits import MAX_NAME_CHARACTERS
from bridge.core.paths import Getter, Input, compile_path, member_names, names_on, plain_text
from bridge.core.profile_text import Node, Problems

Condition = Callable[[Input], bool]
_Test = Callable[[object, Input], bool]
_ALLOWED = "a text, a text with *, null (not there), a list of these, {not: ...} or {differs: path}"


def always(_: Input) -> bool:
    """The condition of a rule without `when`."""
    return True


def compile_when(node: Node | None, field: str, problems: Problems) -> Condition:
    """The condition of a `when`: a mapping {path: test}, or a list of such mappings."""
    if node is None:
        return always
    if isinstance(node.value, list):
        items = [compile_when(item, field, problems) for item in node.value]
        return lambda given: any(item(given) for item in items)
    if not isinstance(node.value, dict) or not node.value:
        problems.add(node.line, field, f"a mapping of paths to {_ALLOWED}, or a list of such mappings")
        return always
    tests: list[tuple[Getter, _Test]] = []
    for path, test in node.value.items():
        getter = compile_lenient(path, test.line, f"{field}.{path}", problems)
        tests.append((getter, _compile_test(test, f"{field}.{path}", problems)))
    if len(tests) == 1:  # nearly always
        ((path, test),) = node.value.items()
        ((get, holds),) = tests
        return _member_test(path, test) or (lambda given: holds(get(given), given))
    return lambda given: all(test(getter(given), given) for getter, test in tests)


def _member_test(path: str, node: Node) -> Condition | None:
    """What is most often asked, in one call instead of three: whether a member of the record's JSON is a text, or is there."""
    try:
        names, wanted = member_names(path), node.value
    except ValueError:  # a problem that is told already
        return None
    if isinstance(wanted, dict) and list(wanted) == ["not"]:
        inner = _member_test(path, wanted["not"])
        return inner and (lambda given: not inner(given))
    if len(names) != 1 or not isinstance(wanted, str):
        return None
    (name,) = names
    if wanted == "*":
        return lambda given: given.tree.get(name) is not None
    if "*" in wanted:
        return None

    def is_wanted(given: Input) -> bool:
        value = given.tree.get(name, UNSET)
        return value == wanted if type(value) is str else plain_text(value) == wanted

    return is_wanted


def compile_lenient(path: str, line: int, field: str, problems: Problems) -> Getter:
    """The getter of a path in a condition: whatever stands in its way, it just finds nothing."""
    try:
        getter = compile_path(path, lenient=True)
    except ValueError as error:
        problems.add(line, field, str(error))
        return lambda _: UNSET
    problems.paths.add(problems.inside + names_on(path))
    return getter


def _compile_test(node: Node, field: str, problems: Problems) -> _Test:
    if node.value is None:
        return lambda value, _: value is None or value is UNSET
    if isinstance(node.value, str):
        return _text_test(node.value)
    if isinstance(node.value, list):
        tests = [_compile_test(item, field, problems) for item in node.value]
        return lambda value, given: any(test(value, given) for test in tests)
    return _mapping_test(node, field, problems)


def _text_test(wanted: str) -> _Test:
    if wanted == "*":
        return lambda value, _: value is not None and value is not UNSET
    if "*" not in wanted:
        return lambda value, _: value == wanted if type(value) is str else plain_text(value) == wanted
    pattern = star_pattern(wanted)
    first, *rest = wanted.split("*")
    return _prefix_test(first, pattern) if rest == [""] else lambda value, _: star_match(pattern, value) is not None


def _prefix_test(first: str, pattern: re.Pattern[str]) -> _Test:
    """A star at the end is nearly always meant: a quarter of the time of a regular expression."""

    def test(value: object, _: Input) -> bool:
        if type(value) is str and len(value) <= MAX_NAME_CHARACTERS:
            return value.startswith(first)
        return star_match(pattern, value) is not None

    return test


def _mapping_test(node: Node, field: str, problems: Problems) -> _Test:
    mapping = node.value if isinstance(node.value, dict) else {}
    if list(mapping) == ["not"]:
        inner = _compile_test(mapping["not"], field, problems)
        return lambda value, given: not inner(value, given)
    other = mapping.get("differs")
    if len(mapping) == 1 and other is not None and isinstance(other.value, str):
        getter = compile_lenient(other.value, other.line, f"{field}.differs", problems)
        return lambda value, given: value != getter(given)
    problems.add(node.line, field, f"unknown test; allowed: {_ALLOWED}")
    return lambda _value, _given: False


def star_pattern(text: str) -> re.Pattern[str]:
    """A text in which every `*` stands for any text; each star is a group. Matching is linear, whatever the input."""
    parts = [re.escape(part) for part in text.split("*")]
    # Only the last star may be greedy with something to give back; the others stop at the first fit, atomically.
    first, *rest = parts
    pattern = first
    for number, part in enumerate(rest):
        last = number == len(rest) - 1
        pattern += f"(.*){part}" if last else f"(?>(.*?){part})"
    return re.compile(pattern, re.DOTALL)


def star_match(pattern: re.Pattern[str], value: object, star: int = 1) -> str | None:
    """What the star of this number stands for in `value`; None when it doesn't match."""
    text = plain_text(value)
    if text is None or len(text) > MAX_NAME_CHARACTERS:
        return None
    found = pattern.fullmatch(text)
    return found[star] if found else None
