"""What an event names that people search by: ids, addresses, names, amounts. Pure, and bounded whatever is sent."""

from typing import Any, NamedTuple

import msgspec

from contracts.money import AMOUNT_MINOR_MAX, known_currency

#: Members that hold the id of a business thing, or the thing itself with its `id`.
_THINGS = ("customer", "invoice", "subscription", "charge", "payment_intent", "payout", "refund", "credit_note")
_RECORDS = ("dispute", "deal", "company", "contact", "ticket", "quote", "order", "number")
_AT_HUBSPOT = ("objectId", "fromObjectId", "toObjectId", "primaryObjectId")
IDS = frozenset((*_THINGS, *_RECORDS, *_AT_HUBSPOT))
NAMES = frozenset({"customer_name", "company_name"})
AMOUNTS = ("amount", "total", "amount_due", "amount_paid", "amount_refunded", "amount_total")
#: A thing is named at the top of a payload or not far below; lists of lines are not walked to their end.
DEPTH_MAX, EACH_MAX, WIDTH_MAX, MENTIONS_MAX = 7, 20, 200, 40
#: Amounts of the thing itself, not of its parts.
AMOUNT_DEPTH_MAX = 3
LENGTH_MAX = 200
#: A name is found by the beginning of any of its first words.
NAME_WORDS_MAX = 4


class Mentioned(NamedTuple):
    """One thing: `value` is an amount's currency."""

    kind: str
    value: str
    amount_minor: int = 0


def read(source: str, subject: str | None, key: str, body: str | None) -> list[Mentioned]:
    """Everything that one event names, each once; at least its subject or key, so that it is known to be read."""
    found: dict[Mentioned, None] = {}
    if subject:
        whole = subject.removeprefix(f"{source}:")
        _id(found, whole)
        _id(found, whole.rpartition(":")[2])
    else:
        _id(found, key)
    _walk(found, _parsed(body))
    return list(found)[:MENTIONS_MAX]


def _parsed(body: str | None) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _walk(found: dict[Mentioned, None], whole: Any) -> None:
    """Level by level, so that what stands on top is found before the limits end it. One loop: it is run for everything
    that ever arrives."""
    level = [whole]
    for depth in range(DEPTH_MAX + 1):
        below: list[Any] = []
        for value in level:
            if type(value) is list:
                below += [each for each in value[:EACH_MAX] if type(each) is dict or type(each) is list]
            elif type(value) is dict:
                for name, member in value.items():
                    kind = type(member)
                    if name in IDS:
                        _id(found, member.get("id") if kind is dict else member)
                    elif kind is str and (name in NAMES or name == "name" or name.endswith("email")):
                        _said(found, name, member, value)
                    elif name == "currency" and depth <= AMOUNT_DEPTH_MAX:
                        _amounts(found, value)
                    if (kind is dict or kind is list) and member:
                        below.append(member)
        if not below or len(found) >= MENTIONS_MAX:
            return
        level = below[:WIDTH_MAX]


def _said(found: dict[Mentioned, None], name: str, text: str, of: dict[str, Any]) -> None:
    if name.endswith("email"):
        if "@" in text:
            _text(found, "email", text)
    elif name in NAMES or of.get("object") == "customer":
        words = text.split()
        for first in range(min(len(words), NAME_WORDS_MAX)):
            _text(found, "name", " ".join(words[first:]))


def _id(found: dict[Mentioned, None], value: Any) -> None:
    text = str(value) if type(value) is int else value
    if isinstance(text, str) and 0 < len(text) <= LENGTH_MAX and text.isprintable() and " " not in text:
        found[Mentioned("id", text)] = None


def _text(found: dict[Mentioned, None], kind: str, value: str) -> None:
    text = value.strip().lower()
    if 0 < len(text) <= LENGTH_MAX and text.isprintable():
        found[Mentioned(kind, text)] = None


def _amounts(found: dict[Mentioned, None], value: dict[str, Any]) -> None:
    currency = value["currency"]
    if not isinstance(currency, str) or not known_currency(currency):
        return
    for name in AMOUNTS:
        amount = value.get(name)
        if type(amount) is int and 0 < abs(amount) <= AMOUNT_MINOR_MAX:
            found[Mentioned("amount", currency.upper(), amount)] = None
