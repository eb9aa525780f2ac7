"""How Stripe writes a credit note: before and since 2025-03-31, when its taxes and its refunds got another form.

Both offer the same properties (`tax_list`, `refund_minor`, …), so that rules and the handler do not know which one
they look at. Page: https://docs.stripe.com/api/credit_notes/object
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from contracts.base import Part
from contracts.invoice_lines import DiscountAmount, Minor, PretaxCredit, Reference, Tax, TaxBefore, TaxNow
from contracts.invoice_shapes import Seconds, Shipping


class CreditLine(Part):
    """A line; `amount` is before discounts and includes inclusive tax. It names no price and no category."""

    id: str | None = None
    amount: Minor | None = None
    discount_amount: Minor | None = None
    invoice_line_item: str | None = None

    @property
    @abstractmethod
    def tax_list(self) -> Sequence[Tax] | None: ...


class CreditLineBefore(CreditLine):
    tax_amounts: list[TaxBefore] | None = None

    @property
    def tax_list(self) -> Sequence[Tax] | None:
        return self.tax_amounts


class CreditLineNow(CreditLine):
    taxes: list[TaxNow] | None = None

    @property
    def tax_list(self) -> Sequence[Tax] | None:
        return self.taxes


class Lines(Part):
    has_more: bool = False


class LinesBefore(Lines):
    data: list[CreditLineBefore]


class LinesNow(Lines):
    data: list[CreditLineNow]


class CreditNote(Part):
    """What both shapes have in common. Optional is what a rule judges; the rule of presence asks for it."""

    id: str | None = None
    number: str | None = None
    invoice: Reference = None
    currency: str | None = None
    status: str | None = None
    type: str | None = None
    created: Seconds | None = None
    effective_at: Seconds | None = None
    amount: Minor | None = None
    total: Minor | None = None
    total_excluding_tax: Minor | None = None
    discount_amounts: list[DiscountAmount] | None = None
    pretax_credit_amounts: list[PretaxCredit] | None = None
    shipping_cost: Shipping | None = None
    customer_balance_transaction: Reference = None
    out_of_band_amount: Minor | None = None

    @property
    @abstractmethod
    def line_list(self) -> Sequence[CreditLine]: ...

    @property
    @abstractmethod
    def lines_complete(self) -> bool: ...

    @property
    @abstractmethod
    def tax_list(self) -> Sequence[Tax] | None: ...

    @property
    @abstractmethod
    def foreign_tax_fields(self) -> tuple[str, ...]:
        """Tax members of the other shape that carry something; reading past them would lose tax."""

    @property
    @abstractmethod
    def pre_minor(self) -> int | None:
        """By how much it lowered what was still to be paid."""

    @property
    @abstractmethod
    def post_minor(self) -> int | None:
        """How much of what had been paid it gives back."""

    @property
    @abstractmethod
    def refund_minor(self) -> int | None:
        """How much of that goes back as refunds; None when the event does not say."""

    @property
    def outside_minor(self) -> int:
        """How much of it is given back outside Stripe."""
        return self.out_of_band_amount or 0


class CreditNoteBefore(CreditNote):
    """The shape of API versions before 2025-03-31: one refund at most, and all of it before or after payment."""

    lines: LinesBefore | None = None
    tax_amounts: list[TaxBefore] | None = None
    total_taxes: list[Any] | None = None
    refund: Reference = None

    @property
    def line_list(self) -> Sequence[CreditLineBefore]:
        return self.lines.data if self.lines else ()

    @property
    def lines_complete(self) -> bool:
        return self.lines is not None and not self.lines.has_more

    @property
    def tax_list(self) -> Sequence[Tax] | None:
        return self.tax_amounts

    @property
    def foreign_tax_fields(self) -> tuple[str, ...]:
        return ("total_taxes",) if self.total_taxes else ()

    @property
    def pre_minor(self) -> int | None:
        return self.total if self.type == "pre_payment" else 0

    @property
    def post_minor(self) -> int | None:
        return self.total if self.type == "post_payment" else 0

    @property
    def refund_minor(self) -> int | None:
        # This shape names the refund and the customer's credit without their amounts; with both, who got what is open.
        if self.refund is None:
            return 0
        return None if self.customer_balance_transaction else (self.post_minor or 0) - self.outside_minor


class RefundShare(Part):
    amount_refunded: Minor
    refund: Reference = None


class CreditNoteNow(CreditNote):
    """The shape since API version 2025-03-31: several refunds with amounts, and a note may be of both kinds."""

    lines: LinesNow | None = None
    total_taxes: list[TaxNow] | None = None
    tax_amounts: list[Any] | None = None
    pre_payment_amount: Minor | None = None
    post_payment_amount: Minor | None = None
    refunds: list[RefundShare] | None = None

    @property
    def line_list(self) -> Sequence[CreditLine]:
        return self.lines.data if self.lines else ()

    @property
    def lines_complete(self) -> bool:
        return self.lines is not None and not self.lines.has_more

    @property
    def tax_list(self) -> Sequence[Tax] | None:
        return self.total_taxes

    @property
    def foreign_tax_fields(self) -> tuple[str, ...]:
        return ("tax_amounts",) if self.tax_amounts else ()

    @property
    def pre_minor(self) -> int | None:
        return self.pre_payment_amount

    @property
    def post_minor(self) -> int | None:
        return self.post_payment_amount

    @property
    def refund_minor(self) -> int | None:
        return sum(share.amount_refunded for share in self.refunds or ())
