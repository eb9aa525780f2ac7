"""What must be true of a credit note: one small function per rule, each with a stable code.

How a credit note adds up:

    lines - discounts + tax on top + shipping = total
    before payment + after payment            = total
    refunds + customer's credit + outside     = after payment
"""

from collections.abc import Iterator
from typing import Protocol

from contracts.base import Violation
from contracts.credit_note_shapes import CreditNote
from contracts.event_rules import AT, currency_known, dates, ids_usable, off, present, status_in
from contracts.invoice_lines import Tax
from contracts.invoice_rules import NAME_LENGTH_MAX


class Event(Protocol):
    """What the rules look at."""

    @property
    def created(self) -> int | None: ...
    @property
    def about(self) -> CreditNote: ...


def taxes_of(note: CreditNote) -> list[Tax]:
    """The taxes as stated for the whole, or as the lines have them."""
    if note.tax_list is not None:
        return list(note.tax_list)
    return [tax for line in note.line_list for tax in line.tax_list or ()]


def discount_of(note: CreditNote) -> int:
    """All discounts that the note takes back with its lines."""
    if note.discount_amounts is not None:
        return sum(discount.amount for discount in note.discount_amounts)
    return sum(line.discount_amount or 0 for line in note.line_list)


def goods_of(note: CreditNote) -> int | None:
    """Lines less discounts plus the listed tax on top; None while a line is missing or has no amount."""
    amounts = [line.amount for line in note.line_list]
    if not note.lines_complete or None in amounts:
        return None
    on_top = sum(tax.amount for tax in taxes_of(note) if not tax.included)
    return sum(amount or 0 for amount in amounts) - discount_of(note) + on_top


def names_printable(event: Event) -> Iterator[Violation]:
    """The number stands in the books for people to read."""
    number = event.about.number
    if number and not (number.strip() and number.isprintable() and len(number) <= NAME_LENGTH_MAX):
        yield off("number", "names_printable", number, f"up to {NAME_LENGTH_MAX} printable characters")


def of_this_version(event: Event) -> Iterator[Violation]:
    """No tax hides in a member that only the other API version has."""
    for name in event.about.foreign_tax_fields:
        yield Violation(
            f"{AT}.{name}", "of_this_version", "present", "absent in this API version",
            "The payload mixes two API versions; take it again from Stripe (Events in the dashboard) and replay.",
        )  # fmt: skip


def total_not_negative(event: Event) -> Iterator[Violation]:
    """A credit note gives; what it takes would be an invoice."""
    note = event.about
    if note.total is not None and note.total < 0:
        yield off("total", "total_not_negative", note.total, "0 or more")
    if None not in (note.amount, note.total) and note.amount != note.total:
        yield off("amount", "total_adds_up", note.amount, f"{note.total} (total)")


def total_adds_up(event: Event) -> Iterator[Violation]:
    """Lines, less discounts, plus tax on top and shipping, make the total."""
    note, goods = event.about, goods_of(event.about)
    if goods is None or note.total is None:
        return
    shipping, tax = (note.shipping_cost.amount_total, note.shipping_cost.amount_tax) if note.shipping_cost else (0, 0)
    # Whether the tax list covers the shipping's tax is not documented; the total tells.
    if note.total not in (goods + shipping, goods + shipping - tax):
        bound = f"{goods + shipping} (lines - discounts + tax on top + shipping)"
        yield off("total", "total_adds_up", note.total, bound)


def taxes_add_up(event: Event) -> Iterator[Violation]:
    """Taxes given per line make the taxes of the note; a cent per line and rate is rounding on the whole."""
    note, per_line = event.about, [line.tax_list for line in event.about.line_list]
    if note.tax_list is None or not note.lines_complete or None in per_line or not any(per_line):
        return
    stated = sum(tax.amount for tax in note.tax_list)
    found = sum(tax.amount for taxes in per_line for tax in taxes or ())
    slack = sum(len(taxes or ()) for taxes in per_line) + (note.shipping_cost.amount_tax if note.shipping_cost else 0)
    if abs(stated - found) > slack:
        yield off("total_taxes", "taxes_add_up", stated, f"{found} (the sum over the lines)")


def tax_within_total(event: Event) -> Iterator[Violation]:
    """Tax is a part of the total; where the total contains tax, the tax is listed."""
    note, tax = event.about, sum(tax.amount for tax in taxes_of(event.about))
    if note.total is None:
        return
    if any(tax.amount < 0 for tax in taxes_of(note)) or tax > note.total:
        yield off("total_taxes", "tax_within_total", tax, f"0 to {note.total}")
    shipping_tax = note.shipping_cost.amount_tax if note.shipping_cost else 0
    without = note.total_excluding_tax
    if without is not None and not tax and without not in (note.total, note.total - shipping_tax):
        yield off("total_excluding_tax", "tax_listed", without, f"{note.total} (no tax is listed)")


def settlement_adds_up(event: Event) -> Iterator[Violation]:
    """All of it was given before or after payment, and what was given back after payment went somewhere."""
    note = event.about
    pre, post, refunds = note.pre_minor, note.post_minor, note.refund_minor
    if note.total is None or pre is None or post is None:
        return
    if pre < 0 or post < 0 or pre + post != note.total:
        yield off("post_payment_amount", "settlement_adds_up", post, f"{note.total - pre} (total - before payment)")
        return
    if refunds is None:
        return
    rest = post - refunds - note.outside_minor
    if min(refunds, note.outside_minor, rest) < 0:
        yield off("post_payment_amount", "settlement_adds_up", post, "at least the refunds and what is given outside")
    elif rest and note.customer_balance_transaction is None:
        bound = f"{post - rest} (refunds and outside; no transaction of the customer's balance is named)"
        yield off("post_payment_amount", "settlement_adds_up", post, bound)


RULES = (
    present("id", "invoice", "currency", "status", "type", "total", "created", "lines", "pre_minor", "post_minor"),
    ids_usable("id", "invoice"), names_printable, of_this_version, status_in("issued"), currency_known,
    total_not_negative, total_adds_up, taxes_add_up, tax_within_total, settlement_adds_up,
    dates("created", "effective_at"),
)  # fmt: skip
