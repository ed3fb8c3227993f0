"""JSON: what is refused and why, what is read as others mean it, and that both ways of reading it say the same."""

import json
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.examples import examples

from bridge.core.limits import MAX_NESTING, MAX_RECORD_BYTES
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.rawjson import NO_TEXT, decode


def reason(value: bytes) -> Invalid | None:
    try:
        decode(value)
    except InvalidEvent as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", Invalid.BAD_JSON),
        (b"campaign", Invalid.BAD_JSON),
        (b'{"a":1', Invalid.BAD_JSON),
        (b'{"a":1,}', Invalid.BAD_JSON),
        (b"{'a':1}", Invalid.BAD_JSON),
        (b'{"a":01}', Invalid.BAD_JSON),
        (b'{"a":1} {"a":1}', Invalid.BAD_JSON),
        (b'{"a":"x\x00"}', Invalid.BAD_JSON),
        (b'\x00\x00\x00\x00\x07{"a":1}', Invalid.SCHEMA_REGISTRY),
        (b"\x00\x00\x00\x00\x07\x0cSpring\xff", Invalid.SCHEMA_REGISTRY),
        (b"\x00\x00", Invalid.BAD_JSON),
        (b'\xff{"a":1}', Invalid.BAD_UTF8),
        (b"\xac\xed\x00\x05", Invalid.BAD_UTF8),
        (b"[]", Invalid.NOT_AN_OBJECT),
        (b"null", Invalid.NOT_AN_OBJECT),
        (b"12", Invalid.NOT_AN_OBJECT),
        (b'{"n":NaN,"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", Invalid.TOO_DEEP),
    ],
)
def test_what_is_not_one_clear_object_is_refused_with_its_reason(value: bytes, expected: Invalid) -> None:
    assert reason(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b' {"a":1}\n', {"a": 1}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a" : 1, "a"\n: 2}', {"a": 2}),
        (b'{"a":1,"\\u0061":2}', {"a": 2}),
        (b'{"a":{"c":1,"c":2},"n":NaN,"a":{"c":3,"c":4},"n":1}', {"a": {"c": 4}, "n": 1}),
        (b'{"a":[-Infinity,Infinity,1e400]}', {"a": [float("-inf"), float("inf"), float("inf")]}),
        (b'{"a":-0}', {"a": 0}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":"cut \\ud83d","b":"\xc3\xbc"}', {"a": NO_TEXT, "b": "\xfc"}),
        (b'{"a":["\xff",{"b":"\xed\xa0\x80"}]}', {"a": [NO_TEXT, {"b": NO_TEXT}]}),
        (b'{"\xc3(":1,"a":2}', {"\udcc3(": 1, "a": 2}),
        (b'{"a":' + b"9" * 5000 + b"}", {"a": float("inf")}),
        (b'{"a":' + b"9" * 4300 + b',"b":NaN,"b":0}', {"a": int("9" * 4300), "b": 0}),
    ],
)
def test_what_others_write_is_read_as_their_own_parsers_read_it(value: bytes, expected: object) -> None:
    assert decode(value) == expected


def test_no_number_is_told_apart_from_all_others() -> None:
    (found,) = decode(b'{"a":NaN}').values()
    assert isinstance(found, float)
    assert math.isnan(found)


def test_the_limits_of_size_and_nesting_are_exact() -> None:
    frame = len(b'{"a":""}')
    assert reason(b'{"a":"' + b"x" * (MAX_RECORD_BYTES - frame) + b'"}') is None
    assert reason(b'{"a":"' + b"x" * (MAX_RECORD_BYTES - frame + 1) + b'"}') == Invalid.TOO_LARGE
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deepest = MAX_NESTING - 1  # the object around it is one
        assert reason(b'{"a":' + opening * deepest + b"1" + closing * deepest + b"}") is None
        assert reason(b'{"a":' + opening * (deepest + 1) + b"1" + closing * (deepest + 1) + b"}") == Invalid.TOO_DEEP
        assert reason(b'{"a":' + opening * 150_000 + b"1" + closing * 150_000 + b"}") == Invalid.TOO_DEEP

    for odd in (b'"\\ud800"', b"NaN"):
        deepest = MAX_NESTING - 1
        assert reason(b'{"a":' + b"[" * deepest + odd + b"]" * deepest + b"}") is None
        assert reason(b'{"a":' + b"[" * (deepest + 1) + odd + b"]" * (deepest + 1) + b"}") == Invalid.TOO_DEEP
        assert reason(b'{"a":' + b"[" * 150_000 + odd + b"]" * 150_000 + b"}") == Invalid.TOO_DEEP
    assert reason(b'{"a":[' + b"{}," * 200 + b"[]]}") is None, "many, side by side"


@pytest.mark.parametrize("digits", ["9" * 1_000_000, "0." + "9" * 1_000_000, "1e" + "9" * 1_000_000])
@pytest.mark.timeout(20)
def test_a_number_without_end_takes_no_time_without_end(digits: str) -> None:
    decode(b'{"a":' + digits.encode() + b',"b":NaN}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), st.booleans(), st.sampled_from([None, 1]))
@settings(max_examples=examples(600))
def test_both_ways_of_reading_say_the_same(tree: dict[str, object], ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(tree, ensure_ascii=ascii_only, indent=indent)
    assume("\\ud" not in text or ascii_only)
    slowly = decode(f'{{"slowly":NaN,"tree":{text}}}'.encode("utf-8", "surrogatepass"))["tree"]
    assert repr(decode(text.encode("utf-8", "surrogatepass"))) == repr(slowly)
