"""What may stand in an effect for HubSpot, and how a person reads it; pure, so a handler fails where it builds.

HubSpot keeps every value as text. Values become that text here, exactly once; a float never does.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from contracts.money import Money, decimal_text
from destinations.references import MARK

#: What a handler may give as a value; None empties the property.
Value = str | int | bool | Money | datetime | date | Mapping[str, str] | None
#: An id, or the mark of the write that makes the record.
Id = str | Mapping[str, str]

#: HubSpot's limit for one value (characters).
VALUE_LENGTH_MAX = 65_536
#: A write that sets more than this is an import, not the consequence of an event.
PROPERTIES_MAX = 100

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)
_ID = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
#: What HubSpot sets itself, and what the destination sets.
_NOT_OURS = frozenset(
    {"hs_object_id", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate", "counterfoil_key"}
)


def text_of(value: Value) -> str | dict[str, str]:
    """A value as HubSpot keeps it. Raises: TypeError for what has no exact text, floats above all."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case Money():
            return decimal_text(value.amount_minor, value.currency)
        case datetime() if value.tzinfo is not None:
            moment = value.astimezone(UTC)
            return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{moment.microsecond // 1000:03}Z"
        case date() if not isinstance(value, datetime):
            return value.isoformat()
        case Mapping() if is_mark(value):
            return dict(value)
    raise TypeError(f"a {type(value).__name__} has no exact text")


def is_mark(value: Any) -> bool:
    """Whether a value stands for the reference of a write before this one."""
    return isinstance(value, Mapping) and value.keys() == {MARK} and isinstance(value[MARK], str) and bool(value[MARK])


def looks_like_email(text: str) -> bool:
    return _EMAIL.search(text) is not None


def name_problems(name: Any) -> Iterator[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield "a property's name is 1 to 100 lower-case letters, digits and underscores"


def value_problems(what: str, value: Any, *, needed: bool = False, length_max: int = VALUE_LENGTH_MAX) -> Iterator[str]:
    if is_mark(value):
        return
    if not isinstance(value, str):
        yield f"{what} is text"
    elif needed and not value:
        yield f"{what} is empty"
    elif len(value) > length_max:
        yield f"{what} has more than {length_max} characters"
    elif value != value.strip():
        yield f"{what} begins or ends with space, which HubSpot would cut off"
    elif not all(each.isprintable() or each in "\n\t" for each in value):
        yield f"{what} holds characters that cannot be shown"


def id_problems(what: str, value: Any) -> Iterator[str]:
    if not is_mark(value) and not (isinstance(value, str) and _ID.fullmatch(value)):
        yield f"{what} is an id of HubSpot's: digits"


def property_problems(properties: Any, taken: Any) -> Iterator[str]:
    """`taken` is the property by which the record is found: it has its value already."""
    if not isinstance(properties, Mapping) or not 0 < len(properties) <= PROPERTIES_MAX:
        yield f"1 to {PROPERTIES_MAX} properties are set"
        return
    for name, value in properties.items():
        yield from name_problems(name)
        if name in _NOT_OURS:
            yield f"{name} is not for us to set"
        elif name == taken:
            yield f"{name} is what the record is found by; it is not set as well"
        yield from value_problems(f"the value of {name}", value)


def by_problems(kind: str, by: Any) -> Iterator[str]:
    """How a record is found: its unique property and that one's value."""
    if not isinstance(by, Mapping) or by.keys() != {"property", "value"}:
        yield "the record is found by a property and its value"
        return
    name, value = by["property"], by["value"]
    yield from name_problems(name)
    if name == "hs_object_id":
        yield from id_problems("the record's id", value)
        return
    yield from value_problems(f"the value of {name}", value, needed=True, length_max=255)
    if name == "email" and kind != "contacts":
        yield "only contacts are found by their email"
    elif name == "email" and isinstance(value, str) and (not _EMAIL.fullmatch(value) or value != value.lower()):
        yield "the email is an address in lower case"


def shown(value: Any) -> str:
    """A value as a person reads it, on one line."""
    if is_mark(value):
        return f"the id of what is created before, by “{value[MARK]}”"
    told = " / ".join(line for line in value.splitlines() if line)
    return f"“{told}”" if told else "nothing"


def shown_id(value: Any) -> str:
    return f"(created before, by “{value[MARK]}”)" if is_mark(value) else str(value)
