"""The grammar of the search box, of a page's `q` and of the API's: `field:value`, `amount>1000`, words, "phrases".

A text without a field that is known is only words: an id or key goes on meaning exactly what it is, colons and all.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final, Literal, NamedTuple
from uuid import UUID

from console.searching import amounts, moments
from console.searching.amounts import Amount
from console.searching.moments import Span

Op = Literal[":", ">", "<", ">=", "<="]
Value = str | UUID | Amount | Span

#: Field -> what it narrows to, as the help says it.
FIELDS: Final[dict[str, str]] = {
    "class": "failure class of a case that blocks it, e.g. class:contract_violation",
    "status": "its state, e.g. status:exception",
    "source": "who sent it, e.g. source:stripe",
    "type": "what happened, e.g. type:invoice.paid",
    "handler": "the workflow, e.g. handler:invoice_paid",
    "destination": "where it is written, e.g. destination:books",
    "operation": "how it is written, e.g. operation:upsert_company",
    "owner": "whose desk it is on, e.g. owner:fiona",
    "subject": "what it is about, in full, e.g. subject:stripe:in_123",
    "customer": "id, e-mail address or beginning of the name, e.g. customer:cus_123",
    "invoice": "id or number, e.g. invoice:in_123",
    "deal": "number of the record, e.g. deal:5501",
    "email": "an address that it names, e.g. email:anna@example.com",
    "amount": "in whole units with cents, e.g. amount>1000, amount:42.00EUR",
    "key": "identity of an event or key of a write, e.g. key:evt_123",
    "event": "id of an event",
    "case": "id of a case",
    "since": "not older than, e.g. since:yesterday, since:3h",
    "until": "older than, e.g. until:2026-11-20",
    "at": "on that day, or within half an hour of that time, e.g. at:yesterday@3pm",
}
_MOMENTS = ("since", "until", "at")
_IDS = ("event", "case")
#: More than anybody types; each is a condition that rows are asked.
TERMS_MAX = 20

_FIELD = re.compile(r"([A-Za-z_]+)(:>=|:<=|:>|:<|:=|>=|<=|:|>|<|=)")
_REST = re.compile(r"\S*")


class NotUnderstood(ValueError):
    """Where a text cannot be understood, counted from one, and why."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"character {position}: {why}")
        self.position, self.why = position, why


class Term(NamedTuple):
    """One field with its value."""

    field: str
    op: Op
    value: Value
    position: int


@dataclass(frozen=True)
class Wanted:
    """What was asked for: all of it together."""

    text: str
    terms: tuple[Term, ...] = ()
    words: tuple[str, ...] = ()
    #: Something that looks like a field and is none: said where nothing is found.
    hint: str | None = None

    def values(self, field: str) -> list[Value]:
        """What was said about a field."""
        return [term.value for term in self.terms if term.field == field]


class _Token(NamedTuple):
    position: int
    field: str | None
    op: str
    text: str
    raw: str


def parse(text: str, now: datetime, *, prefixes: Collection[str] = ()) -> Wanted:
    """Understand a text. `prefixes`: what ids and keys of this installation may begin with before a colon.

    Raises: NotUnderstood.
    """
    if not any(token.field in FIELDS for token in _tokens(text, lenient=True)):
        tokens = list(_tokens(text, lenient=True))
        return Wanted(text, words=tuple(token.raw for token in tokens), hint=_hint(tokens, prefixes))
    terms: list[Term] = []
    words: list[str] = []
    for token in _tokens(text, lenient=False):
        if not _is_field(token, prefixes):
            words.append(token.raw.strip('"') if token.field is None else token.raw)
        else:
            terms.append(_term(token, now))
    if len(terms) + len(words) > TERMS_MAX:
        raise NotUnderstood(1, f"more than {TERMS_MAX} things at once")
    return Wanted(text, tuple(terms), tuple(word for word in words if word))


def _is_field(token: _Token, prefixes: Collection[str]) -> bool:
    """Whatever is known; else only what has a colon and begins no id of this installation: `a=b` is a word."""
    return token.field in FIELDS or (token.field is not None and token.op == ":" and token.field not in prefixes)


def _tokens(text: str, *, lenient: bool) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        begin = at
        found = _FIELD.match(text, at)
        at = found.end() if found else at
        if at < len(text) and text[at] == '"':
            end = text.find('"', at + 1)
            if end < 0:
                if not lenient:
                    raise NotUnderstood(at + 1, "the quotation mark is not closed")
                end = len(text)
            value, at = text[at + 1 : end], end + 1
        else:
            rest = _REST.match(text, at)
            assert rest is not None, "Bug: nothing at all fits too"
            value, at = rest[0], rest.end()
        if found is None:
            yield _Token(begin + 1, None, "", value, value)
        else:
            yield _Token(begin + 1, found[1].lower(), found[2], value, text[begin:at])


def _term(token: _Token, now: datetime) -> Term:
    field = token.field or ""
    if field not in FIELDS:
        raise NotUnderstood(token.position, _unknown(field))
    op = token.op.lstrip(":") or ":"
    op = ":" if op == "=" else op
    if op != ":" and field != "amount":
        raise NotUnderstood(token.position, f"{field} takes a colon: {field}:…")
    if not token.text.strip():
        raise NotUnderstood(token.position, f"{field} needs a value: {FIELDS[field]}")
    return Term(field, op, _value(field, token, now), token.position)  # type: ignore[arg-type]


def _value(field: str, token: _Token, now: datetime) -> Value:
    where = token.position + len(field) + len(token.op)
    try:
        if field in _MOMENTS:
            return moments.span(token.text, now)
        if field == "amount":
            return amounts.amount(token.text)
        if field in _IDS:
            return UUID(token.text)
    except ValueError as wrong:
        raise NotUnderstood(where, "not an id: ids are UUIDs" if field in _IDS else str(wrong)) from None
    return token.text


def _unknown(field: str) -> str:
    near = get_close_matches(field, FIELDS, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"there is no field “{field}”.{meant} Fields are {', '.join(FIELDS)}"


def _hint(tokens: list[_Token], prefixes: Collection[str]) -> str | None:
    for token in tokens:
        if token.field is not None and token.field not in prefixes and token.op == ":":
            return _unknown(token.field)
    return None
