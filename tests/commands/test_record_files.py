"""Records in files, in every layout and form."""

import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.commands.record_files import Defaults, Form, Given, NoRecord, read
from bridge.core.record import Partition, Record

DEFAULTS = Defaults("map", 7)
NDJSON = b'{"a": 1}\n\n{"a": 2}\r\nno json\n[{"a": 3}]\n'


def records(data: bytes, form: Form = Form.VALUES) -> list[Given]:
    return list(read(data.splitlines(keepends=True), form, DEFAULTS))


def values(data: bytes) -> list[bytes | None]:
    return [given.record.value for given in records(data) if isinstance(given.record, Record)]


def only(data: bytes, form: Form) -> Record:
    (given,) = records(data, form)
    assert isinstance(given.record, Record), given
    return given.record


def test_a_line_is_a_value_whatever_it_holds_and_its_number_is_its_place() -> None:
    assert values(NDJSON) == [b'{"a": 1}', b'{"a": 2}', b"no json", b'[{"a": 3}]']
    assert [given.place for given in records(NDJSON)] == ["line 1", "line 3", "line 4", "line 5"]
    assert only(b'{"a": 1}', Form.VALUES) == Record(Partition("map", 0), 1, 7, None, b'{"a": 1}')


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_pretty_printed_objects_and_an_array_are_records(mark: bytes) -> None:
    first, second = {"a": [1, {"b": "]},{"}]}, {"a": "\u00e9"}
    pretty = json.dumps(first, indent=2), json.dumps(second, indent=2, ensure_ascii=False)
    assert values(mark + "\n".join(pretty).encode()) == [text.encode() for text in pretty]
    array = json.dumps([first, second], indent=1)
    assert [json.loads(value or b"") for value in values(mark + array.encode())] == [first, second]
    assert [given.place for given in records("\n".join(pretty).encode())] == ["line 1", "line 9"]
    assert [given.place for given in records(array.encode())] == ["record 1", "record 2"]
    assert values(mark + b'[{"a": 1}]') == [b'{"a": 1}']
    assert values(b" [ ] ") == []


def test_values_of_an_array_are_taken_byte_for_byte() -> None:
    assert values(b'[{"a": 1.0,  "a": NaN, "b": "\\ud800"} , 5e400]') == [
        b'{"a": 1.0,  "a": NaN, "b": "\\ud800"}',
        b"5e400",
    ]


@pytest.mark.parametrize(
    "data", [b'{"a":\n', b"[1, 2\n3]\n", b'{"a": "\xff"}\n{"a": 1}', b"[" * 100_000, b"[1,,2]", b"[1]]"]
)
def test_what_is_no_json_from_end_to_end_is_read_line_by_line(data: bytes) -> None:
    assert values(data) == [line.rstrip(b"\n") for line in data.splitlines(keepends=True)]


@given(
    st.lists(st.dictionaries(st.text(), st.none() | st.text() | st.floats() | st.integers(), min_size=1)),
    st.sampled_from([None, 0, 3]),
)
def test_any_objects_are_the_same_in_every_layout(trees: list[dict[str, object]], indent: int | None) -> None:
    texts = [json.dumps(tree, indent=indent).encode() for tree in trees]
    assert values(b"\n".join(texts)) == texts
    array = json.dumps(trees, indent=indent).encode()
    assert [json.dumps(json.loads(value or b"")) for value in values(array)] == [json.dumps(tree) for tree in trees]


def test_a_described_record_has_all_that_a_record_of_kafka_has() -> None:
    said = {"topic": "t", "partition": 3, "offset": 9, "timestamp_ms": 12, "key": "k", "value": {"a": 1}}
    headers = {"headers": [["h", "x"], ["h", "y"], ["n", None]]}
    record = only(json.dumps({**said, **headers}).encode(), Form.RECORDS)
    assert (record.partition, record.offset, record.timestamp_ms) == (Partition("t", 3), 9, 12)
    assert (record.key, record.value) == (b"k", b'{"a": 1}')
    assert [list(header) for header in record.headers] == [["h", b"x"], ["h", b"y"], ["n", b""]]
    assert only(b'{"headers": {"h": "x"}}', Form.RECORDS).headers == (("h", b"x"),)
    assert only(b"{}", Form.RECORDS) == Record(Partition("map", 0), 1, 7, None, None)


def test_the_record_in_the_docs_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"<!-- described record -->\n```json\n(.*?)```", page, re.DOTALL)
    record = only(text.encode(), Form.RECORDS)
    assert (record.partition, record.offset, record.key) == (Partition("events", 0), 41, b"c-7")
    assert (record.timestamp_ms, record.headers) == (1_772_355_600_123, (("tenant", b"acme"),))
    assert record.value == b'{"id": "c-7", "status": "on"}'


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ('"value": {"a" :1.0}', b'{"a" :1.0}'),
        ('"value": "{\\"a\\": \\"\\u00e9\\"}"', '{"a": "é"}'.encode()),
        ('"value": [1]', b"[1]"),
        ('"value": null', None),
        ('"value": ""', b""),
        ('"value_base64": "/w=="', b"\xff"),
        ('"tombstone": true', None),
    ],
)
def test_a_value_is_json_a_text_or_packed_bytes(said: str, value: bytes | None) -> None:
    assert only(b"{%b}" % said.encode(), Form.RECORDS).value == value


def test_a_key_may_be_any_bytes() -> None:
    packed = base64.b64encode(b"\x00\xff").decode()
    assert only(json.dumps({"key_base64": packed}).encode(), Form.RECORDS).key == b"\x00\xff"


def test_what_kcat_prints_is_read() -> None:
    # As json.c of kcat 1.7 writes a record with headers.
    line = (
        b'{"topic":"events","partition":2,"offset":41,"tstype":"create","ts":1772355600500,"broker":1,'
        b'"headers":["tenant","acme","none",null],"key":"c-7","payload":"{\\"id\\": \\"c-7\\"}"}'
    )
    record = only(line, Form.KCAT)
    assert (record.partition, record.offset, record.timestamp_ms) == (Partition("events", 2), 41, 1_772_355_600_500)
    assert (record.key, record.value) == (b"c-7", b'{"id": "c-7"}')
    assert [list(header) for header in record.headers] == [["tenant", b"acme"], ["none", b""]]
    of_each = only(line.replace(b'["tenant","acme","none",null]', b'{"tenant":["acme"],"none":[null]}'), Form.KCAT)
    assert of_each.headers == record.headers
    avro = only(line.replace(b'"{\\"id\\": \\"c-7\\"}"', b'{"id": "c-7"}'), Form.KCAT)
    assert avro.value == record.value
    odd = only(line.replace(b"c-7", b"\\u0000\xff\xc3\xa9").replace(b"acme", b"\xfe"), Form.KCAT)
    assert (odd.key, odd.headers[0]) == (b"\0\xff\xc3\xa9", ("tenant", b"\xfe"))
    tombstone = only(b'{"topic":"t","partition":0,"offset":1,"key":"k","payload":null}', Form.KCAT)
    assert (tombstone.key, tombstone.value, tombstone.timestamp_ms) == (b"k", None, -1)


@pytest.mark.parametrize(
    ("line", "form"),
    [
        (b"no json", Form.RECORDS),
        (b"5", Form.RECORDS),
        (b'{"vlaue": 1}', Form.RECORDS),
        (b'{"key": 5}', Form.RECORDS),
        (b'{"headers": ["h"]}', Form.RECORDS),
        (b'{"value_base64": "!"}', Form.RECORDS),
        (b'{"key_base64": "\xc3\xa9"}', Form.RECORDS),
        (b'{"value": "\\ud800"}', Form.RECORDS),
        (b'{"key": "\xff"}', Form.RECORDS),
        (b'{"offset": -1}', Form.RECORDS),
        (b'{"payload": "x"}', Form.KCAT),
        (b'{"topic":"t","partition":0,"offset":1,"headers":["h"],"payload":"x"}', Form.KCAT),
        (b'{"topic":5,"partition":0,"offset":1,"key":"k","payload":"x"}', Form.KCAT),
        (b'{"topic":"t","partition":0,"offset":1,"key":"\\ud800","payload":"x"}', Form.KCAT),
        (b"[" * 100_000, Form.KCAT),
    ],
)
def test_what_is_no_record_has_a_reason_and_those_after_it_are_read(line: bytes, form: Form) -> None:
    good = b"{}" if form is Form.RECORDS else b'{"topic":"t","partition":0,"offset":1,"payload":"x"}'
    bad, then = records(line + b"\n" + good, form)
    assert isinstance(bad.record, NoRecord)
    assert str(bad.record)
    assert isinstance(then.record, Record)


@given(st.binary(max_size=80), st.sampled_from(Form))
def test_any_bytes_are_read_without_an_exception(data: bytes, form: Form) -> None:
    assert all(isinstance(found.record, Record | NoRecord) for found in records(data, form))
