"""One write of each operation at Stripe for every schedule, side by side in one account; how effects are counted."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from orders import Order

from contracts.money import Money
from destinations import stripe
from destinations.base import Effect
from destinations.stripe.check import CHANGED_BY, MADE_BY
from sandbox.standin.base import Standin
from sandbox.stripe.core import Stripe
from sandbox.stripe.world import Terms

#: How the worker's credential begins; its process id follows.
CREDENTIAL = "sk_test_"
LINES = [{"description": "Set-up", "amount_minor": 5000}, {"description": "Seats", "amount_minor": 12000}]


def make(now: Callable[[], float], rng: random.Random) -> Standin:
    """An account that nobody posts webhooks for."""
    return Stripe(now, rng, Terms(posts=False))


def orders(standin: Standin, seed: int) -> list[Order]:
    """What the account needs, made by hand, and the writes."""

    def call(path: str, **params: Any) -> dict[str, Any]:
        return standin.do({"action": "call", "method": "POST", "path": f"/v1/{path}", "params": params})

    def customer(**params: Any) -> str:
        return str(call("customers", name=f"Acorn {seed}", **params)["id"])

    def invoice(*, paid: bool) -> tuple[str, str]:
        about = customer()
        id = str(call("invoices", customer=about, currency="eur")["id"])
        call(f"invoices/{id}/add_lines", lines=[{"amount": 9000, "description": "A year"}])
        call(f"invoices/{id}/finalize")
        if not paid:
            return id, about
        call(f"invoices/{id}/pay")
        charges = standin.state()["test"]["charge"]
        return next(str(each["id"]) for each in charges if each["customer"] == about), about

    def plain(operation: str, body: dict[str, Any]) -> Effect:
        return Effect("stripe", operation, f"stripe:{operation}:s{seed}", "schedules", None, body)

    subject: Any = {"subject": "schedules"}
    gone, labelled, billed, drafted = (
        customer(),
        customer(metadata={"plan": "old", "seats": "1"}),
        customer(),
        customer(),
    )
    draft = str(call("invoices", customer=drafted, currency="eur")["id"])
    made_by = f"stripe:earlier:s{seed}"
    call(f"invoices/{draft}/add_lines", lines=[{"amount": 5, "description": "x", "metadata": {MADE_BY: made_by}}])
    (charge, payer), (open_one, debtor), (noted, owed) = invoice(paid=True), invoice(paid=False), invoice(paid=False)
    note = str(call("credit_notes", invoice=noted, amount=1500)["id"])
    return [
        Order(stripe.create_customer(key=f"stripe:create_customer:s{seed}", name=f"New {seed}", **subject)),
        Order(plain("delete_customer", {"customer": gone}), (gone,)),
        Order(
            stripe.update_metadata(
                key=f"stripe:update_metadata:s{seed}", object="customer", id=labelled,
                metadata={"plan": "new", "seats": None}, **subject,
            ),
            (labelled,),
        ),
        Order(
            stripe.create_draft_invoice(
                key=f"stripe:create_draft_invoice:s{seed}", customer=billed, currency="EUR", due_days=30,
                items=LINES, **subject,  # type: ignore[arg-type]
            ),
            (billed,),
        ),
        Order(
            plain("withdraw_invoice", {"invoice": draft, "customer": drafted, "made_by": made_by}), (draft, drafted)
        ),
        Order(
            stripe.refund(key=f"stripe:refund:s{seed}", amount=Money(3000, "EUR"), charge=charge, **subject),
            (charge, payer),
        ),
        Order(
            stripe.create_credit_note(
                key=f"stripe:create_credit_note:s{seed}", amount=Money(1500, "EUR"), invoice=open_one, **subject
            ),
            (open_one, debtor),
        ),
        Order(plain("void_credit_note", {"credit_note": note}), (note, noted, owed)),
    ]  # fmt: skip


def count(state: Mapping[str, Any], effect: Effect) -> int:
    """How many whole effects of it stand."""
    world, body = state["test"], effect.body

    def made(noun: str) -> list[dict[str, Any]]:
        return [each for each in world.get(noun, []) if each["metadata"].get(MADE_BY) == effect.key]

    def row(noun: str, id: str) -> dict[str, Any]:
        return next((each for each in world.get(noun, []) if each["id"] == id), {})

    match effect.operation:
        case "create_customer":
            return len(made("customer"))
        case "delete_customer":
            return int(not row("customer", body["customer"]))
        case "update_metadata":
            metadata = row("customer", body["id"])["metadata"]
            return int({name: value for name, value in metadata.items() if name != CHANGED_BY} == {"plan": "new"})
        case "create_draft_invoice":
            whole = [each for each in made("invoice") if (each["lines"]["total_count"], each["total"]) == (2, 17000)]
            return len(whole) if len(whole) == len(made("invoice")) else -1
        case "withdraw_invoice":
            return int(not row("invoice", body["invoice"]))
        case "refund":
            refunded: int = row("charge", body["charge"])["amount_refunded"]
            return len(made("refund")) if refunded == 3000 * len(made("refund")) else -1
        case "create_credit_note":
            return sum(each["status"] == "issued" for each in made("credit_note"))
        case "void_credit_note":
            return int(row("credit_note", body["credit_note"])["status"] == "void")
    raise AssertionError(f"nobody counts {effect.operation}")
