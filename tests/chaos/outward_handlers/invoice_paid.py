"""One customer at Stripe for each invoice that is paid: the shortest write that leaves the house."""

from contracts.stripe import InvoicePaid
from destinations import stripe
from engine import Outcome, Plan, handles


@handles(source="stripe", types=["invoice.paid"], contract=InvoicePaid)
def invoice_paid(event: InvoicePaid) -> Outcome:
    """Make a customer who is called like the invoice."""
    id = str(event.invoice.id)
    made = stripe.create_customer(key=f"stripe:invoice:{id}:customer", subject=f"stripe:{id}", name=f"Of {id}")
    return Plan((made,))
