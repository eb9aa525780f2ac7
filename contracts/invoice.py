"""A paid invoice as handlers see it: one form, whichever shape it arrived in.

Every minor unit of the invoice has exactly one place here: the lines' net amounts, the taxes, the shipping and the
customer balance together are what was paid. That identity is what lets a journal entry balance without a remainder.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from contracts import invoice_sums as sums
from contracts.categories import category_of
from contracts.invoice_lines import Line, id_of
from contracts.invoice_shapes import InvoiceShape

_NO_WORDS: Mapping[str, str] = MappingProxyType({})


class InvoiceLine(NamedTuple):
    """One line. `net_minor` is what is earned: less discounts, without the tax inside the price."""

    id: str
    amount_minor: int
    discount_minor: int
    included_tax_minor: int
    #: None: neither its metadata nor its price tells.
    category: str | None
    price_id: str | None
    product_id: str | None
    #: Of a line without a category: what people wrote about it.
    words: Mapping[str, str]

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.discount_minor - self.included_tax_minor


class InvoiceTax(NamedTuple):
    """One tax rate's share of the invoice, on top or inside."""

    rate_id: str | None
    amount_minor: int


class PaidInvoice(NamedTuple):
    """Amounts in minor units of `currency` (upper case). Positive `balance_used_minor` consumed customer credit."""

    id: str
    number: str | None
    customer_id: str
    customer_email: str | None
    subscription_id: str | None
    currency: str
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[InvoiceTax, ...]
    shipping_net_minor: int
    total_minor: int
    balance_used_minor: int
    credit_notes_minor: int
    billing_credits_minor: int
    overpaid_minor: int
    due_minor: int
    outside_minor: int
    paid_at: datetime
    #: Whether the invoice itself says when; else it is the time of whichever event told it.
    paid_at_stated: bool


def normal_form(shape: InvoiceShape, created: int) -> PaidInvoice:
    """The one form. The shape has passed its rules: what they ask for is there."""
    if shape.id is None or shape.total is None or shape.currency is None:
        raise AssertionError("Bug: an invoice that has not passed its contract")
    paid_at = shape.status_transitions.paid_at if shape.status_transitions else None
    shipping = shape.shipping_cost
    due = sums.due_of(shape) or 0
    used = sums.balance_applied_of(shape)
    credit_notes = shape.pre_payment_credit_notes_amount or 0
    return PaidInvoice(
        id=shape.id,
        number=shape.number,
        customer_id=id_of(shape.customer) or "",
        customer_email=shape.customer_email if isinstance(shape.customer_email, str) else None,
        subscription_id=shape.subscription_id,
        currency=shape.currency.upper(),
        lines=_lines(shape),
        taxes=_taxes(shape),
        shipping_net_minor=shipping.amount_total - shipping.amount_tax if shipping else 0,
        total_minor=shape.total,
        balance_used_minor=shape.total - credit_notes - due if used is None else used,
        credit_notes_minor=credit_notes,
        billing_credits_minor=sums.grants_of(shape),
        overpaid_minor=shape.amount_overpaid or 0,
        due_minor=due,
        outside_minor=shape.outside_minor,
        paid_at=datetime.fromtimestamp(created if paid_at is None else paid_at, UTC),
        paid_at_stated=paid_at is not None,
    )


def _lines(shape: InvoiceShape) -> tuple[InvoiceLine, ...]:
    lines = shape.line_list
    amounts = [line.amount or 0 for line in lines]
    discounts = [line.discount or 0 for line in lines]
    # What the invoice states and the lines do not is shared out, so that no minor unit is lost or invented.
    if unstated := sums.discount_of(shape) - sum(discounts):
        discounts = _plus(discounts, spread(unstated, amounts))
    inside = [sum([tax.amount for tax in line.tax_list or () if tax.included]) for line in lines]
    if shape.tax_list and (unstated := sum([tax.amount for tax in shape.tax_list if tax.included]) - sum(inside)):
        inside = _plus(inside, spread(unstated, [a - d for a, d in zip(amounts, discounts, strict=True)]))
    shares = zip(lines, amounts, discounts, inside, strict=True)
    return tuple(_line(number, *share) for number, share in enumerate(shares, 1))


def _line(number: int, line: Line, amount: int, discount: int, tax: int) -> InvoiceLine:
    hints = line.hints
    category = category_of(hints)
    return InvoiceLine(
        id=line.id or f"line {number}",
        amount_minor=amount,
        discount_minor=discount,
        included_tax_minor=tax,
        category=category,
        price_id=hints.price_id,
        product_id=hints.product_id,
        words=line.words if category is None else _NO_WORDS,
    )


def _taxes(shape: InvoiceShape) -> tuple[InvoiceTax, ...]:
    """The taxes by rate, in a stable order; the shipping's own tax is added where the list leaves it out."""
    by_rate: dict[str | None, int] = {}
    for tax in sums.taxes_of(shape):
        by_rate[tax.rate_id] = by_rate.get(tax.rate_id, 0) + tax.amount
    shipping = shape.shipping_cost
    if shipping and shipping.amount_tax and not _list_covers_shipping(shape):
        by_rate[None] = by_rate.get(None, 0) + shipping.amount_tax
    return tuple(InvoiceTax(rate, amount) for rate, amount in by_rate.items() if amount)


def _list_covers_shipping(shape: InvoiceShape) -> bool:
    gross, shipping = sums.gross_of(shape) or 0, shape.shipping_cost
    goods = gross - sums.discount_of(shape) - sums.grants_of(shape) + sums.exclusive_tax_of(shape)
    return shipping is not None and shape.total != goods + shipping.amount_total


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Share `amount` out by size of the weights, to the last minor unit (largest remainder, earlier line first)."""
    if not amount or not weights:
        return [0] * len(weights)
    sizes = [abs(weight) for weight in weights]
    whole = sum(sizes)
    if not whole:
        sizes, whole = [1] * len(sizes), len(sizes)
    sign = -1 if amount < 0 else 1
    shares = [abs(amount) * size // whole for size in sizes]
    remainders = sorted(range(len(sizes)), key=lambda n: (-(abs(amount) * sizes[n] % whole), n))
    for n in remainders[: abs(amount) - sum(shares)]:
        shares[n] += 1
    return [sign * share for share in shares]


def _plus(left: list[int], right: list[int]) -> list[int]:
    return [a + b for a, b in zip(left, right, strict=True)]
