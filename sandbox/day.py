"""The demo's day: what a small company's Stripe and HubSpot would post between breakfast and supper.

Invented from end to end. Most of it is fine; the rest is what goes wrong in earnest: retries, reordering, twins,
batches with a bad element, amounts that do not add up, a test event at the live door, a forged signature.
"""

import json
import random
from dataclasses import dataclass
from typing import Any

from sandbox.invoices import Item, paid_invoice, sample

#: Of the paid invoices these say whose mailbox they went to; the others' customers keep theirs to themselves.
WITH_ADDRESS = 4
#: The day is the same every time; only its date moves.
SEED = 20

CUSTOMERS = ("Northwind", "Acorn", "Bluebell", "Cobalt", "Dovetail", "Ember", "Foxglove", "Granite")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request: to which source, what body, and whether somebody changes it on the way."""

    source: str
    body: bytes
    story: str
    tampered: bool = False


def _body(payload: Any) -> bytes:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def the_day(now: int) -> list[Delivery]:
    """All deliveries in the order in which they arrive; `now` in Unix seconds."""
    chance = random.Random(SEED)  # noqa: S311 - a story, not a secret
    paid = [_good_invoice(number, now - 36_000 + number * 900, chance) for number in range(1, 31)]
    deliveries = [Delivery("stripe", _body(event), "an invoice was paid") for event in paid]
    deliveries += [_retry(event, attempt) for event in paid[:12] for attempt in range(1 + (event["created"] % 2))]
    chance.shuffle(deliveries)
    deliveries += _twins(now) + _everyday(now) + _hubspot(now) + _broken(now)
    return deliveries


def _good_invoice(number: int, created: int, chance: random.Random) -> dict[str, Any]:
    customer = CUSTOMERS[number % len(CUSTOMERS)]
    currency, scale, tax = (("eur", 100, 19), ("usd", 100, 0), ("jpy", 100, 10))[number % 3]
    items = [Item(f"{chance.randint(2, 40)} × Team plan", chance.randint(20, 900) * scale)]
    if number % 4 == 0:
        price = chance.randint(300, 1500) * scale
        items.append(Item("Onboarding workshop", price, recurring=False, category="services"))
    event = paid_invoice(number, customer=customer, currency=currency, items=items, created=created, tax_percent=tax)
    return event if number <= WITH_ADDRESS else _anonymous(event)


def _anonymous(event: dict[str, Any]) -> dict[str, Any]:
    """The same without an address."""
    event["data"]["object"]["customer_email"] = None
    return event


def _retry(event: dict[str, Any], attempt: int) -> Delivery:
    """What Stripe sends again after a time-out: the same event, other bytes."""
    return Delivery("stripe", _body(event | {"pending_webhooks": attempt + 2}), "the same event again")


def _invoice(number: int, customer: str, currency: str, amount_minor: int, created: int) -> dict[str, Any]:
    """An invoice of one line."""
    return paid_invoice(
        number, customer=customer, currency=currency, items=[Item("Team plan", amount_minor)], created=created
    )


def _twins(now: int) -> list[Delivery]:
    """One payment told twice, as a thin notification and as a snapshot."""
    snapshot = paid_invoice(
        40, customer="Harbour", currency="usd", items=[Item("Team plan", 129_00)], created=now - 5000
    )
    thin = sample("stripe", "invoice.paid@thin")
    thin |= {"snapshot_event": snapshot["id"], "livemode": True}
    thin["related_object"] |= {"id": snapshot["data"]["object"]["id"]}
    return [
        Delivery("stripe", _body(thin), "a thin notification"),
        Delivery("stripe", _body(snapshot), "its snapshot twin"),
    ]


def _everyday(now: int) -> list[Delivery]:
    """Events that no handler wants: recorded, and ignored with the reason."""
    kinds = ("customer.created", "charge.succeeded", "payment_intent.succeeded", "payment_method.attached")
    made = [sample("stripe", kind) for kind in kinds]
    return [
        Delivery("stripe", _body(event | {"id": f"evt_every{at:06}", "created": now - 4000 + at}), event["type"])
        for at, event in enumerate(made)
    ]


def _hubspot(now: int) -> list[Delivery]:
    """A batch with one bad element; then HubSpot's retry of part of it in another grouping."""
    kinds = ("company.creation", "deal.propertyChange", "company.propertyChange", "ticket.propertyChange")
    batch = [
        sample("hubspot", kind) | {"occurredAt": (now - 3000 + at) * 1000, "eventId": 100 + at}
        for at, kind in enumerate(kinds)
    ]
    batch[1]["propertyValue"] = "contractsent"  # which deal was won is told in `sandbox.story`
    again = [event | {"attemptNumber": 1} for event in batch[1:3]]
    return [
        Delivery("hubspot", _body([*batch, {"subscriptionType": "deal.creation", "portalId": "?"}]), "a batch"),
        Delivery("hubspot", _body(again), "part of it again"),
    ]


def _broken(now: int) -> list[Delivery]:
    """What must never reach the books, and must never vanish either."""
    made: list[Delivery] = []
    for number in (50, 51, 52):
        event = paid_invoice(
            number, customer="Ivory", currency="eur", items=[Item("Team plan", 480_00)], created=now - 2000
        )
        event["data"]["object"]["lines"]["data"][0]["amount"] -= 5_00
        made.append(Delivery("stripe", _body(event), "lines that do not add up"))
    nobody = _invoice(53, "Juniper", "usd", 99_00, now - 1900)
    nobody["data"]["object"]["customer"] = None
    made.append(Delivery("stripe", _body(nobody), "an invoice without a customer"))
    strange = _invoice(54, "Kestrel", "xxz", 75_00, now - 1800)
    made.append(Delivery("stripe", _body(strange), "a currency nobody knows"))
    test = _invoice(55, "Larch", "eur", 10_00, now - 1700)
    made.append(Delivery("stripe", _body(test | {"livemode": False}), "a test event at the live door"))
    first = _invoice(56, "Maple", "eur", 640_00, now - 1600)
    other = _invoice(56, "Maple", "eur", 64_00, now - 1600)
    made += [
        Delivery("stripe", _body(first), "a payment"),
        Delivery("stripe", _body(other), "its id with another amount"),
    ]
    forged = paid_invoice(
        57, customer="Nettle", currency="eur", items=[Item("Team plan", 9_999_00)], created=now - 1500
    )
    made.append(Delivery("stripe", _body(forged), "a forged body", tampered=True))
    return made
