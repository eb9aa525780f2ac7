"""How Stripe writes an invoice: one reading for the shape before and one for the shape since 2025-03-31.

Both offer the same properties (`line_list`, `tax_list`, `subscription_id`, …), so that rules and handlers do not know
which one they look at. Only what somebody reads is declared; everything else in the payload is ignored, unread.
Page: https://docs.stripe.com/api/invoices/object
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from contracts.base import Part
from contracts.invoice_lines import (
    DiscountAmount,
    Line,
    LineBefore,
    LineNow,
    Minor,
    PretaxCredit,
    Reference,
    Tax,
    TaxBefore,
    TaxNow,
    id_of,
)

#: Seconds since 1970; the limits are a rule, so that milliseconds taken for seconds are called by their name.
Seconds = int


class Shipping(Part):
    amount_tax: Minor = 0
    amount_total: Minor = 0


class Transitions(Part):
    paid_at: Seconds | None = None


class Lines(Part):
    has_more: bool = False
    total_count: int | None = None


class LinesBefore(Lines):
    data: list[LineBefore]


class LinesNow(Lines):
    data: list[LineNow]


class InvoiceShape(Part):
    """What both shapes have in common. Optional is what a rule judges; the rule of presence asks for it."""

    id: str | None = None
    number: str | None = None
    customer: Reference = None
    #: Anything: an address that is none is no reason not to book.
    customer_email: Any = None
    currency: str | None = None
    status: str | None = None
    created: Seconds | None = None
    subtotal: Minor | None = None
    total: Minor | None = None
    amount_due: Minor | None = None
    amount_paid: Minor | None = None
    amount_remaining: Minor | None = None
    amount_overpaid: Minor | None = None
    starting_balance: Minor | None = None
    ending_balance: Minor | None = None
    pre_payment_credit_notes_amount: Minor | None = None
    total_excluding_tax: Minor | None = None
    total_discount_amounts: list[DiscountAmount] | None = None
    total_pretax_credit_amounts: list[PretaxCredit] | None = None
    shipping_cost: Shipping | None = None
    status_transitions: Transitions | None = None

    @property
    @abstractmethod
    def line_list(self) -> Sequence[Line]: ...

    @property
    @abstractmethod
    def lines_complete(self) -> bool: ...

    @property
    @abstractmethod
    def tax_list(self) -> Sequence[Tax] | None: ...

    @property
    @abstractmethod
    def subscription_id(self) -> str | None: ...

    @property
    @abstractmethod
    def outside_minor(self) -> int:
        """What was paid outside Stripe: cash, cheque, wire."""

    @property
    @abstractmethod
    def foreign_tax_fields(self) -> tuple[str, ...]:
        """Tax members of the other shape that carry something; reading past them would lose tax."""


class InvoiceBefore(InvoiceShape):
    """The shape of API versions before 2025-03-31."""

    lines: LinesBefore | None = None
    tax: Minor | None = None
    total_tax_amounts: list[TaxBefore] | None = None
    total_taxes: list[Any] | None = None
    subscription: Reference = None
    paid_out_of_band: bool | None = None

    @property
    def line_list(self) -> Sequence[LineBefore]:
        return self.lines.data if self.lines else ()

    @property
    def lines_complete(self) -> bool:
        return self.lines is not None and _complete(self.lines, len(self.lines.data))

    @property
    def tax_list(self) -> Sequence[Tax] | None:
        if self.total_tax_amounts is None and self.tax and not any(line.tax_amounts for line in self.line_list):
            # A bare sum does not say whether it is included; taken as on top, the rule of the total decides.
            return [TaxBefore(amount=self.tax, inclusive=False)]
        return self.total_tax_amounts

    @property
    def subscription_id(self) -> str | None:
        return id_of(self.subscription)

    @property
    def outside_minor(self) -> int:
        return (self.amount_due or 0) if self.paid_out_of_band else 0

    @property
    def foreign_tax_fields(self) -> tuple[str, ...]:
        return ("total_taxes",) if self.total_taxes else ()


class SubscriptionDetails(Part):
    subscription: Reference = None


class InvoiceParent(Part):
    subscription_details: SubscriptionDetails | None = None


class InvoiceNow(InvoiceShape):
    """The shape since API version 2025-03-31: no `tax`, no `subscription`, lines with `parent`, `pricing`, `taxes`."""

    lines: LinesNow | None = None
    total_taxes: list[TaxNow] | None = None
    total_tax_amounts: list[Any] | None = None
    tax: Minor | None = None
    parent: InvoiceParent | None = None
    amount_paid_off_stripe: Minor | None = None

    @property
    def line_list(self) -> Sequence[Line]:
        return self.lines.data if self.lines else ()

    @property
    def lines_complete(self) -> bool:
        return self.lines is not None and _complete(self.lines, len(self.lines.data))

    @property
    def tax_list(self) -> Sequence[Tax] | None:
        return self.total_taxes

    @property
    def subscription_id(self) -> str | None:
        details = self.parent.subscription_details if self.parent else None
        return id_of(details.subscription) if details else None

    @property
    def outside_minor(self) -> int:
        return self.amount_paid_off_stripe or 0

    @property
    def foreign_tax_fields(self) -> tuple[str, ...]:
        return tuple(name for name in ("tax", "total_tax_amounts") if getattr(self, name))


def _complete(lines: Lines, count: int) -> bool:
    return not lines.has_more and (lines.total_count is None or lines.total_count <= count)
