"""The strict reading: what it refuses, and that the fast proof and the slow explanation never disagree."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.providers.base import BodyRefused, Received, Unreadable
from ingest.providers.envelope import (
    DEPTH_MAX,
    ELEMENTS_MAX,
    check_json,
    cut_elements,
    each_element,
    explain,
)


def nested(depth: int, inside: str = "") -> bytes:
    """A document of this depth, alternating arrays and objects."""
    opening = "".join('{"a":' if level % 2 else "[" for level in range(depth))
    closing = "".join("}" if level % 2 else "]" for level in reversed(range(depth)))
    return (opening + (inside or "1") + closing).encode()


REFUSED = {
    "empty": (b"", "not JSON"),
    "blank": (b"  ", "not JSON"),
    "not JSON": (b"{'a': 1}", "not JSON"),
    "trailing data": (b'{"a":1} x', "not JSON"),
    "two documents": (b"{}{}", "not JSON"),
    "trailing comma": (b'{"a":1,}', "not JSON"),
    "truncated": (b'{"a":"b', "not JSON"),
    "control character": (b'{"a":"\x01"}', "not JSON"),
    "raw NUL in a string": (b'{"a":"\x00"}', "not JSON"),
    "raw NUL after the document": (b'{"a":1}\x00', "not JSON"),
    "leading zero": (b'{"a":01}', "not JSON"),
    "byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "latin-1": (b'{"a":"caf\xe9"}', "UTF-8"),
    "surrogate as UTF-8": (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
    "overlong": (b'{"a":"\xc0\x80"}', "UTF-8"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "UTF-8"),
    "NaN": (b'{"a":NaN}', "NaN"),
    "Infinity": (b"[Infinity]", "Infinity"),
    "minus Infinity": (b"[-Infinity]", "Infinity"),
    "too deep": (nested(DEPTH_MAX + 1), "deeper"),
    "too deep, with brackets in strings": (b'["]",' * 65 + b"1" + b',"["]' * 65, "deeper"),
    "too deep, among escaped quotes": (b'["\\\\","\\"]",' * 65 + b"1" + b"]" * 65, "deeper"),
    "so deep that parsers give up": (b"[" * 100_000, "deeper"),
    "duplicate member": (b'{"id":1,"id":2}', "one name"),
    "duplicate member deep inside": (b'{"a":[{"b":{"c":1,"d":2,"c":1}}]}', "one name"),
    "duplicate member, one escaped": (b'{"a":1,"\\u0061":2}', "one name"),
    "duplicate member hidden by escaped quotes": (b'{"k":"\\u0022\\u0022","x":1,"x":2}', "one name"),
    "duplicate empty name": (b'{"":1,"":1}', "one name"),
    "NUL in a string": (b'{"a":"x\\u0000y"}', "NUL"),
    "NUL in a name": (b'{"a\\u0000":1}', "NUL"),
    "high surrogate alone": (b'{"a":"\\ud800"}', "surrogate"),
    "low surrogate alone": (b'{"a":"\\udc00x"}', "surrogate"),
    "surrogates the wrong way round": (b'["\\udc00\\ud800"]', "surrogate"),
    "surrogate in a name": (b'{"\\ud800":1}', "surrogate"),
    "401 digits": (b"[" + b"1" * 401 + b"]", "number"),
    "a million digits": (b"[" + b"1" * 1_000_000 + b"]", "number"),
    "401 decimals": (b"[0." + b"1" * 400 + b"]", "number"),
    "number beyond doubles": (b"[1e999]", "number"),
    "negative number beyond doubles": (b"[-1e309]", "number"),
    "number below all reason": (b"[1e-99999]", "number"),
    "zero with an absurd exponent": (b"[0e1000000]", "number"),
    "absurd exponent with a capital E": (b"[0E401]", "number"),
    "long exponent": (b"[1e" + b"0" * 500 + b"1]", "number"),
}


@pytest.mark.parametrize(("body", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_strange_body_is_refused_with_the_reason(body: bytes, words: str) -> None:
    """Refused, in words that say what is wrong."""
    with pytest.raises(BodyRefused, match=words) as refusal:
        check_json(body)
    assert len(refusal.value.detail) < 120


HONEST = {
    "empty object": b"{}",
    "white space": b' \r\n\t{ "a" : [ 1 , 2.5 , true , null ] } \n',
    "as deep as allowed": nested(DEPTH_MAX),
    "wide, with many brackets": b"[" + b",".join([b'{"a":[1]}'] * 200) + b"]",
    "many brackets in strings": json.dumps({"a": "[{" * 200, "b": "}]" * 3}).encode(),
    "one name in two objects": b'[{"a":1},{"a":1}]',
    "escaped backslash before u0000": b'{"a":"\\\\u0000"}',
    "escaped quotes": b'{"a":"say \\"x\\": \\u0022y\\u0022"}',
    "strings that start with a colon": b'{"a":":b","c":": d"}',
    "a pair of surrogates": b'{"a":"\\ud83d\\ude00"}',
    "UTF-8": '{"name":"Café Åström 🦊"}'.encode(),
    "400 digits": b"[" + b"1" * 400 + b"]",
    "beyond 64 bits": b"[18446744073709551616,-9223372036854775809]",
    "exponents": b"[1e5,1E-5,1.5e+300,0e0,-0]",
}


@pytest.mark.parametrize("body", HONEST.values(), ids=HONEST.keys())
def test_an_honest_body_is_parsed(body: bytes) -> None:
    """Parsed to what any JSON parser makes of it."""
    assert check_json(body) == json.loads(body)


# Pieces of text from which wild but often valid JSON grows: what could mislead a proof by counting.
PLAIN = ["a", "b", "é", "🦊", ":", ",", "[", "]", "{", "}", "0e000", "1" * 101, " ", "\\\\", '\\"', "\\/", "\\n"]
ESCAPED = ["\\u0000", "\\u0022", "\\u005c", "\\u0061", "\\ud83d\\ude00", "\\ud800", "\\udc00", "\\\\u0000", "\\u00e9"]
PIECES = st.sampled_from([*PLAIN, *ESCAPED])
STRINGS = st.lists(PIECES, max_size=4).map(lambda pieces: f'"{"".join(pieces)}"')
SHORT = [
    "0",
    "-0",
    "1",
    "-12",
    "1.5",
    "1e5",
    "1E+5",
    "1e-7",
    "1e400",
    "1e-400",
    "1e-401",
    "1E-401",
    "0e400",
    "0e401",
    "1e308",
]
LONG = ["9" * 99, "9" * 100, "9" * 400, "9" * 401, "0." + "3" * 398, "0." + "3" * 399, "-" + "7" * 399, "-" + "7" * 400]
NUMBERS = st.sampled_from([*SHORT, *LONG])
BLANKS = st.sampled_from(["", " ", "\n  "])


def _array(items: list[str], blank: str) -> str:
    return "[" + f",{blank}".join(items) + blank + "]"


def _object(members: list[tuple[str, str]], blank: str) -> str:
    return "{" + f",{blank}".join(f"{name}{blank}:{blank}{value}" for name, value in members) + blank + "}"


DOCUMENTS = st.recursive(
    STRINGS | NUMBERS | st.sampled_from(["true", "false", "null", "NaN"]),
    lambda inner: (
        st.builds(_array, st.lists(inner, max_size=4), BLANKS)
        | st.builds(_object, st.lists(st.tuples(STRINGS, inner), max_size=4), BLANKS)
        | st.builds(lambda text, times: "[" * times + text + "]" * times, inner, st.integers(1, 40))
    ),
    max_leaves=12,
)


def _verdicts(body: bytes) -> tuple[str | None, str | None]:
    try:
        check_json(body)
    except BodyRefused as refusal:
        return refusal.detail, explain(body)
    return None, explain(body)


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
@example('{"k":"\\u0022\\u0022","x":1,"x":2}')
def test_the_proof_and_the_explanation_agree(text: str) -> None:
    """check_json refuses exactly what explain objects to, and in its words."""
    verdict, reason = _verdicts(text.encode())
    assert verdict == reason


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_whatever_raise_anything_else(body: bytes) -> None:
    """Either a value or BodyRefused; and again both readings agree."""
    verdict, reason = _verdicts(body)
    assert verdict == reason


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists), max_size=5), st.booleans()
)
def test_whatever_json_writes_is_read_back(value: dict[str, Any], ascii_only: bool) -> None:
    """An ordinary writer's output passes, unless it holds a NUL."""
    body = json.dumps(value, ensure_ascii=ascii_only, indent=2).encode("utf-8", "surrogatepass")
    if "\\u0000" not in body.decode():
        assert check_json(body) == value


def _received(element: dict[str, Any], payload: bytes) -> Received:
    if "id" not in element:
        raise BodyRefused("no id")
    return Received(key=str(element["id"]), type="t", payload=payload, content_hash=b"")


BAD_ELEMENTS = {
    "not an object": "7",
    "missing id": '{"x":1}',
    "duplicate member": '{"id":1,"id":2}',
    "NUL": '{"id":"\\u0000"}',
    "half a surrogate pair": '{"id":"\\ud800"}',
    "absurd number": '{"id":1e-99999}',
    "too deep": '{"id":' + "[" * 70 + "]" * 70 + "}",
}


@pytest.mark.parametrize("bad", BAD_ELEMENTS.values(), ids=BAD_ELEMENTS.keys())
@pytest.mark.parametrize(
    ("before", "after", "path"), [("[", "]", ()), ('{"n":"x","events" : [', '],"m":[{}]}', ("events",))]
)
def test_a_bad_element_fails_alone(bad: str, before: str, after: str, path: tuple[str, ...]) -> None:
    """Its neighbours are read, it is kept byte for byte, with the hash of its bytes for a key."""
    body = f'{before} {{"id":1}} ,{bad}, {{"id":"ü"}} {after}'.encode()
    first, second, third = each_element(body, path, _received)
    assert isinstance(first, Received)
    assert isinstance(third, Received)
    assert (first.payload, third.payload) == (b'{"id":1}', '{"id":"ü"}'.encode())
    assert isinstance(second, Unreadable)
    assert second.payload == bad.encode()
    assert second.key.startswith("unreadable:")
    assert len(second.key) == len("unreadable:") + 64


@pytest.mark.parametrize(
    "body",
    [
        b"[]]",
        b'[{"id":1},{"id":1,"id":2}',
        b'[{"id":1,"id":2},]',
        b'[{"id":1} {"id":1,"id":2}]',
        b'[{"id":1,"id":2},{"id":3}] tail',
        b'[{"id":1,"id":2},{"id":3\xff}]',
        b'{"id":1}',
        b"7",
        b"[7]",
        b'[{"id":1,"id":2}]',
    ],
)
def test_a_fault_of_the_whole_document_refuses_it(body: bytes) -> None:
    """Faulty syntax, no array, or no element that could be read."""
    with pytest.raises(BodyRefused):
        each_element(body, (), _received)


@pytest.mark.parametrize(
    "body",
    [
        b'{"events":[{"id":1,"id":2},{"id":3}],"events":[{"id":4}]}',
        b'{"events":[{"id":1,"id":2},{"id":3}],"a":"\\u0000"}',
        b'{"events":[{"id":1,"id":2},{"id":3}],"a":}',
        b'{"events" [{"id":1,"id":2},{"id":3}]}',
        b'{"other":[{"id":1,"id":2},{"id":3}]}',
        b'{"events":{"id":1,"id":2}}',
        b"{}",
        b"[]",
    ],
)
def test_a_fault_around_the_elements_refuses_all(body: bytes) -> None:
    """What encloses the elements must pass the strict check itself."""
    with pytest.raises(BodyRefused):
        each_element(body, ("events",), _received)


def test_more_elements_than_any_provider_sends_are_refused() -> None:
    """A thousand pass, one more does not."""
    assert len(cut_elements(b"[" + b",".join([b"{}"] * ELEMENTS_MAX) + b"]", ())) == ELEMENTS_MAX
    with pytest.raises(BodyRefused):
        cut_elements(b"[" + b",".join([b"{}"] * (ELEMENTS_MAX + 1)) + b"]", ())
    with pytest.raises(BodyRefused, match="more than"):
        cut_elements(b'[{"a":1,"a":2}' + b",0" * 500_000 + b"]", ())


@pytest.mark.parametrize(
    "body",
    [
        b'["\\u0022' + b"a" * 1_000_000 + b'"]',
        b"[" * 500_000 + b"]" * 500_000,
        b"[" + b"[]," * 300_000 + b"0]",
        b"[" + b"0," * 500_000 + b"1e999]",
        b'{"a":1,"a":[' + b"{}," * 300_000 + b"0]}",
        b'["' + b"\\ud83d" * 160_000 + b'"]',
    ],
)
def test_a_hostile_body_of_a_megabyte_costs_no_more_than_its_length(body: bytes) -> None:
    """Some tenths of a second however it is made; whatever grew with its square would take minutes."""
    started = time.process_time()
    with contextlib.suppress(BodyRefused):
        check_json(body)
    assert time.process_time() - started < 20


@settings(max_examples=200, deadline=None)
@given(st.lists(DOCUMENTS.filter(lambda text: explain(text.encode()) is None), max_size=4), BLANKS)
def test_both_ways_of_cutting_find_the_same_elements(elements: list[str], blank: str) -> None:
    """A faulty last element forces the slow way; what stands before it is cut alike."""
    inside = f"{blank},".join(elements)
    good = f'{{"e":[{blank}{inside}{blank}]}}'.encode()
    bad = f'{{"e":[{blank}{inside}{"," if elements else ""}{{"x":1,"x":2}}]}}'.encode()
    assert cut_elements(good, ("e",)) == [element.encode() for element in elements]
    assert cut_elements(bad, ("e",))[:-1] == [element.encode() for element in elements]
