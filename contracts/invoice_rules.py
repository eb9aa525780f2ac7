"""What must be true of a paid invoice: one small function per rule, each with a stable code.

A rule yields a violation per fault and stays silent about values that are absent; `needed_fields_present` reports
those. Pure: "now" is the event's own time.

How a Stripe invoice adds up:

    lines                      = subtotal (before or after discounts on single lines)
    lines - discounts - billing credits + tax on top + shipping = total
    total - customer balance used - credit notes before payment = amount_due
    amount_paid + amount_remaining = amount_due
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from contracts import invoice_sums as sums
from contracts.base import Violation, shown
from contracts.categories import CATEGORIES, METADATA_KEY, category_of, named_category
from contracts.invoice_lines import id_of
from contracts.invoice_shapes import InvoiceShape, Shipping
from contracts.moments import out_of_bounds
from contracts.money import decimal_text, known_currency

#: Stripe's numbers have up to 26 characters and its ids some 30; whatever is longer is neither.
NAME_LENGTH_MAX = 100

_AT = "data.object"
_NEEDED = ("id", "currency", "status", "subtotal", "total", "amount_paid", "lines")
_ID = re.compile(r"[A-Za-z0-9_]{1,100}", re.ASCII)


class Event(Protocol):
    """What the rules look at."""

    @property
    def created(self) -> int | None: ...
    @property
    def shape(self) -> InvoiceShape: ...


#: Made once: most invoices ship nothing.
_NO_SHIPPING = Shipping()

Rule = Callable[[Any], Iterator[Violation]]


def needed_fields_present(event: Event) -> Iterator[Violation]:
    """Everything that the books cannot do without is there."""
    shape = event.shape
    absent = [f"{_AT}.{name}" for name in _NEEDED if getattr(shape, name) is None]
    absent += [f"{_AT}.lines.data.{n}.amount" for n, line in enumerate(shape.line_list) if line.amount is None]
    if event.created is None:
        absent.append("created")
    for field in absent:
        yield Violation(field, "field_missing", "absent", "present", f"Add {field} as Stripe sends it, then replay.")


def id_usable(event: Event) -> Iterator[Violation]:
    """The id can be part of a write key."""
    found = event.shape.id
    if found is not None and not _ID.fullmatch(found):
        yield Violation(
            f"{_AT}.id",
            "id_usable",
            shown("", found),
            "1 to 100 letters, digits and _",
            "Take the payload again from Stripe; this is no id of theirs.",
        )


def names_printable(event: Event) -> Iterator[Violation]:
    """Numbers and line ids stand in the books for people to read: no line breaks, nothing that turns text around."""
    shape = event.shape
    if not _printable(shape.number):
        yield _unprintable(f"{_AT}.number", shape.number)
    for number, line in enumerate(shape.line_list):
        if not _printable(line.id):
            yield _unprintable(f"{_AT}.lines.data.{number}.id", line.id)


def _printable(name: str | None) -> bool:
    return not name or (name.isprintable() and not name.isspace() and len(name) <= NAME_LENGTH_MAX)


def _unprintable(field: str, name: str | None) -> Violation:
    bound = f"up to {NAME_LENGTH_MAX} printable characters"
    return Violation(field, "names_printable", shown("", name), bound, f"Take {field} again from Stripe.")


def of_this_version(event: Event) -> Iterator[Violation]:
    """No tax hides in a member that only the other API version has."""
    for name in event.shape.foreign_tax_fields:
        yield Violation(
            f"{_AT}.{name}",
            "of_this_version",
            "present",
            "absent in this API version",
            "The payload mixes two API versions; take it again from Stripe (Events in the dashboard) and replay.",
        )


def status_is_paid(event: Event) -> Iterator[Violation]:
    """An invoice that is not paid is not booked as paid."""
    status = event.shape.status
    if status is not None and status != "paid":
        yield Violation(
            f"{_AT}.status",
            "status_is_paid",
            shown("status", status),
            "paid",
            "Look the invoice up at Stripe: book it only when it is paid there.",
        )


def customer_present(event: Event) -> Iterator[Violation]:
    """Revenue belongs to a customer."""
    if not id_of(event.shape.customer):
        yield Violation(
            f"{_AT}.customer",
            "customer_present",
            shown("", event.shape.customer),
            "an id such as cus_…",
            "Find the customer of this invoice at Stripe and put its id in, then replay.",
        )


def currency_known(event: Event) -> Iterator[Violation]:
    """We know how many decimals the currency has, and every line is in it."""
    shape = event.shape
    if shape.currency is None:
        return
    if not known_currency(shape.currency):
        yield Violation(
            f"{_AT}.currency",
            "currency_known",
            shown("currency", shape.currency),
            "an ISO 4217 code in use",
            "Correct the code, or add the currency with its decimals to contracts/money.py.",
        )
    for number, line in enumerate(shape.line_list):
        if line.currency is not None and line.currency.lower() != shape.currency.lower():
            yield Violation(
                f"{_AT}.lines.data.{number}.currency",
                "one_currency",
                shown("currency", line.currency),
                shown("currency", shape.currency),
                "One invoice has one currency; take the payload again from Stripe.",
            )


def lines_distinct(event: Event) -> Iterator[Violation]:
    """No line is there twice."""
    seen: set[str] = set()
    for number, line in enumerate(event.shape.line_list):
        if line.id is None:
            continue
        if line.id in seen:
            yield Violation(
                f"{_AT}.lines.data.{number}.id",
                "lines_distinct",
                shown("id", line.id),
                "each line once",
                "Remove the repeated line, then replay.",
            )
        seen.add(line.id)


def category_known(event: Event) -> Iterator[Violation]:
    """A category named in the metadata is one that the chart of accounts has."""
    for number, line in enumerate(event.shape.line_list):
        hints = line.hints
        if named_category(hints) is not None and category_of(hints) is None:
            yield Violation(
                f"{_AT}.lines.data.{number}.metadata.{METADATA_KEY}",
                "category_known",
                shown("", named_category(hints)),
                ", ".join(sorted(set(CATEGORIES))),
                f"Set {METADATA_KEY} of this line, its price or its product to one of these at Stripe.",
            )


def lines_add_up(event: Event) -> Iterator[Violation]:
    """The lines make the subtotal (Stripe's own pages leave open whether discounts on single lines are in it)."""
    shape = event.shape
    gross = sums.gross_of(shape)
    if gross is None or shape.subtotal is None:
        return
    own_discounts = sum(line.own_discount for line in shape.line_list)
    if shape.subtotal not in (gross, gross - own_discounts):
        yield _sum_off(event, "subtotal", "lines_add_up", shape.subtotal, gross, "the sum of lines.data[].amount")


def discounts_add_up(event: Event) -> Iterator[Violation]:
    """Discounts given per line make the discounts of the invoice."""
    shape = event.shape
    per_line = [line.discount for line in shape.line_list]
    whole = shape.total_discount_amounts
    if whole is None or not shape.lines_complete or any(discount is None for discount in per_line):
        return
    stated, found = sum(d.amount for d in whole), sum(discount or 0 for discount in per_line)
    if stated != found:
        yield _sum_off(event, "total_discount_amounts", "discounts_add_up", stated, found, "the sum over the lines")


def taxes_add_up(event: Event) -> Iterator[Violation]:
    """Taxes given per line make the taxes of the invoice; a cent per line and rate is rounding on the whole."""
    shape = event.shape
    per_line = [line.tax_list for line in shape.line_list]
    if shape.tax_list is None or not shape.lines_complete or any(taxes is None for taxes in per_line):
        return
    if any(taxes for taxes in per_line):
        slack = sum(len(taxes or ()) for taxes in per_line)
        stated = sum(tax.amount for tax in shape.tax_list)
        found = sum(tax.amount for taxes in per_line for tax in taxes or ())
        if abs(stated - found) > slack + (shape.shipping_cost.amount_tax if shape.shipping_cost else 0):
            yield _sum_off(event, "total_taxes", "taxes_add_up", stated, found, "the sum over the lines")


def total_adds_up(event: Event) -> Iterator[Violation]:
    """Lines, less discounts and billing credits, plus tax on top and shipping, make the total."""
    shape = event.shape
    gross = sums.gross_of(shape)
    if gross is None or shape.total is None:
        return
    expected = gross - sums.discount_of(shape) - sums.grants_of(shape) + sums.exclusive_tax_of(shape)
    shipping = shape.shipping_cost or _NO_SHIPPING
    expected += shipping.amount_total
    # Whether the tax list covers the shipping's tax is not documented; the total tells.
    if shape.total not in (expected, expected - shipping.amount_tax):
        yield _sum_off(
            event, "total", "total_adds_up", shape.total, expected, "lines - discounts + tax on top + shipping"
        )


def tax_listed(event: Event) -> Iterator[Violation]:
    """Where the total contains tax, the tax is listed: tax inside the price that no list names would become revenue."""
    shape = event.shape
    if shape.total is None or shape.total_excluding_tax is None or sums.tax_of(shape):
        return
    shipping_tax = shape.shipping_cost.amount_tax if shape.shipping_cost else 0
    if shape.total_excluding_tax not in (shape.total, shape.total - shipping_tax):
        yield _sum_off(
            event, "total_excluding_tax", "tax_listed", shape.total_excluding_tax, shape.total, "no tax is listed"
        )


def due_adds_up(event: Event) -> Iterator[Violation]:
    """The total, less customer balance and credit notes, is what was due; nothing due is negative."""
    shape = event.shape
    stated, expected = sums.due_of(shape), sums.expected_due_of(shape)
    if stated is not None and expected is not None and (stated != expected or stated < 0):
        yield _sum_off(event, "amount_due", "due_adds_up", stated, expected, "total - customer balance - credit notes")


def paid_adds_up(event: Event) -> Iterator[Violation]:
    """What was due was paid, at Stripe or (marked so) outside."""
    shape = event.shape
    due, paid, left = sums.due_of(shape), shape.amount_paid, shape.amount_remaining or 0
    if due is None or paid is None:
        return
    if paid + left != due or paid < 0:
        yield _sum_off(event, "amount_paid", "paid_adds_up", paid, due - left, "amount_due - amount_remaining")
    elif left and left != shape.outside_minor:
        yield _sum_off(event, "amount_remaining", "paid_adds_up", left, 0, "a paid invoice leaves nothing open")


def date_in_bounds(event: Event) -> Iterator[Violation]:
    """Times are after 2010 and not beyond the event's own time; milliseconds are not seconds."""
    moments = {"created": event.created, f"{_AT}.created": event.shape.created}
    if event.shape.status_transitions is not None:
        moments[f"{_AT}.status_transitions.paid_at"] = event.shape.status_transitions.paid_at
    yield from out_of_bounds(moments, event.created, "the invoice at Stripe")


RULES: tuple[Rule, ...] = (
    needed_fields_present, id_usable, names_printable, of_this_version, status_is_paid, customer_present,
    currency_known, lines_distinct, category_known, lines_add_up, discounts_add_up, taxes_add_up, tax_listed,
    total_adds_up, due_adds_up, paid_adds_up, date_in_bounds,
)  # fmt: skip


def _sum_off(event: Event, name: str, rule: str, stated: int, expected: int, bound: str) -> Violation:
    off, currency = stated - expected, (event.shape.currency or "").upper()
    by = f"{decimal_text(off, currency)} {currency}" if known_currency(currency) else f"{off} minor units"
    return Violation(
        f"{_AT}.{name}",
        rule,
        str(stated),
        f"{expected} ({bound})",
        f"Off by {by}. Compare with the invoice at Stripe, correct the copy, then replay.",
    )
