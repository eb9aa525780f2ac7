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

Which revenue a line is, its metadata or its price tells. Where they do not, the line is judged by its words, and one
line that nobody may decide yet makes the whole entry wait for a person.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from contracts.answers import Item
from contracts.categories import METADATA_KEY, category_of
from contracts.invoice import InvoiceLine, PaidInvoice
from contracts.money import Money
from contracts.questions import revenue_category
from contracts.stripe import InvoicePaid
from destinations import chart
from destinations.base import Effect
from destinations.books import JournalLine, journal
from destinations.hubspot import upsert_contact
from engine import Ask, NeedsPerson, Outcome, Plan, Skip, handles

#: Visible ASCII around one @. An address beyond that is not looked for: booking does not depend on it.
_EMAIL = re.compile(r"[!-?A-~]{1,64}@[a-z0-9.-]{1,180}\.[a-z0-9-]{2,60}")
#: Nothing was asked: every line tells what it is.
_NONE: Mapping[str, Any] = MappingProxyType({})


def _untold(event: InvoicePaid, _: Mapping[str, Any]) -> Sequence[Item]:
    """The lines that have to be judged before the invoice can be booked; hardly any invoice has one."""
    if event.missing_context or all(category_of(line.hints) for line in event.shape.line_list):
        return []
    invoice = event.invoice
    if _unclear(invoice):
        return []
    return [
        Item(line.id, line.words, invoice.customer_id, Money(line.net_minor, invoice.currency))
        for line in invoice.lines
        if line.category is None and line.net_minor
    ]


def _told(body: Mapping[str, Any]) -> Mapping[str, str]:
    """The category on whose account each line stands."""
    found = {line["memo"]: chart.category_of(line["account"]) for line in body["lines"]}
    return {ref: category for ref, category in found.items() if category}


@handles(
    source="stripe",
    types=["invoice.paid", "invoice.payment_succeeded"],
    contract=InvoicePaid,
    ordering="fact",
    asks={"category": Ask(revenue_category.QUESTION, _untold, _told)},
)
def invoice_paid(event: InvoicePaid, context: Mapping[str, Any] = _NONE) -> Outcome:
    """Book a paid Stripe invoice as one balanced journal entry."""
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context, event.amount())
    invoice = event.invoice
    amount = Money(invoice.total_minor, invoice.currency)
    unclear = _unclear(invoice)
    if unclear:
        return NeedsPerson("context_missing", unclear, amount)
    judged: Mapping[str, Any] = context.get("category") or _NONE
    if any(answer["label"] is None for answer in judged.values()):
        return NeedsPerson(
            "context_missing", f"a person said that no category fits a line; name one in its {METADATA_KEY}", amount
        )
    lines = [line for line in _lines(invoice, judged) if line.amount_minor]
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
        evidence=_evidence(invoice, judged),
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


def _lines(invoice: PaidInvoice, judged: Mapping[str, Any]) -> Iterator[JournalLine]:
    yield JournalLine(chart.CLEARING, invoice.due_minor - invoice.outside_minor, "collected by Stripe")
    yield JournalLine(chart.OUTSIDE, invoice.outside_minor, "paid outside Stripe")
    yield JournalLine(chart.CUSTOMER_CREDIT, invoice.balance_used_minor, "customer balance")
    for line in invoice.lines:
        if line.net_minor:
            yield JournalLine(chart.revenue_account(_category(line, judged)), -line.net_minor, line.id)
    yield JournalLine(chart.SHIPPING, -invoice.shipping_net_minor, "shipping")
    for tax in invoice.taxes:
        yield JournalLine(chart.SALES_TAX, -tax.amount_minor, tax.rate_id or "tax")


def _category(line: InvoiceLine, judged: Mapping[str, Any]) -> str:
    if line.category is not None:
        return line.category
    assert line.id in judged, f"Bug: {line.id} is to be booked and nobody has said as what"
    return str(judged[line.id]["label"])


def _unclear(invoice: PaidInvoice) -> str | None:
    """What an accountant would have to ask before booking; the event does not answer it."""
    if invoice.credit_notes_minor:
        return "a credit note was issued before payment; which revenue and tax it lowers is not in the event"
    if invoice.billing_credits_minor:
        return "billing credits were used; whether they were sold or given away is not in the event"
    if invoice.overpaid_minor:
        return "more was paid than due; whether the surplus is in the amount paid is not in the event"
    if any(line.category is None and line.net_minor and not line.words for line in invoice.lines):
        return f"a line says in no way what was sold; {METADATA_KEY} in its metadata would"
    return None


def _evidence(invoice: PaidInvoice, judged: Mapping[str, Any]) -> dict[str, object]:
    """Why each amount went where it went; ids only, nothing a person wrote."""
    return {
        "invoice": invoice.id,
        "subscription": invoice.subscription_id,
        "lines": [
            {"id": line.id, "category": line.category, "price": line.price_id, "net_minor": line.net_minor}
            | _decided(judged.get(line.id))
            for line in invoice.lines
        ],
    }


def _decided(answer: Mapping[str, Any] | None) -> dict[str, object]:
    """Who said so, where the line itself did not: a person, or a tier of the judge with how sure it was."""
    if answer is None:
        return {}
    return {"category": answer["label"], **{name: answer[name] for name in ("by", "decision", "confidence")}}
