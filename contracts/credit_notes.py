"""What Stripe says when a credit note is issued, and the one form in which the books take it.

Every minor unit of the note has one place: revenue, shipping and tax together are what was given back as refunds, as
the customer's credit and outside Stripe. That identity is what lets an entry balance without a remainder.
"""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple

from contracts.base import Part, Payload
from contracts.credit_note_rules import RULES, goods_of, taxes_of
from contracts.credit_note_shapes import CreditNote, CreditNoteBefore, CreditNoteNow
from contracts.invoice import InvoiceTax
from contracts.invoice_lines import id_of
from contracts.money import Money
from contracts.stripe import INVOICES_RESHAPED, OLDEST_READ
from contracts.stripe_event import Notification, StripeEvent, day_of, is_thin, money, object_in


class IssuedNote(NamedTuple):
    """A credit note in its normal form; amounts in minor units of `currency` (upper case)."""

    id: str
    number: str | None
    invoice_id: str
    currency: str
    day: date
    total_minor: int
    revenue_minor: int
    shipping_net_minor: int
    taxes: tuple[InvoiceTax, ...]
    pre_minor: int
    post_minor: int
    refund_minor: int
    outside_minor: int

    @property
    def credit_minor(self) -> int:
        """What the customer keeps as credit for later invoices."""
        return self.post_minor - self.refund_minor - self.outside_minor


class CreditNoteCreated(StripeEvent):
    """A credit note was issued: the family that handlers name. Its members differ in how Stripe wrote them."""

    stakes: ClassVar[tuple[str, ...]] = ("total", "amount")

    @property
    @abstractmethod
    def about(self) -> CreditNote: ...

    @property
    def note(self) -> IssuedNote:
        """The credit note in its normal form."""
        return _normal_form(self.about)

    @property
    def missing_context(self) -> str | None:
        note = self.about
        if note.refund_minor is None:
            return "the event names a refund and customer credit, and not how much went which way"
        if any(credit.type == "credit_balance_transaction" for credit in note.pretax_credit_amounts or ()):
            return "billing credits are given back; whether they were sold or given away is not in the event"
        if note.shipping_cost and note.shipping_cost.amount_tax and goods_of(note) is None:
            return "the event carries only the first lines, so not whether the tax list covers the shipping"
        return None

    def amount(self) -> Money | None:
        return money(self.about.total, self.about.currency)


class _DataBefore(Part):
    object: CreditNoteBefore


class CreditNoteCreatedBefore20250331(CreditNoteCreated):
    """`credit_note.created` in API versions before 2025-03-31."""

    types: ClassVar[frozenset[str]] = frozenset({"credit_note.created"})
    version: ClassVar[str] = "stripe.credit_note_created/1"
    since: ClassVar[date | None] = OLDEST_READ
    before: ClassVar[date | None] = INVOICES_RESHAPED
    rules = RULES

    data: _DataBefore

    @classmethod
    def fits(cls, payload: Mapping[str, Any]) -> bool:
        return not is_thin(payload) and not _is_reshaped(payload)

    @property
    def about(self) -> CreditNote:
        return self.data.object


class _DataNow(Part):
    object: CreditNoteNow


class CreditNoteCreatedSince20250331(CreditNoteCreated):
    """`credit_note.created` since API version 2025-03-31."""

    types: ClassVar[frozenset[str]] = frozenset({"credit_note.created"})
    version: ClassVar[str] = "stripe.credit_note_created/2"
    since: ClassVar[date | None] = INVOICES_RESHAPED
    rules = RULES

    data: _DataNow

    @classmethod
    def fits(cls, payload: Mapping[str, Any]) -> bool:
        return not is_thin(payload) and _is_reshaped(payload)

    @property
    def about(self) -> CreditNote:
        return self.data.object


class CreditNoteCreatedReference(Notification, CreditNoteCreated):
    """The thin notification of `credit_note.created`."""

    types: ClassVar[frozenset[str]] = frozenset({"credit_note.created"})
    version: ClassVar[str] = "stripe.credit_note_created.reference/1"

    @property
    def about(self) -> CreditNote:
        raise AssertionError("Bug: a notification was planned with; ask `missing_context` first")


def _is_reshaped(payload: Payload) -> bool:
    return bool({"pre_payment_amount", "post_payment_amount", "total_taxes"} & object_in(payload).keys())


def _normal_form(note: CreditNote) -> IssuedNote:
    if None in (note.id, note.total, note.currency, note.pre_minor, note.post_minor, note.refund_minor):
        raise AssertionError("Bug: a credit note that has not passed its contract")
    shipping = note.shipping_cost.amount_total - note.shipping_cost.amount_tax if note.shipping_cost else 0
    taxes, total = _taxes(note), note.total or 0
    return IssuedNote(
        id=note.id or "",
        number=note.number,
        invoice_id=id_of(note.invoice) or "",
        currency=(note.currency or "").upper(),
        day=day_of(note.created if note.effective_at is None else note.effective_at),
        total_minor=total,
        revenue_minor=total - shipping - sum(tax.amount_minor for tax in taxes),
        shipping_net_minor=shipping,
        taxes=taxes,
        pre_minor=note.pre_minor or 0,
        post_minor=note.post_minor or 0,
        refund_minor=note.refund_minor or 0,
        outside_minor=note.outside_minor,
    )


def _taxes(note: CreditNote) -> tuple[InvoiceTax, ...]:
    """The taxes by rate, in a stable order; the shipping's own tax is added where the list leaves it out."""
    by_rate: dict[str | None, int] = {}
    for tax in taxes_of(note):
        by_rate[tax.rate_id] = by_rate.get(tax.rate_id, 0) + tax.amount
    shipping = note.shipping_cost
    if shipping and shipping.amount_tax and note.total == (goods_of(note) or 0) + shipping.amount_total:
        by_rate[None] = by_rate.get(None, 0) + shipping.amount_tax
    return tuple(InvoiceTax(rate, amount) for rate, amount in by_rate.items() if amount)
