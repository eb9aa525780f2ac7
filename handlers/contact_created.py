"""HubSpot: a contact was made. What its form message wants, and who answers, written onto the contact.

A second record of the same person, or one of a company that is there twice, is held where it is read, before anything
is judged: what is written onto one of two records is missed on the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.answers import Item
from contracts.hubspot import ObjectCreated
from contracts.questions import contact_intent
from contracts.requests import ROUTE_OF_INTENT, form_contact_of
from destinations.hubspot import upsert_contact
from destinations.hubspot.questions import new_contact
from engine import Ask, NeedsPerson, Outcome, Plan, Skip, handles

#: The part of the event that is judged: what the form said.
REF = "message"


def _message(_: ObjectCreated, context: Mapping[str, Any]) -> Sequence[Item]:
    contact = form_contact_of(context.get("contact"))
    if contact is None or contact.intent or not contact.message.strip():
        return []
    return [Item(REF, {"message": contact.message})]


def _told(body: Mapping[str, Any]) -> Mapping[str, str]:
    intent = body["properties"].get("contact_intent")
    return {REF: intent} if intent else {}


@handles(
    source="hubspot",
    types=["contact.creation"],
    contract=ObjectCreated,
    ordering="fact",
    echoes="skip",
    reads={"contact": new_contact},
    asks={"intent": Ask(contact_intent.QUESTION, _message, _told)},
)
def contact_created(event: ObjectCreated, context: Mapping[str, Any]) -> Outcome:
    """Write what a new contact wants, and who answers, onto the HubSpot contact."""
    contact = form_contact_of(context.get("contact"))
    if contact is None:
        return NeedsPerson("context_missing", "the contact could not be read in whole")
    if not contact.message.strip():
        return Skip("the contact came without a form message")
    if contact.intent:
        return Skip("what the contact wants stands there already")
    answer = (context.get("intent") or {}).get(REF) or {}
    intent = answer.get("label")
    if not intent:
        return Skip("a person said that none of the intents fits")
    told = upsert_contact(
        key=f"hubspot:{event.portalId}:contact:{event.objectId}:intent",
        subject=f"hubspot:{event.portalId}:0-1:{event.objectId}",
        by=("hs_object_id", contact.id),
        properties={"contact_intent": intent, "contact_route": ROUTE_OF_INTENT[intent]},
        evidence={"intent": answer},
    )
    return Plan((told,))
