"""Where a value stands: in the record's JSON, in its key or its headers, or in the attributes of a CloudEvent."""

import re
from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET

from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.record import Record


class Input(msgspec.Struct, frozen=True, gc=False):
    """What a profile reads one event from. `attributes` are those of the CloudEvent around it, if there is one."""

    tree: dict[str, object]
    record: Record
    attributes: Mapping[str, object] = {}


#: Takes the value at a path out of the input: UNSET = not there, None = there, but null.
Getter = Callable[[Input], object]

_STEP = re.compile(r"(?:^|(?<=.)\.)(?P<name>[^.\[\]'\"\s]+)|\[(?P<index>\d{1,6})\]|\['(?P<quoted>[^']+)'\]")
SYNTAX = "a path is a.b, a[0].b, a['odd.name'], header:name, key: or ce:name"


def compile_path(text: str, *, lenient: bool = False) -> Getter:
    """The getter of a path. Raises ValueError with what is wrong.

    A path that leads through a text or number is an InvalidEvent; with `lenient` it finds nothing.
    """
    source, colon, name = text.partition(":")
    if colon and source == "key" and not name:
        return _key
    if colon and source == "header" and name:
        return lambda given: _header(given, name)
    if colon and source == "ce" and name:
        return lambda given: given.attributes.get(name, UNSET)
    if colon:
        raise ValueError(f"unknown source {source}:; {SYNTAX}")
    steps = _steps(text)
    member = steps[0]
    if len(steps) == 1 and isinstance(member, str):
        return lambda given: given.tree.get(member, UNSET)
    return _nested(steps, text, lenient=lenient)


def member_names(text: str) -> tuple[str, ...]:
    """The names of a path, one that compiles, if it leads through nothing but objects of the record's JSON; else none."""
    steps = () if ":" in text else _steps(text)
    names = tuple(step for step in steps if isinstance(step, str))
    return names if len(names) == len(steps) else ()


def names_on(text: str) -> tuple[str, ...]:
    """The names that a path, one that compiles, leads through in the record's JSON, without the places in arrays."""
    return () if ":" in text else tuple(step for step in _steps(text) if isinstance(step, str))


def _nested(steps: tuple[str | int, ...], path: str, *, lenient: bool) -> Getter:
    first = steps[0]
    if isinstance(first, int):  # of an object, no path of this kind finds anything
        return lambda given: _walk(given.tree, steps, path, lenient=lenient)
    inner = steps[1:]

    def get(given: Input) -> object:
        node = given.tree.get(first, UNSET)
        return node if node is UNSET else UNSET if node is None else _walk(node, inner, path, lenient=lenient)

    return get


def _steps(text: str) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            break
        index = step["index"]
        steps.append(int(index) if index is not None else step["name"] or step["quoted"])
        position = step.end()
    if not steps or position < len(text):
        raise ValueError(f"no path at character {position + 1}; {SYNTAX}")
    return tuple(steps)


def _walk(tree: object, steps: tuple[str | int, ...], path: str, *, lenient: bool) -> object:
    node = tree
    for step in steps:
        if node is None or node is UNSET:
            return UNSET
        if isinstance(node, dict) and isinstance(step, str):
            node = node.get(step, UNSET)
        elif isinstance(node, list) and isinstance(step, int):
            node = node[step] if step < len(node) else UNSET
        elif lenient:
            return UNSET
        else:
            wanted = "an object" if isinstance(step, str) else "an array"
            raise InvalidEvent(Invalid.WRONG_TYPE, path, f"{step!r} is looked for in what is not {wanted}")
    return node


def _key(given: Input) -> object:
    return UNSET if given.record.key is None else decoded(given.record.key, "key:")


def _header(given: Input, name: str) -> object:
    """The last header of that name, as Kafka's own `lastHeader`."""
    for header, value in reversed(given.record.headers):
        if header == name:
            return decoded(value, f"header:{name}")
    return UNSET


def decoded(value: bytes | None, path: str) -> str | None:
    """A key or header as text. Raises InvalidEvent bad_utf8."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        raise InvalidEvent(Invalid.BAD_UTF8, path, "not UTF-8") from None
