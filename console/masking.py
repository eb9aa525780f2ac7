"""Personal data in what is shown: hidden by the name of the member that holds it, and by what it looks like.

Amounts, dates and ids stay: they are what a page is read for. Whoever has the right reveals the rest, which is kept.
"""

import json
import re
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

HIDDEN: Final = "•••"
#: Characters of one document on a page; JSON becomes three times as much in HTML, and a page stays under 150 KB.
SHOWN_MAX = 16_000

#: Members that hold what belongs to a person, whatever stands in them. In small letters, without `_` and `-`.
_PERSONAL = re.compile(
    r"(customer|first|last|full|sur|given|family|middle|maiden|nick|display|account|holder|cardholder|owner|contact|"
    r"billing|shipping|company|business|legal|user)?names?|.*e?mail(address)?|.*phone(number)?|mobile|fax|.*iban|bic|"
    r"(street|line[123]|city|town|zip|postal|postcode|postalcode|state|region|address[0-9]?|addressline[0-9])|"
    r"birth(day|date)|dateofbirth|dob|ssn|taxid|taxnumber|vatid|passport|ipaddress|ip|"
    r"content|message|body|note|notes|comment|comments|subjectline|statementdescriptor(suffix)?|.*signature"
)
#: Members whose every part is somebody's, except the country.
_ADDRESS = re.compile(r".*address|billingdetails|shippingdetails|shipping|customerdetails|owner")
_KEPT_IN_ADDRESS = frozenset({"country", "object", "id", "type", "currency"})
#: Things with a name that belongs to nobody.
_THINGS = frozenset({"product", "plan", "price", "coupon", "event", "tax_rate", "balance_transaction"})

#: Members that hold a value, and those beside them that say what it is called.
_BESIDE = {
    "propertyValue": ("propertyName",),
    "value": ("name", "field"),
    "shown": ("field",),
    "now": ("field",),
}
#: Members of answers that hold what customers wrote, under names of its own.
_WRITTEN = frozenset({"fields", "evidence", "precedents", "edits", "lines"})

#: Each with a character without which there is none: most text of a list is ids, and is passed by.
_PATTERNS = (
    ("@", re.compile(r"[^\s@<>\"',;:()\[\]]{1,64}@[^\s@<>\"',;:()\[\]]{1,190}\.[A-Za-z]{2,}")),
    ("+", re.compile(r"(?<![\w+])\+\d[\d ()/.-]{6,18}\d(?!\w)")),
    ("", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?\b")),
)


def text(value: str) -> str:
    """A sentence with addresses, telephone and account numbers hidden."""
    for mark, pattern in _PATTERNS:
        if mark in value:
            value = pattern.sub(HIDDEN, value)
    return value


def masked(value: Any, *, personal: bool = False) -> Any:
    """A document with personal data hidden; what is null or empty stays, so that what is missing can be seen."""
    if isinstance(value, dict):
        return {name: _member(name, member, value, personal) for name, member in value.items()}
    if isinstance(value, list):
        return [masked(each, personal=personal) for each in value]
    if value is None or value == "" or isinstance(value, bool):
        return value
    if personal:
        return HIDDEN
    return text(value) if isinstance(value, str) else value


def answered(value: Any) -> Any:
    """An answer of the API for somebody who may not reveal: its documents masked, its sentences too; its names stay."""
    if isinstance(value, BaseModel):
        return value.model_copy(
            update={
                name: masked(_plain(member), personal=True) if name in _WRITTEN else answered(member)
                for name, member in value
            }
        )
    if isinstance(value, list):
        return [answered(each) for each in value]
    return value if isinstance(value, Enum) else masked(value)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _member(name: str, member: Any, of: dict[str, Any], personal: bool) -> Any:
    plain = name.lower().replace("_", "").replace("-", "").removeprefix("hs")
    if personal and name in _KEPT_IN_ADDRESS:
        return masked(member)
    if isinstance(member, dict | list):
        return masked(member, personal=personal or bool(_ADDRESS.fullmatch(plain)))
    if plain == "name" and of.get("object") in _THINGS:
        return masked(member)
    if _named_by(name, of):
        return masked(member, personal=True)
    return masked(member, personal=personal or bool(_PERSONAL.fullmatch(plain)))


def _named_by(name: str, of: dict[str, Any]) -> bool:
    """A value whose name stands beside it: `{"propertyName": "phone", "propertyValue": …}`."""
    said = (of.get(beside) for beside in _BESIDE.get(name, ()))
    last = (one.rpartition(".")[2].lower().replace("_", "").removeprefix("hs") for one in said if isinstance(one, str))
    return any(_PERSONAL.fullmatch(one) for one in last)


def as_text(value: Any, most: int = SHOWN_MAX) -> tuple[str, int]:
    """A document as people read it, and how many characters of it are left out."""
    whole = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return whole[:most], max(0, len(whole) - most)
