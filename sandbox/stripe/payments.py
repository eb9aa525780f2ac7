"""Money that comes in: payment intents, charges, what links them to invoices, and the balance they make."""

from typing import Any

from sandbox.stripe import form
from sandbox.stripe.errors import Refused, declined
from sandbox.stripe.lists import PAGING, listed, page, searched
from sandbox.stripe.shapes import blank
from sandbox.stripe.world import Call, World

INTENTS = "/v1/payment_intents"
CHARGES = "/v1/charges"
LINKS = "/v1/invoice_payments"
BALANCE = "/v1/balance_transactions"
#: A usual price: 2.9 % and 30 of the smallest unit.
FEE_PER_MILLE, FEE_FIXED_MINOR = 29, 30
#: Money can be paid out two days after it came in.
AVAILABLE_SECONDS = 2 * 86_400


def ask_for(world: World, invoice: dict[str, Any]) -> None:
    """An open invoice has a payment intent, linked by an invoice payment."""
    amount = invoice["amount_remaining"]
    intent = blank(
        "payment_intent",
        id=world.new_id("pi_3S", 16),
        amount=amount,
        created=world.now(),
        currency=invoice["currency"],
        customer=invoice["customer"],
        payment_details={"customer_reference": None, "order_reference": invoice["id"]},
    )
    world.add(intent)
    link = {
        "id": world.new_id("inpay_1S", 16),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": amount,
        "created": world.now(),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": world.livemode,
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    world.add(link)
    world.links[invoice["id"]] = link["id"]
    world.tell("payment_intent.created", intent)


def link_of(world: World, invoice: dict[str, Any]) -> dict[str, Any] | None:
    """How an invoice is, or was, paid."""
    found = world.links.get(invoice["id"])
    link = world.table("invoice_payment").get(found) if found else None
    return link if link is not None and link["status"] != "canceled" else None


def charge(world: World, invoice: dict[str, Any], amount_minor: int) -> Refused | None:
    """Charge the customer's card for an invoice; gives the card's refusal."""
    link = link_of(world, invoice)
    if link is None:
        raise AssertionError("Bug: an open invoice without a payment")
    intent = world.get("payment_intent", link["payment"]["payment_intent"])
    world.change(intent, amount=amount_minor)
    made = _charge(world, intent, is_paid=invoice["customer"] not in world.declining)
    if not made["paid"]:
        error = {"charge": made["id"], "code": "card_declined", "type": "card_error"}
        world.tell("charge.failed", made)
        world.change(intent, status="requires_payment_method", latest_charge=made["id"], last_payment_error=error)
        world.tell("payment_intent.payment_failed", intent)
        return declined(made["id"], intent["id"])
    world.tell("charge.succeeded", made)
    world.change(
        intent, status="succeeded", latest_charge=made["id"], amount_received=amount_minor, last_payment_error=None
    )
    world.tell("payment_intent.succeeded", intent)
    transitions = link["status_transitions"] | {"paid_at": world.now()}
    world.change(link, "invoice_payment.paid", status="paid", amount_paid=amount_minor, status_transitions=transitions)
    return None


def _charge(world: World, intent: dict[str, Any], *, is_paid: bool) -> dict[str, Any]:
    amount = intent["amount"]
    made = blank(
        "charge",
        id=world.new_id("ch_3S", 16),
        amount=amount,
        amount_captured=amount if is_paid else 0,
        balance_transaction=None,
        created=world.now(),
        currency=intent["currency"],
        customer=intent["customer"],
        paid=is_paid,
        captured=is_paid,
        payment_intent=intent["id"],
        status="succeeded" if is_paid else "failed",
        failure_code=None if is_paid else "card_declined",
        failure_message=None if is_paid else "The card was declined.",
    )
    world.add(made)
    if is_paid:
        fee = amount * FEE_PER_MILLE // 1000 + FEE_FIXED_MINOR
        world.change(made, balance_transaction=book(world, made, amount, "charge", fee_minor=fee)["id"])
    return made


def call_off(world: World, invoice: dict[str, Any]) -> None:
    """Nothing will be collected for this invoice any more."""
    link = link_of(world, invoice)
    if link is None or link["status"] == "paid":
        return
    intent = world.get("payment_intent", link["payment"]["payment_intent"])
    transitions = link["status_transitions"] | {"canceled_at": world.now()}
    world.change(link, status="canceled", status_transitions=transitions)
    world.change(intent, "payment_intent.canceled", status="canceled", canceled_at=world.now())


def book(
    world: World, source: dict[str, Any], amount_minor: int, kind: str, *, category: str = "", fee_minor: int = 0
) -> dict[str, Any]:
    """One movement of the balance. Accountants go by the category; of most kinds it has the same name."""
    fee = {"amount": fee_minor, "application": None, "currency": source["currency"], "description": "Processing fee",
           "type": "stripe_fee"}  # fmt: skip
    return world.add(
        {
            "id": world.new_id("txn_1S", 16),
            "object": "balance_transaction",
            "amount": amount_minor,
            "available_on": world.now() + AVAILABLE_SECONDS,
            "balance_type": "payments",
            "created": world.now(),
            "currency": source["currency"],
            "description": None,
            "exchange_rate": None,
            "fee": fee_minor,
            "fee_details": [fee] if fee_minor else [],
            "net": amount_minor - fee_minor,
            "reporting_category": category or kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
            "payout": None,
        }
    )


def links(call: Call) -> dict[str, Any]:
    """By invoice, or by what paid it."""
    payment = form.part({"type": form.text, "payment_intent": form.text}, required=("type",))
    params = form.read(call.params, {**PAGING, "invoice": form.text, "status": form.text, "payment": payment})
    wanted = (params.get("payment") or {}).get("payment_intent")
    rows = (
        link
        for link in call.world.every("invoice_payment")
        if params.get("invoice") in (None, link["invoice"])
        and params.get("status") in (None, link["status"])
        and wanted in (None, link["payment"]["payment_intent"])
    )
    return page(rows, params, LINKS)


def transactions(call: Call) -> dict[str, Any]:
    """By payout (its own movement included), source or type. Which payout a movement went into is not shown."""
    filters = dict.fromkeys(("payout", "source", "type", "currency"), form.text)
    answer = listed(call, "balance_transaction", BALANCE, filters)
    return answer | {"data": [_shown(made) for made in answer["data"]]}


def transaction(call: Call) -> dict[str, Any]:
    """One movement."""
    return _shown(call.world.get("balance_transaction", call.id))


def _shown(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name != "payout"}


def update_charge(call: Call) -> dict[str, Any]:
    """Change what is written on a charge."""
    spec: form.Spec = {"description": form.text, "metadata": form.metadata, "receipt_email": form.text}
    given, made = form.read(call.params, spec), call.world.get("charge", call.id)
    if "metadata" in given:
        given["metadata"] = form.merge_metadata(made["metadata"], given["metadata"])
    call.world.change(made, "charge.updated", **given)
    return made


_BY_CUSTOMER: form.Spec = {"customer": form.text}
_CHARGE_FILTERS: form.Spec = {"customer": form.text, "payment_intent": form.text}

ROUTES = (
    ("GET", INTENTS, lambda call: listed(call, "payment_intent", INTENTS, _BY_CUSTOMER)),
    ("GET", f"{INTENTS}/search", lambda call: searched(call, "payment_intent", f"{INTENTS}/search")),
    ("GET", f"{INTENTS}/*", lambda call: call.world.get("payment_intent", call.id)),
    ("GET", CHARGES, lambda call: listed(call, "charge", CHARGES, _CHARGE_FILTERS)),
    ("GET", f"{CHARGES}/search", lambda call: searched(call, "charge", f"{CHARGES}/search")),
    ("GET", f"{CHARGES}/*", lambda call: call.world.get("charge", call.id)),
    ("POST", f"{CHARGES}/*", update_charge),
    ("GET", LINKS, links),
    ("GET", f"{LINKS}/*", lambda call: call.world.get("invoice_payment", call.id)),
    ("GET", BALANCE, transactions),
    ("GET", f"{BALANCE}/*", transaction),
)
