"""Credit notes: lessen an open invoice, or give back on a paid one as refund, as credit, or outside.

Never more in all than the invoice's total.
"""

from typing import Any

from sandbox.stripe import billing, customers, drafts, form, payments, refunds
from sandbox.stripe.errors import missing, wrong
from sandbox.stripe.lists import PAGING, listed, page
from sandbox.stripe.shapes import blank
from sandbox.stripe.world import Call, World

URL = "/v1/credit_notes"

_LINE: form.Spec = {
    "amount": form.amount,
    "description": form.text,
    "invoice_line_item": form.text,
    "metadata": form.metadata,
    "quantity": form.amount,
    "type": form.one_of("invoice_line_item", "custom_line_item"),
    "unit_amount": form.amount,
}
_NEW: form.Spec = {
    "amount": form.amount,
    "credit_amount": form.integer,
    "effective_at": form.moment,
    "email_type": form.text,
    "invoice": form.text,
    "lines": form.items(_LINE, required=("type",)),
    "memo": form.text,
    "metadata": form.metadata,
    "out_of_band_amount": form.integer,
    "reason": form.one_of("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
    "refund_amount": form.integer,
    "refunds": form.items({"refund": form.text, "amount_refunded": form.amount, "type": form.text}),
}


def create(call: Call) -> dict[str, Any]:
    """A new credit note; a refund that it asks for is made with it."""
    world, given = call.world, form.read(call.params, _NEW, required=("invoice",))
    invoice = world.get("invoice", given["invoice"], param="invoice")
    if invoice["status"] not in ("open", "paid"):
        raise wrong(f"The invoice is {invoice['status']}; only an open or a paid one can be credited.", param="invoice")
    made = _note(world, invoice, given)
    _check_room(world, invoice, made["total"])
    if invoice["status"] == "open":
        made |= {"type": "pre_payment", "pre_payment_amount": made["total"], "post_payment_amount": 0}
        _keep(world, made)
        billing.credit(world, invoice, made["total"])
        return made
    made |= {"type": "post_payment", "pre_payment_amount": 0, "post_payment_amount": made["total"]}
    _give(world, invoice, made, given)
    _keep(world, made)
    amount = invoice["post_payment_credit_notes_amount"] + made["total"]
    world.change(invoice, "invoice.updated", post_payment_credit_notes_amount=amount)
    return made


def _keep(world: World, made: dict[str, Any]) -> None:
    world.add(made)
    world.tell("credit_note.created", made)


def _note(world: World, invoice: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    found = world.new_id("cn_1S", 16)
    lines = [_line(world, invoice, line) for line in given.get("lines") or ()]
    if not lines and given.get("amount"):
        lines = [_line(world, invoice, {"type": "custom_line_item", "unit_amount": given["amount"]})]
    if not lines:
        raise missing("amount")
    total = sum(line["amount"] for line in lines)
    if given.get("amount") not in (None, total):
        raise wrong("The amount and the lines do not agree.", param="amount")
    return blank(
        "credit_note",
        id=found,
        **dict.fromkeys(("amount", "total", "subtotal", "subtotal_excluding_tax", "total_excluding_tax"), total),
        created=world.now(),
        currency=invoice["currency"],
        customer=invoice["customer"],
        effective_at=given.get("effective_at") or world.now(),
        invoice=invoice["id"],
        lines={"object": "list", "data": lines, "has_more": False, "url": f"{URL}/{found}/lines"},
        memo=given.get("memo"),
        metadata=form.merge_metadata({}, given.get("metadata", {})),
        number=f"{invoice['number']}-CN-{len(_notes_of(world, invoice)) + 1:02}",
        pdf=f"https://invoice.example.com/c/{found}/pdf",
        reason=given.get("reason"),
        status="issued",
    )


def _line(world: World, invoice: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    quantity = given.get("quantity") or 1
    original = None
    if given["type"] == "invoice_line_item":
        original = drafts.find_line(world, invoice["id"], given.get("invoice_line_item") or "")
        unit = int(original["amount"]) // max(original["quantity"], 1)
        amount = given.get("amount") or unit * quantity
        if amount > original["amount"]:
            raise wrong("The line would be credited beyond its amount.", param="lines")
    else:
        unit = given.get("unit_amount") or given.get("amount")
        if unit is None:
            raise missing("lines[0][unit_amount]")
        amount = unit * quantity
    return {
        "id": world.new_id("cnli_1S", 16),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": given.get("description") or (original or {}).get("description"),
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": original["id"] if original else None,
        "livemode": world.livemode,
        "metadata": form.merge_metadata({}, given.get("metadata", {})),
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": [],
        "type": given["type"],
        "unit_amount": unit,
        "unit_amount_decimal": str(unit),
    }


def _notes_of(world: World, invoice: dict[str, Any]) -> list[dict[str, Any]]:
    return [note for note in world.table("credit_note").values() if note["invoice"] == invoice["id"]]


def _check_room(world: World, invoice: dict[str, Any], total: int) -> None:
    credited = sum(note["total"] for note in _notes_of(world, invoice) if note["status"] == "issued")
    left = invoice["amount_remaining"] if invoice["status"] == "open" else invoice["total"] - credited
    if total > left:
        raise wrong(f"{total} is more than the {left} that can still be credited on this invoice.", param="amount")


def _give(world: World, invoice: dict[str, Any], made: dict[str, Any], given: dict[str, Any]) -> None:
    """Where the money of a paid invoice goes. All parts together must be the total."""
    linked = [_linked(world, each) for each in given.get("refunds") or ()]
    parts = {name: given.get(name) or 0 for name in ("credit_amount", "out_of_band_amount", "refund_amount")}
    if sum(parts.values()) + sum(each["amount_refunded"] for each in linked) != made["total"]:
        raise wrong("refund_amount, credit_amount, out_of_band_amount and refunds must make the total.", param="amount")
    if parts["refund_amount"]:
        refund = refunds.give_back(world, _charge_of(world, invoice, parts["refund_amount"]), parts["refund_amount"],
                                   None, None)  # fmt: skip
        linked.append(_link(refund, refund["amount"]))
    if parts["credit_amount"]:
        customer = world.get("customer", invoice["customer"], param="invoice")
        customers.move_balance(world, customer, -parts["credit_amount"])
        made["customer_balance_transaction"] = world.new_id("cbtxn_1S", 16)
    made |= {"refunds": linked, "out_of_band_amount": parts["out_of_band_amount"] or None}


def _charge_of(world: World, invoice: dict[str, Any], amount_minor: int) -> dict[str, Any]:
    link = payments.link_of(world, invoice)
    if link is None or link["status"] != "paid":
        raise wrong("The invoice was not paid by a charge; nothing can be refunded.", param="refund_amount")
    intent = world.get("payment_intent", link["payment"]["payment_intent"])
    charge = world.get("charge", intent["latest_charge"])
    if amount_minor > refunds.left_of(charge):
        raise wrong("More than is left of the invoice's charge.", param="refund_amount")
    return charge


def _linked(world: World, given: dict[str, Any]) -> dict[str, Any]:
    refund = world.get("refund", given.get("refund") or "", param="refunds[0][refund]")
    return _link(refund, given.get("amount_refunded") or refund["amount"])


def _link(refund: dict[str, Any], amount_minor: int) -> dict[str, Any]:
    return {"amount_refunded": amount_minor, "payment_record_refund": None, "refund": refund["id"], "type": "refund"}


def update(call: Call) -> dict[str, Any]:
    """The memo and the metadata."""
    given, made = form.read(call.params, {"memo": form.text, "metadata": form.metadata}), _get(call)
    if "metadata" in given:
        given["metadata"] = form.merge_metadata(made["metadata"], given["metadata"])
    call.world.change(made, "credit_note.updated", **given)
    return made


def void(call: Call) -> dict[str, Any]:
    """Take it back; only while the invoice is open, because afterwards money has moved."""
    form.read(call.params, {})
    world, made = call.world, _get(call)
    invoice = world.get("invoice", made["invoice"])
    if made["status"] != "issued":
        raise wrong("The credit note is void already.")
    if made["type"] != "pre_payment" or invoice["status"] != "open":
        raise wrong("Only a credit note of an open invoice can be voided.")
    world.change(made, "credit_note.voided", status="void", voided_at=world.now())
    billing.credit(world, invoice, -made["total"])
    return made


def lines(call: Call) -> dict[str, Any]:
    """The lines of one."""
    return page(_get(call)["lines"]["data"], form.read(call.params, PAGING), f"{URL}/{call.id}/lines")


def _get(call: Call) -> dict[str, Any]:
    return call.world.get("credit_note", call.id)


ROUTES = (
    ("POST", URL, create),
    ("GET", URL, lambda call: listed(call, "credit_note", URL, {"customer": form.text, "invoice": form.text})),
    ("GET", f"{URL}/*", _get),
    ("POST", f"{URL}/*", update),
    ("POST", f"{URL}/*/void", void),
    ("GET", f"{URL}/*/lines", lines),
)
