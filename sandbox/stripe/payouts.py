"""Payouts: everything that was earned and lost since the last one, sent to the bank; its parts add up to it."""

from typing import Any

from sandbox.stripe import form, payments
from sandbox.stripe.errors import wrong
from sandbox.stripe.lists import listed
from sandbox.stripe.shapes import blank
from sandbox.stripe.world import World

URL = "/v1/payouts"


def pay_out(world: World, currency: str, *, status: str = "paid") -> dict[str, Any]:
    """Send what there is in a currency. Raises: Refused when there is nothing."""
    movements = [
        each
        for each in world.table("balance_transaction").values()
        if each["currency"] == currency and each["payout"] is None
    ]
    amount = sum(each["net"] for each in movements)
    if amount <= 0:
        raise wrong(f"There is nothing to pay out in {currency}.")
    made = blank(
        "payout",
        id=world.new_id("po_1S", 16),
        amount=amount,
        arrival_date=world.now(),
        created=world.now(),
        currency=currency,
        destination="ba_sandbox",
        status="in_transit",
    )
    movements.append(payments.book(world, made, -amount, "payout"))
    made["balance_transaction"] = movements[-1]["id"]
    world.add(made)
    for each in movements:
        world.change(each, payout=made["id"], status="available")
    world.tell("payout.created", made)
    world.change(made, status=status)
    world.tell(f"payout.{status}", made)
    if status == "paid":
        world.tell("payout.reconciliation_completed", made)
    return made


ROUTES = (
    ("GET", URL, lambda call: listed(call, "payout", URL, {"status": form.text})),
    ("GET", f"{URL}/*", lambda call: call.world.get("payout", call.id)),
)
