"""What Stripe's events look like when we act on them.

The payload is the whole event as Stripe posts it. An endpoint's events keep the shape of its API version for ever, so
old and new shapes arrive side by side; every version of a type is one class here, all of one family, and handlers see
the family. Page: https://docs.stripe.com/upgrades
"""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from contracts.base import Contract, ContractBroken, Part, Payload, as_object
from contracts.invoice import PaidInvoice, normal_form
from contracts.invoice_rules import RULES
from contracts.invoice_shapes import InvoiceBefore, InvoiceNow, InvoiceShape, Seconds
from contracts.money import AMOUNT_MINOR_MAX, Money, known_currency

#: The first version whose invoices have no `tax`, `subscription` and `charge` of their own.
INVOICES_RESHAPED = date(2025, 3, 31)
#: Before this version invoices carried `tax_percent` and single discounts, which nothing here reads.
OLDEST_READ = date(2020, 8, 27)
#: Both are sent for one payment, with the same invoice in them; `invoice.paid` also for what was paid elsewhere.
PAID = frozenset({"invoice.paid", "invoice.payment_succeeded"})


class InvoicePaid(Contract):
    """An invoice was paid: the family that handlers name. Its members differ in how Stripe wrote them."""

    source: ClassVar[str] = "stripe"
    identity: ClassVar[tuple[str, ...]] = ("id", "type", "account", "livemode", "data.object.id")

    created: Seconds | None = None

    @property
    @abstractmethod
    def shape(self) -> InvoiceShape: ...

    @property
    def invoice(self) -> PaidInvoice:
        """The invoice in its normal form."""
        if self.created is None:
            raise AssertionError("Bug: an event that has not passed its contract")
        return normal_form(self.shape, self.created)

    @property
    def facts(self) -> tuple[str, ...]:
        return (invoice_paid_fact(self.shape.id or ""),)

    @property
    def missing_context(self) -> str | None:
        if not self.shape.lines_complete:
            return "the event carries only the first lines of the invoice; the rest must be read from Stripe"
        return None

    def amount(self) -> Money | None:
        return _money(self.shape.total, self.shape.currency)

    @classmethod
    def at_stake(cls, payload: Payload) -> Money | None:
        invoice = _object_in(payload)
        amounts = (invoice.get(name) for name in ("total", "amount_due", "amount_paid"))
        found = (_money(amount, invoice.get("currency")) for amount in amounts)
        return next((money for money in found if money), None)


class _DataBefore(Part):
    object: InvoiceBefore


class InvoicePaidBefore20250331(InvoicePaid):
    """`invoice.paid` and its twin in API versions before 2025-03-31."""

    types: ClassVar[frozenset[str]] = PAID
    version: ClassVar[str] = "stripe.invoice_paid/1"
    since: ClassVar[date | None] = OLDEST_READ
    before: ClassVar[date | None] = INVOICES_RESHAPED
    rules = RULES

    data: _DataBefore

    @classmethod
    def fits(cls, payload: Mapping[str, Any]) -> bool:
        return not _is_reference(payload) and not _is_reshaped(_object_in(payload))

    @property
    def shape(self) -> InvoiceShape:
        return self.data.object


class _DataNow(Part):
    object: InvoiceNow


class InvoicePaidSince20250331(InvoicePaid):
    """`invoice.paid` and its twin since API version 2025-03-31."""

    types: ClassVar[frozenset[str]] = PAID
    version: ClassVar[str] = "stripe.invoice_paid/2"
    since: ClassVar[date | None] = INVOICES_RESHAPED
    rules = RULES

    data: _DataNow

    @classmethod
    def fits(cls, payload: Mapping[str, Any]) -> bool:
        return not _is_reference(payload) and _is_reshaped(_object_in(payload))

    @property
    def shape(self) -> InvoiceShape:
        return self.data.object


class InvoicePaidReference(InvoicePaid):
    """The thin notification of `invoice.paid`: it names the invoice and carries no values."""

    types: ClassVar[frozenset[str]] = PAID
    version: ClassVar[str] = "stripe.invoice_paid.reference/1"

    created: str | None = None  # type: ignore[assignment]  # ISO text in this form

    @classmethod
    def covers(cls, api_version: str | None) -> bool:
        return api_version is None

    @classmethod
    def fits(cls, payload: Mapping[str, Any]) -> bool:
        return _is_reference(payload)

    @property
    def shape(self) -> InvoiceShape:
        raise AssertionError("Bug: a reference was planned with; ask `missing_context` first")

    @property
    def facts(self) -> tuple[str, ...]:
        return ()  # of the twins, the one with values tells it

    @property
    def missing_context(self) -> str | None:
        return "a thin notification carries no values; the invoice must be read from Stripe"

    def amount(self) -> Money | None:
        return None


def invoice_paid_fact(invoice_id: str) -> str:
    """The name of the fact on which all events about a paid invoice meet."""
    return f"stripe:invoice:{invoice_id}:paid"


def _is_reference(payload: Mapping[str, Any]) -> bool:
    return payload.get("object") == "v2.core.event"


def _is_reshaped(invoice: Mapping[str, Any]) -> bool:
    """Told by what only one of the shapes has; with neither mark both read the same, and the newer one is taken."""
    lines = invoice.get("lines")
    data = lines.get("data") if isinstance(lines, Mapping) else None
    line = data[0] if isinstance(data, list) and data and isinstance(data[0], Mapping) else {}
    if {"parent", "total_taxes"} & invoice.keys() or {"parent", "pricing", "taxes"} & line.keys():
        return True
    return not ({"tax", "total_tax_amounts", "paid", "charge", "payment_intent"} & invoice.keys()
                or {"tax_amounts", "price", "plan", "type"} & line.keys())  # fmt: skip


def _object_in(payload: Payload) -> Mapping[str, Any]:
    """`data.object`, or nothing; a broken payload is no reason to fail here."""
    try:
        found: Any = as_object(payload)
    except ContractBroken:
        return {}
    for name in ("data", "object"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _money(amount: object, currency: object) -> Money | None:
    if type(amount) is not int or abs(amount) > AMOUNT_MINOR_MAX or not isinstance(currency, str):
        return None
    return Money(amount, currency.upper()) if known_currency(currency) else None
