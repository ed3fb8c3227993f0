"""What may stand around the JSON that a profile describes (`inside:`): CloudEvents, Debezium's, Amazon EventBridge's, a text."""

import base64
import binascii
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from bridge.core.outcome import Invalid, InvalidEvent, Skip
from bridge.core.parsing.header_values import readable
from bridge.core.paths import Getter, Input, unquoted
from bridge.core.rawjson import decode, decode_any
from bridge.core.record import Record

# Looked up once, as in lifecycle.py.
UNSET: Final = msgspec.UNSET
#: How the bindings of Kafka, HTTP and AMQP spell the name of an attribute: brokers that speak several pass them on as they are.
_PREFIXES: Final = ("ce_", "ce-", "cloudevents:", "cloudevents_")

Attributes = Mapping[str, object]
#: What is inside: the JSON, or why the record is skipped; and the attributes of the CloudEvent. Raises InvalidEvent.
Opened = tuple[object, Attributes]
Opener = Callable[[object, Attributes, Record], Opened]
#: Finds the events of a record with several in what is left. Raises InvalidEvent.
Each = Callable[[object, Attributes, Record], object]


class Envelope(StrEnum):
    """`cloudevents`: CloudEvents 1.0, structured or binary. `debezium`: {schema, payload}, or the payload alone.

    `debezium_row`: the row in it, as it is now; rows that were deleted are skipped. `eventbridge`: the `detail` of what Amazon
    EventBridge delivers, or the detail alone. `json_text PATH`: the JSON in the text at a path.
    """

    CLOUDEVENTS = "cloudevents"
    DEBEZIUM = "debezium"
    DEBEZIUM_ROW = "debezium_row"
    EVENTBRIDGE = "eventbridge"
    JSON_TEXT = "json_text"


class Opening:
    """What is taken off, outermost first, and `each`: where the events of a record with several stand in what is left."""

    def __init__(self, openers: tuple[Opener, ...] = (), each: Each | None = None, *, batch: bool = False) -> None:
        self._openers = openers
        self._each = each
        self._batch = batch  # a JSON array may be a batch of what the openers open
        self._plain = not openers and each is None

    def open(self, record: Record, value: bytes) -> "Input | Skip | list[Input | InvalidEvent]":
        """The input of a profile, or several, where its records hold several events. Raises InvalidEvent."""
        if self._plain:
            return Input(decode(value), record)
        whole = decode_any(value)
        if self._batch and isinstance(whole, list):
            return _numbered([found for part in whole for found in self._parts(part, record)]) or Skip.NOT_SELECTED
        tree, attributes = self._opened(whole, record)
        if isinstance(tree, Skip):
            return tree
        if self._each is not None:
            items = _items(self._each, tree, attributes, record)
            return _numbered([_input(item, attributes, record, whole) for item in items]) or Skip.NOT_SELECTED
        return Input(_object(tree), record, attributes, whole)

    def _opened(self, tree: object, record: Record) -> Opened:
        attributes: Attributes = {}
        for opener in self._openers:
            tree, attributes = opener(tree, attributes, record)
        return tree, attributes

    def _parts(self, part: object, record: Record) -> "list[Input | InvalidEvent]":
        """Of one in a batch."""
        try:
            tree, attributes = self._opened(part, record)
        except InvalidEvent as error:
            return [error]
        if isinstance(tree, Skip):
            return []
        items = [tree] if self._each is None else _items(self._each, tree, attributes, record)
        return [_input(item, attributes, record, part) for item in items]


def each_at(get: Getter | None) -> Each:
    """What stands at a path; None: the JSON itself."""
    return lambda tree, attributes, record: tree if get is None else get(Input(_object(tree), record, attributes))


def _items(each: Each, tree: object, attributes: Attributes, record: Record) -> list[object]:
    """What `each` finds: the items of an array, or the one that stands in its place; none where nothing does."""
    found = each(tree, attributes, record)
    if found is None or found is UNSET:
        return []
    return found if isinstance(found, list) else [found]


def _input(item: object, attributes: Attributes, record: Record, whole: object) -> "Input | InvalidEvent":
    if isinstance(item, dict):
        return Input(item, record, attributes, whole)
    return InvalidEvent(Invalid.NOT_AN_OBJECT, "each", "an item is no JSON object")


def _numbered(found: "list[Input | InvalidEvent]") -> "list[Input | InvalidEvent]":
    return [
        one if isinstance(one, InvalidEvent) else msgspec.structs.replace(one, number=number)
        for number, one in enumerate(found)
    ]


def _object(tree: object) -> dict[str, object]:
    if not isinstance(tree, dict):
        raise InvalidEvent(Invalid.NOT_AN_OBJECT, detail="the value is JSON, but no object")
    return tree


def _open_cloud_event(tree: object, _: Attributes, record: Record) -> Opened:
    structured = isinstance(tree, dict) and "specversion" in tree
    if isinstance(tree, dict) and structured and ("data" in tree or "data_base64" in tree):
        return _data(tree), tree
    binary: dict[str, object] = {}
    for name, value in record.headers:
        lower = name.lower()
        for prefix in _PREFIXES:
            if lower.startswith(prefix):
                binary[lower[len(prefix) :]] = value
    if "specversion" in binary:
        return tree, binary
    if structured:
        raise InvalidEvent(Invalid.MISSING_FIELD, "ce:data", "a CloudEvent without data")
    raise InvalidEvent(Invalid.MISSING_FIELD, "ce:specversion", "no CloudEvent, neither structured nor binary")


def _data(event: dict[str, object]) -> object:
    data, packed = event.get("data"), event.get("data_base64")
    if data is None and isinstance(packed, str):
        return decode_any(_unpacked(packed))
    if data is None:
        raise InvalidEvent(Invalid.MISSING_FIELD, "ce:data", "a CloudEvent without data")
    return _from_text(data, "ce:data")


def _unpacked(packed: str) -> bytes:
    """Of base64 as RFC 4648 has it, in either alphabet, with line breaks and padding or without."""
    letters = "".join(packed.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidEvent(Invalid.BAD_JSON, "ce:data_base64", "not base64") from None


def _from_text(found: object, path: str) -> object:
    """What is written in a text as JSON; what is JSON already as it is."""
    if isinstance(found, dict | list):
        return found
    if not isinstance(found, str):
        raise InvalidEvent(Invalid.NOT_AN_OBJECT, path, "neither a JSON object nor a text with one")
    try:
        return decode_any(found.encode("utf-8", "surrogatepass"))
    except InvalidEvent as error:
        raise InvalidEvent(error.reason, path, error.detail) from None


def _open_debezium(tree: object, attributes: Attributes, _: Record) -> Opened:
    """Debezium's JSON converter writes {schema, payload} unless `schemas.enable` is false.

    A row that ExtractNewRecordState flattened is put back into {before, after, op, source}, as far as its added fields go.
    """
    if not isinstance(tree, dict):
        return tree, attributes
    payload = tree.get("payload")
    change = payload if "schema" in tree and isinstance(payload, dict) else tree
    return _unflattened(change) if "__op" in change or "__deleted" in change else change, attributes


def _unflattened(row: dict[str, object]) -> dict[str, object]:
    deleted = row.get("__op") == "d" or str(row.get("__deleted")).lower() == "true"
    source = {name: row[f"__{name}"] for name in ("table", "db", "name", "connector") if f"__{name}" in row}
    source |= {name[9:]: value for name, value in row.items() if name.startswith("__source_")}
    return {
        "before": row if deleted else None,
        "after": None if deleted else row,
        "op": "d" if deleted else row.get("__op", "u"),
        "source": source,
        "ts_ms": row.get("__ts_ms"),
    }


def _open_debezium_row(tree: object, attributes: Attributes, record: Record) -> Opened:
    change, _ = _open_debezium(tree, attributes, record)
    if not isinstance(change, dict) or "op" not in change:
        raise InvalidEvent(Invalid.MISSING_FIELD, "op", "no change of a row as Debezium writes it")
    after = change.get("after")
    return after if isinstance(after, dict) else Skip.NOT_SELECTED, attributes


def _open_eventbridge(tree: object, attributes: Attributes, _: Record) -> Opened:
    detail = tree.get("detail") if isinstance(tree, dict) and "detail-type" in tree else None
    return detail if isinstance(detail, dict) else tree, attributes


def json_text(get: Getter, path: str) -> Opener:
    """Opens the text at a path."""

    def open_text(tree: object, attributes: Attributes, record: Record) -> Opened:
        found = get(Input(_object(tree), record, attributes))
        if found is None or found is UNSET:
            raise InvalidEvent(Invalid.MISSING_FIELD, path, "the text that holds the JSON is missing")
        return _from_text(found, path), attributes

    return open_text


OPENERS: dict[Envelope, Opener] = {
    Envelope.CLOUDEVENTS: _open_cloud_event,
    Envelope.DEBEZIUM: _open_debezium,
    Envelope.DEBEZIUM_ROW: _open_debezium_row,
    Envelope.EVENTBRIDGE: _open_eventbridge,
}


def cloud_event_id(given: Input) -> str | None:
    """What CloudEvents tells events apart by: the source and the id; None where one of both is missing."""
    source, name = _plain(given.attributes.get("source")), _plain(given.attributes.get("id"))
    return f"{source}#{name}" if source and name else None


def _plain(value: object) -> str | None:
    if isinstance(value, bytes):
        return unquoted(readable(value))
    return value if isinstance(value, str) else None
