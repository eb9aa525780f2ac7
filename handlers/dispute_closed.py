"""Stripe: a dispute is over. Lost: what was taken and not given back is written off. Won: it comes back.

    debit   Expenses:DisputesLost     what is gone for good
    credit  Assets:Stripe:Disputes    where it stood while it was undecided

The money of a won dispute returns with a balance transaction of its own, often after this event; it is booked with
whichever event shows it (see `dispute_created`). Until then it stays on Assets:Stripe:Disputes.
"""

from contracts.disputes import DisputeEvent
from contracts.invoice_lines import id_of
from contracts.money import Money
from destinations import chart
from destinations.base import Effect
from destinations.books import JournalLine, journal
from engine import NeedsPerson, Outcome, Plan, Skip, handles
from handlers.dispute_created import missing_in, movements


@handles(source="stripe", types=["charge.dispute.closed"], contract=DisputeEvent, ordering="fact")
def dispute_closed(event: DisputeEvent) -> Outcome:
    """Book how a dispute ended: lost money is written off, won money comes back."""
    unclear = missing_in(event)
    if unclear:
        return NeedsPerson("context_missing", unclear, event.amount())
    dispute = event.about
    entries = movements(dispute)
    if dispute.status == "lost":
        entries += _written_off(event)
    return Plan(entries) if entries else Skip(f"the dispute ended as {dispute.status} and has moved no money")


def _written_off(event: DisputeEvent) -> tuple[Effect, ...]:
    dispute = event.about
    assert dispute.currency is not None, "Bug: the contract lets no dispute through without a currency"
    gone = -sum(movement.amount for movement in dispute.balance_transactions or ())
    if not gone:
        return ()
    entry = journal(
        key=f"books:dispute:{dispute.id}:lost",
        subject=f"stripe:{dispute.id}",
        on=event.day,
        memo=f"Dispute {dispute.id} lost",
        amount=Money(gone, dispute.currency.upper()),
        lines=[
            JournalLine(chart.DISPUTES_LOST, gone, "lost"),
            JournalLine(chart.DISPUTED, -gone, "decided"),
        ],
        refers_to=id_of(dispute.charge),
        evidence={"dispute": dispute.id, "reason": dispute.reason},
    )
    return (entry,)
