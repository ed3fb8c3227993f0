"""Rows of a directory file in YAML: a list of maps, or a map of `match` to map.

Read event by event: the node tree of 100,000 rows would take a gigabyte, and aliases could make it grow without end.
All values are taken as they are written: 0101 stays text, no is not a boolean.
"""

from collections.abc import Iterator

import yaml

#: Line and cells, or line and what is wrong there.
Found = tuple[int, dict[str, str] | str]

# libyaml is about ten times faster, where PyYAML was built with it.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def yaml_rows(text: str) -> Iterator[Found]:
    """Rows and mistakes in the order of the file."""
    try:
        yield from _document(iter(yaml.parse(text, Loader=_Loader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield (mark.line + 1 if mark else 1), f"not valid YAML: {error.problem}"
    except yaml.YAMLError:
        yield 1, "not valid YAML: it has a character that is not allowed"


def _document(events: Iterator[yaml.Event]) -> Iterator[Found]:
    top = next((event for event in events if isinstance(event, yaml.NodeEvent)), None)
    if top is None or (isinstance(top, yaml.ScalarEvent) and not top.value):
        yield 1, "the file is empty; write [] for a directory without rows"
    elif isinstance(top, yaml.SequenceStartEvent):
        yield from _list(events)
    elif isinstance(top, yaml.MappingStartEvent):
        yield from _map(events)
    else:
        yield _line(top), "neither a list of maps nor a map of maps"
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            yield _line(event), "a second document begins; there may be one"
            return


def _list(events: Iterator[yaml.Event]) -> Iterator[Found]:
    for event in _until(yaml.SequenceEndEvent, events):
        if isinstance(event, yaml.MappingStartEvent):
            yield from _row(event, events, {})
        else:
            _skip(event, events)
            yield _line(event), "not a map of names"


def _map(events: Iterator[yaml.Event]) -> Iterator[Found]:
    for key in _until(yaml.MappingEndEvent, events):
        _skip(key, events)
        value = next(events)
        if isinstance(key, yaml.ScalarEvent) and isinstance(value, yaml.MappingStartEvent):
            yield from _row(key, events, {"match": key.value})
        else:
            _skip(value, events)
            yield _line(key), "not an id with a map of names"


def _row(start: yaml.Event, events: Iterator[yaml.Event], cells: dict[str, str]) -> Iterator[Found]:
    """The map that has begun, in addition to `cells`."""
    wrong: list[Found] = []
    for key in _until(yaml.MappingEndEvent, events):
        _skip(key, events)
        value = next(events)
        if not isinstance(key, yaml.ScalarEvent) or not isinstance(value, yaml.ScalarEvent):
            _skip(value, events)
            wrong.append((_line(key), "not a name with a text"))
        elif key.value in cells:
            wrong.append((_line(key), f"{key.value[:80]!r} is there twice"))
        else:
            cells[key.value] = "" if value.implicit[0] and value.value in _NULLS else value.value
    yield from wrong or [(_line(start), cells)]


def _until(end: type[yaml.Event], events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    while not isinstance(event := next(events), end):  # which the parser always gives, or it raises
        yield event


def _skip(event: yaml.Event, events: Iterator[yaml.Event]) -> None:
    """Read to the end of the node that `event` begins."""
    depth = 0
    while True:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth == 0:
            return
        event = next(events)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 1
