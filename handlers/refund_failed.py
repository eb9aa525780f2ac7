"""Stripe: a refund did not reach the customer, or was called off, and its money is back. The refund's mirror image.

    debit   Assets:Stripe:Clearing    Stripe holds it for us again
    credit  Income:Refunds            it was no refund after all

Three event types tell it, and all three name the refund: its id is the key on which they meet.
"""

from contracts.invoice_lines import id_of
from contracts.refunds import RETURNED, RefundChanged, RefundUpdated
from destinations import chart
from destinations.books import JournalLine, journal
from engine import NeedsPerson, Outcome, Plan, Skip, handles


@handles(
    source="stripe",
    types=["refund.failed", "refund.updated", "charge.refund.updated"],
    contract=RefundChanged,
    ordering="fact",
)
def refund_failed(event: RefundChanged) -> Outcome:
    """Take a refund back that failed or was canceled."""
    amount = event.amount()
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context, amount)
    assert isinstance(event, RefundUpdated), "Bug: a notification got past the question for context"
    assert amount is not None, "Bug: the contract lets no refund through without an amount"
    refund = event.about
    if refund.status not in RETURNED:
        return Skip(f"the refund is {refund.status}; it was booked with charge.refunded")
    if not event.is_news:
        return Skip(f"the refund was {refund.status} before; something else about it changed")
    if refund.failure_balance_transaction is None:
        unclear = f"the refund is {refund.status}, and whether its money had left and came back is not in the event"
        return NeedsPerson("context_missing", unclear, amount)
    entry = journal(
        key=f"books:refund:{refund.id}:returned",
        subject=f"stripe:{refund.id}",
        on=event.day,
        memo=f"Refund {refund.id} came back",
        amount=amount,
        lines=[
            JournalLine(chart.CLEARING, amount.amount_minor, "returned to Stripe"),
            JournalLine(chart.REFUNDS, -amount.amount_minor, "refund taken back"),
        ],
        refers_to=id_of(refund.charge) or refund.id,
        evidence={"refund": refund.id, "status": refund.status, "reason": refund.failure_reason},
    )
    return Plan((entry,))
