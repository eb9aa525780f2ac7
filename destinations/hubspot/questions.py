"""What handlers may ask HubSpot before they plan: read-only, outside the handler, each answer kept with its event.

An answer holds the members that a plan needs and no others. What is missing or ambiguous is asked again for a while,
because people add it, and then is a case. To add a question: a function from contract and context to JSON, which a
handler names in its `reads`.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from contracts.deals import WON_STAGES
from contracts.failed_payments import InvoicePaymentFailedSnapshot
from contracts.hubspot import ObjectCreated, PropertyChanged
from destinations.http import Http
from destinations.hubspot import DESTINATION, api, reads, writers
from exceptions_queue.failures import ContextMissing

T = TypeVar("T")

#: The property, unique among companies, that says who a company is at Stripe.
CUSTOMER = "stripe_customer_id"
_OWNER = "hubspot_owner_id"
_OF_A_TICKET = ("subject", "content", "hs_ticket_category", "hs_ticket_priority", "ticket_route")


def account_of_customer(event: InvoicePaymentFailedSnapshot, _: Mapping[str, Any]) -> dict[str, Any]:
    """The company of a Stripe customer (or the contact with the invoice's address), and whose account it is.

    Raises: ContextMissing, DestinationUnavailable.
    """
    customer_id, email = event.about.customer_id, event.about.customer_email
    assert customer_id is not None, "Bug: the contract lets no invoice through without a customer"
    return _asked(lambda http: _account(http, customer_id, email))


def won_deal(event: PropertyChanged, _: Mapping[str, Any]) -> dict[str, Any] | None:
    """The deal that was won, with what it sells and to whom; None for every other change, about which nobody is asked.

    Raises: ContextMissing, DestinationUnavailable.
    """
    if event.propertyName != "dealstage" or event.propertyValue not in WON_STAGES:
        return None
    return _asked(lambda http: _deal(http, str(event.objectId)))


def new_ticket(event: ObjectCreated, _: Mapping[str, Any]) -> dict[str, Any]:
    """The ticket as it stands now: its words, and what somebody has set already.

    Raises: ContextMissing, DestinationUnavailable.
    """
    return _asked(lambda http: _ticket(http, str(event.objectId)))


def new_contact(event: ObjectCreated, _: Mapping[str, Any]) -> dict[str, Any]:
    """The contact's form message; a second record of a person, or a company that is there twice, is held.

    Raises: ContextMissing, DestinationUnavailable.
    """
    return _asked(lambda http: writers.contact(http, str(event.objectId)))


def _asked(read: Callable[[Http], T]) -> T:
    return reads.asked(lambda: DESTINATION.connect(write=False), read)


def _account(http: Http, customer_id: str, email: str | None) -> dict[str, Any]:
    contact = reads.contact_by_email(http, email) if email else None
    company = _company(http, customer_id, contact)
    records = [each for each in (company, contact) if each is not None]
    if not records:
        told = f"no company has the {CUSTOMER} {customer_id}, and no contact the address of its invoice"
        raise _missing("account_missing", told)
    owners = [each["properties"].get(_OWNER, "") for each in records]
    owner = next((found for each in owners if (found := reads.active_owner(http, each))), None)
    if owner is None:
        raise _missing("account_owner", f"the account of {customer_id} belongs to nobody who is active")
    return {"company": company and company["id"], "contact": contact and contact["id"], "owner": owner}


def _company(http: Http, customer_id: str, contact: dict[str, Any] | None) -> dict[str, Any] | None:
    """The company that is this customer, else the one of the contact. Raises: Failed, ContextMissing."""
    record = api.find_by_property(http, "companies", CUSTOMER, customer_id, [_OWNER])
    if record is not None:
        return {"id": record.id, "properties": record.values}
    return reads.company_of_contact(http, contact["id"]) if contact else None


def _deal(http: Http, id: str) -> dict[str, Any]:
    found = reads.sold(http, id)
    properties, company = found["properties"], found["company"]
    if company is None:
        raise _missing("deal_company", f"deal {id} belongs to no company; nobody can be billed")
    if not found["line_items"]:
        raise _missing("deal_line_items", f"deal {id} has no line items; what it sells is not told")
    customer_id = company["properties"][CUSTOMER] or None
    contact = None if customer_id else reads.contact_of_deal(http, id)
    return {
        "id": id,
        "name": properties["dealname"],
        "stage": properties["dealstage"],
        "currency": found["currency"],
        "amount_minor": reads.minor_of(properties["amount"], found["currency"]),
        "lines": [
            {name: line[name] for name in ("id", "name", "quantity", "amount_minor", "recurring")}
            for line in found["line_items"]
        ],
        "company_id": company["id"],
        "company_name": company["properties"]["name"],
        "customer_id": customer_id,
        "contact_email": (contact["properties"]["email"] or None) if contact else None,
    }


def _ticket(http: Http, id: str) -> dict[str, Any]:
    found = reads.get(http, "tickets", id, _OF_A_TICKET)
    of = found["properties"]
    return {
        "id": found["id"],
        "subject": of["subject"],
        "text": of["content"],
        "category": of["hs_ticket_category"],
        "priority": of["hs_ticket_priority"],
        "route": of["ticket_route"],
    }


def _missing(rule: str, detail: str) -> ContextMissing:
    return ContextMissing(detail, rule=rule, destination="hubspot")
