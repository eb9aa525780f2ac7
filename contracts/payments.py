"""What Stripe says when money was collected: the payment itself, and the checkout in which somebody paid.

Neither says what was sold: where there is an invoice it does, and these two name it. A payment names its invoice in
`invoice` before 2025-03-31 and in `payment_details.order_reference` since, where a merchant may write a reference of
his own as well. Pages: https://docs.stripe.com/api/payment_intents/object, https://docs.stripe.com/api/checkout/sessions
"""

from datetime import date
from typing import ClassVar

from contracts.base import Part
from contracts.event_rules import currency_known, dates, ids_usable, present, status_in
from contracts.invoice_lines import Minor, Reference, id_of
from contracts.invoice_shapes import Seconds
from contracts.stripe import OLDEST_READ, invoice_paid_fact
from contracts.stripe_event import Notification, StripeEvent

#: What an invoice's id begins with; other references are the merchant's own.
_INVOICE = "in_"


class Collecting(StripeEvent):
    """Money was collected: the family of what tells so without telling what for."""


class PaymentDetails(Part):
    order_reference: str | None = None


class PaymentIntent(Part):
    """A payment that succeeded."""

    id: str | None = None
    amount: Minor | None = None
    amount_received: Minor | None = None
    currency: str | None = None
    status: str | None = None
    created: Seconds | None = None
    #: Only before 2025-03-31.
    invoice: Reference = None
    payment_details: PaymentDetails | None = None


class _PaymentData(Part):
    object: PaymentIntent


class PaymentSucceeded(Collecting):
    """`payment_intent.succeeded`: the money was collected, or is certain to be."""

    types: ClassVar[frozenset[str]] = frozenset({"payment_intent.succeeded"})
    version: ClassVar[str] = "stripe.payment_succeeded/1"
    since: ClassVar[date | None] = OLDEST_READ
    stakes: ClassVar[tuple[str, ...]] = ("amount_received", "amount")
    rules = (
        present("id", "amount_received", "currency", "status"), ids_usable("id", "invoice"), currency_known,
        status_in("succeeded"), dates("created"),
    )  # fmt: skip

    data: _PaymentData

    @property
    def about(self) -> PaymentIntent:
        return self.data.object

    @property
    def invoice_id(self) -> str | None:
        """The invoice that this payment settles, or a part of it."""
        named = self.about.payment_details.order_reference if self.about.payment_details else None
        return id_of(self.about.invoice) or (named if named and named.startswith(_INVOICE) else None)

    @property
    def facts(self) -> tuple[str, ...]:
        return _facts(self.about.id, self.invoice_id)


class PaymentSucceededReference(Notification, Collecting):
    """The thin notification of a payment."""

    types: ClassVar[frozenset[str]] = PaymentSucceeded.types
    version: ClassVar[str] = "stripe.payment_succeeded.reference/1"


class CheckoutSession(Part):
    """A checkout that somebody completed. In `payment` mode it has a payment and, if asked for, an invoice."""

    id: str | None = None
    mode: str | None = None
    payment_status: str | None = None
    status: str | None = None
    amount_total: Minor | None = None
    currency: str | None = None
    created: Seconds | None = None
    invoice: Reference = None
    payment_intent: Reference = None


class _CheckoutData(Part):
    object: CheckoutSession


class CheckoutCompleted(Collecting):
    """`checkout.session.completed`: somebody went through a checkout; whether money came is in `payment_status`."""

    types: ClassVar[frozenset[str]] = frozenset({"checkout.session.completed"})
    version: ClassVar[str] = "stripe.checkout_completed/1"
    since: ClassVar[date | None] = OLDEST_READ
    stakes: ClassVar[tuple[str, ...]] = ("amount_total",)
    rules = (
        present("id", "mode", "payment_status"), ids_usable("id", "invoice", "payment_intent"), currency_known,
        dates("created"),
    )  # fmt: skip

    data: _CheckoutData

    @property
    def about(self) -> CheckoutSession:
        return self.data.object

    @property
    def invoice_id(self) -> str | None:
        """The invoice that says what was sold."""
        return id_of(self.about.invoice)

    @property
    def facts(self) -> tuple[str, ...]:
        if self.about.payment_status == "unpaid":
            return ()  # nothing of it has happened yet
        return _facts(id_of(self.about.payment_intent), self.invoice_id)


class CheckoutCompletedReference(Notification, Collecting):
    """The thin notification of a checkout."""

    types: ClassVar[frozenset[str]] = CheckoutCompleted.types
    version: ClassVar[str] = "stripe.checkout_completed.reference/1"


def _facts(payment_id: str | None, invoice_id: str | None) -> tuple[str, ...]:
    told = (
        invoice_paid_fact(invoice_id) if invoice_id else None,
        f"stripe:payment_intent:{payment_id}:succeeded" if payment_id else None,
    )
    return tuple(fact for fact in told if fact)
