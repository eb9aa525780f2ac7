"""Stripe: money was collected. Booked by its invoice, where there is one; without one a person says what it was for.

Nothing is written here: a payment does not tell which revenue and which tax it is.
"""

from contracts.payments import CheckoutCompleted, Collecting, PaymentSucceeded
from engine import NeedsPerson, Outcome, Skip, handles


@handles(
    source="stripe",
    types=["payment_intent.succeeded", "checkout.session.completed"],
    contract=Collecting,
    ordering="fact",
)
def payment_succeeded(event: Collecting) -> Outcome:
    """Point to the invoice that books it, or ask what the money was for."""
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context, event.amount())
    if isinstance(event, CheckoutCompleted):
        return _checkout(event)
    assert isinstance(event, PaymentSucceeded), "Bug: a notification got past the question for context"
    if event.invoice_id:
        return Skip(f"booked by its invoice {event.invoice_id}")
    if not event.about.amount_received:
        return Skip("nothing was collected")
    return NeedsPerson(
        "context_missing", "money was collected without an invoice; what it was for is not in the event", event.amount()
    )


def _checkout(event: CheckoutCompleted) -> Outcome:
    """What came of a checkout; the payment without an invoice is asked about once, by the payment's own event."""
    checkout = event.about
    if event.invoice_id:
        return Skip(f"booked by its invoice {event.invoice_id}")
    if checkout.mode == "setup":
        return Skip("nothing was sold: the checkout only took down a means of payment")
    if checkout.payment_status == "unpaid":
        return Skip("not paid yet; the payment's own event tells when it is")
    if not checkout.amount_total:
        return Skip("nothing was to be paid, and there is no invoice")
    return Skip("there is no invoice; the payment's own event asks what it was for")
