"""What becomes of an invoice: finalized, paid, declined, voided, given up."""

from typing import Any

from sandbox.stripe import customers, form, payments
from sandbox.stripe.errors import Refused, wrong
from sandbox.stripe.world import Call, World

URL = "/v1/invoices"
#: When Stripe tries a declined card again, first.
RETRY_SECONDS = 3 * 86_400


def finalize(call: Call) -> dict[str, Any]:
    """A draft becomes what the customer owes; nothing to pay is paid at once."""
    form.read(call.params, {"auto_advance": form.boolean})
    invoice = call.world.get("invoice", call.id)
    if invoice["status"] != "draft":
        raise wrong(f"The invoice is {invoice['status']}, only a draft can be finalized.", code="invoice_not_editable")
    close(call.world, invoice)
    return invoice


def close(world: World, invoice: dict[str, Any]) -> None:
    """Finalize a draft."""
    customer = world.get("customer", invoice["customer"], param="customer")
    start = customer["balance"]
    # Credit is negative and lessens what is due; a debt is collected with this invoice.
    used = -start if start > 0 else min(invoice["total"], -start)
    due = max(0, invoice["total"] - used)
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}"
    now = world.now()
    world.change(
        invoice,
        status="open",
        number=invoice["number"] or number,
        starting_balance=start,
        ending_balance=start + used,
        amount_due=due,
        amount_remaining=due,
        effective_at=invoice["effective_at"] or now,
        hosted_invoice_url=f"https://invoice.example.com/i/{invoice['id']}",
        invoice_pdf=f"https://invoice.example.com/i/{invoice['id']}/pdf",
        status_transitions=invoice["status_transitions"] | {"finalized_at": now},
    )
    world.change(customer, next_invoice_sequence=customer["next_invoice_sequence"] + 1, currency=invoice["currency"])
    if used:
        customers.move_balance(world, customer, used)
    if due:
        payments.ask_for(world, invoice)
    world.tell("invoice.finalized", invoice)
    if not due:
        settle(world, invoice, 0)


def pay(call: Call) -> dict[str, Any]:
    """Collect it now; a draft is finalized first. Raises: Refused, with 402 when the card says no."""
    spec = dict.fromkeys(("mandate", "payment_method", "source"), form.text)
    flags = dict.fromkeys(("forgive", "off_session", "paid_out_of_band"), form.boolean)
    given = form.read(call.params, {**spec, **flags})
    world, invoice = call.world, call.world.get("invoice", call.id)
    if invoice["status"] == "draft":
        close(world, invoice)
    elif invoice["status"] not in ("open", "uncollectible"):
        raise wrong(f"The invoice is {invoice['status']} and cannot be paid.", code="invoice_already_paid"
                    if invoice["status"] == "paid" else "invoice_not_payable")  # fmt: skip
    if invoice["status"] == "paid":
        return invoice
    refused = collect(world, invoice, outside=given.get("paid_out_of_band", False))
    if refused is not None:
        raise refused
    return invoice


def collect(world: World, invoice: dict[str, Any], *, outside: bool = False) -> Refused | None:
    """Try to collect an open invoice; gives the card's refusal."""
    amount = invoice["amount_remaining"]
    attempts = invoice["attempt_count"] + 1
    if outside:
        payments.call_off(world, invoice)
        world.change(invoice, attempted=True, amount_paid_off_stripe=amount)
        settle(world, invoice, amount)
        return None
    world.change(invoice, attempted=True, attempt_count=attempts)
    refused = payments.charge(world, invoice, amount)
    if refused is None:
        settle(world, invoice, amount)
        return None
    world.change(invoice, next_payment_attempt=world.now() + RETRY_SECONDS if invoice["auto_advance"] else None)
    world.tell("invoice.payment_failed", invoice)
    return refused


def settle(world: World, invoice: dict[str, Any], amount_minor: int) -> None:
    """Nothing is left to pay."""
    before = world.change(
        invoice,
        status="paid",
        amount_paid=invoice["amount_paid"] + amount_minor,
        amount_remaining=invoice["amount_remaining"] - amount_minor,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        status_transitions=invoice["status_transitions"] | {"paid_at": world.now()},
    )
    world.tell("invoice.updated", invoice, before)
    world.tell("invoice.paid", invoice)
    world.tell("invoice.payment_succeeded", invoice)


def void(call: Call) -> dict[str, Any]:
    """As if it had never been owed; the number stays."""
    form.read(call.params, {})
    world, invoice = call.world, call.world.get("invoice", call.id)
    _check_unpaid(invoice, "voided")
    payments.call_off(world, invoice)
    now = world.now()
    transitions = invoice["status_transitions"] | {"voided_at": now}
    world.change(invoice, "invoice.voided", status="void", auto_advance=False, status_transitions=transitions)
    return invoice


def give_up(call: Call) -> dict[str, Any]:
    """Nobody expects the money any more."""
    form.read(call.params, {})
    world, invoice = call.world, call.world.get("invoice", call.id)
    _check_unpaid(invoice, "marked as uncollectible")
    transitions = invoice["status_transitions"] | {"marked_uncollectible_at": world.now()}
    world.change(invoice, "invoice.marked_uncollectible", status="uncollectible", status_transitions=transitions)
    return invoice


def send(call: Call) -> dict[str, Any]:
    """Send it to the customer; a draft is finalized first."""
    form.read(call.params, {})
    world, invoice = call.world, call.world.get("invoice", call.id)
    if invoice["collection_method"] != "send_invoice":
        raise wrong("This invoice is collected by itself; it is not sent.")
    if invoice["status"] == "draft":
        close(world, invoice)
    world.tell("invoice.sent", invoice)
    return invoice


def _check_unpaid(invoice: dict[str, Any], what: str) -> None:
    if invoice["status"] not in ("open", "uncollectible"):
        raise wrong(f"The invoice is {invoice['status']} and cannot be {what}.", code="invoice_not_editable")


def credit(world: World, invoice: dict[str, Any], amount_minor: int) -> None:
    """Lessen what an open invoice asks for; a negative amount takes that back."""
    world.change(
        invoice,
        "invoice.updated",
        pre_payment_credit_notes_amount=invoice["pre_payment_credit_notes_amount"] + amount_minor,
        amount_due=invoice["amount_due"] - amount_minor,
        amount_remaining=invoice["amount_remaining"] - amount_minor,
    )
    if invoice["amount_remaining"] == 0:
        payments.call_off(world, invoice)
        settle(world, invoice, 0)


def close_and_collect(world: World, invoice: dict[str, Any]) -> Refused | None:
    """What a subscription does with its invoices."""
    world.change(invoice, auto_advance=True)
    close(world, invoice)
    return None if invoice["status"] == "paid" else collect(world, invoice)


ROUTES = (
    ("POST", f"{URL}/*/finalize", finalize),
    ("POST", f"{URL}/*/pay", pay),
    ("POST", f"{URL}/*/void", void),
    ("POST", f"{URL}/*/mark_uncollectible", give_up),
    ("POST", f"{URL}/*/send", send),
)
