"""Disputes: opened and closed by a bank, so by hand; read and annotated by the API."""

from typing import Any

from sandbox.stripe import form, payments
from sandbox.stripe.errors import wrong
from sandbox.stripe.lists import listed
from sandbox.stripe.shapes import blank
from sandbox.stripe.world import Call, World

URL = "/v1/disputes"
#: What Stripe keeps for the trouble.
FEE_MINOR = 2000
DUE_SECONDS = 9 * 86_400


def open_dispute(world: World, charge: dict[str, Any], amount_minor: int, reason: str) -> dict[str, Any]:
    """The bank takes the money back, for the time being. Raises: Refused."""
    if charge["disputed"] or not charge["paid"]:
        raise wrong("The charge cannot be disputed.", param="charge")
    made = blank(
        "dispute",
        id=world.new_id("du_1S", 16),
        amount=amount_minor,
        charge=charge["id"],
        created=world.now(),
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="needs_response",
    )
    made["evidence_details"] = {**made["evidence_details"], "due_by": world.now() + DUE_SECONDS}
    taken = payments.book(world, made, -amount_minor, "adjustment", category="dispute", fee_minor=FEE_MINOR)
    made["balance_transactions"] = [_shown(taken)]
    world.add(made)
    world.change(charge, disputed=True)
    world.tell("charge.dispute.created", made)
    world.tell("charge.dispute.funds_withdrawn", made)
    return made


def close_dispute(world: World, made: dict[str, Any], status: str) -> dict[str, Any]:
    """The bank decides; what was won comes back, the fee does not. Raises: Refused."""
    if made["status"] in ("won", "lost"):
        raise wrong(f"The dispute is {made['status']} already.")
    movements = made["balance_transactions"]
    if status == "won":
        given_back = payments.book(world, made, made["amount"], "adjustment", category="dispute_reversal")
        movements = [*movements, _shown(given_back)]
        world.change(world.get("charge", made["charge"]), disputed=False)
    before = world.change(made, status=status, balance_transactions=movements)
    world.tell("charge.dispute.updated", made, before)
    world.tell("charge.dispute.closed", made)
    if status == "won":
        world.tell("charge.dispute.funds_reinstated", made)
    return made


def _shown(movement: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in movement.items() if name != "payout"}


def update(call: Call) -> dict[str, Any]:
    """Evidence and metadata."""
    spec: form.Spec = {"evidence": form.anything, "metadata": form.metadata, "submit": form.boolean}
    given, made = form.read(call.params, spec), call.world.get("dispute", call.id)
    if "metadata" in given:
        merged = form.merge_metadata(made["metadata"], given["metadata"])
        call.world.change(made, "charge.dispute.updated", metadata=merged)
    return made


def accept(call: Call) -> dict[str, Any]:
    """Give in: the dispute is lost."""
    form.read(call.params, {})
    return close_dispute(call.world, call.world.get("dispute", call.id), "lost")


ROUTES = (
    ("GET", URL, lambda call: listed(call, "dispute", URL, {"charge": form.text, "payment_intent": form.text})),
    ("GET", f"{URL}/*", lambda call: call.world.get("dispute", call.id)),
    ("POST", f"{URL}/*", update),
    ("POST", f"{URL}/*/close", accept),
)
