"""Rules that hold for any object of Stripe's that is booked; each yields a violation per fault.

A rule stays silent about values that are absent: `present` reports those. Pure: "now" is the event's own time.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from contracts.base import Violation, shown
from contracts.invoice_lines import Reference, id_of
from contracts.moments import out_of_bounds
from contracts.money import known_currency

AT = "data.object"
_ID = re.compile(r"[A-Za-z0-9_]{1,100}", re.ASCII)

Rule = Callable[[Any], Iterator[Violation]]


class Event(Protocol):
    """What the rules look at: the event's time and the object it carries."""

    @property
    def created(self) -> int | None: ...
    @property
    def about(self) -> Any: ...


def present(*names: str) -> Rule:
    """Everything that the books cannot do without is there."""

    def needed_fields_present(event: Event) -> Iterator[Violation]:
        absent = [f"{AT}.{name}" for name in names if getattr(event.about, name) is None]
        for field in absent + ([] if event.created is not None else ["created"]):
            yield Violation(field, "field_missing", "absent", "present", f"Add {field} as Stripe has it, then replay.")

    return needed_fields_present


def ids_usable(*names: str) -> Rule:
    """These ids can be part of a write key and a link."""

    def id_usable(event: Event) -> Iterator[Violation]:
        for name in names:
            reference: Reference = getattr(event.about, name)
            if reference is not None and not usable(id_of(reference)):
                yield no_id(f"{AT}.{name}", reference)

    return id_usable


def usable(found: str | None) -> bool:
    """Whether it is an id as Stripe makes them."""
    return found is not None and _ID.fullmatch(found) is not None


def no_id(field: str, found: object) -> Violation:
    """The violation of an id that is none."""
    bound = "1 to 100 letters, digits and _"
    return Violation(field, "id_usable", shown("", found), bound, "Take the payload again from Stripe; this is no id.")


def currency_known(event: Event) -> Iterator[Violation]:
    """We know how many decimals the currency has."""
    currency = event.about.currency
    if currency is not None and not known_currency(currency):
        yield Violation(
            f"{AT}.currency",
            "currency_known",
            shown("currency", currency),
            "an ISO 4217 code in use",
            "Correct the code, or add the currency with its decimals to contracts/money.py.",
        )


def status_in(*allowed: str) -> Rule:
    """The object is in a state in which it may be booked, or at least one that is known."""

    def status_known(event: Event) -> Iterator[Violation]:
        status = event.about.status
        if status is not None and status not in allowed:
            yield Violation(
                f"{AT}.status",
                "status_known",
                shown("status", status),
                ", ".join(allowed),
                "Look the object up at Stripe; book it only in one of these states.",
            )

    return status_known


def above_zero(*names: str) -> Rule:
    """These amounts are more than nothing."""

    def amount_above_zero(event: Event) -> Iterator[Violation]:
        for name in names:
            amount = getattr(event.about, name)
            if amount is not None and amount <= 0:
                yield off(name, "amount_above_zero", amount, "more than 0")

    return amount_above_zero


def dates(*names: str) -> Rule:
    """Times are after 2010 and not beyond the event's own time; milliseconds are not seconds."""

    def date_in_bounds(event: Event) -> Iterator[Violation]:
        moments = {"created": event.created} | {f"{AT}.{name}": getattr(event.about, name) for name in names}
        yield from out_of_bounds(moments, event.created, "Stripe")

    return date_in_bounds


def off(name: str, rule: str, stated: object, bound: str) -> Violation:
    """An amount that does not fit the others."""
    advice = "Compare with the object at Stripe, correct the copy, then replay."
    return Violation(f"{AT}.{name}", rule, shown(name, stated), bound, advice)
