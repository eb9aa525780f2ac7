"""What an event names that people search by: ids, addresses, names, amounts. Pure, and bounded whatever is sent."""

from typing import Any, NamedTuple

import msgspec

from contracts.money import AMOUNT_MINOR_MAX, known_currency

#: Members that hold the id of a business thing, or the thing itself with its `id`.
_THINGS = ("customer", "invoice", "subscription", "charge", "payment_intent", "payout", "refund", "credit_note")
_RECORDS = ("dispute", "deal", "company", "contact", "ticket", "quote", "order", "number")
_AT_HUBSPOT = ("objectId", "fromObjectId", "toObjectId", "primaryObjectId")
#: An association is about the record that it starts from; the kind at its other end, as the door names subjects.
_KINDS = {"contact": "0-1", "company": "0-2", "deal": "0-3", "ticket": "0-5", "product": "0-7", "line_item": "0-8",
          "task": "0-27"}  # fmt: skip
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
    whole_body = _parsed(body)
    if isinstance(whole_body, dict) and "toObjectId" in whole_body:
        _far_end(found, whole_body)
    _walk(found, whole_body)
    return list(found)[:MENTIONS_MAX]


def _far_end(found: dict[Mentioned, None], association: dict[str, Any]) -> None:
    """The whole name of the record at the other end; its number alone may be another record's too."""
    kind, pair = association.get("toObjectTypeId"), association.get("associationType")
    if not isinstance(kind, str) and isinstance(pair, str):
        name = pair.partition("_TO_")[2].lower()
        kind = _KINDS.get(name, name)
    if kind:
        _id(found, f"{association.get('portalId')}:{kind}:{association['toObjectId']}")


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
