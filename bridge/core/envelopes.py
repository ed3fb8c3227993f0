"""What may stand around the JSON that a profile describes (`inside:`): CloudEvents, Debezium's, Amazon EventBridge's."""

import base64
import binascii
from collections.abc import Callable
from enum import StrEnum

from msgspec import UNSET
from msgspec.structs import replace

from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.paths import Input, decoded
from bridge.core.rawjson import decode
from bridge.core.record import Record

_PREFIX = "ce_"


class Envelope(StrEnum):
    """`cloudevents`: CloudEvents 1.0, structured or binary. `debezium`: {schema, payload}, or the payload alone.

    `eventbridge`: the `detail` of what Amazon EventBridge delivers, or the detail alone.
    """

    CLOUDEVENTS = "cloudevents"
    DEBEZIUM = "debezium"
    EVENTBRIDGE = "eventbridge"


def open_record(record: Record, value: bytes, envelopes: tuple[Envelope, ...]) -> Input:
    """The input of a profile: what is left after the envelopes, outermost first, are taken off.

    Raises InvalidEvent: those of `decode`, and missing_field where an announced CloudEvent is none.
    """
    given = Input(decode(value), record)
    for envelope in envelopes:
        given = _OPEN[envelope](given)
    return given


def _open_cloud_event(given: Input) -> Input:
    binary = {name[len(_PREFIX) :].lower(): value for name, value in given.record.headers if name.startswith(_PREFIX)}
    if "specversion" in binary:
        return replace(
            given, attributes={name: decoded(value, f"header:{_PREFIX}{name}") for name, value in binary.items()}
        )
    if "specversion" not in given.tree:
        raise InvalidEvent(Invalid.MISSING_FIELD, "ce:specversion", "no CloudEvent, neither structured nor binary")
    return Input(_data(given.tree), given.record, given.tree)


def _data(tree: dict[str, object]) -> dict[str, object]:
    data = tree.get("data", UNSET)
    if isinstance(data, dict):
        return data
    packed = tree.get("data_base64")
    if data is UNSET and isinstance(packed, str):
        try:
            return decode(base64.b64decode(packed, validate=True))
        except (binascii.Error, ValueError):
            raise InvalidEvent(Invalid.BAD_JSON, "ce:data_base64", "not base64") from None
    if data is UNSET or data is None:
        raise InvalidEvent(Invalid.MISSING_FIELD, "ce:data", "a CloudEvent without data")
    raise InvalidEvent(Invalid.NOT_AN_OBJECT, "ce:data", "the data is no JSON object")


def _open_debezium(given: Input) -> Input:
    """Debezium's JSON converter writes {schema, payload} unless `schemas.enable` is false.

    A row that ExtractNewRecordState flattened is put back into {before, after, op, source}, as far as its added fields go.
    """
    payload = given.tree.get("payload")
    tree = payload if "schema" in given.tree and isinstance(payload, dict) else given.tree
    if "__op" in tree or "__deleted" in tree:
        tree = _unflattened(tree)
    return given if tree is given.tree else replace(given, tree=tree)


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


def _open_eventbridge(given: Input) -> Input:
    detail = given.tree.get("detail")
    if "detail-type" in given.tree and isinstance(detail, dict):
        return replace(given, tree=detail)
    return given


_OPEN: dict[Envelope, Callable[[Input], Input]] = {
    Envelope.CLOUDEVENTS: _open_cloud_event,
    Envelope.DEBEZIUM: _open_debezium,
    Envelope.EVENTBRIDGE: _open_eventbridge,
}
