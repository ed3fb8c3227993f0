"""A profile drafted from records: where the fields of an event seem to stand, with a comment where that is a guess."""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

from bridge.commands.profile_guesses import LISTS, MEMBERS, NUMBERS, RATIOS, TABLES, TYPES, is_time, meaning, named
from bridge.commands.profile_sample import Path, Sample, can_be_named, plain
from bridge.core.record import Record
from bridge.core.words import normal
from bridge.offline import shown

_MOST_WORDS, _LONGEST = 40, 60
_PLAIN = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_STATISTICS = ("busy_factor", "hit_ratio", "overdial_rate", "time_to_complete")
_WORDS = ("state", "action", "dial_mode", "optimize_by")
_KINDS: dict[str, tuple[type, ...]] = {**dict.fromkeys(_WORDS, (str, int, bool)), "optimize_goal": (str, int, float)}
_IDS = ("campaign_group_guid", "campaign_group_dbid", "campaign_group_name")


def draft(records: Iterable[Record]) -> str:
    """The YAML of a profile that compiles. NothingToRead."""
    return "\n".join([*_Draft(Sample(records)).lines(), ""])


class _Draft:
    """The lines of a profile, made from a sample."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._used: set[Path] = set()
        self._type = sample.find(TYPES, (str,))
        if self._type and not 1 < len(sample.words(self._type)) <= _MOST_WORDS:
            self._type = None
        self._fields: dict[str, list[str]] = {}
        self._read_fields()

    def lines(self) -> Iterator[str]:
        """The whole file."""
        key = next((name for name in _IDS if name in self._fields), "campaign_group_guid")
        if key not in self._fields:
            self._fields[key] = [f"{key}: id # ? nothing looks like what tells one campaign group from another"]
        yield f"# Drafted by `ocs-bridge profiles new` from {self._sample.count} records. A line with # ? needs a look."
        if self._sample.envelope:
            yield f"inside: {self._sample.envelope.value}"
        yield f"key: {key}"
        yield from self._events()
        yield "\nfields:"
        for field in (field for field in MEMBERS if field not in self._fields):
            yield f"  # ? {field}: nothing looks like it"
        for lines in self._fields.values():
            yield from (f"  {line}" for line in lines)
        yield from self._unused()

    def _read_fields(self) -> None:
        for field, names in MEMBERS.items():
            kinds = _KINDS.get(field, (str, int))
            if field in _STATISTICS:
                lines = self._statistic(field, names)
            elif field == "time":
                lines = self._time(names)
            elif (path := self._sample.find(names, kinds)) is None:
                lines = self._state_of_type() if field == "state" and self._type else []
            elif field in _WORDS:
                lines = self._word(field, path)
            elif field == "optimize_goal":
                lines = [f"{field}: {{from: {self._at(path)}, as: rounded}}"]
            else:
                lines = [f"{field}: {self._at(path)}"]
            if lines:
                self._fields[field] = lines
        if lists := self._lists():
            self._fields["calling_lists"] = lists

    def _at(self, path: Path) -> str:
        """The path as a source; it is used."""
        self._used.add(path)
        return _path(path)

    def _events(self) -> Iterator[str]:
        kind = self._kind()
        yield "\nevents: # ? records that no rule fits are skipped"
        if self._type is None:
            yield f"  - kind: {kind}"
            return
        path = self._at(self._type)
        words = self._sample.words(self._type)
        numbers = [word for word in words if NUMBERS.search(word)]
        for these, of in (([word for word in words if word not in numbers], kind), (numbers, "statistics")):
            if listed := [_scalar(word) for word in these if _can_stand(word)]:
                yield f"  - when: {{{path}: [{', '.join(listed)}]}}"
                yield f"    kind: {of}"
        if not any(_can_stand(word) for word in words):
            yield f"  - kind: {kind}"

    def _kind(self) -> str:
        """Of records that say more than statistics. Most platforms say how a campaign is, few what was asked for."""
        if "action" in self._fields:
            return "change"
        if not any(field in self._fields for field in _WORDS) and any(field in self._fields for field in _STATISTICS):
            return "statistics"
        return "report"

    def _word(self, field: str, path: Path) -> list[str]:
        words = self._sample.words(path)[:_MOST_WORDS]
        if all(normal(word) in TABLES[field] for word in words):
            return [f"{field}: {self._at(path)}"]
        return [f"{field}:", f"  from: {self._at(path)}", *_table(field, words)]

    def _state_of_type(self) -> list[str]:
        """Where no member says the state, the type of the event may: campaigns.started."""
        assert self._type is not None  # noqa: S101 (for the types)
        words = [word for word in self._sample.words(self._type) if not NUMBERS.search(word)]
        if not any(meaning("state", word) for word in words):
            return []
        return ["state:", f"  from: {_path(self._type)}", *_table("state", words), "  unknown: omit"]

    def _time(self, names: str) -> list[str]:
        path = named(self._sample.values, names, lambda path: all(map(is_time, self._sample.values[path])))
        return [f"time: {self._at(path)}"] if path else []

    def _statistic(self, field: str, names: str) -> list[str]:
        path = self._sample.find(names, (int, float, str))
        if path is not None and (numbers := _numbers(self._sample.values[path])):
            text = any(isinstance(value, str) for value in self._sample.values[path])
            options = f"{self._at(path)}{', as: decimal' if text else ''}"
            if field != "time_to_complete" and max(numbers) > 1:
                return [f"{field}: {{from: {options}, divide: 100}} # ? percent, as a value is above 1"]
            return [f"{field}: {{from: {options}}}" if text else f"{field}: {self._at(path)}"]
        paths = [self._sample.find(counts, (int, float)) for counts in RATIOS.get(field, ())]
        found = [path for path in paths if path is not None]
        if len(found) != 2 or found[0] == found[1]:
            return []
        return [f"{field}: {{ratio: [{', '.join(map(self._at, found))}]}} # ? the quotient of two counts"]

    def _lists(self) -> list[str]:
        path = named(self._sample.arrays, LISTS, lambda _: True)
        item = self._sample.arrays[path] if path else {}
        inner = {
            (name,): value for name, value in item.items() if isinstance(value, str | int) and can_be_named((name,))
        }
        name = named(inner, "callinglist listname name title", lambda _: True)
        if path is None or name is None:
            return []
        dbid = named(inner, "dbid callinglistdbid listid id", lambda _: True)
        return [
            "calling_lists:",
            f"  in: {_path(path)}",
            f"  name: {_path(name)}",
            *([f"  dbid: {_path(dbid)}"] if dbid else []),
        ]

    def _unused(self) -> Iterator[str]:
        unused = [path for path in self._sample.values if path not in self._used]
        if unused:
            yield "\n# Members of the records that this draft does not read, with a value of each:"
            for path in unused[:_MOST_WORDS]:
                yield f"#   {_comment(_path(path))}: {_comment(plain(self._sample.values[path][0]))}"


def _table(field: str, words: Sequence[str]) -> list[str]:
    """The lines of `words`; none where no word is known, as an empty table is a mistake."""
    known: dict[str, str] = {}
    unknown: list[str] = []
    for word in words:
        found = meaning(field, word)
        if found is None or not _can_stand(word):
            unknown.append(f"    # ? {_comment(word)}: not known")
        elif normal(word) not in {normal(other) for other in known}:
            known[word] = f"    {_scalar(word)}: {_name(found[0])}{'' if found[1] else ' # ? platforms differ'}"
    return ["  words:", *known.values(), *unknown] if known else [line[2:] for line in unknown]


def _name(member: IntEnum | None) -> str:
    return "null # the format has no number for it" if member is None else member.name


def _numbers(values: Sequence[object]) -> list[float]:
    """The values as numbers, if all of them are."""
    try:
        return [float(str(value)) for value in values]
    except ValueError:
        return []


def _path(path: Path) -> str:
    return _scalar(shown(path))


def _can_stand(word: str) -> bool:
    return 0 < len(word) <= _LONGEST and word.isprintable()


def _scalar(text: str) -> str:
    """A text as a YAML scalar, in quotes where it needs them."""
    if _PLAIN.fullmatch(text) and text != "null":
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _comment(text: str) -> str:
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)
