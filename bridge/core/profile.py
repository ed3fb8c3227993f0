"""A mapping profile: from the records of one dialling platform to campaign group events.

`Profile.read` is a pure function of the record: it has no clock and no memory, and for any record at all it returns an
Event or a Skip, or raises InvalidEvent.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePath

import msgspec

from bridge.core.conditions import Condition, compile_when
from bridge.core.envelopes import OPENERS, Each, Envelope, Opener, Opening, each_at, json_text
from bridge.core.event import NAMES, Event
from bridge.core.origins import compile_getter
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.paths import Input
from bridge.core.profile_fields import Unknown
from bridge.core.profile_readers import FIELDS, compile_readers
from bridge.core.profile_text import Node, Problems, ProfileError, parse, suggestion
from bridge.core.reading import Found, read_record
from bridge.core.record import Record

__all__ = ["Profile", "ProfileError", "compile_profile"]

_KEYS = ("key", "inside", "each", "missing", "events", "fields")
_RULE_KEYS = ("when", "kind", "fields")
_IDS = ("campaign_group_guid", "campaign_group_dbid", "campaign_group_name")
_TENANTS = ("tenant_name", "tenant_ccid")


class Rule(msgspec.Struct, frozen=True):
    """Which records it selects, and how their event is read."""

    selects: Condition
    event: Callable[[Input], Event | Skip]


class Profile(msgspec.Struct, frozen=True):
    """Compiled once, immutable.

    `key`: the fields that tell one campaign group from another. `missing`: field -> text for what the platform can't
    know. The first rule that selects a record reads it. `paths`: what its paths lead through in a record's JSON (Problems.paths).
    `warnings`: what may not be meant, one text each.
    """

    name: str
    key: tuple[str, ...]
    missing: Mapping[str, str]
    opening: Opening
    rules: tuple[Rule, ...]
    paths: frozenset[tuple[str, ...]] = frozenset()
    warnings: tuple[str, ...] = ()

    def read(self, record: Record) -> Event | Skip:
        """The event in a record that holds one at most. Raises InvalidEvent, and nothing else."""
        found = read_record(record, self.opening, self.rules)
        if not isinstance(found, list):
            return found
        (only,) = found
        if isinstance(only, InvalidEvent):
            raise only
        return only

    def read_all(self, record: Record) -> list[Found]:
        """All that becomes of a record, in order. Raises InvalidEvent of the record as a whole."""
        found = read_record(record, self.opening, self.rules)
        return found if isinstance(found, list) else [found]


def compile_profile(text: str, source: str, *, on_unknown: Unknown = "reject") -> Profile:
    """The profile in a YAML text; `source` names it in problems. Raises ProfileError with all that is wrong."""
    problems = Problems(source)
    root = parse(text, problems)
    _check_keys(root, "", _KEYS, problems)
    key = _key(root, problems)
    profile = Profile(
        name=PurePath(source).stem,
        key=key,
        missing=_missing(root.get("missing"), problems),
        opening=_opening(root, problems),
        rules=_rules(root, _Common(_fields(root.get("fields"), "fields", problems), key, on_unknown, problems)),
    )
    problems.raise_any()
    return msgspec.structs.replace(profile, paths=frozenset(problems.paths), warnings=tuple(problems.warnings))


def _check_keys(mapping: Mapping[str, Node], where: str, allowed: tuple[str, ...], problems: Problems) -> None:
    for name, node in mapping.items():
        if name not in allowed:
            problems.add(node.line, where + name, f"unknown key{suggestion(name, allowed)}")


def _words(node: Node | None, field: str, problems: Problems) -> list[tuple[str, int]]:
    """A text, or a list of texts, with their lines."""
    if node is None or node.value is None:
        return []
    items = node.value if isinstance(node.value, list) else [node]
    for item in items:
        if not isinstance(item.value, str):
            problems.add(item.line, field, "must be a word, or a list of words")
    return [(item.value, item.line) for item in items if isinstance(item.value, str)]


def _key(root: Mapping[str, Node], problems: Problems) -> tuple[str, ...]:
    words = _words(root.get("key"), "key", problems)
    line = root["key"].line if "key" in root else 1
    for word, place in words:
        if word not in _IDS + _TENANTS:
            problems.add(place, "key", f"unknown field {word!r}{suggestion(word, _IDS + _TENANTS)}")
    ids = [word for word, _ in words if word in _IDS]
    if len(ids) != 1:
        problems.add(
            line, "key", f"exactly one of {', '.join(_IDS)} is needed, and a tenant where ids repeat between tenants"
        )
    return tuple(word for word, _ in words)


def _missing(node: Node | None, problems: Problems) -> dict[str, str]:
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        problems.add(node.line, "missing", "a mapping of names to the text that stands for them")
        return {}
    _check_keys(node.value, "missing.", NAMES, problems)
    texts: dict[str, str] = {}
    for name, text in node.value.items():
        if isinstance(text.value, str):
            texts[name] = text.value
        else:
            problems.add(text.line, f"missing.{name}", "must be a text")
    return texts


def _opening(root: Mapping[str, Node], problems: Problems) -> Opening:
    words = _words(root.get("inside"), "inside", problems)
    openers = [opener for word, line in words if (opener := _opener(word, line, problems)) is not None]
    batch = bool(words) and words[0][0] == Envelope.CLOUDEVENTS
    return Opening(tuple(openers), _each(root.get("each"), problems), batch=batch)


def _opener(word: str, line: int, problems: Problems) -> Opener | None:
    name, _, path = word.partition(" ")
    if name == Envelope.JSON_TEXT:
        getter = compile_getter(Node(path, line), "inside", problems)
        return None if getter is None else json_text(getter, path)
    if word in set(Envelope):
        return OPENERS[Envelope(word)]
    problems.add(line, "inside", f"unknown {word!r}{suggestion(word, tuple(Envelope))}")
    return None


def _each(node: Node | None, problems: Problems) -> Each | None:
    if node is None:
        return None
    return each_at(None if node.value == "." else compile_getter(node, "each", problems))


def _rules(root: Mapping[str, Node], common: "_Common") -> tuple[Rule, ...]:
    node = root.get("events")
    if node is None:
        return (_rule(Node({}, 1), "", common),)
    if not isinstance(node.value, list) or not node.value:
        common.problems.add(node.line, "events", "a list of rules, each with `when` and `kind`")
        return ()
    return tuple(_rule(rule, f"events[{number}].", common) for number, rule in enumerate(node.value))


class _Common(msgspec.Struct, frozen=True):
    """What all rules of a profile share."""

    fields: Mapping[str, Node]
    key: tuple[str, ...]
    on_unknown: Unknown
    problems: Problems


def _rule(node: Node, where: str, common: _Common) -> Rule:
    rule, problems = node.value, common.problems
    if not isinstance(rule, dict):
        problems.add(node.line, where.rstrip("."), "a rule is a mapping with `when` and `kind`")
        rule = {}
    _check_keys(rule, where, _RULE_KEYS, problems)
    fields = {**common.fields, **_fields(rule.get("fields"), f"{where}fields", problems)}
    if "kind" in rule:
        fields["kind"] = _constant(rule["kind"])
    for name in ("kind", *common.key):
        if name not in fields and name in FIELDS:
            problems.add(node.line, f"{where}fields.{name}", "needed: nothing says where it stands")
    selects = compile_when(rule.get("when"), f"{where}when", problems)
    return Rule(selects, compile_readers(fields, common.key, common.on_unknown, problems).event)


def _constant(node: Node) -> Node:
    return Node({"value": node}, node.line) if isinstance(node.value, str) else node


def _fields(node: Node | None, where: str, problems: Problems) -> Mapping[str, Node]:
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        problems.add(node.line, where, "a mapping of the event's fields to where they stand")
        return {}
    _check_keys(node.value, f"{where}.", FIELDS, problems)
    return {name: source for name, source in node.value.items() if name in FIELDS}
