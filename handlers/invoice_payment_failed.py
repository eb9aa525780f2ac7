"""Stripe: an invoice could not be collected. One HubSpot task per invoice and attempt, for the account's owner.

Everything in the task is the same however often the attempt is told; what may differ is evidence. So it is due when
Stripe tries again; after the last attempt, since the invoice was due.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.failed_payments import FailedInvoice, InvoicePaymentFailed, InvoicePaymentFailedSnapshot
from contracts.money import Money
from contracts.stripe_event import moment_of
from destinations.hubspot import create_task
from destinations.hubspot.questions import account_of_customer
from engine import NeedsPerson, Outcome, Plan, handles

#: The longest number of Stripe's has 26 characters; a title stays readable with this.
NUMBER_LENGTH_MAX = 60


@handles(
    source="stripe",
    types=["invoice.payment_failed"],
    contract=InvoicePaymentFailed,
    ordering="fact",
    reads={"account": account_of_customer},
)
def invoice_payment_failed(event: InvoicePaymentFailed, context: Mapping[str, Any]) -> Outcome:
    """Give the owner of the account a task to get an unpaid invoice paid."""
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context, event.amount())
    assert isinstance(event, InvoicePaymentFailedSnapshot), "Bug: a notification got past the question for context"
    invoice, amount, account = event.about, event.amount(), context.get("account")
    assert amount is not None, "Bug: the contract lets no failed invoice through without an amount"
    if not isinstance(account, Mapping) or not account.get("owner"):
        return NeedsPerson("context_missing", "whose account this is could not be read from HubSpot", amount)
    about = [(kind, account[name]) for kind, name in (("companies", "company"), ("contacts", "contact"))]
    number = _number(invoice)
    task = create_task(
        key=f"hubspot:invoice:{invoice.id}:failed:{invoice.attempt_count}",
        subject=f"stripe:{invoice.id}",
        title=f"Payment failed: invoice {number}, attempt {invoice.attempt_count}",
        text=_text(invoice, number, amount),
        due=_due(invoice, event.moment),
        owner_id=account["owner"],
        priority="MEDIUM" if invoice.next_payment_attempt else "HIGH",
        associations=[(kind, id) for kind, id in about if id],
        evidence={"failed_at": event.moment.isoformat(), "customer": invoice.customer_id},
    )
    return Plan((task,))


def _text(invoice: FailedInvoice, number: str, amount: Money) -> str:
    following = invoice.next_payment_attempt
    last = (
        f"Stripe tries again on {moment_of(following):%Y-%m-%d %H:%M} UTC." if following else "Stripe does not retry."
    )
    owed = f"Stripe could not collect {amount} for invoice {number} ({invoice.id}, customer {invoice.customer_id})."
    return f"{owed}\n{last}"


def _due(invoice: FailedInvoice, failed_at: datetime) -> datetime:
    """Until when somebody should have done something."""
    finalized_at = invoice.status_transitions.finalized_at if invoice.status_transitions else None
    since = invoice.next_payment_attempt or finalized_at or invoice.created
    return failed_at if since is None else moment_of(since)


def _number(invoice: FailedInvoice) -> str:
    """The invoice's name for people, on one line."""
    shown = "".join(each if each.isprintable() else " " for each in invoice.number or "")
    return shown.strip()[:NUMBER_LENGTH_MAX].strip() or str(invoice.id)
