"""Owns the strict reading of a body: what may not get past the door, proven at C speed for honest bodies.

Parsers are lenient where a ledger must not be: of two members with one name they keep the last, and what they let
through (a NUL, half a surrogate pair, a number of a million digits) fails later in a database that is not as patient.
So every body is parsed once, and then either a few counts prove that nothing of the kind is in it, or `explain` reads
it again slowly and says exactly what is wrong. tests/ingest/providers/test_envelope.py holds the two together.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from math import isfinite
from typing import Any, NoReturn

import msgspec

from ingest.providers.base import BodyRefused, Received, Rejected, Unreadable

#: Real events nest less than 20 deep; readers that recurse are safe far beyond 64.
DEPTH_MAX = 64
#: Longer than any amount or id, and short of the 4,300 digits at which Python refuses to convert.
NUMBER_CHARS_MAX = 400
#: No double has a larger exponent; a decimal reader would expand it to as many digits.
EXPONENT_MAX = 400
#: HubSpot sends up to 100, GoCardless 250.
ELEMENTS_MAX = 1000


def _check_float(text: str) -> float:
    """Let only numbers pass that need no second look; raising sends the body to `explain`."""
    if len(text) > 40 or "e" in text or "E" in text:
        _number(text)
    return float(text)


_decode = msgspec.json.Decoder(float_hook=_check_float).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode

# Every digit becomes a 0 and every opening bracket a (, so that one pass serves two questions.
_SHAPE = bytes(48 if 48 <= b <= 57 else 40 if b in b"{[" else 32 for b in range(256))
_LONG = b"0" * (NUMBER_CHARS_MAX // 4)
# Escapes by which a NUL, or a quote that would spoil the count of quotes, could enter.
_ESCAPED = re.compile(rb"\\u00(?:00|22)")
_STRUCTURE = bytes.maketrans(b"{[}]", b"(())")
_NOT_BRACKETS = bytes(b for b in range(256) if b not in b"{}[]")


def check_json(body: bytes) -> Any:
    """Parse a body that is strict JSON. Raises: BodyRefused, saying what is wrong."""
    try:
        parsed = _decode(body)
    except (msgspec.MsgspecError, BodyRefused, ValueError, RecursionError):
        raise BodyRefused(explain(body) or "The body holds a number that cannot be represented.") from None
    if not _is_proven(body, parsed):
        problem = explain(body)
        if problem:
            raise BodyRefused(problem)
    return parsed


def _is_proven(body: bytes, parsed: Any) -> bool:
    """Prove by counting that a parsed body has nothing `explain` would object to; False proves nothing.

    The parser has already refused bad UTF-8, a byte order mark, NaN, control characters, half surrogate pairs and,
    through its hook, strange floats.
    """
    if b"\\" in body and _ESCAPED.search(body):
        return False
    compact = _encode(parsed)
    # A dropped duplicate takes the quotes of its name away. Escaped quotes count alike on both sides, \u0022 is out.
    if compact != body and compact.count(b'"') != body.count(b'"'):
        return False
    shape = body.translate(_SHAPE)
    # Brackets inside strings are counted as well, so few of them prove a flat document, many prove nothing yet.
    if shape.count(b"(") > DEPTH_MAX and _depth(compact) > DEPTH_MAX:
        return False
    return _LONG not in shape


def _depth(compact: bytes) -> int:
    """Count the depth of a valid document: without its strings, each pass peels off the innermost brackets."""
    if b"\\" in compact:
        compact = compact.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(compact.split(b'"')[::2]).translate(_STRUCTURE, _NOT_BRACKETS)
    depth = 0
    while brackets and depth <= DEPTH_MAX:
        brackets = brackets.replace(b"()", b"")
        depth += 1
    return depth


def explain(body: bytes) -> str | None:
    """Say what is wrong with a body, slowly and exactly; None if nothing is. Values are never repeated."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"The body is not UTF-8 (byte {error.start})."
    if text.startswith("\ufeff"):
        return "The body starts with a byte order mark."
    try:
        parsed = _READER.decode(text)
    except json.JSONDecodeError as error:
        return f"The body is not JSON ({error.msg.lower()}, character {error.pos})."
    except RecursionError:
        return _TOO_DEEP
    except BodyRefused as refusal:
        return refusal.detail
    return _explain_values(parsed)


_TOO_MANY = f"The body holds more than {ELEMENTS_MAX} events."
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_DEEP = f"The body nests deeper than {DEPTH_MAX} levels."


def _explain_values(parsed: Any) -> str | None:
    """Walk level by level, without recursion."""
    level, depth = [parsed], 0
    while level:
        texts = [value for value in level if isinstance(value, str)]
        containers = [value for value in level if isinstance(value, (dict, list))]
        texts += [name for value in containers if isinstance(value, dict) for name in value]
        for text in texts:
            if "\x00" in text:
                return "The body holds a NUL character."
            if _SURROGATE.search(text):
                return "The body holds half of a surrogate pair."
        depth += bool(containers)
        if depth > DEPTH_MAX:
            return _TOO_DEEP
        level = [item for value in containers for item in (value.values() if isinstance(value, dict) else value)]
    return None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BodyRefused("The body holds two members of one name in one object.")
    return members


def _number(text: str) -> int:
    """Check a number by its text; its value is of no interest here."""
    digits, _, exponent = text.lower().partition("e")
    if len(text) > NUMBER_CHARS_MAX or (exponent and abs(int(exponent)) > EXPONENT_MAX):
        raise BodyRefused("The body holds a number of absurd length or exponent.")
    if (exponent or "." in digits) and not isfinite(float(text)):
        raise BodyRefused("The body holds a number that cannot be represented.")
    return 0


def _constant(text: str) -> NoReturn:
    raise BodyRefused(f"The body holds {text}, which is not JSON.")


_READER = json.JSONDecoder(object_pairs_hook=_members, parse_int=_number, parse_float=_number, parse_constant=_constant)
# Finds where an element ends, whatever is inside it.
_SCANNER = json.JSONDecoder(parse_int=len, parse_float=len)
_BLANK = re.compile(r"[ \t\n\r]*")


def business_hash(payload: bytes, volatile: tuple[str, ...], *more: str) -> bytes:
    """Hash an object's members as they are written, in order of their names, without the volatile ones."""
    members = _decode_members(payload)
    for name in volatile:
        members.pop(name, None)
    return short_hash(_encode_sorted(members), *more)


def short_hash(content: bytes, *more: str) -> bytes:
    """Hash business content to the 16 bytes of `Received.content_hash`."""
    return hashlib.sha256("\0".join((*more, "")).encode("utf-8", "replace") + content).digest()[:16]


def each_element(
    body: bytes, path: tuple[str, ...], identify: Callable[[dict[str, Any], bytes], Received]
) -> list[Received | Unreadable]:
    """Identify every element of the array at this path; a fault inside an element stays that element's fault.

    Raises: BodyRefused when the document around the elements is at fault, or when no element can be read.
    """
    found: list[Received | Unreadable] = []
    for payload in cut_elements(body, path):
        try:
            element = check_json(payload)
            if not isinstance(element, dict):
                raise BodyRefused("The element is not an object.")
            found.append(identify(element, payload))
        except Rejected as refusal:
            found.append(make_unreadable(payload, refusal.detail))
    if found and all(isinstance(element, Unreadable) for element in found):
        raise BodyRefused("No element of the body can be read.")
    return found


def make_unreadable(payload: bytes, problem: str) -> Unreadable:
    """Keep what could not be identified, under the hash of its bytes."""
    return Unreadable(payload=payload, problem=problem, key="unreadable:" + hashlib.sha256(payload).hexdigest())


def cut_elements(body: bytes, path: tuple[str, ...]) -> list[bytes]:
    """Cut the array at this path into its elements, byte for byte. Raises: BodyRefused."""
    try:
        raw = msgspec.Raw(body)
        check_json(body)
        for name in path:
            raw = _decode_members(raw)[name]
        elements = [bytes(element) for element in _decode_elements(raw)]
    except (msgspec.ValidationError, KeyError):
        raise BodyRefused("The body does not hold the expected array of events.") from None
    except BodyRefused as refusal:
        elements = _cut(body, path, refusal)
    if len(elements) > ELEMENTS_MAX:
        raise BodyRefused(_TOO_MANY)
    return elements


def _cut(body: bytes, path: tuple[str, ...], refusal: BodyRefused) -> list[bytes]:
    """Cut a body that failed the strict check: only syntax and the part around the array must be right."""
    try:
        text = body.decode("utf-8")
        position = _skip(text, 0)
        for name in path:
            position = _get_member(text, position, name)
        spans, end = _spans(text, position)
    except (ValueError, RecursionError):
        raise refusal from None
    # With the elements taken out, what is left must pass the strict check.
    check_json((text[:position] + "[]" + text[end:]).encode())
    return [text[start:stop].encode() for start, stop in spans]


def _skip(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    assert match, "Bug: an empty match always exists"
    return match.end()


def _get_member(text: str, position: int, wanted: str) -> int:
    """Where the value of a member starts. Raises: ValueError if there is none."""
    found, separator = -1, "{"
    while text[position : position + 1] == separator:
        name, position = _SCANNER.raw_decode(text, _skip(text, position + 1))
        position = _skip(text, _skip(text, position) + 1)
        if name == wanted:
            found = position
        position, separator = _skip(text, _SCANNER.raw_decode(text, position)[1]), ","
    if found < 0:
        raise ValueError("no such member")
    return found


def _spans(text: str, position: int) -> tuple[list[tuple[int, int]], int]:
    """Find where each element of the array at this position starts and stops, and where the array ends."""
    spans: list[tuple[int, int]] = []
    separator = "["
    while text[position : position + 1] == separator:
        if len(spans) > ELEMENTS_MAX:
            # Not one element more is looked at: this way of cutting is slow.
            raise BodyRefused(_TOO_MANY)
        start = _skip(text, position + 1)
        if separator == "[" and text[start : start + 1] == "]":
            return [], start + 1
        stop = _SCANNER.raw_decode(text, start)[1]
        spans.append((start, stop))
        position, separator = _skip(text, stop), ","
    if text[position : position + 1] != "]":
        raise ValueError("not an array")
    return spans, position + 1
