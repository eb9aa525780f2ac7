"""Lines put onto a draft, or taken off it, several in one request: all of them or none."""

from typing import Any

from sandbox.stripe import drafts, form, items
from sandbox.stripe.errors import invalid
from sandbox.stripe.world import Call

URL = "/v1/invoices"
LINES_MAX = 250

_ADDED: form.Spec = {
    name: items._FIELDS[name]
    for name in ("amount", "description", "discountable", "metadata", "period", "price_data", "pricing", "quantity")
}
_REMOVED: form.Spec = {"id": form.text, "behavior": form.one_of("delete", "unassign")}


def add(call: Call) -> dict[str, Any]:
    """New items, each a line of the draft at once. Raises: Refused before the first is added."""
    given = form.read(call.params, {"lines": form.items(_ADDED)}, required=("lines",))
    world, invoice = call.world, drafts.editable(call.world, call.id)
    if not 1 <= len(given["lines"]) <= LINES_MAX:
        raise invalid("lines", f"Between 1 and {LINES_MAX} lines can be added at once.")
    made = [
        items._item(world, {"customer": invoice["customer"], "invoice": invoice["id"], **line}, invoice["currency"])
        for line in given["lines"]
    ]
    if any(item["currency"] != invoice["currency"] for item in made):
        raise invalid("lines", "A line and the invoice are in different currencies.")
    for item in made:
        world.add(item)
        world.tell("invoiceitem.created", item)
    drafts.put(world, invoice, made)
    return invoice


def remove(call: Call) -> dict[str, Any]:
    """Lines off the draft; their items are deleted, or wait for another invoice."""
    spec: form.Spec = {"lines": form.items(_REMOVED, required=("id", "behavior"))}
    given = form.read(call.params, spec, required=("lines",))
    world, invoice = call.world, drafts.editable(call.world, call.id)
    found = [(drafts.find_line(world, invoice["id"], line["id"]), line["behavior"]) for line in given["lines"]]
    for line, behavior in found:
        item = world.get("invoiceitem", line["parent"]["invoice_item_details"]["invoice_item"])
        drafts.take_off(world, invoice, item["id"])
        world.change(item, invoice=None)
        if behavior == "delete":
            world.remove(item)
            world.tell("invoiceitem.deleted", item)
    return invoice


ROUTES = (
    ("POST", f"{URL}/*/add_lines", add),
    ("POST", f"{URL}/*/remove_lines", remove),
)
