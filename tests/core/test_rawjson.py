"""Strict JSON: what is refused and why, and that the cheap test for duplicate keys never lets one pass."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from bridge.core.limits import MAX_NESTING, MAX_RECORD_BYTES
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.rawjson import decode


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
        (b'{"a":"\\ud800"}', Invalid.BAD_JSON),
        (b'\xef\xbb\xbf{"a":1}', Invalid.BAD_JSON),
        (b'{"a":"x\x00"}', Invalid.BAD_JSON),
        (b'{"a":"\xff"}', Invalid.BAD_UTF8),
        (b'{"\xc3\x28":1}', Invalid.BAD_UTF8),
        (b'{"a":"\xed\xa0\x80"}', Invalid.BAD_UTF8),
        (b'\x00\x00\x00\x00\x07{"a":1}', Invalid.BAD_JSON),
        (b"\xac\xed\x00\x05", Invalid.BAD_UTF8),
        (b'{"a":NaN}', Invalid.BAD_NUMBER),
        (b'{"a":[-Infinity]}', Invalid.BAD_NUMBER),
        (b'{"a":1e400}', Invalid.BAD_NUMBER),
        (b'{"a":' + b"9" * 5000 + b"}", Invalid.BAD_NUMBER),
        (b"[]", Invalid.NOT_AN_OBJECT),
        (b"null", Invalid.NOT_AN_OBJECT),
        (b"12", Invalid.NOT_AN_OBJECT),
        (b'{"a":1,"a":1}', Invalid.DUPLICATE_KEY),
        (b'{"a" : 1, "a"\n: 1}', Invalid.DUPLICATE_KEY),
        (b'{"a":1,"\\u0061":2}', Invalid.DUPLICATE_KEY),
        (b'{"b":[{"a":{"c":1,"c":2}}]}', Invalid.DUPLICATE_KEY),
        (b'{"a":"12:00:00","a":"\\":"}', Invalid.DUPLICATE_KEY),
    ],
)
def test_what_is_not_one_clear_object_is_refused_with_its_reason(value: bytes, expected: Invalid) -> None:
    assert reason(value) == expected


@pytest.mark.parametrize(
    "value", [b"{}", b' {"a":1}\n', b'{"a":"\\":"}', b'{"a" :{"a"\t:[{"a":1},{"a":2}]}}', b'{"a":"{[:"}']
)
def test_lookalikes_of_duplicates_are_read(value: bytes) -> None:
    assert decode(value) == json.loads(value)


def test_the_limits_of_size_and_nesting_are_exact() -> None:
    frame = len(b'{"a":""}')
    assert reason(b'{"a":"' + b"x" * (MAX_RECORD_BYTES - frame) + b'"}') is None
    assert reason(b'{"a":"' + b"x" * (MAX_RECORD_BYTES - frame + 1) + b'"}') == Invalid.TOO_LARGE
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deepest = MAX_NESTING - 1  # the object around it is one
        assert reason(b'{"a":' + opening * deepest + b"1" + closing * deepest + b"}") is None
        assert reason(b'{"a":' + opening * (deepest + 1) + b"1" + closing * (deepest + 1) + b"}") == Invalid.TOO_DEEP
        assert reason(b'{"a":' + opening * 150_000 + b"1" + closing * 150_000 + b"}") == Invalid.TOO_DEEP


KEYS = st.sampled_from(["a", "b", 'q":', "c:"])
TEXTS = st.sampled_from(["", ":", '":', "{", "[[", "12:00", '\\":"'])


@st.composite
def documents(draw: st.DrawFn, depth: int = 0) -> tuple[str, bool]:
    """A JSON object written by hand, so that keys may repeat, and whether one does."""
    pairs, repeated = [], False
    keys = draw(st.lists(KEYS, max_size=4))
    for key in keys:
        child, child_repeats = json.dumps(draw(TEXTS)), False
        if depth < 2 and draw(st.booleans()):
            child, child_repeats = draw(documents(depth + 1))
            child = draw(st.sampled_from(["{}", "[{}]", "[1, {}]"])).replace("{}", child)
        repeated = repeated or child_repeats
        pairs.append(json.dumps(key) + draw(st.sampled_from([":", ": ", " :", "\n : "])) + child)
    repeated = repeated or any(count > 1 for count in Counter(keys).values())
    return "{" + draw(st.sampled_from([",", ", "])).join(pairs) + "}", repeated


@given(documents())
@settings(max_examples=examples(1500))
def test_a_document_is_refused_exactly_when_a_key_repeats(document: tuple[str, bool]) -> None:
    text, repeated = document
    assert reason(text.encode()) == (Invalid.DUPLICATE_KEY if repeated else None)
    if not repeated:
        assert decode(text.encode()) == json.loads(text)
