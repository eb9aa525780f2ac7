"""HubSpot: a ticket was made. What it is about, how soon it is to be read and by which team, written onto the ticket.

What a form, a rule or a person has set already is neither asked nor written. One answer that nobody may use yet makes
the whole ticket wait for a person; it stays where it is at HubSpot meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contracts.answers import Item
from contracts.hubspot import ObjectCreated
from contracts.questions import ticket_category, ticket_priority, ticket_route
from contracts.requests import CATEGORY_OF_HUBSPOT, HUBSPOT_CATEGORY, Ticket, ticket_of
from destinations.hubspot import upsert_ticket
from destinations.hubspot.questions import new_ticket
from engine import Ask, NeedsPerson, Outcome, Plan, Skip, handles

#: The part of the event that is judged: the ticket as a whole.
REF = "ticket"


def _unless(is_set: Callable[[Ticket], str]) -> Callable[[ObjectCreated, Mapping[str, Any]], Sequence[Item]]:
    """The ticket's words, unless the answer stands on the ticket already."""

    def items(_: ObjectCreated, context: Mapping[str, Any]) -> Sequence[Item]:
        ticket = ticket_of(context.get("ticket"))
        return [] if ticket is None or not ticket.words or is_set(ticket) else [Item(REF, ticket.words)]

    return items


def _told(name: str, meaning: Callable[[str], str | None]) -> Callable[[Mapping[str, Any]], Mapping[str, str]]:
    """What a property of the ticket says of the answer that it was written from."""

    def read(body: Mapping[str, Any]) -> Mapping[str, str]:
        label = meaning(str(body["properties"].get(name) or ""))
        return {REF: label} if label else {}

    return read


@handles(
    source="hubspot",
    types=["ticket.creation"],
    contract=ObjectCreated,
    ordering="fact",
    # What we made ourselves says already what it is.
    echoes="skip",
    reads={"ticket": new_ticket},
    asks={
        "category": Ask(
            ticket_category.QUESTION,
            _unless(lambda ticket: ticket.category),
            _told("hs_ticket_category", CATEGORY_OF_HUBSPOT.get),
        ),
        "priority": Ask(
            ticket_priority.QUESTION, _unless(lambda ticket: ticket.priority), _told("hs_ticket_priority", str.lower)
        ),
        "route": Ask(ticket_route.QUESTION, _unless(lambda ticket: ticket.route), _told("ticket_route", str)),
    },
)
def ticket_created(event: ObjectCreated, context: Mapping[str, Any]) -> Outcome:
    """Write category, priority and route onto a new HubSpot ticket."""
    ticket = ticket_of(context.get("ticket"))
    if ticket is None:
        return NeedsPerson("context_missing", "the ticket could not be read in whole")
    if not ticket.words:
        return NeedsPerson(
            "context_missing", "the ticket has neither a subject nor a text; who sent it should be asked"
        )
    properties = _properties(context)
    if not properties:
        return Skip("there is nothing to set: it stands there already, or a person said that no label fits")
    sorted_ = upsert_ticket(
        key=f"hubspot:{event.portalId}:ticket:{event.objectId}:sorted",
        subject=f"hubspot:{event.portalId}:0-5:{event.objectId}",
        by=("hs_object_id", ticket.id),
        properties=properties,
        evidence={name: context[name][REF] for name in ("category", "priority", "route") if context.get(name)},
    )
    return Plan((sorted_,))


def _properties(context: Mapping[str, Any]) -> dict[str, str]:
    """What the ticket shows of the answers; a label that a person refused leaves its property as it is."""
    category, priority, route = (_label(context, name) for name in ("category", "priority", "route"))
    found = {
        "hs_ticket_category": HUBSPOT_CATEGORY[category] if category else "",
        "hs_ticket_priority": priority.upper(),
        "ticket_route": route,
    }
    return {name: value for name, value in found.items() if value}


def _label(context: Mapping[str, Any], name: str) -> str:
    return str((context.get(name) or {}).get(REF, {}).get("label") or "")
