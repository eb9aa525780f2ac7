"""A write as a person reads it: each field with what stood there and what is written, an entry by its accounts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from console.fields import Money, written
from contracts.money import known_currency

#: Lines of before and after; whoever has more to compare has the action itself.
PLACES_MAX = 80


class Field(NamedTuple):
    """One place of a record."""

    name: str
    was: Any
    will: Any
    differs: bool


class Line(NamedTuple):
    """One line of an entry in the books: what is positive is a debit."""

    account: str
    memo: str
    amount: Money
    is_debit: bool


def fields(before: Mapping[str, Any] | None, body: Any) -> list[Field]:
    """What stands, what would stand, whether that differs; what is nested has a line per place."""
    body = body if isinstance(body, Mapping) else {}
    was = dict(places("", before or {}))
    will = dict(places("", body["properties"] if isinstance(body.get("properties"), dict) else body))
    rows = [Field(name, was.get(name), now, was.get(name) != now) for name, now in will.items()]
    return (rows + [Field(name, stands, stands, False) for name, stands in was.items() if name not in will])[
        :PLACES_MAX
    ]


def beyond_lines(body: Any, before: Mapping[str, Any] | None = None) -> list[Field]:
    """The fields that do not stand in a table of accounts already."""
    has_accounts = bool(entry(body))
    return [one for one in fields(before, body) if not (has_accounts and one.name.startswith("lines "))]


def differing(was: Any, now: Any) -> list[Field]:
    """Every place in which two documents are not the same."""
    before, after = dict(places("", was)), dict(places("", now))
    return differing_places(before, after)


def differing_places(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Field]:
    """The same of documents whose places are known."""
    names = [*after, *(name for name in before if name not in after)]
    rows = [Field(name, before.get(name), after.get(name), before.get(name) != after.get(name)) for name in names]
    return [row for row in rows if row.differs][:PLACES_MAX]


def told(difference: Sequence[Mapping[str, Any]], about: Money | None) -> list[Field]:
    """A kept difference of two actions, place by place; amounts are in the currency of what it is about."""
    return [_told(one, about) for one in difference[:PLACES_MAX]]


def _told(one: Mapping[str, Any], about: Money | None) -> Field:
    steps = [str(int(step) + 1) if step.isdecimal() else step for step in str(one["field"]).split(".")]
    name = " ".join(steps[1:] if steps[0] == "body" and len(steps) > 1 else steps)
    was, now = one.get("shown"), one.get("now")
    if name.endswith("_minor") and about is not None:
        name, (was, now) = name.removesuffix("_minor"), (_as_money(side, about.currency) for side in (was, now))
    return Field(name, was, now, True)


def _as_money(value: Any, currency: str) -> Any:
    return written(value, currency) if type(value) is int and known_currency(currency) else value


def places(at: str, value: Any, currency: str | None = None) -> Iterator[tuple[str, Any]]:
    """Every place of a document with what stands there, under a name and as an amount that a person can read."""
    if isinstance(value, Mapping) and set(value) == {"$receipt"}:
        yield at, f"what comes of {value['$receipt']}"
    elif isinstance(value, Mapping):
        own = value.get("currency")
        currency = own.upper() if isinstance(own, str) and known_currency(own) else currency
        for name, inner in value.items():
            yield from places(f"{at} {name}".strip(), inner, currency)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from places(f"{at} {number}".strip(), inner, currency)
    elif at.endswith("_minor") and type(value) is int and currency is not None:
        yield at.removesuffix("_minor"), _as_money(value, currency)
    else:
        yield at, value


def entry(body: Any) -> list[Line]:
    """The lines of an entry in the books; of any other write none."""
    if not isinstance(body, Mapping) or not isinstance(body.get("lines"), list):
        return []
    currency, found = body.get("currency"), []
    for line in body["lines"][:PLACES_MAX]:
        if not (isinstance(line, Mapping) and isinstance(line.get("amount_minor"), int) and isinstance(currency, str)):
            return []
        minor = line["amount_minor"]
        amount = Money(amount_minor=abs(minor), currency=currency)
        found.append(Line(str(line.get("account", "")), str(line.get("memo") or ""), amount, minor >= 0))
    return found
