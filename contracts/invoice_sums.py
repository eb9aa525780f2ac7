"""The sums of an invoice, as far as its shape lets them be told; None is "cannot be told", never zero.

Used by the rules, which compare them with what is stated, and by the normal form, which takes them over.
"""

from collections.abc import Sequence

from contracts.invoice_lines import Tax
from contracts.invoice_shapes import InvoiceShape


def gross_of(shape: InvoiceShape) -> int | None:
    """The sum of the lines; None while a line is missing or has no amount."""
    amounts = [line.amount for line in shape.line_list]
    if not shape.lines_complete or None in amounts:
        return None
    return sum(amount or 0 for amount in amounts)


def discount_of(shape: InvoiceShape) -> int:
    """All discounts of the invoice, those of single lines included."""
    if shape.total_discount_amounts is not None:
        return sum([discount.amount for discount in shape.total_discount_amounts])
    return sum(line.discount or 0 for line in shape.line_list)


def grants_of(shape: InvoiceShape) -> int:
    """Billing credits used; the list repeats the discounts, which are counted elsewhere."""
    return sum([c.amount for c in shape.total_pretax_credit_amounts or () if c.type == "credit_balance_transaction"])


def exclusive_tax_of(shape: InvoiceShape) -> int:
    """Tax that comes on top of the lines."""
    return sum([tax.amount for tax in taxes_of(shape) if not tax.included])


def tax_of(shape: InvoiceShape) -> int:
    """All tax, on top and inside."""
    return sum([tax.amount for tax in taxes_of(shape)])


def taxes_of(shape: InvoiceShape) -> Sequence[Tax]:
    """The taxes as stated for the whole, or as the lines have them."""
    if shape.tax_list is not None:
        return shape.tax_list
    return [tax for line in shape.line_list for tax in line.tax_list or ()]


def balance_applied_of(shape: InvoiceShape) -> int | None:
    """How much of the customer's balance was used (negative: put onto it); None while it cannot be told.

    Stripe keeps a customer's credit as a negative balance.
    """
    if shape.starting_balance and shape.ending_balance is None:
        return None
    return (shape.ending_balance or 0) - (shape.starting_balance or 0)


def expected_due_of(shape: InvoiceShape) -> int | None:
    """What the total leaves to pay after customer balance and credit notes; None while it cannot be told."""
    applied = balance_applied_of(shape)
    if shape.total is None or applied is None:
        return None
    return shape.total - applied - (shape.pre_payment_credit_notes_amount or 0)


def due_of(shape: InvoiceShape) -> int | None:
    """What was due, as stated, or as it follows from the total."""
    return expected_due_of(shape) if shape.amount_due is None else shape.amount_due
