"""Stripe: a credit note was issued. What it takes back after payment becomes one entry, keyed by the note.

    debit   Income:CreditNotes              revenue, net of discounts and tax (the note does not say which revenue)
    debit   Income:Shipping                 shipping, net of tax
    debit   Liabilities:Tax:Sales           per tax rate: a credit note is the document that lowers the tax owed
    credit  Income:Refunds                  what is refunded; the refund itself is booked by `charge_refunded`
    credit  Liabilities:CustomerCredit      what the customer keeps for later invoices
    credit  Assets:OutsideStripe:Clearing   what is given back elsewhere

A note before payment lowers what is still to be paid. Revenue is booked when it is paid, so there is nothing to take
back yet.
"""

from collections.abc import Iterator

from contracts.credit_notes import CreditNoteCreated, IssuedNote
from contracts.money import Money
from destinations import chart
from destinations.books import JournalLine, journal
from engine import NeedsPerson, Outcome, Plan, Skip, handles


@handles(source="stripe", types=["credit_note.created"], contract=CreditNoteCreated, ordering="fact")
def credit_note_created(event: CreditNoteCreated) -> Outcome:
    """Book what a credit note takes back of a paid invoice."""
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context, event.amount())
    note = event.note
    amount = Money(note.total_minor, note.currency)
    if not note.post_minor:
        return Skip("it lowers what is still to be paid; revenue is booked when the invoice is paid")
    if note.pre_minor:
        unclear = "it lowers what is to be paid and gives back what was paid; which lines are which is not in the event"
        return NeedsPerson("context_missing", unclear, amount)
    entry = journal(
        key=f"books:credit_note:{note.id}:issued",
        subject=f"stripe:{note.id}",
        on=note.day,
        memo=f"Credit note {note.number or note.id}",
        amount=amount,
        lines=[line for line in _lines(note) if line.amount_minor],
        refers_to=note.invoice_id,
        evidence=_evidence(event),
    )
    return Plan((entry,))


def _lines(note: IssuedNote) -> Iterator[JournalLine]:
    yield JournalLine(chart.CREDIT_NOTES, note.revenue_minor, "taken back")
    yield JournalLine(chart.SHIPPING, note.shipping_net_minor, "shipping")
    for tax in note.taxes:
        yield JournalLine(chart.SALES_TAX, tax.amount_minor, tax.rate_id or "tax")
    yield JournalLine(chart.REFUNDS, -note.refund_minor, "refunded")
    yield JournalLine(chart.CUSTOMER_CREDIT, -note.credit_minor, "customer balance")
    yield JournalLine(chart.OUTSIDE, -note.outside_minor, "given back outside Stripe")


def _evidence(event: CreditNoteCreated) -> dict[str, object]:
    """Which lines of the invoice; ids and amounts only, nothing a person wrote."""
    return {
        "invoice": event.note.invoice_id,
        "lines": [
            {"id": line.id, "invoice_line": line.invoice_line_item, "amount_minor": line.amount}
            for line in event.about.line_list
        ],
    }
