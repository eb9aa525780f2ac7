"""What Stripe says when an invoice could not be collected.

Only members that both shapes of an invoice have in common are read, so one contract covers all API versions.
Page: https://docs.stripe.com/api/invoices/object
"""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from contracts.base import Part, Violation
from contracts.event_rules import AT, above_zero, currency_known, dates, ids_usable, present, status_in
from contracts.invoice_lines import Minor, Reference, id_of
from contracts.invoice_shapes import Seconds
from contracts.moments import LATEST
from contracts.stripe import OLDEST_READ
from contracts.stripe_event import Notification, StripeEvent


class Transitions(Part):
    finalized_at: Seconds | None = None


class FailedInvoice(Part):
    """An invoice that is owed; `attempt_count` counts what the retry schedule tried, not what people tried between."""

    id: str | None = None
    number: str | None = None
    customer: Reference = None
    customer_email: str | None = None
    currency: str | None = None
    status: str | None = None
    amount_due: Minor | None = None
    attempt_count: int | None = None
    next_payment_attempt: Seconds | None = None
    created: Seconds | None = None
    status_transitions: Transitions | None = None

    @property
    def customer_id(self) -> str | None:
        return id_of(self.customer)


class _Data(Part):
    object: FailedInvoice


def next_attempt_ahead(event: "InvoicePaymentFailedSnapshot") -> Iterator[Violation]:
    """The next attempt, where there is one, is after the event; milliseconds are not seconds."""
    following, created = event.about.next_payment_attempt, event.created
    if following is not None and created is not None and not created <= following <= LATEST:
        yield Violation(
            f"{AT}.next_payment_attempt", "next_attempt_ahead", str(following), f"{created} to {LATEST} (seconds)",
            "Compare with the invoice at Stripe; times are whole seconds.",
        )  # fmt: skip


def customer_known(event: "InvoicePaymentFailedSnapshot") -> Iterator[Violation]:
    """Somebody owes it."""
    if event.about.customer_id is None:
        yield Violation(
            f"{AT}.customer", "customer_present", "absent", "an id such as cus_…",
            "Find the customer of this invoice at Stripe and put its id in, then replay.",
        )  # fmt: skip


class InvoicePaymentFailed(StripeEvent):
    """A payment of an invoice failed: the family that handlers name."""


class InvoicePaymentFailedSnapshot(InvoicePaymentFailed):
    """`invoice.payment_failed`; the same in all API versions, as far as it is read."""

    types: ClassVar[frozenset[str]] = frozenset({"invoice.payment_failed"})
    version: ClassVar[str] = "stripe.invoice_payment_failed/1"
    since: ClassVar[date | None] = OLDEST_READ
    stakes: ClassVar[tuple[str, ...]] = ("amount_due",)
    rules = (
        present("id", "currency", "status", "amount_due", "attempt_count"), ids_usable("id", "customer"),
        customer_known, currency_known, status_in("open", "uncollectible"), above_zero("amount_due", "attempt_count"),
        dates("created"), next_attempt_ahead,
    )  # fmt: skip

    data: _Data

    @property
    def about(self) -> FailedInvoice:
        return self.data.object


class InvoicePaymentFailedReference(Notification, InvoicePaymentFailed):
    """The thin notification of `invoice.payment_failed`."""

    types: ClassVar[frozenset[str]] = InvoicePaymentFailedSnapshot.types
    version: ClassVar[str] = "stripe.invoice_payment_failed.reference/1"
