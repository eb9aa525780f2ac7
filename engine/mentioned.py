"""What an event names that people search by: ids, addresses, names, amounts. Pure, and bounded whatever is sent."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from contracts.money import AMOUNT_MINOR_MAX, known_currency

#: Members that hold the id of a business thing, or the thing itself with its `id`.
_THINGS = ("customer", "invoice", "subscription", "charge", "payment_intent", "payout", "refund", "credit_note")
_RECORDS = ("dispute", "deal", "company", "contact", "ticket", "quote", "order", "number")
_AT_HUBSPOT = ("objectId", "fromObjectId", "toObjectId", "primaryObjectId")
IDS = frozenset((*_THINGS, *_RECORDS, *_AT_HUBSPOT))
NAMES = frozenset({"customer_name", "company_name"})
AMOUNTS = ("amount", "total", "amount_due", "amount_paid", "amount_refunded", "amount_total")
#: A thing is named at the top of a payload or not far below; lists of lines are not walked to their end.
DEPTH_MAX, EACH_MAX, MENTIONS_MAX = 7, 20, 40
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
    found = dict.fromkeys(_of_subject(source, subject, key))
    for one in _walk(_parsed(body), 0):
        if len(found) >= MENTIONS_MAX:
            break
        found[one] = None
    return list(found)


def _of_subject(source: str, subject: str | None, key: str) -> Iterator[Mentioned]:
    if subject:
        whole = subject.removeprefix(f"{source}:")
        yield from _id(whole)
        yield from _id(whole.rpartition(":")[2])
    else:
        yield from _id(key)


def _parsed(body: str | None) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def _walk(value: Any, depth: int) -> Iterator[Mentioned]:
    if depth > DEPTH_MAX:
        return
    if isinstance(value, list):
        for each in value[:EACH_MAX]:
            yield from _walk(each, depth + 1)
    elif isinstance(value, dict):
        if depth <= AMOUNT_DEPTH_MAX:
            yield from _amounts(value)
        for name, member in value.items():
            yield from _member(name, member, value)
        for member in value.values():
            if isinstance(member, dict | list):
                yield from _walk(member, depth + 1)


def _member(name: str, member: Any, of: dict[str, Any]) -> Iterator[Mentioned]:
    if name in IDS:
        yield from _id(member.get("id") if isinstance(member, dict) else member)
    elif isinstance(member, str) and name.endswith("email") and "@" in member:
        yield from _text("email", member)
    elif isinstance(member, str) and (name in NAMES or (name == "name" and of.get("object") == "customer")):
        words = member.split()
        for first in range(min(len(words), NAME_WORDS_MAX)):
            yield from _text("name", " ".join(words[first:]))


def _id(value: Any) -> Iterator[Mentioned]:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and 0 < len(text) <= LENGTH_MAX and text.isprintable() and " " not in text:
        yield Mentioned("id", text)


def _text(kind: str, value: str) -> Iterator[Mentioned]:
    text = value.strip().lower()
    if 0 < len(text) <= LENGTH_MAX and text.isprintable():
        yield Mentioned(kind, text)


def _amounts(value: dict[str, Any]) -> Iterator[Mentioned]:
    currency = value.get("currency")
    if not isinstance(currency, str) or not known_currency(currency):
        return
    for name in AMOUNTS:
        amount = value.get(name)
        if isinstance(amount, int) and not isinstance(amount, bool) and 0 < abs(amount) <= AMOUNT_MINOR_MAX:
            yield Mentioned("amount", currency.upper(), amount)
