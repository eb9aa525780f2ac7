"""Refunds: never more than is left of a charge, whoever asks and in whatever portions."""

from typing import Any

from sandbox.stripe import form, payments
from sandbox.stripe.errors import missing, wrong
from sandbox.stripe.lists import listed
from sandbox.stripe.shapes import blank
from sandbox.stripe.world import Call, World

URL = "/v1/refunds"

_NEW: form.Spec = {
    "amount": form.amount,
    "charge": form.text,
    "currency": form.currency,
    "instructions_email": form.text,
    "metadata": form.metadata,
    "payment_intent": form.text,
    "reason": form.one_of("duplicate", "fraudulent", "requested_by_customer"),
    "refund_application_fee": form.boolean,
    "reverse_transfer": form.boolean,
}


def create(call: Call) -> dict[str, Any]:
    """Give back all that is left, or an amount of it."""
    world, given = call.world, form.read(call.params, _NEW)
    charge = _charge_of(world, given)
    left = left_of(charge)
    if charge["disputed"]:
        raise wrong("The charge is disputed; the bank gives the money back.", code="charge_disputed")
    if left == 0:
        raise wrong("The charge is refunded already.", code="charge_already_refunded")
    amount = given.get("amount") or left
    if amount > left:
        raise wrong(f"{amount} is more than the {left} that are left of the charge.", param="amount")
    return give_back(world, charge, amount, given.get("reason"), given.get("metadata"))


def _charge_of(world: World, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("charge"):
        charge = world.get("charge", given["charge"], param="charge")
    elif given.get("payment_intent"):
        intent = world.get("payment_intent", given["payment_intent"], param="payment_intent")
        if not intent["latest_charge"]:
            raise wrong("The payment intent has no charge.", param="payment_intent")
        charge = world.get("charge", intent["latest_charge"], param="payment_intent")
    else:
        raise missing("charge")
    if not charge["paid"]:
        raise wrong("The charge did not succeed; there is nothing to give back.", param="charge")
    return charge


def left_of(charge: dict[str, Any]) -> int:
    """What can still be given back."""
    return int(charge["amount_captured"] - charge["amount_refunded"])


def give_back(world: World, charge: dict[str, Any], amount_minor: int, reason: str | None,
              metadata: dict[str, str] | None) -> dict[str, Any]:  # fmt: skip
    """A refund of an amount that has been checked."""
    made = blank(
        "refund",
        id=world.new_id("re_3S", 16),
        amount=amount_minor,
        charge=charge["id"],
        created=world.now(),
        currency=charge["currency"],
        metadata=form.merge_metadata({}, metadata),
        payment_intent=charge["payment_intent"],
        reason=reason,
    )
    made["balance_transaction"] = payments.book(world, made, -amount_minor, "refund")["id"]
    world.add(made)
    refunded = charge["amount_refunded"] + amount_minor
    whole = refunded == charge["amount_captured"]
    world.change(charge, "charge.refunded", amount_refunded=refunded, refunded=whole)
    world.tell("refund.created", made)
    return made


def update(call: Call) -> dict[str, Any]:
    """Only metadata can change."""
    given, made = form.read(call.params, {"metadata": form.metadata}), call.world.get("refund", call.id)
    if "metadata" in given:
        merged = form.merge_metadata(made["metadata"], given["metadata"])
        before = call.world.change(made, metadata=merged)
        if before:
            call.world.tell("refund.updated", made, before)
            call.world.tell("charge.refund.updated", made, before)
    return made


def cancel(call: Call) -> dict[str, Any]:
    """Only a refund that still waits for the customer can be called off; one to a card never does."""
    form.read(call.params, {})
    made = call.world.get("refund", call.id)
    if made["status"] != "requires_action":
        raise wrong(f"The refund is {made['status']}; only one that requires action can be canceled.")
    _take_back(call.world, made, "canceled", None)
    return made


def fail(world: World, made: dict[str, Any], reason: str) -> dict[str, Any]:
    """The bank sends the money back: the charge is as if it had not been refunded."""
    _take_back(world, made, "failed", reason)
    world.tell("refund.failed", made)
    return made


def _take_back(world: World, made: dict[str, Any], status: str, reason: str | None) -> None:
    charge = world.get("charge", made["charge"])
    booked = payments.book(world, made, made["amount"], "refund_failure")
    failure = {"failure_reason": reason, "failure_balance_transaction": booked["id"]} if reason else {}
    before = world.change(made, status=status, **failure)
    world.tell("refund.updated", made, before)
    world.change(charge, "charge.updated", amount_refunded=charge["amount_refunded"] - made["amount"], refunded=False)


ROUTES = (
    ("POST", URL, create),
    ("GET", URL, lambda call: listed(call, "refund", URL, {"charge": form.text, "payment_intent": form.text})),
    ("GET", f"{URL}/*", lambda call: call.world.get("refund", call.id)),
    ("POST", f"{URL}/*", update),
    ("POST", f"{URL}/*/cancel", cancel),
)
