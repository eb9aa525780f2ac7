"""Stripe: money of a charge went back. One entry per step of the charge's total, keyed by the total after it.

    debit   Income:Refunds            lowers revenue, tax included, until a credit note says what it was for
    credit  Assets:Stripe:Clearing    what Stripe no longer holds for us

`charge.refunded` books, and nothing else does: it comes once for every refund, and from the total before to the total
after it says exactly which part of the money moved. `refund.created` tells the same by the refund's id, which the
charge does not carry; two keys for one fact would book it twice.
"""

from contracts.money import decimal_text
from contracts.refunds import ChargeRefunded, RefundCreated, Refunding
from destinations import chart
from destinations.base import Effect
from destinations.books import JournalLine, journal
from engine import NeedsPerson, Outcome, Plan, Skip, handles


@handles(source="stripe", types=["charge.refunded", "refund.created"], contract=Refunding, ordering="fact")
def charge_refunded(event: Refunding) -> Outcome:
    """Book the refund of a charge; tax and revenue are a credit note's business."""
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context, event.amount())
    if isinstance(event, RefundCreated):
        return Skip("charge.refunded books this refund: it says what the charge's total was before and is now")
    assert isinstance(event, ChargeRefunded), "Bug: a notification got past the question for context"
    if event.about.captured is False:
        return Skip("the payment was only reserved and is released: nothing had been collected")
    return Plan((_entry(event),))


def _entry(event: ChargeRefunded) -> Effect:
    charge, step = event.about, event.amount()
    assert charge.amount_refunded is not None, "Bug: the contract lets no charge through without its total"
    assert step is not None, "Bug: the contract lets no charge through without a currency"
    before, after = (decimal_text(minor, step.currency) for minor in (event.before_minor or 0, charge.amount_refunded))
    return journal(
        key=f"books:charge:{charge.id}:refunded:{charge.amount_refunded}",
        subject=f"stripe:{charge.id}",
        on=event.day,
        memo=f"Refund of {charge.id}, in all {after} after {before}",
        amount=step,
        lines=[
            JournalLine(chart.REFUNDS, step.amount_minor, "refund"),
            # To the second: when a refund fails, the total falls back, and the next refund may reach the same total
            # again. Told apart, it becomes a case under the key that stands; told alike, it would be lost.
            JournalLine(chart.CLEARING, -step.amount_minor, f"given back at {event.moment:%H:%M:%S} UTC"),
        ],
        refers_to=event.document,
        evidence={"charge": charge.id, "before_minor": event.before_minor, "after_minor": charge.amount_refunded},
    )
