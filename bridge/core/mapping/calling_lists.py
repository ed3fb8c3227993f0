"""The calling lists of an event: an array, or an object by their names. What is wrong in one costs that one only."""

from typing import Final

import msgspec

from bridge.core.event import CallingList
from bridge.core.limits import MAX_CALLING_LISTS, MAX_NAME_CHARACTERS
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.paths import Getter, Input
from bridge.core.sources import Reader

# Looked up once, as in lifecycle.py.
UNSET: Final = msgspec.UNSET
LISTS: Final = "calling_lists"
NAME: Final = "calling_lists.name"


class ListReader:
    """`lists`: where they are; the others read a field of one. `name` None: it is the member's name that an object has it under."""

    def __init__(
        self,
        lists: Getter,
        name: Reader[str] | None,
        dbid: Reader[str],
        hit_ratio: Reader[int | float],
        time_to_complete: Reader[int | float],
    ) -> None:
        self._lists = lists
        self._name = name
        self._dbid = dbid
        self._hit_ratio = hit_ratio
        self._time_to_complete = time_to_complete

    def read(self, given: Input) -> tuple[CallingList, ...] | None:
        """None: there are none, or they can't be read. Raises InvalidEvent where the profile says so of a field."""
        try:
            found = self._lists(given)
        except InvalidEvent as error:
            given.ignored.append((LISTS, error.reason))
            return None
        if found is None or found is UNSET:
            return None
        items = self._items(found)
        if items is None:
            given.ignored.append((LISTS, Invalid.WRONG_TYPE))
            return None
        if len(items) > MAX_CALLING_LISTS:
            given.ignored.append((LISTS, Invalid.TOO_LONG))
        read = [self._one(name, item, given) for name, item in items[:MAX_CALLING_LISTS]]
        return tuple([one for one in read if one is not None])

    def _items(self, found: object) -> list[tuple[str, object]] | None:
        if isinstance(found, dict):
            return list(found.items())
        if self._name is None or not isinstance(found, list):
            return None
        return [("", item) for item in found]

    def _one(self, key: str, item: object, given: Input) -> CallingList | None:
        if not isinstance(item, dict):
            given.ignored.append((LISTS, Invalid.WRONG_TYPE))
            return None
        inner = msgspec.structs.replace(given, tree=item)
        before = len(given.ignored)
        name = _own(key, given) if self._name is None else self._name(inner)
        if name is None or name is UNSET:
            if len(given.ignored) == before:
                given.ignored.append((NAME, Invalid.MISSING_FIELD))
            return None
        dbid = self._dbid(inner)
        return CallingList(
            name=name,
            dbid=None if dbid is UNSET else dbid,
            hit_ratio=self._hit_ratio(inner),
            time_to_complete=self._time_to_complete(inner),
        )


def _own(key: str, given: Input) -> str | None:
    """A member's name as the name of its list."""
    if len(key) <= MAX_NAME_CHARACTERS:
        return key or None
    given.ignored.append((NAME, Invalid.TOO_LONG))
    return None
