"""Whatever Stripe's stand-in is asked, it answers: an exception would be taken for a fault of the provider."""

import random
from typing import Any

import httpx
from stripe_api import Api, flat

from sandbox.stripe.endpoints import ROUTES

#: Answers that Stripe gives.
STATUSES = {200, 400, 402, 404}
_WORDS = (
    "",
    "1",
    "-1",
    "0",
    "99999999999999999999",
    "true",
    "eur",
    "usd",
    "month",
    "x" * 600,
    "é\u202e",
    "card",
    "now",
)


def _every_route() -> list[tuple[str, tuple[str, ...]]]:
    return sorted((method, steps) for (method, _), known in ROUTES._found.items() for steps, _ in known)


def _ids(api: Api) -> list[str]:
    return [found for table in api.standin.world().tables.values() for found in table]


def _value(chance: random.Random, ids: list[str], depth: int = 0) -> Any:
    if depth < 3 and chance.random() < 0.25:
        if chance.random() < 0.5:
            return [_value(chance, ids, depth + 1) for _ in range(chance.randint(0, 2))]
        return {name: _value(chance, ids, depth + 1) for name in chance.sample(NAMES, 3)}
    return chance.choice(ids) if chance.random() < 0.5 else chance.choice(_WORDS)


NAMES = [
    "amount", "balance", "cancel_at_period_end", "charge", "collection_method", "created", "credit_amount", "currency",
    "customer", "days_until_due", "deleted", "description", "email", "ending_before", "id", "interval", "invoice",
    "invoice_line_item", "items", "limit", "lines", "metadata", "name", "page", "payment", "payment_intent",
    "period", "price", "price_data", "pricing", "product", "product_data", "quantity", "query", "reason", "recurring",
    "refund_amount", "refunds", "starting_after", "status", "subscription", "trial_period_days", "type", "types",
    "unit_amount",
]  # fmt: skip


def _begin() -> Api:
    api = Api()
    api.a_subscription()
    paid = api.a_paid_invoice(1000)
    charge = api.charge_of(paid)
    api.post("refunds", charge=charge["id"], amount=10)
    api.post("credit_notes", invoice=paid["id"], amount=10, credit_amount=10)
    api.do("open_dispute", charge=api.a_charge(800)["id"])
    api.a_draft(100)
    api.a_charge(90_000)
    api.do("payout", currency="eur")
    return api


def test_no_request_breaks_it() -> None:
    """Every endpoint with every kind of nonsense, on objects in every state."""
    chance = random.Random(11)
    api = _begin()
    seen: set[int] = set()
    for turn in range(4000):
        if turn % 500 == 0:
            api = _begin()
        method, steps = chance.choice(_every_route())
        ids = _ids(api)
        path = "/" + "/".join(chance.choice(ids) if step == "*" else step for step in steps)
        sent = flat({name: _value(chance, ids) for name in chance.sample(NAMES, chance.randint(0, 4))})
        body: dict[str, Any] = {"params": sent} if method == "GET" else {"data": sent}
        answer: httpx.Response = api.client.request(method, path, **body)
        assert answer.status_code in STATUSES, (method, path, sent, answer.text)
        answer.json()
        seen.add(answer.status_code)
    assert seen >= {200, 400, 404}


def test_money_is_conserved_whatever_is_asked() -> None:
    """After any story: charges, refunds, disputes and payouts make the balance, and nothing is given back twice."""
    chance = random.Random(12)
    api = _begin()
    routes = [route for route in _every_route() if route[0] == "POST" and len(route[1]) in (2, 4)]
    for _ in range(1500):
        method, steps = chance.choice(routes)
        ids = _ids(api)
        path = "/" + "/".join(chance.choice(ids) if step == "*" else step for step in steps)
        names = ("amount", "charge", "invoice", "customer", "currency", "credit_amount", "refund_amount")
        sent = {name: str(chance.choice([*ids, 10, 20, "eur"])) for name in chance.sample(names, chance.randint(1, 3))}
        api.client.request(method, path, data=sent)
    world = api.standin.world()
    for charge in world.table("charge").values():
        refunded = [each["amount"] for each in world.table("refund").values() if each["charge"] == charge["id"]]
        assert sum(refunded) == charge["amount_refunded"] <= charge["amount_captured"]
    for invoice in world.table("invoice").values():
        notes = [note for note in world.table("credit_note").values() if note["invoice"] == invoice["id"]]
        assert sum(note["total"] for note in notes if note["status"] == "issued") <= max(invoice["total"], 0)
        if invoice["status"] in ("open", "paid"):
            assert invoice["amount_paid"] + invoice["amount_remaining"] == invoice["amount_due"]
