"""Where a value stands: in the record's JSON, in its key or its headers, or in the attributes of a CloudEvent."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.parsing.header_values import readable, text_of
from bridge.core.record import Record

#: A field, and why what stands there for it can't be read.
Ignored = tuple[str, Invalid]


class Input(msgspec.Struct, frozen=True, gc=False):
    """What a profile reads one event from.

    `attributes`: those of the CloudEvent around it, if there is one. `whole`: the record's JSON where `tree` is a part of it.
    `number`: of the event in its record, where that holds several. `ignored`: what was left out so far.
    """

    tree: dict[str, object]
    record: Record
    attributes: Mapping[str, object] = {}
    whole: object = None
    number: int = -1
    ignored: list[Ignored] = []


#: Takes the value at a path out of the input: UNSET = not there, None = there, but null.
Getter = Callable[[Input], object]

_STEP = re.compile(
    r"(?:^|(?<=.)\.)(?P<name>[^.\[\]'\"\s]+)"
    r"|\[(?P<index>-?\d{1,6})\]|\['(?P<quoted>[^']+)'\]"
    r"|\[(?P<member>[^\[\]='\"\s]+)=(?:'(?P<exact>[^']*)'|(?P<wanted>[^\[\]'\"]+))\]"
)
SYNTAX = "a path is a.b, a[0].b, a[-1].b, a[name=x].b, a['odd.name'], header:name, key:, ce:name or record:a.b"


class Select(NamedTuple):
    """The step to the first item of an array whose `member` is `wanted`."""

    member: str
    wanted: str


Step = str | int | Select


def compile_path(text: str, *, lenient: bool = False) -> Getter:
    """The getter of a path. Raises ValueError with what is wrong.

    A path that leads through a text or number is an InvalidEvent; with `lenient` it finds nothing.
    """
    source, colon, name = text.partition(":")
    if colon and source == "key" and not name:
        return lambda given: _key(given, lenient=lenient)
    if colon and source == "header" and name:
        return lambda given: _header(given, name, lenient=lenient)
    if colon and source == "ce" and name:
        return lambda given: _attribute(given, name, lenient=lenient)
    if colon and source == "record" and name:
        return _outer(_steps(name), text, lenient=lenient)
    if colon and "[" not in source:
        raise ValueError(f"unknown source {source}:; {SYNTAX}")
    steps = _steps(text)
    member = steps[0]
    if len(steps) == 1 and isinstance(member, str):
        return lambda given: given.tree.get(member, UNSET)
    return _nested(steps, text, lenient=lenient)


def member_names(text: str) -> tuple[str, ...]:
    """The names of a path, one that compiles, if it leads through nothing but objects of the record's JSON; else none."""
    steps = () if ":" in text.partition("[")[0] else _steps(text)
    names = tuple(step for step in steps if isinstance(step, str))
    return names if len(names) == len(steps) else ()


def names_on(text: str) -> tuple[str, ...]:
    """The names that a path, one that compiles, leads through in the record's JSON, without the places in arrays."""
    return () if ":" in text else tuple(step for step in _steps(text) if isinstance(step, str))


def _nested(steps: tuple[Step, ...], path: str, *, lenient: bool) -> Getter:
    first = steps[0]
    if not isinstance(first, str):  # of an object, no path of this kind finds anything
        return lambda given: _walk(given.tree, steps, path, lenient=lenient)
    inner = steps[1:]

    def get(given: Input) -> object:
        node = given.tree.get(first, UNSET)
        return node if node is UNSET else UNSET if node is None else _walk(node, inner, path, lenient=lenient)

    return get


def _outer(steps: tuple[Step, ...], path: str, *, lenient: bool) -> Getter:
    def get(given: Input) -> object:
        whole = given.tree if given.whole is None else given.whole
        return _walk(whole, steps, path, lenient=lenient)

    return get


def _steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            break
        steps.append(_step(step))
        position = step.end()
    if not steps or position < len(text):
        raise ValueError(f"no path at character {position + 1}; {SYNTAX}")
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return int(found["index"])
    if found["member"] is not None:
        return Select(found["member"], found["exact"] if found["wanted"] is None else found["wanted"])
    return found["name"] or found["quoted"]


def _walk(tree: object, steps: tuple[Step, ...], path: str, *, lenient: bool) -> object:
    node = tree
    for step in steps:
        if node is None or node is UNSET:
            return UNSET
        if isinstance(node, dict) and isinstance(step, str):
            node = node.get(step, UNSET)
        elif isinstance(node, list) and not isinstance(step, str):
            node = _item(node, step)
        elif lenient:
            return UNSET
        else:
            wanted = "an object" if isinstance(step, str) else "an array"
            raise InvalidEvent(Invalid.WRONG_TYPE, path, f"{_written(step)} is looked for in what is not {wanted}")
    return node


def _item(node: list[object], step: int | Select) -> object:
    if isinstance(step, int):
        return node[step] if -len(node) <= step < len(node) else UNSET
    for item in node:
        if isinstance(item, dict) and plain_text(item.get(step.member)) == step.wanted:
            return item
    return UNSET


def _written(step: Step) -> str:
    return f"[{step.member}={step.wanted}]" if isinstance(step, Select) else repr(step)


def plain_text(value: object) -> str | None:
    """A JSON scalar as text (`true`, `19`, `on`); None for null, nothing, a number with a fraction."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and abs(value) < 10**30 else None


def _key(given: Input, *, lenient: bool) -> object:
    key = given.record.key
    return UNSET if key is None else readable(key) if lenient else text_of(key, "key:")


def _header(given: Input, name: str, *, lenient: bool) -> object:
    """The last header of that name, as Kafka's own `lastHeader`."""
    for header, value in reversed(given.record.headers):
        if header == name:
            return readable(value) if lenient else text_of(value, f"header:{name}")
    return UNSET


def _attribute(given: Input, name: str, *, lenient: bool) -> object:
    """Of a CloudEvent in headers it is decoded only here, as what nobody reads does not matter."""
    value = given.attributes.get(name, UNSET)
    if not isinstance(value, bytes):
        return value
    return unquoted(readable(value) if lenient else text_of(value, f"ce:{name}"))


def unquoted(text: str) -> str:
    """A header's text, without the quotes around what was written as JSON."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
