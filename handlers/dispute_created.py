"""Stripe: a customer's bank disputes a payment. One entry per balance transaction of the dispute, keyed by it.

    debit   Assets:Stripe:Disputes         what was taken (a credit, when it is given back)
    debit   Expenses:Stripe:DisputeFees    its fee (a credit, when it is given back)
    credit  Assets:Stripe:Clearing         both: what Stripe no longer holds for us

Each event of a dispute shows all that moved so far, so whichever comes first books it, and the others find it there.
An inquiry moves nothing.
"""

from contracts.disputes import Dispute, DisputeEvent, Movement
from contracts.invoice_lines import id_of
from contracts.money import Money
from contracts.stripe_event import day_of
from destinations import chart
from destinations.base import Effect
from destinations.books import JournalLine, journal
from engine import NeedsPerson, Outcome, Plan, Skip, handles


@handles(
    source="stripe",
    types=["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"],
    contract=DisputeEvent,
    ordering="fact",
)
def dispute_created(event: DisputeEvent) -> Outcome:
    """Book what a dispute takes, and what it gives back."""
    unclear = missing_in(event)
    if unclear:
        return NeedsPerson("context_missing", unclear, event.amount())
    entries = movements(event.about)
    return Plan(entries) if entries else Skip(f"the dispute is {event.about.status} and has moved no money")


def missing_in(event: DisputeEvent) -> str | None:
    """What an accountant would have to ask first; the event does not answer it."""
    if event.missing_context:
        return event.missing_context
    dispute = event.about
    for movement in dispute.balance_transactions or ():
        if movement.exchange_rate is not None or movement.currency != dispute.currency:
            return "the dispute was settled in another currency; what the charge was worth in it is not in the event"
    return None


def movements(dispute: Dispute) -> tuple[Effect, ...]:
    """One entry per balance transaction; the same from every event that shows it."""
    return tuple(
        _entry(dispute, movement)
        for movement in dispute.balance_transactions or ()
        if movement.net or movement.amount or movement.fee
    )


def _entry(dispute: Dispute, movement: Movement) -> Effect:
    taken = movement.amount < 0
    lines = [
        JournalLine(chart.DISPUTED, -movement.amount, "taken" if taken else "given back"),
        JournalLine(chart.DISPUTE_FEES, movement.fee, "fee"),
        JournalLine(chart.CLEARING, movement.net, movement.id),
    ]
    return journal(
        key=f"books:dispute:{dispute.id}:{movement.id}",
        subject=f"stripe:{dispute.id}",
        on=day_of(movement.created),
        memo=f"Dispute {dispute.id}: {'taken' if taken else 'given back'} by the bank",
        amount=Money(abs(movement.amount), movement.currency.upper()),
        lines=[line for line in lines if line.amount_minor],
        refers_to=id_of(dispute.charge),
        # Nothing that changes while the dispute goes on: every event must tell the same.
        evidence={"dispute": dispute.id, "balance_transaction": movement.id},
    )
