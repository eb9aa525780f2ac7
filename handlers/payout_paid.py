"""Stripe: a payout has arrived. One entry, keyed by the payout, once its parts have been read and add up.

    debit   Assets:Bank:InTransit      what was paid out; the bank's statement takes it from there
    debit   Expenses:Stripe:Fees       the fees of the parts, and parts that are fees themselves
    credit  Assets:Stripe:Clearing     both: what Stripe no longer holds for us

What the parts brought in or took was booked with the invoice, the refund or the dispute; only its fee was not. The fee
of a dispute was, because the dispute's own event tells it. A part of any other kind was booked nowhere: a person
decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.money import Money, decimal_text
from contracts.payouts import Payout, PayoutPaid, PayoutPaidSnapshot, PayoutPart, parts_of
from contracts.stripe_event import day_of
from destinations import chart
from destinations.books import JournalLine, journal
from destinations.stripe.questions import payout_parts
from engine import NeedsPerson, Outcome, Plan, handles

#: https://docs.stripe.com/reports/reporting-categories
BOOKED_BUT_FOR_THE_FEE = frozenset({"charge", "refund", "refund_failure"})
BOOKED_WITH_THE_FEE = frozenset({"dispute", "dispute_reversal"})
FEES = frozenset({"fee", "network_cost"})


@handles(
    source="stripe",
    types=["payout.paid"],
    contract=PayoutPaid,
    ordering="fact",
    reads={"balance_transactions": payout_parts},
)
def payout_paid(event: PayoutPaid, context: Mapping[str, Any]) -> Outcome:
    """Book a payout and the fees of its parts, after checking that the parts add up."""
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context, event.amount())
    assert isinstance(event, PayoutPaidSnapshot), "Bug: a notification got past the question for context"
    payout, amount = event.about, event.amount()
    assert amount is not None, "Bug: the contract lets no payout through without an amount"
    if payout.automatic is False:
        return NeedsPerson("context_missing", "a payout made by hand has no parts; its fees are told nowhere", amount)
    parts = parts_of(context.get("balance_transactions"))
    if parts is None:
        return NeedsPerson("context_missing", "what this payout is made of could not be read in whole", amount)
    unclear = _unclear(payout, parts, amount)
    if unclear:
        return NeedsPerson("context_missing", unclear, amount)
    fees = sum(_fee_of(part) for part in parts)
    lines = [
        JournalLine(chart.BANK, amount.amount_minor, "paid out"),
        JournalLine(chart.STRIPE_FEES, fees, "fees"),
        JournalLine(chart.CLEARING, -amount.amount_minor - fees, "paid out and fees"),
    ]
    entry = journal(
        key=f"books:payout:{payout.id}:paid",
        subject=f"stripe:{payout.id}",
        on=day_of(payout.arrival_date),
        memo=f"Payout {payout.id}",
        amount=amount,
        lines=[line for line in lines if line.amount_minor],
        refers_to=payout.id,
        evidence={"parts": len(parts), **dict(_sums(parts))},
    )
    return Plan((entry,))


def _unclear(payout: Payout, parts: Sequence[PayoutPart], amount: Money) -> str | None:
    """Why the parts do not make this payout, or cannot be booked by rule."""
    if any(part.currency != payout.currency or part.converted for part in parts):
        return "a part was converted from another currency; what it was booked as is not in the list"
    odd = [part.id for part in parts if part.net != part.amount - part.fee]
    if odd:
        return f"{len(odd)} parts do not come to amount less fee, {odd[0]} first"
    known = BOOKED_BUT_FOR_THE_FEE | BOOKED_WITH_THE_FEE | FEES
    others = sorted({part.reporting_category for part in parts} - known)
    if others:
        return f"parts of a kind that nobody books: {', '.join(others)[:200]}"
    if len({part.id for part in parts}) < len(parts):
        return "a part was listed twice"
    total = sum(part.net for part in parts)
    if total != amount.amount_minor:
        found, paid = (decimal_text(minor, amount.currency) for minor in (total, amount.amount_minor))
        return f"the parts come to {found}, and {paid} {amount.currency} was paid out"
    return None


def _fee_of(part: PayoutPart) -> int:
    """What of this part is an expense that is booked with the payout."""
    if part.reporting_category in BOOKED_WITH_THE_FEE:
        return 0
    return -part.net if part.reporting_category in FEES else part.fee


def _sums(parts: Sequence[PayoutPart]) -> Iterator[tuple[str, int]]:
    """The parts' net by kind, for whoever compares."""
    for kind in sorted({part.reporting_category for part in parts}):
        yield f"{kind}_net_minor", sum(part.net for part in parts if part.reporting_category == kind)
