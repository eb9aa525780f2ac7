"""Whatever Stripe's stand-in is asked, it answers: an exception would be taken for a fault of the provider."""

import random
from collections import Counter
from typing import Any

import httpx
from stripe_api import Api, flat

from sandbox.stripe.endpoints import ROUTES

#: Answers that Stripe gives to a key that may do everything.
STATUSES = {200, 400, 402, 404, 429}
_WORDS = ("", "1", "-1", "0", "99999999999999999999", "true", "eur", "usd", "month", "x" * 600, "é\u202e", "now")
#: Whose ids a path names.
_NOUNS = {
    "charges": "charge", "credit_notes": "credit_note", "customers": "customer", "disputes": "dispute",
    "invoiceitems": "invoiceitem", "invoices": "invoice", "payouts": "payout", "prices": "price",
    "products": "product", "refunds": "refund", "subscriptions": "subscription",
}  # fmt: skip


def _every_route() -> list[tuple[str, tuple[str, ...]]]:
    return sorted((method, steps) for (method, _), known in ROUTES._found.items() for steps, _ in known)


class Monkey:
    """Asks for anything, but learns from being told that a parameter is unknown or missing."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.routes = _every_route()
        self.api = _begin()

    def turn(self) -> tuple[tuple[str, str], httpx.Response]:
        """One request, corrected until it says something about what was asked for."""
        method, steps = self.chance.choice(self.routes)
        path = "/" + "/".join(self._id(steps[1]) if step == "*" else step for step in steps)
        params = {name: self._value(name) for name in self.chance.sample(sorted(self._good()), 4)}
        for _ in range(12):
            sent = flat(params)
            answer = self.api.client.request(method, path, **{"params" if method == "GET" else "data": sent})
            assert answer.status_code in STATUSES, (method, path, sent, answer.text)
            error = answer.json().get("error", {})
            name = error.get("param", "").partition("[")[0]
            if error.get("code") == "parameter_unknown" and name in params:
                del params[name]
            elif error.get("code") == "parameter_missing" and name not in params:
                params[name] = self._good().get(name, "x")
            else:
                break
        return (method, "/".join(steps)), answer

    def _id(self, noun: str) -> str:
        table = self.api.standin.world().table(_NOUNS.get(noun, ""))
        if table and self.chance.random() < 0.9:
            return self.chance.choice(list(table))
        return self.chance.choice([each for table in self.api.standin.world().tables.values() for each in table])

    def _value(self, name: str, depth: int = 0) -> Any:
        if self.chance.random() < 0.7:
            return self._good()[name]
        if depth < 3 and self.chance.random() < 0.4:
            inner = [self._value(each, depth + 1) for each in self.chance.sample(sorted(self._good()), 2)]
            return inner if self.chance.random() < 0.5 else {"price": inner[0], "id": inner[1]}
        return self.chance.choice([*_WORDS, self._id("")])

    def _good(self) -> dict[str, Any]:
        """For each name something that may well be right."""
        chance, price, customer = self.chance, self._id("prices"), self._id("customers")
        lines = self.api.standin.world().lines
        line = chance.choice([each["id"] for each in chance.choice(list(lines.values()))] or ["il_1"])
        items = list(self.api.standin.world().table("subscription").values())
        item = items[0]["items"]["data"][0]["id"] if items else "si_1"
        return {
            "amount": chance.randint(1, 60), "behavior": "delete", "cancel_at_period_end": True,
            "charge": self._id("charges"), "collection_method": "send_invoice", "credit_amount": 5,
            "currency": "eur", "customer": customer, "days_until_due": 3, "delivery_success": False,
            "description": "d", "email": "ada@example.com",
            "invoice": self._id("invoices"),
            "items": chance.choice([[{"price": price}], [{"id": item, "quantity": 2}]]),
            "limit": 3, "lines": chance.choice([[{"type": "custom_line_item", "unit_amount": 5}], [{"amount": 7}],
                                                [{"type": "invoice_line_item", "invoice_line_item": line}],
                                                [{"id": line, "behavior": "delete"}]]),
            "metadata": {"a": 1}, "name": "n", "paid_out_of_band": True, "payment_intent": "pi_1",
            "pending_invoice_items_behavior": "include", "pricing": {"price": price}, "product": self._id("products"),
            "product_data": {"name": "n"}, "quantity": 2, "query": "email~'ada'", "recurring": {"interval": "week"},
            "refund_amount": 5, "starting_after": customer, "status": "all", "subscription": self._id("subscriptions"),
            "trial_period_days": 2, "type": "invoice.paid", "unit_amount": 7,
        }  # fmt: skip


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
    """Every endpoint, with sense and nonsense, on objects in every state; nearly all of them are made to succeed."""
    monkey = Monkey(11)
    done: Counter[tuple[str, str]] = Counter()
    for turn in range(2500):
        if turn % 250 == 0:
            monkey.api = _begin()
        route, answer = monkey.turn()
        done[route] += answer.status_code == 200
    never = {route for route in monkey.routes if not done[route[0], "/".join(route[1])]}
    assert len(never) <= 8, never


def test_money_is_conserved_whatever_is_asked() -> None:
    """After any story: no charge gives back more than it took, no invoice is credited beyond its total."""
    monkey = Monkey(12)
    monkey.routes = [route for route in monkey.routes if route[0] != "GET"]
    for _ in range(1500):
        monkey.turn()
    world = monkey.api.standin.world()
    for charge in world.table("charge").values():
        refunded = [each["amount"] for each in world.table("refund").values() if each["charge"] == charge["id"]]
        assert sum(refunded) == charge["amount_refunded"] <= charge["amount_captured"]
    for invoice in world.table("invoice").values():
        notes = [note for note in world.table("credit_note").values() if note["invoice"] == invoice["id"]]
        assert sum(note["total"] for note in notes if note["status"] == "issued") <= max(invoice["total"], 0)
        if invoice["status"] in ("open", "paid"):
            assert invoice["amount_paid"] + invoice["amount_remaining"] == invoice["amount_due"]
