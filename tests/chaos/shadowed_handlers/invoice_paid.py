"""A paid invoice in the books, as a customer at Stripe, and on a company at HubSpot."""

from datetime import date

from contracts.stripe import InvoicePaid
from destinations import hubspot, stripe
from destinations.books import JournalLine, journal
from engine import Outcome, Plan, handles


@handles(source="stripe", types=["invoice.paid"], contract=InvoicePaid)
def invoice_paid(event: InvoicePaid) -> Outcome:
    """One write of each kind: in our own database, and two that leave the house."""
    id, subject, amount = str(event.invoice.id), f"stripe:{event.invoice.id}", event.amount()
    if amount is None or not amount.amount_minor:
        return Plan(())
    entry = journal(
        key=f"books:invoice:{id}:shadowed",
        subject=subject,
        on=date(2026, 11, 20),
        memo=f"Invoice {id}",
        amount=amount,
        lines=[
            JournalLine("Assets:Stripe:Clearing", amount.amount_minor),
            JournalLine("Income:Services", -amount.amount_minor),
        ],
    )
    customer = stripe.create_customer(key=f"stripe:invoice:{id}:customer", subject=subject, name=f"Of {id}")
    company = hubspot.upsert_company(
        key=f"hubspot:invoice:{id}:company",
        subject=subject,
        by=("stripe_customer_id", f"cus_{id}"),
        properties={"city": "Springfield"},
    )
    return Plan((entry, customer, company))
