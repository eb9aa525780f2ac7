"""JSON as people send it: no member twice, no number that would become another one, kept as it is written."""

import json
from math import isfinite
from typing import Any, NoReturn

import msgspec


class NotJson(Exception):
    """What is wrong with the text, in words; its values are not repeated."""


def check(raw: bytes) -> None:
    """Raises: NotJson."""
    try:
        _READER.decode(raw.decode())
    except UnicodeDecodeError as failure:
        raise NotJson(f"not UTF-8 (byte {failure.start})") from None
    except json.JSONDecodeError as failure:
        raise NotJson(f"not JSON ({failure.msg.lower()}, character {failure.pos})") from None
    except RecursionError:
        raise NotJson("nests too deep") from None


def with_verbatim(raw: bytes, names: tuple[str, ...]) -> bytes:
    """The same object with these members as texts, each holding what was written there; other JSON as it is."""
    try:
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]) if names else {}
    except (msgspec.DecodeError, RecursionError):
        return raw  # whoever validates it says what it is
    for name in members.keys() & set(names):
        members[name] = msgspec.Raw(msgspec.json.encode(bytes(members[name]).decode()))
    return msgspec.json.encode(members) if members else raw


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise NotJson("two members of one object have the same name")


def _finite(text: str) -> None:
    if not isfinite(float(text)):
        raise NotJson("a number is too large to be represented")


def _constant(text: str) -> NoReturn:
    raise NotJson(f"{text} is not JSON")


# Values are of no interest here, and a number of a million digits is not converted.
_READER = json.JSONDecoder(object_pairs_hook=_once, parse_int=len, parse_float=_finite, parse_constant=_constant)
