"""HubSpot: a deal was won. A draft invoice at Stripe from its line items, for the company's customer there.

    the company names a customer, or one has the contact's address    the draft is for that one
    neither                                                            the customer is made first, and the company is
                                                                       told who it is at Stripe from now on

A person approves it, always: nothing of it is sent before. The draft stays a draft until somebody at Stripe finalizes
it.
"""

import re
from collections.abc import Mapping
from typing import Any

from contracts.deals import WON_STAGES, LineItem, WonDeal, billed_of, deal_of
from contracts.hubspot import PropertyChanged
from contracts.money import Money
from destinations.base import Effect
from destinations.hubspot import upsert_company
from destinations.hubspot.questions import won_deal
from destinations.references import receipt_of
from destinations.stripe import create_customer, create_draft_invoice
from destinations.stripe.invoices import Item
from destinations.stripe.questions import customer_of_deal
from engine import NeedsPerson, Outcome, Plan, Skip, handles

#: What most terms of business say; the draft is looked at before it goes out.
DUE_DAYS = 30
#: More lines than this go on no draft of ours.
LINES_MAX = 100
#: Room for the name of a company or of what is sold; Stripe takes more, and nobody reads it.
NAME_LENGTH_MAX = 200

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_WHOLE = re.compile(r"([1-9][0-9]{0,5})(\.0+)?", re.ASCII)


@handles(
    source="hubspot",
    types=["deal.propertyChange"],
    contract=PropertyChanged,
    ordering="fact",
    reads={"deal": won_deal, "billed": customer_of_deal},
)
def deal_closed_won(event: PropertyChanged, context: Mapping[str, Any]) -> Outcome:
    """Draft an invoice at Stripe for a deal that was won."""
    if event.propertyName != "dealstage" or event.propertyValue not in WON_STAGES:
        return Skip("the deal was not won by this change")
    deal, billed = deal_of(context.get("deal")), billed_of(context.get("billed"))
    if deal is None or billed is None:
        return NeedsPerson("context_missing", "what the deal sells, and to whom, could not be read in whole")
    if deal.stage not in WON_STAGES:
        return Skip("the deal is no longer won")
    amount = Money(sum(line.amount_minor for line in deal.lines), deal.currency)
    unclear = _unclear(deal)
    if unclear:
        return NeedsPerson("context_missing", unclear, amount)
    lines = [line for line in deal.lines if line.amount_minor]
    if not lines:
        return Skip("nothing is to be billed: all line items are free of charge")
    invoice_for = f"hubspot:{event.portalId}:deal:{event.objectId}"
    customer = None if billed.customer_id else _customer(invoice_for, deal, event)
    invoice = create_draft_invoice(
        key=f"stripe:{invoice_for}:invoice",
        subject=_subject(event),
        customer=billed.customer_id or receipt_of(f"stripe:{invoice_for}:customer"),
        currency=deal.currency,
        items=[_item(line) for line in lines],
        due_days=DUE_DAYS,
        description=_line(deal.name) or None,
        metadata={"hubspot_deal": str(event.objectId), "hubspot_company": deal.company_id},
        evidence=_evidence(deal),
    )
    return Plan((invoice,) if customer is None else (customer, invoice, _told(invoice_for, deal, event)))


def _customer(invoice_for: str, deal: WonDeal, event: PropertyChanged) -> Effect:
    """The customer that is made first."""
    email = deal.contact_email
    return create_customer(
        key=f"stripe:{invoice_for}:customer",
        subject=_subject(event),
        name=_line(deal.company_name) or _line(deal.name) or f"HubSpot company {deal.company_id}",
        email=email if email and email.isprintable() and _EMAIL.fullmatch(email) else None,
        metadata={"hubspot_company": deal.company_id},
    )


def _told(invoice_for: str, deal: WonDeal, event: PropertyChanged) -> Effect:
    """The company learns who it is at Stripe, so that the next deal and every other workflow find it."""
    return upsert_company(
        key=f"hubspot:{invoice_for}:customer",
        subject=_subject(event),
        by=("hs_object_id", deal.company_id),
        properties={"stripe_customer_id": receipt_of(f"stripe:{invoice_for}:customer")},
    )


def _subject(event: PropertyChanged) -> str:
    return f"hubspot:{event.portalId}:0-3:{event.objectId}"


def _unclear(deal: WonDeal) -> str | None:
    """What somebody would have to ask before billing; the deal does not answer it."""
    if not deal.lines:
        return "the deal has no line items; what it sells is not told"
    if any(line.amount_minor < 0 for line in deal.lines):
        return "a line item is negative; whether it is a discount on the others is not told"
    if len(deal.lines) > LINES_MAX:
        return f"the deal has {len(deal.lines)} line items, more than {LINES_MAX}"
    return None


def _item(line: LineItem) -> Item:
    made: Item = {"description": _line(line.name) or f"Line item {line.id}", "amount_minor": line.amount_minor}
    whole = _WHOLE.fullmatch(line.quantity)
    if whole is not None:
        made["quantity"] = int(whole[1])
    return made


def _line(text: str) -> str:
    """What people wrote, on one line."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:NAME_LENGTH_MAX].strip()


def _evidence(deal: WonDeal) -> dict[str, Any]:
    """What whoever approves compares."""
    total = sum(line.amount_minor for line in deal.lines)
    evidence: dict[str, Any] = {"deal": deal.id, "line_items": [line.id for line in deal.lines]}
    if deal.amount_minor is not None and deal.amount_minor != total:
        evidence["differs"] = f"the deal says {Money(deal.amount_minor, deal.currency)}"
    if recurring := [line.id for line in deal.lines if line.recurring]:
        evidence["recurring"] = recurring
    return evidence
