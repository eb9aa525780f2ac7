"""Stripe: an invoice was paid. One balanced journal entry, keyed by the invoice.

Two event types tell it with the whole invoice, and both plan the same entry under the same key. Where HubSpot is
configured, the contact with the invoice's address also shows the payment, unless it shows a later one.

The entry says what the payment settled, as of the day it was paid:

    debit   Assets:Stripe:Clearing           what Stripe collected (fees are booked with the payout, not here)
    debit   Assets:OutsideStripe:Clearing    what was paid elsewhere and marked so
    debit   Liabilities:CustomerCredit       the customer's credit that was used (a credit, when it grew instead)
    credit  Income:…                         per line, net of its discounts and of tax inside its price
    credit  Liabilities:Tax:Sales            per tax rate

Discounts lower the revenue of the line they belong to: what was never owed was never earned. Revenue is booked when
paid; spreading it over the service period is left to whoever closes the month.
"""

import re
from collections.abc import Iterator

from contracts.invoice import PaidInvoice
from contracts.money import Money
from contracts.stripe import InvoicePaid
from destinations import chart
from destinations.base import Effect
from destinations.books import JournalLine, journal
from destinations.hubspot import upsert_contact
from engine import NeedsPerson, Outcome, Plan, Skip, handles

#: Visible ASCII around one @. An address beyond that is not looked for: booking does not depend on it.
_EMAIL = re.compile(r"[!-?A-~]{1,64}@[a-z0-9.-]{1,180}\.[a-z0-9-]{2,60}")


@handles(source="stripe", types=["invoice.paid", "invoice.payment_succeeded"], contract=InvoicePaid, ordering="fact")
def invoice_paid(event: InvoicePaid) -> Outcome:
    """Book a paid Stripe invoice as one balanced journal entry."""
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context, event.amount())
    invoice = event.invoice
    amount = Money(invoice.total_minor, invoice.currency)
    unclear = _unclear(invoice)
    if unclear:
        return NeedsPerson("context_missing", unclear, amount)
    lines = [line for line in _lines(invoice) if line.amount_minor]
    if not lines:
        return Skip("nothing was paid, earned or owed: the invoice comes to zero on every line")
    entry = journal(
        key=f"books:invoice:{invoice.id}:paid",
        subject=f"stripe:{invoice.id}",
        on=invoice.paid_at.date(),
        memo=f"Invoice {invoice.number or invoice.id} paid",
        amount=amount,
        lines=lines,
        refers_to=invoice.id,
        evidence=_evidence(invoice),
    )
    return Plan((entry,), also={"hubspot": lambda: _last_payment(invoice)})


def _last_payment(invoice: PaidInvoice) -> tuple[Effect, ...]:
    """What the contact shows of it: of one address only the latest payment, in whatever order they come."""
    email = (invoice.customer_email or "").strip().lower()
    if invoice.due_minor <= 0 or not invoice.paid_at_stated or not _EMAIL.fullmatch(email):
        return ()
    contact = upsert_contact(
        key=f"hubspot:invoice:{invoice.id}:last_payment",
        subject=f"stripe:{invoice.id}",
        by=("email", email),
        properties={
            "last_payment_at": invoice.paid_at,
            "last_payment_amount": Money(invoice.due_minor, invoice.currency),
            "last_payment_currency": invoice.currency,
            "last_payment_invoice": (invoice.number or invoice.id).strip(),
        },
        newest_by="last_payment_at",
        evidence={"invoice": invoice.id},
    )
    return (contact,)


def _lines(invoice: PaidInvoice) -> Iterator[JournalLine]:
    yield JournalLine(chart.CLEARING, invoice.due_minor - invoice.outside_minor, "collected by Stripe")
    yield JournalLine(chart.OUTSIDE, invoice.outside_minor, "paid outside Stripe")
    yield JournalLine(chart.CUSTOMER_CREDIT, invoice.balance_used_minor, "customer balance")
    for line in invoice.lines:
        yield JournalLine(chart.revenue_account(line.category), -line.net_minor, line.id)
    yield JournalLine(chart.SHIPPING, -invoice.shipping_net_minor, "shipping")
    for tax in invoice.taxes:
        yield JournalLine(chart.SALES_TAX, -tax.amount_minor, tax.rate_id or "tax")


def _unclear(invoice: PaidInvoice) -> str | None:
    """What an accountant would have to ask before booking; the event does not answer it."""
    if invoice.credit_notes_minor:
        return "a credit note was issued before payment; which revenue and tax it lowers is not in the event"
    if invoice.billing_credits_minor:
        return "billing credits were used; whether they were sold or given away is not in the event"
    if invoice.overpaid_minor:
        return "more was paid than due; whether the surplus is in the amount paid is not in the event"
    return None


def _evidence(invoice: PaidInvoice) -> dict[str, object]:
    """Why each amount went where it went; ids only, nothing a person wrote."""
    return {
        "invoice": invoice.id,
        "subscription": invoice.subscription_id,
        "lines": [
            {"id": line.id, "category": line.category, "price": line.price_id, "net_minor": line.net_minor}
            for line in invoice.lines
        ],
    }
